//! Log lines in klog's form, for `-v` 6 and above (spec/kubeseal-cli.md 2.3).

use std::io::Write;

/// What is logged, and how.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Log {
    level: i64,
    enabled: bool,
    skip_headers: bool,
}

impl Log {
    /// A log of this `-v`; `enabled` is whether lines go to standard error at all.
    pub(crate) fn new(level: i64, enabled: bool, skip_headers: bool) -> Log {
        Log { level, enabled, skip_headers }
    }

    /// Whether lines of this level are wanted.
    pub(crate) fn wants(&self, level: i64) -> bool {
        self.enabled && self.level >= level
    }

    /// Writes a line if its level is wanted. Failures are ignored: logging must not change what a run does.
    pub(crate) fn line(&self, level: i64, place: &str, text: impl FnOnce() -> String) {
        if !self.wants(level) {
            return;
        }
        let header = if self.skip_headers {
            String::new()
        } else {
            let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
            format!("{} {:>7} {place}] ", now.strftime("I%m%d %H:%M:%S%.6f"), std::process::id())
        };
        let _ = writeln!(std::io::stderr(), "{header}{}", text());
    }
}
