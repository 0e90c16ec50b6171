# The app registration in Entra, as app-registration.sh makes it. Sign in with `az login
# --allow-no-subscriptions` as somebody who may grant admin consent, then:
#
#   terraform init
#   terraform apply -var 'subjects=["arn:aws:iam::123456789012:role/mfa-rollback-poll", …]' -var issuer=https://…
#
# `terraform destroy` takes everything away.

terraform {
  required_version = ">= 1.5"
  required_providers {
    azuread = {
      source  = "hashicorp/azuread"
      version = "3.7.0"
    }
  }
}

locals {
  reading = [
    "AuditLog.Read.All",
    "Directory.Read.All",
    "Policy.Read.All",
    "RoleManagement.Read.Directory",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "UserAuthenticationMethod.Read.All",
  ]
  deleting = ["UserAuthenticationMethod.ReadWrite.All"]
  hidden   = ["Member.Read.Hidden"]
  permissions = toset(concat(
    local.reading, var.writer ? local.deleting : [], var.hidden_members ? local.hidden : []
  ))
}

data "azuread_client_config" "current" {}

data "azuread_application_published_app_ids" "well_known" {}

data "azuread_service_principal" "graph" {
  client_id = data.azuread_application_published_app_ids.well_known.result["MicrosoftGraph"]
}

resource "azuread_application" "mfa_rollback" {
  display_name            = var.name
  sign_in_audience        = "AzureADMyOrg"
  prevent_duplicate_names = true

  required_resource_access {
    resource_app_id = data.azuread_service_principal.graph.client_id

    dynamic "resource_access" {
      for_each = local.permissions
      content {
        id   = data.azuread_service_principal.graph.app_role_ids[resource_access.value]
        type = "Role"
      }
    }
  }
}

resource "azuread_service_principal" "mfa_rollback" {
  client_id = azuread_application.mfa_rollback.client_id
}

# Admin consent.
resource "azuread_app_role_assignment" "graph" {
  for_each            = local.permissions
  app_role_id         = data.azuread_service_principal.graph.app_role_ids[each.value]
  principal_object_id = azuread_service_principal.mfa_rollback.object_id
  resource_object_id  = data.azuread_service_principal.graph.object_id
}

resource "azuread_application_federated_identity_credential" "role" {
  for_each       = var.subjects
  application_id = azuread_application.mfa_rollback.id
  display_name   = replace("${split(":", each.value)[4]}-${reverse(split("/", each.value))[0]}", "/[^A-Za-z0-9_-]/", "-")
  audiences      = ["api://AzureADTokenExchange"]
  issuer         = var.issuer
  subject        = each.value

  lifecycle {
    precondition {
      condition     = var.issuer != ""
      error_message = "subjects need issuer."
    }
  }
}
