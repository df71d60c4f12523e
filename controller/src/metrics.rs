//! Prometheus metrics (spec/controller.md 11) in the text format 0.0.4.
//!
//! Written here and not by a library, because names, help texts, label order and number forms are those that dashboards
//! and alerts of the reference expect, and the libraries at hand write OpenMetrics.

mod page;
mod process;
mod scrapes;
pub mod state;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::page::{Histogram, Page};
pub use self::scrapes::Scrape;
use self::scrapes::Scrapes;

/// Content type of [`Metrics::render`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// One condition of one SealedSecret, for `condition_info`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConditionSample {
    /// Condition type.
    pub condition: String,
    /// Name of the SealedSecret.
    pub name: String,
    /// Namespace of the SealedSecret.
    pub namespace: String,
    /// Its label `app.kubernetes.io/instance`, or empty.
    pub instance: String,
    /// 1 for `True`, −1 for `False`, else 0.
    pub value: i8,
}

/// Which step of a reconcile failed; the label value of `unseal_errors_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorReason {
    /// The SealedSecret could not be read from the API.
    Fetch,
    /// The status could not be written.
    Status,
    /// A foreign Secret is in the way.
    Unmanaged,
    /// The content could not be opened.
    Unseal,
    /// The Secret could not be read or written.
    Update,
}

impl ErrorReason {
    fn word(self) -> &'static str {
        match self {
            ErrorReason::Fetch => "fetch",
            ErrorReason::Status => "status",
            ErrorReason::Unmanaged => "unmanaged",
            ErrorReason::Unseal => "unseal",
            ErrorReason::Update => "update",
        }
    }
}

/// All counters of the process. Cheap to count into from anywhere.
pub struct Metrics {
    revision: String,
    counts: Mutex<Counts>,
    scrapes: Scrapes,
}

#[derive(Default)]
struct Counts {
    unseal_requests: u64,
    unseal_errors: BTreeMap<(String, ErrorReason), u64>,
    /// By code, method, path.
    http_requests: BTreeMap<(u16, &'static str, &'static str), u64>,
    /// By method, path.
    http_durations: BTreeMap<(&'static str, &'static str), Histogram>,
    unusable_keys: u64,
    /// In Unix time.
    renewal_due: Option<i64>,
    drifts: BTreeMap<String, u64>,
    reconciles: Histogram,
}

impl Metrics {
    /// No counts yet; `revision` is the version shown in `build_info`.
    pub fn new(revision: &str) -> Metrics {
        Metrics { revision: revision.to_owned(), counts: Mutex::default(), scrapes: Scrapes::default() }
    }

    /// Counts one attempt to reconcile.
    pub fn unseal_request(&self) {
        self.lock().unseal_requests += 1;
    }

    /// Counts a failed attempt. As in the reference, [`ErrorReason::Fetch`] has no namespace.
    pub fn unseal_error(&self, reason: ErrorReason, namespace: &str) {
        let namespace = if reason == ErrorReason::Fetch { "" } else { namespace };
        *self.lock().unseal_errors.entry((namespace.to_owned(), reason)).or_default() += 1;
    }

    /// Counts one change that somebody else made to a controlled Secret.
    pub fn secret_drift(&self, namespace: &str) {
        *self.lock().drifts.entry(namespace.to_owned()).or_default() += 1;
    }

    /// Counts one attempt by the time it took.
    pub fn reconciled(&self, took: Duration) {
        self.lock().reconciles.observe(took);
    }

    /// Says how many key Secrets are there that cannot be used.
    pub fn set_unusable_keys(&self, count: usize) {
        self.lock().unusable_keys = u64::try_from(count).unwrap_or(u64::MAX);
    }

    /// Says when the next key is due; `None` where this replica makes none by itself.
    pub fn set_renewal_due(&self, time: Option<Timestamp>) {
        self.lock().renewal_due = time.map(Timestamp::as_second);
    }

