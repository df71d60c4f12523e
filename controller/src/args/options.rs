//! From typed flag values to what the controller works with.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sealed_secrets_crypto::{MIN_BITS, PrivateKey};
use sealed_secrets_flags::{GoDuration, Source, Values};
use sealed_secrets_resource::KEY_LABEL;

use super::{cutoff, names, selector};
use crate::http::Timeouts;
use crate::log;
use crate::rate::Rate;

/// Longest key prefix: the API server appends five characters and allows 253, of which the reference leaves three unused.
const LONGEST_PREFIX: usize = 245;
/// Stands for "no timeout".
const NEVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How the controller runs.
#[derive(Debug)]
pub struct Options {
    /// Which namespaces are watched.
    pub scope: NamespaceScope,
    /// Label selector on SealedSecrets; empty for all.
    pub label_selector: String,
    /// Everything about sealing keys.
    pub keys: KeyOptions,
    /// Follow key Secrets while running.
    pub watch_keys: bool,
    /// Name of the lease of the leader election; `None` for no election.
    pub lease: Option<String>,
    /// Accept `spec.data`.
    pub accept_deprecated_data: bool,
    /// Put back what others change in controlled Secrets.
    pub heal_drift: bool,
    /// Do not watch Secrets.
    pub skip_recreate: bool,
    /// Delete the Secret of a deleted SealedSecret.
    pub old_gc: bool,
    /// Write statuses.
    pub update_status: bool,
    /// Which conditions they carry.
    pub status_conditions: StatusConditions,
    /// Fast retries.
    pub fast_retries: u32,
    /// Rate of API calls; `None` for unlimited.
    pub call_rate: Option<Rate>,
    /// Rate of verify and of rotate requests.
    pub request_rate: Rate,
    /// Address of the HTTP API.
    pub listen: String,
    /// Address of the metrics.
    pub listen_metrics: String,
    /// HTTP timeouts.
    pub timeouts: Timeouts,
    /// Logging.
    pub log: log::Options,
}

/// Everything about sealing keys.
#[derive(Clone, Debug)]
pub struct KeyOptions {
    /// `generateName` of new key Secrets and name of the legacy one.
    pub prefix: String,
    /// Modulus of new keys.
    pub bits: u32,
    /// Validity of new certificates.
    pub valid_for: Duration,
    /// Common name in them.
    pub common_name: String,
    /// Extra labels of new key Secrets.
    pub labels: BTreeMap<String, String>,
    /// Annotations of new key Secrets.
    pub annotations: BTreeMap<String, String>,
    /// Time between renewals; `None` for no renewal.
    pub renew_period: Option<SignedDuration>,
    /// Keys older than this are replaced at start.
    pub cutoff: Option<Timestamp>,
    /// What ranks loaded keys.
    pub order: KeyOrder,
    /// The word given for the order, when it is none of the two.
    pub unknown_order: Option<String>,
}

/// What ranks loaded keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrder {
    /// Start of validity of the certificate.
    CertNotBefore,
    /// Creation of the Secret.
    SecretCreationTimestamp,
}

/// Which namespaces are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamespaceScope {
    /// All of them.
    All,
    /// The controller's own and these, without duplicates.
    Named(Vec<String>),
}

/// Which conditions a status carries (decision 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusConditions {
    /// `Synced`, `Ready` and `Stalled`.
    All,
    /// `Synced` alone; the others are taken away.
    Synced,
}

/// A value that cannot work.
pub(super) struct Invalid {
    flag: &'static str,
    problem: String,
    pub(super) code: u8,
}

impl Invalid {
    /// What is wrong, and where it was given: the flag or its variables.
    pub(super) fn text(&self, values: &Values) -> String {
        let place = match values.source(self.flag) {
            Source::Environment => values.variables(self.flag).join(" or "),
            Source::CommandLine | Source::Default => format!("--{}", self.flag),
        };
        format!("{place}: {}", self.problem)
    }
}

