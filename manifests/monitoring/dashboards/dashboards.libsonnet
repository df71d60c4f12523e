{
  grafanaDashboards+:: {
    'sealed-secrets-controller.json': import 'sealed-secrets-controller.libsonnet',
  },
}
