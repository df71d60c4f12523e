//! Log records: which are written, where to, and in which form (spec/controller.md 12).
//!
//! Only records of this program are written. Those of the client and HTTP libraries are dropped unseen, because some of
//! them quote whole request and response bodies, and a body here can be a Secret.

mod record;

use std::io::Write;

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

use self::record::{Record, Value};

/// How a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `time=… level=… msg=… key=value`
    Text,
    /// One JSON object per line.
    Json,
}

impl Format {
    /// Reads `--log-format`: anything but exactly `json` means text.
    pub fn from_flag(word: &str) -> Format {
        if word == "json" { Format::Json } else { Format::Text }
    }
}

/// Least severe level written, on the scale of Go's `slog`: DEBUG −4, INFO 0, WARN 4, ERROR 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(i32);

impl Threshold {
    /// Reads `--log-level`: a level in any case with an optional offset such as `INFO+2`. Other words mean INFO.
    pub fn from_flag(word: &str) -> Threshold {
        let split = word.find(['+', '-']).unwrap_or(word.len());
        let (name, offset) = word.split_at(split);
        let offset = match offset {
            "" => Some(0),
            text => text.parse::<i32>().ok(),
        };
        let base: Option<i32> = match name.to_ascii_uppercase().as_str() {
            "DEBUG" => Some(-4),
            "INFO" => Some(0),
            "WARN" => Some(4),
            "ERROR" => Some(8),
            _ => None,
        };
        match (base, offset) {
            (Some(base), Some(offset)) => Threshold(base.saturating_add(offset)),
            _ => Threshold(0),
        }
    }

    fn admits(self, level: Level) -> bool {
        severity(level) >= self.0
    }
}

/// What the flags say about logging.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Form of a record.
    pub format: Format,
    /// Least severe level written.
    pub threshold: Threshold,
    /// Records at INFO and below go to stdout instead of stderr.
    pub info_to_stdout: bool,
}

/// Starts writing records. A second call changes nothing.
pub fn install(options: Options) {
    // The only failure is that a subscriber is there already, and then records are being written.
    let _ = tracing::subscriber::set_global_default(Writer { options });
}

/// Position of a level on `slog`'s scale.
fn severity(level: Level) -> i32 {
    match level {
        Level::ERROR => 8,
        Level::WARN => 4,
        Level::INFO => 0,
        Level::DEBUG | Level::TRACE => -4,
    }
}

struct Writer {
    options: Options,
}

impl Subscriber for Writer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target() == "controller" || metadata.target().starts_with("controller::");
        ours && metadata.is_event() && self.options.threshold.admits(*metadata.level())
    }

    fn event(&self, event: &Event<'_>) {
        let level = *event.metadata().level();
        let mut record = Record::new(crate::clock::now(), level);
        event.record(&mut Fields(&mut record));
        let line = match self.options.format {
            Format::Text => record.to_text(),
            Format::Json => record.to_json(),
        };
        // Nothing sensible is left to do when a log stream is closed.
        let _ = if self.options.info_to_stdout && severity(level) <= 0 {
            std::io::stdout().lock().write_all(line.as_bytes())
        } else {
            std::io::stderr().lock().write_all(line.as_bytes())
        };
    }

    // Spans are never enabled, so there is nothing to keep of them.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Fields<'a>(&'a mut Record);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.set(field.name(), Value::Text(value.to_owned()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.set(field.name(), Value::Number(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        self.0.set(field.name(), Value::Number(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.set(field.name(), Value::Bool(value));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.set(field.name(), Value::Text(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_any_case_with_an_offset_and_unknown_words_mean_info() {
        let cases = [
            ("INFO", 0),
            ("debug", -4),
            ("Warn", 4),
            ("ERROR", 8),
            ("INFO+2", 2),
            ("error-4", 4),
            ("DEBUG+0", -4),
            ("", 0),
            ("verbose", 0),
            ("INFO+x", 0),
            ("WARN+", 0),
        ];
        for (word, want) in cases {
            assert_eq!(Threshold::from_flag(word), Threshold(want), "{word:?}");
        }
    }

    #[test]
    fn a_threshold_between_two_levels_admits_the_upper_one_only() {
        let threshold = Threshold::from_flag("INFO+1");
        assert!(!threshold.admits(Level::INFO));
        assert!(threshold.admits(Level::WARN));
    }

    #[test]
    fn only_the_exact_word_json_means_json() {
        for (word, want) in [("json", Format::Json), ("JSON", Format::Text), ("", Format::Text)] {
            assert_eq!(Format::from_flag(word), want, "{word:?}");
        }
    }
}
