// What the controller opens, what fails and waits, and which keys are in use.

local source = { type: 'prometheus', uid: '${datasource}' };
local prefix = 'sealed_secrets_controller_';

// By the metrics' own label, whatever the Pod is called. Without a label `pod` (a target given by hand) `All` still matches.
local series(name, matchers='') =
  '%s{%spod=~"$pod"}' % [name, if matchers == '' then '' else matchers + ', '];
local own(name, matchers='') = series(prefix + name, matchers);
local rate(name) = 'rate(%s[$__rate_interval])' % own(name);

local target(expr, legend) = { expr: expr, legendFormat: legend };

local panel(title, type, x, y, w, h, description, targets) = {
  title: title,
  type: type,
  description: description,
  datasource: source,
  gridPos: { x: x, y: y, w: w, h: h },
  fieldConfig: { defaults: {}, overrides: [] },
  options: {},
  targets: [targets[i] { refId: std.char(65 + i), datasource: source } for i in std.range(0, std.length(targets) - 1)],
};
local unit(unit) = { fieldConfig+: { defaults+: { unit: unit } } };
local steps(values) = {
  fieldConfig+: { defaults+: { thresholds: { mode: 'absolute', steps: values } } },
};

local graph(title, x, y, w, unitOfValues, description, targets) =
  panel(title, 'timeseries', x, y, w, 8, description, targets) +
  unit(unitOfValues) + { fieldConfig+: { defaults+: { min: 0 } } };

local number(title, x, unitOfValue, colours, description, expr) =
  panel(title, 'stat', x, 0, 4, 4, description, [target(expr, '') { instant: true }]) +
  unit(unitOfValue) + steps(colours) +
  { options: { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } } };

local green = { color: 'green', value: null };
local red(value) = { color: 'red', value: value };
local badBelow(value) = [{ color: 'red', value: null }, { color: 'green', value: value }];

local panels = [
  number('Working replicas', 0, 'none', badBelow(1),
         'One replica works, the others wait and serve the certificate.',
         'sum(%s)' % own('leader')),
  number('Not in sync', 4, 'none', [green, red(1)],
         'SealedSecrets whose condition Synced is False.',
         'count(%s == -1) or vector(0)' % own('condition_info', 'condition="Synced"')),
  number('Waiting objects', 8, 'none', [green],
         'Objects that wait for a worker.',
         'sum(%s)' % own('queue_depth')),
  number('Next key in', 12, 's', badBelow(0),
         'Until the next sealing key is made. Nothing is shown where renewal is off; below zero it is overdue.',
         'min(%s - time())' % own('key_renewal_due_seconds')),
  number('Certificate ends in', 16, 's', badBelow(14 * 86400),
         'Until the certificate that people seal with ends.',
         'min((%s - time()) and (%s == 1))' % [own('key_not_after_seconds'), own('key_current')]),
  number('Unusable key Secrets', 20, 'none', [green, red(1)],
         'Secrets that are labelled as sealing keys and hold no usable one.',
         'max(%s)' % own('unusable_keys')),

  graph('Attempts to unseal per second', 0, 4, 12, 'reqps', 'Every attempt, also those with nothing to do.',
        [target('sum(%s)' % rate('unseal_requests_total'), 'attempts')]),
  graph('Errors per second, by reason', 12, 4, 12, 'reqps', 'Failed attempts by the step that failed.',
        [target('sum by (reason) (%s)' % rate('unseal_errors_total'), '{{reason}}')]),

  graph('Waiting objects', 0, 12, 8, 'none', 'Objects that wait for a worker, by what brought them into the queue.',
        [target('sum by (class) (%s)' % own('queue_depth'), '{{class}}')]),
  graph('Longest wait', 8, 12, 8, 's', 'How long the first object of each class has been waiting.',
        [target('max by (class) (%s)' % own('queue_oldest_seconds'), '{{class}}')]),
  graph('Duration of an attempt', 16, 12, 8, 's', 'From the begin of an attempt to its end.', [
    target('histogram_quantile(%g, sum by (le) (%s))' % [percent / 100, rate('reconcile_duration_seconds_bucket')], '%d %%' % percent)
    for percent in [50, 99]
  ]),

  graph('Private key operations per second', 0, 20, 8, 'ops', 'The expensive part. Many failed ones mean many keys and no hint which one fits.',
        [target('sum by (result) (%s)' % rate('decrypt_attempts_total'), '{{result}}')]),
  graph('SealedSecrets by key', 8, 20, 8, 'none', 'Which keys are still needed. Re-encrypt to move files to the newest one.',
        [target('sum by (fingerprint) (%s)' % own('sealed_secrets_by_key'), '{{fingerprint}}')]),
  graph('Foreign changes to Secrets', 16, 20, 8, 'none', 'Changes that others made to Secrets of SealedSecrets.',
        [target('sum by (namespace) (increase(%s[$__rate_interval]))' % own('secret_drifts_total'), '{{namespace}}')]),

  graph('Requests per second', 0, 28, 8, 'reqps', 'Certificate, verify and rotate.',
        [target('sum by (path, code) (%s)' % rate('http_requests_total'), '{{path}} {{code}}')]),
  graph('Memory', 8, 28, 8, 'bytes', 'Resident memory of the process.',
        [target('%s and on (instance) %s' % [series('process_resident_memory_bytes'), own('build_info')], '{{instance}}')]),
  graph('CPU', 16, 28, 8, 'none', 'Cores in use.',
        [target('rate(%s[$__rate_interval]) and on (instance) %s' % [series('process_cpu_seconds_total'), own('build_info')], '{{instance}}')]),

  panel('SealedSecrets that are not in sync', 'table', 0, 36, 24, 8, 'Their conditions tell why: kubectl describe sealedsecret.',
        [target('min by (namespace, name) (%s) == -1' % own('condition_info', 'condition="Synced"'), '') { format: 'table', instant: true }]),
];

{
  title: 'Sealed Secrets Controller',
  uid: 'UuEtZCVWz',
  description: 'What the controller opens, what fails and waits, and which keys are in use.',
  tags: ['sealed-secrets'],
  editable: true,
  graphTooltip: 1,
  refresh: '1m',
  schemaVersion: 39,
  time: { from: 'now-24h', to: 'now' },
  timezone: '',
  templating: {
    list: [
      {
        name: 'datasource',
        label: 'Data source',
        type: 'datasource',
        query: 'prometheus',
        current: {},
        hide: 0,
        refresh: 1,
      },
      {
        name: 'pod',
        label: 'Pod',
        type: 'query',
        datasource: source,
        query: { query: 'label_values(%sbuild_info, pod)' % prefix, refId: 'pod' },
        refresh: 2,
        sort: 1,
        includeAll: true,
        allValue: '.*',
        multi: true,
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
  panels: [panels[i] { id: i + 1 } for i in std.range(0, std.length(panels) - 1)],
}
