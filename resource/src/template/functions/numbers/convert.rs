//! Any value as a number: Sprig's conversions, which give 0 rather than an error.

use crate::template::named::Named;
use crate::template::syntax::{parse_float, parse_signed};
use crate::template::value::Value;

/// The value as an `int64`: floats are cut, text follows Go's base-0 syntax, and what is no number is 0.
pub(in super::super) fn to_int(value: &Value) -> i64 {
    match value {
        Value::Bool(value) => i64::from(*value),
        Value::Float(number) => float_to_int(*number),
        Value::Text(text) => std::str::from_utf8(text).ok().and_then(text_to_int).unwrap_or(0),
        Value::Named(Named::Duration, _) => 0,
        // Go's conversion wraps around as well.
        value => value.as_signed().or(value.as_unsigned().map(u64::cast_signed)).unwrap_or(0),
    }
}

/// The value as a `float64`; what is no number is 0.
#[allow(clippy::cast_precision_loss)] // Go converts the same way.
pub(in super::super) fn to_float(value: &Value) -> f64 {
    match value {
        Value::Bool(value) => f64::from(u8::from(*value)),
        Value::Float(number) => *number,
        Value::Text(text) => std::str::from_utf8(text).ok().and_then(text_to_float).unwrap_or(0.0),
        Value::Named(Named::Duration, _) => 0.0,
        value => match (value.as_signed(), value.as_unsigned()) {
            (Some(signed), _) => signed as f64,
            (None, Some(unsigned)) => unsigned as f64,
            (None, None) => 0.0,
        },
    }
}

/// Out of range, the reference's hardware gives the smallest number.
#[allow(clippy::cast_possible_truncation)]
fn float_to_int(number: f64) -> i64 {
    let in_range = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    if in_range { number as i64 } else { i64::MIN }
}

/// A fraction of zeros only is dropped; any other is no integer.
fn text_to_int(text: &str) -> Option<i64> {
    match text.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => parse_signed(whole),
        Some(_) => None,
        None => parse_signed(text),
    }
}

fn text_to_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned.eq_ignore_ascii_case("inf") || unsigned.eq_ignore_ascii_case("infinity") {
        return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    if text.eq_ignore_ascii_case("nan") { Some(f64::NAN) } else { parse_float(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_an_integer_by_gos_base_zero_syntax() {
        let table = [
            ("0x1F", 31),
            ("010", 8),
            ("08", 0),
            ("0b11", 3),
            ("1_000", 1000),
            ("1.0", 1),
            ("1.", 0),
            ("1.9", 0),
            ("1e3", 0),
            (" 5", 0),
            ("0x1F.0", 31),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775808", 0),
            ("-9223372036854775808", i64::MIN),
            ("", 0),
            (".", 0),
        ];
        for (text, number) in table {
            assert_eq!(to_int(&Value::text(text)), number, "{text}");
        }
    }

    #[test]
    fn floats_beyond_an_integer_become_the_smallest() {
        for (float, number) in [(2.9, 2), (-2.9, -2), (1e19, i64::MIN), (-1e19, i64::MIN), (f64::NAN, i64::MIN)] {
            assert_eq!(to_int(&Value::Float(float)), number, "{float}");
        }
    }

    #[test]
    fn durations_are_no_numbers_but_months_are() {
        assert_eq!((to_int(&Value::Named(Named::Duration, 5)), to_int(&Value::Named(Named::Month, 5))), (0, 5));
    }
}
