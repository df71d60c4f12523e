//! `time.Duration`, nanoseconds in 64 bits.

use crate::template::context::Context;
use crate::template::function::Parameter::Duration;
use crate::template::function::{Arguments, Function, FunctionResult};
use crate::template::named::Named;
use crate::template::value::Value;

pub(super) const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// The magnitude of the least duration.
const MOST: u64 = 1 << 63;

/// The methods of a duration, with the number as first argument.
pub(super) const METHODS: &[Function] = &[
    Function::new("Hours", &[], |_, args| Ok(Value::Float(parts(args.int(0)?, HOUR)))),
    Function::new("Minutes", &[], |_, args| Ok(Value::Float(parts(args.int(0)?, MINUTE)))),
    Function::new("Seconds", &[], |_, args| Ok(Value::Float(parts(args.int(0)?, SECOND)))),
    Function::new("Milliseconds", &[], |_, args| Ok(Value::Int64(args.int(0)? / 1_000_000))),
    Function::new("Microseconds", &[], |_, args| Ok(Value::Int64(args.int(0)? / 1000))),
    Function::new("Nanoseconds", &[], |_, args| Ok(Value::Int64(args.int(0)?))),
    Function::new("Abs", &[], |_, args| Ok(duration(args.int(0)?.saturating_abs()))),
    Function::new("Round", &[Duration], |_, args| Ok(duration(rounded(args.int(0)?, args.int(1)?)))),
    Function::new("Truncate", &[Duration], truncate),
    Function::new("String", &[], |_, args| Ok(Value::text(Named::Duration.text(args.int(0)?)))),
];

/// A duration as a value.
pub(super) fn duration(nanoseconds: i64) -> Value {
    Value::Named(Named::Duration, nanoseconds)
}

/// Rounded to a multiple of `unit`, halves away from zero; what does not fit becomes the limit.
pub(super) fn rounded(nanoseconds: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanoseconds;
    }
    let rest = nanoseconds % unit;
    let down = nanoseconds - rest;
    if rest.unsigned_abs() < unit.unsigned_abs() - rest.unsigned_abs() {
        return down;
    }
    if nanoseconds < 0 { down.saturating_sub(unit) } else { down.saturating_add(unit) }
}

/// Reads `1h15m30.5s`, `-1.5h`, `300ms`; `None` for anything else.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let (negative, mut rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Some(0);
    }
    let mut total = 0_u64;
    loop {
        let (number, after) = decimal(rest)?;
        let unit_len = after.iter().take_while(|&&byte| byte != b'.' && !byte.is_ascii_digit()).count();
        let unit = unit(&after[..unit_len])?;
        let whole = number.whole.checked_mul(unit).filter(|&whole| whole <= MOST)?;
        // As Go computes it, in floating point.
        let fraction = (number.fraction as f64 * (unit as f64 / number.scale)) as u64;
        let part = whole.checked_add(fraction).filter(|&part| part <= MOST)?;
        total = total.checked_add(part).filter(|&total| total <= MOST)?;
        rest = &after[unit_len..];
        if rest.is_empty() {
            break;
        }
    }
    if negative { Some((total as i64).wrapping_neg()) } else { i64::try_from(total).ok() }
}

/// A number with decimals.
struct Decimal {
    whole: u64,
    /// The digits after the point, and the power of ten to divide them by.
    fraction: u64,
    scale: f64,
}

/// The number that `text` begins with, and what follows.
fn decimal(text: &[u8]) -> Option<(Decimal, &[u8])> {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => rest.split_at(digits(rest)),
        None => (&[][..], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { std::str::from_utf8(whole).ok()?.parse().ok()? };
    if whole > MOST {
        return None;
    }
    let mut decimal = Decimal { whole, fraction: 0, scale: 1.0 };
    for digit in fraction {
        // Digits that no longer fit are left out.
        match decimal.fraction.checked_mul(10).and_then(|ten| ten.checked_add(u64::from(digit - b'0'))) {
            Some(longer) if longer <= MOST => {
                (decimal.fraction, decimal.scale) = (longer, decimal.scale * 10.0);
            }
            _ => break,
        }
    }
    Some((decimal, rest))
}

fn unit(name: &[u8]) -> Option<u64> {
    Some(match name {
        b"ns" => 1,
        b"us" | b"\xc2\xb5s" | b"\xce\xbcs" => 1000,
        b"ms" => 1_000_000,
        b"s" => SECOND as u64,
        b"m" => MINUTE as u64,
        b"h" => HOUR as u64,
        _ => return None,
    })
}

/// In units, the whole ones and the fraction added as Go does.
fn parts(nanoseconds: i64, unit: i64) -> f64 {
    (nanoseconds / unit) as f64 + (nanoseconds % unit) as f64 / unit as f64
}

fn truncate(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (nanoseconds, unit) = (args.int(0)?, args.int(1)?);
    Ok(duration(if unit <= 0 { nanoseconds } else { nanoseconds - nanoseconds % unit }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases: [(&str, Option<i64>); 14] = [
            ("0", Some(0)),
            ("1h15m30.918s", Some(4_530_918_000_000)),
            ("-1.5h", Some(-5_400_000_000_000)),
            ("+5s", Some(5_000_000_000)),
            (".5s", Some(500_000_000)),
            ("5.s", Some(5_000_000_000)),
            ("1µs1μs", Some(2000)),
            ("0.3333333333333333333h", Some(1_200_000_000_000)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("", None),
            ("3", None),
            (".s", None),
            ("1d", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text.as_bytes()), expected, "{text}");
        }
    }
}