    /// Counts one answered request to a path of the API listener.
    pub fn http_request(&self, path: &'static str, method: &http::Method, code: u16, took: Duration) {
        let method = method_label(method);
        let mut counts = self.lock();
        *counts.http_requests.entry((code, method, path)).or_default() += 1;
        counts.http_durations.entry((method, path)).or_default().observe(took);
    }

    /// Counts one scrape, which is in flight until the value is dropped.
    pub fn scrape(&self) -> Scrape<'_> {
        self.scrapes.begin()
    }

    /// Everything as text. `conditions` may come in any order.
    pub fn render(&self, mut conditions: Vec<ConditionSample>) -> String {
        conditions.sort_unstable();
        let mut page = Page::default();
        page.text.push_str(&process::render());
        page.text.push_str(&self.scrapes.render());

        page.family("build_info", "gauge", "Build information.");
        page.sample("build_info", &[("revision", &self.revision)], "1");
        page.conditions(&conditions);

        let counts = self.lock();
        page.durations(&counts.http_durations);
        if !counts.http_requests.is_empty() {
            page.family("http_requests_total", "counter", "A counter for requests to the wrapped handler.");
        }
        for ((code, method, path), count) in &counts.http_requests {
            let labels = [("code", &*code.to_string()), ("method", *method), ("path", *path)];
            page.sample("http_requests_total", &labels, &count.to_string());
        }
        if let Some(due) = counts.renewal_due {
            page.family("key_renewal_due_seconds", "gauge", "When the next sealing key is to be made, in Unix time");
            page.sample("key_renewal_due_seconds", &[], &due.to_string());
        }
        if counts.reconciles.buckets.iter().any(|count| *count > 0) {
            page.family("reconcile_duration_seconds", "histogram", "Time from an attempt's begin to its end");
            page.histogram("reconcile_duration_seconds", &[], &counts.reconciles);
        }
        if !counts.drifts.is_empty() {
            page.family("secret_drifts_total", "counter", "Changes that others made to Secrets of SealedSecrets");
        }
        for (namespace, count) in &counts.drifts {
            page.sample("secret_drifts_total", &[("namespace", namespace)], &count.to_string());
        }
        if !counts.unseal_errors.is_empty() {
            page.family("unseal_errors_total", "counter", "Total number of sealed secret unseal errors by reason");
        }
        for ((namespace, reason), count) in &counts.unseal_errors {
            let labels = [("namespace", namespace.as_str()), ("reason", reason.word())];
            page.sample("unseal_errors_total", &labels, &count.to_string());
        }
        page.family("unseal_requests_total", "counter", "Total number of sealed secret unseal requests");
        page.sample("unseal_requests_total", &[], &counts.unseal_requests.to_string());
        page.family("unusable_keys", "gauge", "Labelled key Secrets that hold no usable key pair");
        page.sample("unusable_keys", &[], &counts.unusable_keys.to_string());
        page.text
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The method as the reference labels it: lower case, and `unknown` for verbs that its library does not list.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "PUT" => "put",
        "HEAD" => "head",
        "POST" => "post",
        "DELETE" => "delete",
        "CONNECT" => "connect",
        "OPTIONS" => "options",
        "NOTIFY" => "notify",
        "TRACE" => "trace",
        "PATCH" => "patch",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of our own families.
    fn ours(metrics: &Metrics, conditions: Vec<ConditionSample>) -> Vec<String> {
        metrics
            .render(conditions)
            .lines()
            .filter(|line| line.contains("sealed_secrets_controller_"))
            .map(|line| line.replace("sealed_secrets_controller_", ""))
            .collect()
    }

    #[test]
    fn before_anything_happened_families_with_labels_are_absent() {
        assert_eq!(
            ours(&Metrics::new("v1"), Vec::new()),
            [
                "# HELP build_info Build information.",
                "# TYPE build_info gauge",
                "build_info{revision=\"v1\"} 1",
                "# HELP unseal_requests_total Total number of sealed secret unseal requests",
                "# TYPE unseal_requests_total counter",
                "unseal_requests_total 0",
                "# HELP unusable_keys Labelled key Secrets that hold no usable key pair",
                "# TYPE unusable_keys gauge",
                "unusable_keys 0",
            ]
        );
    }

    #[test]
    fn counts_have_the_labels_of_the_reference() {
        let metrics = Metrics::new("v1");
        metrics.unseal_request();
        metrics.unseal_error(ErrorReason::Unmanaged, "NS");
        metrics.unseal_error(ErrorReason::Unmanaged, "NS");
        metrics.http_request("/v1/verify", &http::Method::POST, 409, Duration::from_millis(30));
        let odd = http::Method::from_bytes(b"BREW");
        metrics.http_request("/v1/verify", &odd.unwrap_or_default(), 409, Duration::ZERO);
        let lines = ours(&metrics, Vec::new());
        for want in [
            "unseal_requests_total 1",
            "unseal_errors_total{namespace=\"NS\",reason=\"unmanaged\"} 2",
            "http_requests_total{code=\"409\",method=\"post\",path=\"/v1/verify\"} 1",
            "http_requests_total{code=\"409\",method=\"unknown\",path=\"/v1/verify\"} 1",
            "http_request_duration_seconds_bucket{method=\"post\",path=\"/v1/verify\",le=\"0.025\"} 0",
            "http_request_duration_seconds_bucket{method=\"post\",path=\"/v1/verify\",le=\"0.05\"} 1",
            "http_request_duration_seconds_bucket{method=\"post\",path=\"/v1/verify\",le=\"1\"} 1",
            "http_request_duration_seconds_bucket{method=\"post\",path=\"/v1/verify\",le=\"+Inf\"} 1",
            "http_request_duration_seconds_sum{method=\"post\",path=\"/v1/verify\"} 0.03",
            "http_request_duration_seconds_count{method=\"post\",path=\"/v1/verify\"} 1",
        ] {
            assert!(lines.iter().any(|line| line == want), "{want} is missing in {lines:#?}");
        }
    }

    #[test]
    fn the_time_of_the_next_renewal_is_shown_while_there_is_one() {
        let metrics = Metrics::new("v1");
        let shown = |metrics: &Metrics| ours(metrics, Vec::new()).contains(&"key_renewal_due_seconds 60".to_owned());
        metrics.set_renewal_due(Timestamp::from_second(60).ok());
        assert!(shown(&metrics));
        metrics.set_renewal_due(None);
        assert!(!shown(&metrics));
    }

    #[test]
    fn conditions_are_sorted_and_their_labels_escaped() {
        let sample = |name: &str, instance: &str, value| ConditionSample {
            condition: "Synced".to_owned(),
            name: name.to_owned(),
            namespace: "NS".to_owned(),
            instance: instance.to_owned(),
            value,
        };
        let lines = ours(&Metrics::new("v1"), vec![sample("good", "a\"b\\c\nd", 1), sample("foreign", "", -1)]);
        let samples: Vec<_> = lines.iter().filter(|line| line.starts_with("condition_info{")).collect();
        assert_eq!(
            samples,
            [
                "condition_info{condition=\"Synced\",name=\"foreign\",namespace=\"NS\",ss_app_kubernetes_io_instance=\"\"} -1",
                "condition_info{condition=\"Synced\",name=\"good\",namespace=\"NS\",ss_app_kubernetes_io_instance=\"a\\\"b\\\\c\\nd\"} 1",
            ]
        );
    }

    #[test]
    fn nothing_is_written_that_text_format_readers_reject() {
        let text = Metrics::new("v1").render(Vec::new());
        assert!(!text.contains("# EOF"));
        assert!(text.ends_with('\n'));
        assert!(text.lines().all(|line| !line.is_empty()));
    }
}
