output "azure_tenant_id" {
  description = "AZURE_TENANT_ID"
  value       = data.azuread_client_config.current.tenant_id
}

output "azure_client_id" {
  description = "AZURE_CLIENT_ID"
  value       = azuread_application.mfa_rollback.client_id
}
