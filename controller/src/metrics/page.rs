//! The text format 0.0.4 of Prometheus, written family by family.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::ConditionSample;

/// Upper bounds of the latency histogram, in seconds, with their text.
const BUCKETS: [(f64, &str); 11] = [
    (0.005, "0.005"),
    (0.01, "0.01"),
    (0.025, "0.025"),
    (0.05, "0.05"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (1.0, "1"),
    (2.5, "2.5"),
    (5.0, "5"),
    (10.0, "10"),
];

/// How long things took.
#[derive(Default)]
pub(super) struct Histogram {
    /// Observations per bucket, not cumulated; the last one is above all bounds.
    pub(super) buckets: [u64; BUCKETS.len() + 1],
    pub(super) sum: f64,
}

impl Histogram {
    /// Counts one more.
    pub(super) fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BUCKETS.iter().position(|(bound, _)| seconds <= *bound).unwrap_or(BUCKETS.len());
        self.buckets[bucket] += 1;
        self.sum += seconds;
    }
}

/// The text that is being written. Writing into a `String` cannot fail.
#[derive(Default)]
pub(super) struct Page {
    /// So far.
    pub(super) text: String,
}

impl Page {
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(
            self.text,
            "# HELP sealed_secrets_controller_{name} {help}\n# TYPE sealed_secrets_controller_{name} {kind}\n"
        );
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let _ = write!(self.text, "sealed_secrets_controller_{name}");
        for (index, (label, text)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            let _ = write!(self.text, "{label}=\"");
            for c in text.chars() {
                match c {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    pub(super) fn conditions(&mut self, conditions: &[ConditionSample]) {
        if conditions.is_empty() {
            return;
        }
        self.family(
            "condition_info",
            "gauge",
            "Current SealedSecret condition status. Values are -1 (false), 0 (unknown or absent), 1 (true)",
        );
        for sample in conditions {
            let labels = [
                ("condition", sample.condition.as_str()),
                ("name", &sample.name),
                ("namespace", &sample.namespace),
                ("ss_app_kubernetes_io_instance", &sample.instance),
            ];
            self.sample("condition_info", &labels, &sample.value.to_string());
        }
    }

    pub(super) fn durations(&mut self, durations: &BTreeMap<(&'static str, &'static str), Histogram>) {
        const NAME: &str = "http_request_duration_seconds";
        if !durations.is_empty() {
            self.family(NAME, "histogram", "A histogram of latencies for requests.");
        }
        for ((method, path), histogram) in durations {
            self.histogram(NAME, &[("method", method), ("path", path)], histogram);
        }
    }

    pub(super) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let bounds = BUCKETS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        let mut total = 0;
        for (bound, count) in bounds.zip(histogram.buckets) {
            total += count;
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
            self.sample(&format!("{name}_bucket"), &labels, &total.to_string());
        }
        self.sample(&format!("{name}_sum"), labels, &histogram.sum.to_string());
        self.sample(&format!("{name}_count"), labels, &total.to_string());
    }
}