impl Options {
    pub(super) fn from_values(values: &Values) -> Result<Options, Invalid> {
        let request_rate = request_rate(values)?;
        let label_selector = values.string("label-selector").to_owned();
        selector::check(&label_selector)
            .map_err(|problem| invalid("label-selector", &format!("unable to parse {label_selector:?}: {problem}")))?;
        Ok(Options {
            scope: scope(values)?,
            label_selector,
            keys: key_options(values)?,
            watch_keys: values.bool("watch-for-secrets"),
            lease: lease(values)?,
            accept_deprecated_data: values.bool("accept-deprecated-v1-data"),
            heal_drift: heal_drift(values)?,
            skip_recreate: values.bool("skip-recreate"),
            old_gc: values.bool("old-gc-behavior"),
            update_status: values.bool("update-status"),
            status_conditions: match values.string("status-conditions") {
                "synced" => StatusConditions::Synced,
                _ => StatusConditions::All,
            },
            fast_retries: u32::try_from(values.int("max-unseal-retries").max(0)).unwrap_or(u32::MAX),
            call_rate: call_rate(values)?,
            request_rate,
            listen: values.string("listen-addr").to_owned(),
            listen_metrics: values.string("listen-metrics-addr").to_owned(),
            timeouts: Timeouts {
                read: timeout(values.duration("read-timeout")),
                write: timeout(values.duration("write-timeout")),
            },
            log: log::Options {
                format: log::Format::from_flag(values.string("log-format")),
                threshold: log::Threshold::from_flag(values.string("log-level")),
                info_to_stdout: values.bool("log-info-stdout"),
            },
        })
    }
}

fn invalid(flag: &'static str, problem: &str) -> Invalid {
    Invalid { flag, problem: problem.to_owned(), code: 2 }
}

