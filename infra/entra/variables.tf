variable "name" {
  description = "The registration's display name."
  type        = string
  default     = "mfa-rollback"
}

variable "writer" {
  description = "The permission to delete methods, too: for canary and enforce. Only issuer and subjects keep a second registration apart: a certificate can be read by both functions."
  type        = bool
  default     = false
}

variable "hidden_members" {
  description = "The permission to read groups with hidden membership, too, which only diagnose makes use of."
  type        = bool
  default     = false
}

variable "issuer" {
  description = "The AWS account's issuer, as `aws iam get-outbound-web-identity-federation-info` prints it."
  type        = string
  default     = ""

  validation {
    condition     = var.issuer == "" || startswith(var.issuer, "https://")
    error_message = "The issuer must begin with https://."
  }
}

variable "subjects" {
  description = "The ARNs of the functions' roles, which sign in without a secret."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.subjects : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", arn))])
    error_message = "Each subject must be a role's ARN, like arn:aws:iam::123456789012:role/mfa-rollback-poll."
  }
}
