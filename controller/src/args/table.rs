//! The flags: those of the reference with their defaults, and ours (spec/controller.md 1.2).

use sealed_secrets_flags::{Flag, Kind};

/// Every flag of the controller. The help texts are what `--help` shows.
pub(super) const FLAGS: &[Flag] = &[
    Flag::new(
        "accept-deprecated-v1-data",
        Kind::Bool,
        "accept SealedSecrets that hold one blob in the deprecated field 'data'",
    )
    .default("true"),
    Flag::new(
        "additional-namespaces",
        Kind::String,
        "comma-separated namespaces to watch besides the controller's own; overrides --all-namespaces",
    ),
    Flag::new("all-namespaces", Kind::Bool, "watch all namespaces; false for the controller's own only")
        .default("true"),
    Flag::new(
        "heal-drift",
        Kind::Bool,
        "put back what others change in a controlled Secret; without it that is only reported",
    ),
    Flag::new(
        "key-cutoff-time",
        Kind::String,
        "make a new key at start if the newest is older than this time, as printed by 'date -R'",
    ),
    Flag::new("key-order-priority", Kind::String, "what ranks keys: CertNotBefore or SecretCreationTimestamp")
        .default("CertNotBefore"),
    Flag::new("key-prefix", Kind::String, "start of the names of key Secrets").default("sealed-secrets-key"),
    Flag::new("key-renew-period", Kind::Duration, "how often a new key is made; 0 for never").default("720h0m0s"),
    Flag::alias("rotate-period", "key-renew-period", Kind::Duration, "old name of --key-renew-period")
        .deprecated("please use key-renew-period instead"),
    Flag::new("key-size", Kind::Int, "bits of new keys").default("4096"),
    Flag::new("key-ttl", Kind::Duration, "validity of the certificates of new keys").default("87600h0m0s"),
    Flag::new(
        "kubeclient-burst",
        Kind::Int,
        "API calls allowed at once; unlimited unless this or --kubeclient-qps is given",
    ),
    Flag::new(
        "kubeclient-qps",
        Kind::Float32,
        "API calls per second, negative for no limit; unlimited unless this or --kubeclient-burst is given",
    ),
    Flag::new("leader-elect", Kind::Bool, "have one of several replicas do the work, where leases are permitted")
        .default("true"),
    Flag::new("leader-elect-lease-name", Kind::String, "name of the lease that the replicas share")
        .default("sealed-secrets-controller"),
    Flag::new("label-selector", Kind::String, "watch only SealedSecrets whose labels match"),
    Flag::new("listen-addr", Kind::String, "address of the HTTP API").default(":8080"),
    Flag::new("listen-metrics-addr", Kind::String, "address of the metrics").default(":8081"),
    Flag::new("log-format", Kind::String, "form of log records: text or json").default("text"),
    Flag::new(
        "log-info-stdout",
        Kind::Bool,
        "write records at INFO and below to stdout; false for everything to stderr",
    )
    .default("true"),
    Flag::new("log-level", Kind::String, "least severe records to write: DEBUG, INFO, WARN or ERROR").default("INFO"),
    Flag::new("max-unseal-retries", Kind::Int, "fast retries of a failing SealedSecret, before slow ones follow")
        .default("5"),
    Flag::new("my-cn", Kind::String, "common name in the certificates of new keys"),
    Flag::new(
        "old-gc-behavior",
        Kind::Bool,
        "delete the Secret of a deleted SealedSecret, for clusters without garbage collection",
    ),
    Flag::new("privatekey-annotations", Kind::String, "annotations of new key Secrets: name=value,name=value"),
    Flag::new("privatekey-labels", Kind::String, "labels of new key Secrets: name=value,name=value"),
    Flag::new("rate-limit", Kind::Int, "requests per second and client, to /v1/verify and to /v1/rotate each")
        .default("2"),
    Flag::new("rate-limit-burst", Kind::Int, "requests above the rate limit that may come at once").default("2"),
    Flag::new("read-timeout", Kind::Duration, "longest time for a request to come in").default("2m0s"),
    Flag::new("skip-recreate", Kind::Bool, "do not watch Secrets, and do not make deleted ones again"),
    Flag::new(
        "status-conditions",
        Kind::Choice(&["all", "synced"]),
        "conditions in the status: all, or synced as the reference writes it",
    )
    .default("all"),
    Flag::new("update-status", Kind::Bool, "write the status of SealedSecrets").default("true"),
    Flag::new("version", Kind::Bool, "print the version and stop"),
    Flag::new("watch-for-secrets", Kind::Bool, "follow changes of key Secrets while running"),
    Flag::new("write-timeout", Kind::Duration, "longest time for a reply to go out").default("2m0s"),
];
