// No recording rules: the alerts and the dashboard read what the controller exposes.
{
  prometheusRules+:: { groups+: [] },
}
