(import 'sealed-secrets-alerts.libsonnet')
