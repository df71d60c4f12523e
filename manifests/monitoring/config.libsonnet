{
  _config+:: {
    // Label matchers for every series of the alerts, such as 'job="sealed-secrets"'. Empty: whatever is scraped.
    selector: '',

    // Where the documentation is published, up to the anchor: https://…/docs/troubleshoot.md#
    runbookBase: 'docs/troubleshoot.md#',

    // Label `severity` of the alerts.
    severity: 'warning',

    // A key that is this many seconds late is overdue. Failing renewals are tried again every ten minutes at the latest.
    renewalGraceSeconds: 3600,

    // How many days before its end a certificate without a planned successor is reported.
    certificateDays: 14,

    // An object that waits for a worker this many seconds waits too long.
    queueSeconds: 300,
  },
}
