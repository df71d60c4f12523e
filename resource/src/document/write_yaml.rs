//! Writes YAML in the layout of Go's writer, with strings that no reader mistakes for anything else.
//!
//! Own code, because serde-saphyr writes blocks that begin with a tab, which Go's reader refuses.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::WriteError;
use super::number::shortest;
use super::quoting::{Style, push_double, push_single, style};
use crate::shortest_float::scientific;

/// Readers look no further than 1024 characters for the `:` behind a key; longer keys are written after a `?`.
const LONGEST_SIMPLE_KEY: usize = 1000;

/// Writes an object behind a `---` line (wire-format.md 3.7).
///
/// Keys are sorted bytewise at every level, lists are not indented below their key, long lines are never folded,
/// and text of several lines becomes a `|` block.
///
/// # Errors
///
/// The value has no JSON form, such as a map whose keys are not strings.
pub fn to_yaml(value: &impl Serialize) -> Result<String, WriteError> {
    let value = serde_json::to_value(value)?;
    let mut out = String::from("---\n");
    match &value {
        Value::Object(map) if !map.is_empty() => write_map(&mut out, map, 0),
        Value::Array(items) if !items.is_empty() => write_list(&mut out, items, 0),
        // A block must be indented, which a lone string is not.
        Value::String(text) if style(text) == Style::Literal => {
            push_double(&mut out, text);
            out.push('\n');
        }
        scalar => write_scalar(&mut out, scalar, 0),
    }
    Ok(out)
}

/// Writes the entries at this column; of the first one the caller has written the indent.
fn write_map(out: &mut String, map: &Map<String, Value>, column: usize) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    for (index, (key, value)) in entries.into_iter().enumerate() {
        if index > 0 {
            indent(out, column);
        }
        write_key(out, key, column);
        match value {
            Value::Object(map) if !map.is_empty() => {
                out.push('\n');
                indent(out, column + 2);
                write_map(out, map, column + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                out.push('\n');
                indent(out, column);
                write_list(out, items, column);
            }
            scalar => {
                out.push(' ');
                write_scalar(out, scalar, column);
            }
        }
    }
}

/// Writes the items with their dashes at this column; of the first one the caller has written the indent.
fn write_list(out: &mut String, items: &[Value], column: usize) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            indent(out, column);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => write_map(out, map, column + 2),
            Value::Array(items) if !items.is_empty() => write_list(out, items, column + 2),
            scalar => write_scalar(out, scalar, column),
        }
    }
}

fn write_key(out: &mut String, key: &str, column: usize) {
    let mut text = String::new();
    match style(key) {
        Style::Plain => text.push_str(key),
        Style::Single => push_single(&mut text, key),
        Style::Double | Style::Literal => push_double(&mut text, key),
    }
    if text.len() > LONGEST_SIMPLE_KEY {
        out.push_str("? ");
        out.push_str(&text);
        out.push('\n');
        indent(out, column);
    } else {
        out.push_str(&text);
    }
    out.push(':');
}

/// Writes everything that is no entry of its own, and ends the line. `column` is that of the list or map around it.
fn write_scalar(out: &mut String, value: &Value, column: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => match style(text) {
            Style::Plain => out.push_str(text),
            Style::Single => push_single(out, text),
            Style::Double => push_double(out, text),
            Style::Literal => return write_block(out, text, column + 2),
        },
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
    out.push('\n');
}

fn write_block(out: &mut String, text: &str, column: usize) {
    out.push('|');
    if text.starts_with([' ', '\n']) {
        // The first line does not show the indent, so it is said.
        out.push('2');
    }
    let lines = match text.strip_suffix('\n') {
        None => {
            out.push('-');
            text
        }
        Some(lines) => {
            if lines.is_empty() || lines.ends_with('\n') {
                out.push('+');
            }
            lines
        }
    };
    out.push('\n');
    for line in lines.split('\n') {
        if !line.is_empty() {
            indent(out, column);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn number_text(number: &Number) -> String {
    match (number.as_i64(), number.as_u64(), number.as_f64()) {
        (None, None, Some(float)) => shortest(&scientific(float)),
        _ => number.to_string(),
    }
}

fn indent(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_lists_stand_below_their_key() {
        let value = json!({
            "spec": {"encryptedData": {"b": "x".repeat(9000), "a": "AgB+/="}, "list": ["a", {"z": 1, "b": []}, [1, [2]], []]},
            "metadata": {"annotations": {"sealed": "true"}, "empty": {}, "none": null},
            "kind": "SealedSecret",
            "apiVersion": "bitnami.com/v1alpha1",
        });
        let expected = format!(
            r#"---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  annotations:
    sealed: "true"
  empty: {{}}
  none: null
spec:
  encryptedData:
    a: AgB+/=
    b: {}
  list:
  - a
  - b: []
    z: 1
  - - 1
    - - 2
  - []
"#,
            "x".repeat(9000)
        );
        assert_eq!(to_yaml(&value).unwrap(), expected);
    }

    #[test]
    fn text_of_several_lines_becomes_a_block() {
        let value = json!({"a": "x\ny\n", "b": "x\n\ny", "c": "\n", "d": "x\n\n", "e": " x\ny", "f": ["x\ny"], "g": "x \ny", "h\ni": 1});
        let expected = "---\na: |\n  x\n  y\nb: |-\n  x\n\n  y\nc: |2+\n\nd: |+\n  x\n\ne: |2-\n   x\n  y\nf:\n- |-\n  x\n  y\n\
                        g: \"x \\ny\"\n\"h\\ni\": 1\n";
        assert_eq!(to_yaml(&value).unwrap(), expected);
    }

    #[test]
    fn numbers_keep_their_value_and_their_kind() {
        let value = json!([1, -1, u64::MAX, 1.5, 1e21, 1e-7, 1e6]);
        assert_eq!(
            to_yaml(&value).unwrap(),
            "---\n- 1\n- -1\n- 18446744073709551615\n- 1.5\n- 1e+21\n- 1e-07\n- 1e+06\n"
        );
    }

    #[test]
    fn a_map_without_string_keys_is_an_error() {
        assert!(to_yaml(&std::collections::BTreeMap::from([(vec![1], 2)])).is_err());
    }
}
