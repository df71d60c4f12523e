{
  local config = $._config,

  local series(name, matchers='') =
    local all = std.join(', ', std.filter(function(text) text != '', [matchers, config.selector]));
    'sealed_secrets_controller_%s{%s}' % [name, all],

  local alert(name, expr, wait, summary, description) = {
    alert: name,
    expr: expr,
    [if wait != null then 'for']: wait,
    labels: { severity: config.severity },
    annotations: {
      summary: summary,
      description: description,
      // The heading of the entry is the name of the alert; anchors are in lower case.
      runbook_url: config.runbookBase + std.asciiLower(name),
    },
  },

  prometheusAlerts+:: {
    groups+: [{
      name: 'sealed-secrets',
      rules: [
        // Fires at once: a rate above zero lasts five minutes as it is, and failures are rarely sustained.
        alert(
          'SealedSecretsUnsealErrorHigh',
          'sum by (reason, namespace) (rate(%s[5m])) > 0' % series('unseal_errors_total'),
          null,
          'Sealed Secrets fails to unseal.',
          'In namespace {{ $labels.namespace }} the controller failed in the last five minutes, with reason {{ $labels.reason }}.'
        ),
        alert(
          'SealedSecretsObjectFailing',
          'min by (namespace, name) (%s) == -1' % series('condition_info', 'condition="Synced"'),
          '15m',
          'A SealedSecret is not in sync.',
          'SealedSecret {{ $labels.namespace }}/{{ $labels.name }} has been failing for a quarter of an hour. Its conditions tell why.'
        ),
        alert(
          'SealedSecretsKeyRenewalOverdue',
          'max by (namespace, job) (time() - %s) > %d' % [series('key_renewal_due_seconds'), config.renewalGraceSeconds],
          '15m',
          'The sealing key was not renewed.',
          'The controller in namespace {{ $labels.namespace }} was to make a new sealing key {{ $value | humanizeDuration }} ago. Its log tells why it could not.'
        ),
        // Silent while a successor is planned that comes before the certificate ends.
        alert(
          'SealedSecretsCertificateExpiresSoon',
          |||
            min by (namespace, job, fingerprint) (
              (%(end)s - time()) and (%(current)s == 1)
            ) < %(days)d * 86400
            unless on (namespace, job) (
              max by (namespace, job) (%(due)s > time())
              <
              min by (namespace, job) ((%(end)s > time()) and (%(current)s == 1))
            )
          ||| % {
            end: series('key_not_after_seconds'),
            current: series('key_current'),
            due: series('key_renewal_due_seconds'),
            days: config.certificateDays,
          },
          '15m',
          'The certificate to seal with ends soon, or has ended.',
          'The certificate of the current key {{ $labels.fingerprint }} {{ if gt $value 0.0 }}ends in {{ $value | humanizeDuration }} and no renewal is planned before that{{ else }}has ended{{ end }}. kubeseal refuses a certificate that has ended.'
        ),
        alert(
          'SealedSecretsKeyUnusable',
          'max by (namespace, job) (%s) > 0' % series('unusable_keys'),
          '15m',
          'A Secret that is labelled as a sealing key holds none.',
          '{{ $value }} key Secrets in namespace {{ $labels.namespace }} cannot be used. What was sealed with these keys cannot be opened.'
        ),
        alert(
          'SealedSecretsQueueSlow',
          'max by (namespace, job, class) (%s) > %d' % [series('queue_oldest_seconds'), config.queueSeconds],
          '5m',
          'SealedSecrets wait long for their turn.',
          'In the queue {{ $labels.class }} of the controller in namespace {{ $labels.namespace }} an object has been waiting for {{ $value | humanizeDuration }}.'
        ),
        alert(
          'SealedSecretsNoLeader',
          'max by (namespace, job) (%s) == 0' % series('leader'),
          '5m',
          'No replica of the controller works.',
          'All replicas of the controller in namespace {{ $labels.namespace }} wait for the lease. Nothing is unsealed and no key is renewed.'
        ),
        alert(
          'SealedSecretsControllerAbsent',
          'absent(%s)' % series('build_info'),
          '10m',
          'The controller is not scraped.',
          'Prometheus has not seen the Sealed Secrets controller for ten minutes. It is down, or its metrics are not reached.'
        ),
      ],
    }],
  },
}
