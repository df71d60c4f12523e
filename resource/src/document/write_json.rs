//! Writes JSON as Go's encoder does: HTML-sensitive characters escaped, floats in Go's layout.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::Serializer;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::WriteError;
use crate::shortest_float::{positional, scientific};

/// Writes an object with an indent of two spaces and one newline at the end (wire-format.md 3.7).
///
/// Fields keep the order in which the value serialises them.
///
/// # Errors
///
/// The value has no JSON form, such as a map whose keys are not strings.
pub fn to_json_pretty(value: &impl Serialize) -> Result<String, WriteError> {
    let mut text = write(value, PrettyFormatter::with_indent(b"  "))?;
    text.push('\n');
    Ok(text)
}

/// Writes an object on one line, without blanks and without a newline at the end.
///
/// # Errors
///
/// The value has no JSON form.
pub fn to_json_compact(value: &impl Serialize) -> Result<String, WriteError> {
    write(value, CompactFormatter)
}

fn write(value: &impl Serialize, layout: impl Formatter) -> Result<String, WriteError> {
    let mut bytes = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Go(layout)))?;
    // The serializer writes UTF-8 only; were it not so, this is an error and no panic.
    String::from_utf8(bytes).map_err(|error| serde_json::Error::custom(error).into())
}

/// The layout of another formatter with Go's spelling of strings and floats.
struct Go<F>(F);

impl<F: Formatter> Formatter for Go<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut letters = special.chars();
            if let Some(letter) = letters.next() {
                write!(writer, "\\u{:04x}", u32::from(letter))?;
            }
            rest = letters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if size != 0.0 && !(1e-6..1e21).contains(&size) {
            let text = scientific(value);
            return writer.write_all(if size < 1.0 { text } else { text.replace('e', "e+") }.as_bytes());
        }
        writer.write_all(positional(value).as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn pretty_json_has_two_spaces_and_one_newline() {
        let value = json!({"kind": "Secret", "data": {}, "list": [1, {"b": null}], "none": []});
        let expected = r#"{
  "kind": "Secret",
  "data": {},
  "list": [
    1,
    {
      "b": null
    }
  ],
  "none": []
}
"#;
        assert_eq!(to_json_pretty(&value).unwrap(), expected);
    }

    #[test]
    fn html_and_line_separators_are_escaped_in_values_and_keys() {
        let value = json!({"<a>&": "x\u{2028}y\u{2029}<\u{7f}é\u{1f}\u{8}\""});
        assert_eq!(
            to_json_compact(&value).unwrap(),
            "{\"\\u003ca\\u003e\\u0026\":\"x\\u2028y\\u2029\\u003c\u{7f}é\\u001f\\b\\\"\"}"
        );
    }

    #[test]
    fn floats_are_written_as_go_writes_them() {
        let floats = [1.0, -0.5, 1e20, 1e21, 1.5e300, 0.000_001, 1.5e-7, 0.0];
        assert_eq!(
            to_json_compact(&floats).unwrap(),
            "[1,-0.5,100000000000000000000,1e+21,1.5e+300,0.000001,1.5e-7,0]"
        );
    }

    #[test]
    fn a_map_without_string_keys_is_an_error() {
        assert!(to_json_pretty(&BTreeMap::from([(vec![1], 2)])).is_err());
    }
}
