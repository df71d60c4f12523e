//! The controller's `/metrics`, taken apart.

/// One reading of the metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The page.
    pub text: String,
}

impl Metrics {
    /// The value of the one series of this name that has all these labels; `None` when there is no such series.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let mut found = self.text.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (family, set) = series.split_once('{').unwrap_or((series, ""));
            (family == name && wanted.iter().all(|label| set.contains(label.as_str()))).then(|| value.parse().ok())?
        });
        let value = found.next();
        assert!(found.next().is_none(), "{name} {labels:?} names several series");
        value
    }

    /// [`Metrics::value`] of the controller's own metric, zero when it has not appeared yet.
    pub fn own(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.value(&format!("sealed_secrets_controller_{name}"), labels).unwrap_or_default()
    }
}
