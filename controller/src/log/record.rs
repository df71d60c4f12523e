//! One log record and its two forms, which are those of Go's `log/slog`.

use jiff::Timestamp;
use sealed_secrets_flags::{prints, quote};
use tracing::Level;

/// A value beside a message.
pub(super) enum Value {
    Text(String),
    Number(i64),
    Bool(bool),
}

/// A record that is being put together.
pub(super) struct Record {
    time: Timestamp,
    level: Level,
    message: String,
    fields: Vec<(&'static str, Value)>,
}

impl Record {
    pub(super) fn new(time: Timestamp, level: Level) -> Record {
        Record { time, level, message: String::new(), fields: Vec::new() }
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        match (name, value) {
            ("message", Value::Text(text)) => self.message = text,
            (name, value) => self.fields.push((name, value)),
        }
    }

    /// `time=2026-11-22T06:13:44.577Z level=INFO msg="…" key=value` and a newline.
    pub(super) fn to_text(&self) -> String {
        let mut line = format!("time={:.3} level={} msg=", self.time, level_name(self.level));
        push_text_value(&mut line, &self.message);
        for (name, value) in &self.fields {
            line.push(' ');
            push_text_value(&mut line, name);
            line.push('=');
            match value {
                Value::Text(text) => push_text_value(&mut line, text),
                Value::Number(number) => line.push_str(&number.to_string()),
                Value::Bool(flag) => line.push_str(if *flag { "true" } else { "false" }),
            }
        }
        line.push('\n');
        line
    }

    /// `{"time":"…","level":"INFO","msg":"…","key":"value"}` and a newline.
    pub(super) fn to_json(&self) -> String {
        let mut line = format!("{{\"time\":\"{}\",\"level\":\"{}\",\"msg\":", self.time, level_name(self.level));
        push_json_string(&mut line, &self.message);
        for (name, value) in &self.fields {
            line.push(',');
            push_json_string(&mut line, name);
            line.push(':');
            match value {
                Value::Text(text) => push_json_string(&mut line, text),
                Value::Number(number) => line.push_str(&number.to_string()),
                Value::Bool(flag) => line.push_str(if *flag { "true" } else { "false" }),
            }
        }
        line.push_str("}\n");
        line
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARN",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

fn push_json_string(line: &mut String, text: &str) {
    // A string always serialises.
    line.push_str(&serde_json::to_string(text).unwrap_or_default());
}

fn push_text_value(line: &mut String, text: &str) {
    if needs_quotes(text) {
        // `Unquote` on the other side gives the text back.
        line.push_str(&quote(text));
    } else {
        line.push_str(text);
    }
}

/// `slog` leaves a value bare unless it is empty or holds a space, a quote, `=` or something that does not print.
fn needs_quotes(text: &str) -> bool {
    text.is_empty() || text.chars().any(|c| c == '"' || c == '=' || c.is_whitespace() || !prints(c))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn record(message: &str, fields: &[(&'static str, &str)]) -> Record {
        let mut record = Record::new("2026-11-22T06:13:44.577123Z".parse().unwrap(), Level::INFO);
        record.set("message", Value::Text(message.to_owned()));
        for (name, value) in fields {
            record.set(name, Value::Text((*value).to_owned()));
        }
        record
    }

    #[test]
    fn text_records_look_like_those_of_the_reference() {
        assert_eq!(
            record("Updating", &[("key", "NS/good")]).to_text(),
            "time=2026-11-22T06:13:44.577Z level=INFO msg=Updating key=NS/good\n"
        );
        assert_eq!(
            record("New key written", &[("namespace", "NS"), ("name", "")]).to_text(),
            "time=2026-11-22T06:13:44.577Z level=INFO msg=\"New key written\" namespace=NS name=\"\"\n"
        );
    }

    #[test]
    fn text_values_are_quoted_as_go_quotes_them() {
        let cases = [
            ("plain", "plain"),
            ("a\\b", "a\\b"),
            ("a b", "\"a b\""),
            ("a=b", "\"a=b\""),
            ("a\"b", "\"a\\\"b\""),
            ("two\nlines\\", "\"two\\nlines\\\\\""),
            ("\u{1b}[0m", "\"\\x1b[0m\""),
            ("né", "né"),
            ("\u{202e}x", "\"\\u202ex\""),
            ("\u{a0}", "\"\\u00a0\""),
        ];
        for (value, want) in cases {
            let line = record("m", &[("k", value)]).to_text();
            assert_eq!(line.trim_end().split_once("k=").unwrap().1, want, "{value:?}");
        }
    }

    #[test]
    fn json_records_parse_and_keep_the_pem_text_readable() {
        let pem = "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n";
        let line = record("Certificate generated", &[("certificate", pem)]).to_json();
        let parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(parsed["certificate"], pem);
        assert_eq!(parsed["time"], "2026-11-22T06:13:44.577123Z");
        assert_eq!(parsed["level"], "INFO");
        assert_eq!(parsed["msg"], "Certificate generated");
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[test]
    fn numbers_and_booleans_are_bare_in_both_forms() {
        let mut record = record("m", &[]);
        record.set("n", Value::Number(7));
        record.set("b", Value::Bool(true));
        assert!(record.to_text().ends_with("msg=m n=7 b=true\n"));
        assert!(record.to_json().ends_with(",\"n\":7,\"b\":true}\n"));
    }
}