fn scope(values: &Values) -> Result<NamespaceScope, Invalid> {
    let additional = values.string("additional-namespaces");
    if additional.is_empty() {
        return Ok(match values.bool("all-namespaces") {
            true => NamespaceScope::All,
            false => NamespaceScope::Named(Vec::new()),
        });
    }
    let mut names: Vec<String> = Vec::new();
    for name in additional.split(',') {
        names::path_segment(name).map_err(|problem| invalid("additional-namespaces", &problem))?;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(NamespaceScope::Named(names))
}

fn heal_drift(values: &Values) -> Result<bool, Invalid> {
    match values.bool("heal-drift") {
        true if values.bool("skip-recreate") => {
            Err(invalid("heal-drift", "needs the watch on Secrets, which --skip-recreate turns off"))
        }
        heals => Ok(heals),
    }
}

fn lease(values: &Values) -> Result<Option<String>, Invalid> {
    if !values.bool("leader-elect") {
        return Ok(None);
    }
    let name = values.string("leader-elect-lease-name");
    names::object_name(name).map_err(|problem| invalid("leader-elect-lease-name", &problem))?;
    Ok(Some(name.to_owned()))
}

fn key_options(values: &Values) -> Result<KeyOptions, Invalid> {
    let prefix = values.string("key-prefix");
    check_prefix(prefix).map_err(|problem| invalid("key-prefix", &problem))?;
    let renew_period = values.duration("key-renew-period").nanoseconds();
    if renew_period < 0 {
        return Err(invalid("key-renew-period", "must not be negative"));
    }
    let valid_for = values.duration("key-ttl").to_std().filter(|ttl| !ttl.is_zero());
    let cutoff = match values.string("key-cutoff-time") {
        "" => None,
        text => Some(cutoff::parse(text).map_err(|problem| invalid("key-cutoff-time", &problem))?),
    };
    let order_word = values.string("key-order-priority");
    let (order, unknown_order) = match order_word {
        "CertNotBefore" => (KeyOrder::CertNotBefore, None),
        "SecretCreationTimestamp" => (KeyOrder::SecretCreationTimestamp, None),
        word => (KeyOrder::CertNotBefore, Some(word.to_owned())),
    };
    Ok(KeyOptions {
        prefix: prefix.to_owned(),
        bits: key_size(values.int("key-size"))?,
        valid_for: valid_for.ok_or_else(|| invalid("key-ttl", "must be positive"))?,
        common_name: values.string("my-cn").to_owned(),
        labels: labels(values)?,
        annotations: annotations(values)?,
        renew_period: (renew_period > 0).then(|| SignedDuration::from_nanos(renew_period)),
        cutoff,
        order,
        unknown_order,
    })
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.is_empty() {
        return Err("resource name may not be empty".to_owned());
    }
    if prefix.len() > LONGEST_PREFIX {
        return Err(format!("name is too long, must be at most {LONGEST_PREFIX} characters"));
    }
    let allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-';
    match prefix.chars().find(|c| !allowed(c)) {
        Some(c) => Err(format!("name contains illegal character {c}")),
        None => Ok(()),
    }
}

fn key_size(bits: i64) -> Result<u32, Invalid> {
    let known = u32::try_from(bits).ok().filter(|bits| PrivateKey::can_generate(*bits));
    known.ok_or_else(|| {
        let why = if bits < i64::from(MIN_BITS) {
            format!("{bits}-bit keys are insecure, the minimum is {MIN_BITS} bits")
        } else {
            format!("cannot generate {bits}-bit keys; 2048, 3072, 4096 and 8192 bits are possible")
        };
        invalid("key-size", &why)
    })
}

/// Labels: no value holds a second `=`, so what follows it is left out, as the reference does.
fn labels(values: &Values) -> Result<BTreeMap<String, String>, Invalid> {
    const FLAG: &str = "privatekey-labels";
    let mut labels = BTreeMap::new();
    for (name, value) in pairs(values, FLAG)? {
        let value = value.split('=').next().unwrap_or_default();
        let checked = match name == KEY_LABEL {
            // Ours stands there anyway.
            true => Ok(()),
            false => names::label_key(&name).and_then(|()| names::label_value(value)),
        };
        checked.map_err(|problem| invalid(FLAG, &problem))?;
        labels.insert(name, value.to_owned());
    }
    Ok(labels)
}

fn annotations(values: &Values) -> Result<BTreeMap<String, String>, Invalid> {
    const FLAG: &str = "privatekey-annotations";
    let annotations = pairs(values, FLAG)?;
    let checked = annotations.keys().try_for_each(|name| names::annotation_key(name));
    checked.map(|()| annotations).map_err(|problem| invalid(FLAG, &problem))
}

/// `name=value,name=value`, each split at its first `=`.
fn pairs(values: &Values, flag: &'static str) -> Result<BTreeMap<String, String>, Invalid> {
    let text = values.string(flag);
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut pairs = BTreeMap::new();
    for item in text.split(',') {
        match item.split_once('=') {
            Some((name, value)) if !name.is_empty() => pairs.insert(name.to_owned(), value.to_owned()),
            _ => return Err(invalid(flag, &format!("{item:?} is not of the form name=value"))),
        };
    }
    Ok(pairs)
}

/// Exit code 1, as the reference has it for a limiter it cannot make.
fn request_rate(values: &Values) -> Result<Rate, Invalid> {
    let refused = |flag, problem| Invalid { code: 1, ..invalid(flag, problem) };
    let per_second = values.int("rate-limit");
    let burst = values.int("rate-limit-burst");
    if per_second < 1 {
        return Err(refused("rate-limit", "must be at least 1"));
    }
    if burst < 0 {
        return Err(refused("rate-limit-burst", "must not be negative"));
    }
    let per_second = u32::try_from(per_second).unwrap_or(u32::MAX);
    let burst = u32::try_from(burst).unwrap_or(u32::MAX);
    Ok(Rate::new(Duration::from_secs(1) / per_second, burst.saturating_add(1)))
}

/// The reference's rate of API calls, but only if one of its flags is given (decision 18).
fn call_rate(values: &Values) -> Result<Option<Rate>, Invalid> {
    const DEFAULT_QPS: f32 = 5.0;
    const DEFAULT_BURST: i64 = 10;
    let given = |flag| values.source(flag) != Source::Default;
    if !given("kubeclient-qps") && !given("kubeclient-burst") {
        return Ok(None);
    }
    let qps = match values.float32("kubeclient-qps") {
        qps if given("kubeclient-qps") && qps != 0.0 => qps,
        _ => DEFAULT_QPS,
    };
    let burst = match values.int("kubeclient-burst") {
        burst if given("kubeclient-burst") => burst,
        _ => DEFAULT_BURST,
    };
    if qps < 0.0 {
        return Ok(None);
    }
    if burst <= 0 {
        return Err(invalid(
            "kubeclient-burst",
            "burst is required to be greater than 0 when RateLimiter is not set and QPS is set to greater than 0",
        ));
    }
    let interval =
        Duration::try_from_secs_f32(1.0 / qps).map_err(|_| invalid("kubeclient-qps", "is no usable rate"))?;
    Ok(Some(Rate::new(interval, u32::try_from(burst).unwrap_or(u32::MAX))))
}

/// Zero and negative timeouts are none, as in the reference's HTTP library.
fn timeout(value: GoDuration) -> Duration {
    value.to_std().filter(|timeout| !timeout.is_zero()).unwrap_or(NEVER)
}
