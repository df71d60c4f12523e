//! Floating-point literals.

/// Go's `strconv.ParseFloat` for what the lexer lets through; out of range is no number.
pub(in crate::template) fn parse_float(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if !underscores_fit(unsigned) {
        return None;
    }
    let digits = unsigned.replace('_', "");
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let magnitude = match hexadecimal {
        Some(hexadecimal) => parse_hexadecimal(hexadecimal)?,
        None => parse_decimal(&digits)?,
    };
    magnitude.is_finite().then_some(sign * magnitude)
}

/// Underscores may stand between two digits, or between the base prefix and a digit.
fn underscores_fit(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let bytes = text.as_bytes();
    let prefixed = matches!(bytes, [b'0', b'x' | b'X' | b'b' | b'B' | b'o' | b'O', ..]);
    let hexadecimal = matches!(bytes, [b'0', b'x' | b'X', ..]);
    let mut last = if prefixed { b'0' } else { b'!' };
    for &byte in &bytes[if prefixed { 2 } else { 0 }..] {
        let digit = byte.is_ascii_digit() || hexadecimal && byte.is_ascii_hexdigit();
        match byte {
            b'_' if last != b'0' => return false,
            b'_' => last = b'_',
            _ if digit => last = b'0',
            _ if last == b'_' => return false,
            _ => last = b'!',
        }
    }
    last != b'_'
}

fn parse_decimal(digits: &str) -> Option<f64> {
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if !plain || digits.starts_with(['+', '-']) {
        return None;
    }
    digits.parse().ok()
}

/// `1.8p1` after the prefix; the exponent is mandatory.
fn parse_hexadecimal(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.parse::<i32>().ok()?.clamp(-100_000, 100_000);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let (mut value, mut scale, mut dropped) = (0_u64, exponent, false);
    for (index, digit) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(digit.to_digit(16)?);
        let in_fraction = index >= whole.len();
        if value >> 58 == 0 {
            value = value << 4 | digit;
            scale -= if in_fraction { 4 } else { 0 };
        } else {
            dropped |= digit != 0;
            scale += if in_fraction { 0 } else { 4 };
        }
    }
    // The lowest bit stands for whatever was dropped, so that rounding to even sees it.
    Some(scaled(value | u64::from(dropped), scale))
}

#[allow(clippy::cast_precision_loss)]
fn scaled(value: u64, exponent: i32) -> f64 {
    let mut result = value as f64;
    let mut left = exponent;
    while left != 0 && result != 0.0 && result.is_finite() {
        let step = left.clamp(-1000, 1000);
        result *= 2_f64.powi(step);
        left -= step;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_follow_gos_syntax() {
        let cases = [
            ("1_000.5", Some(1000.5)),
            ("1_0e1_0", Some(1e11)),
            ("0x1p-2", Some(0.25)),
            ("0x1.8p1", Some(3.0)),
            ("0x_1p0", Some(1.0)),
            ("-.5", Some(-0.5)),
            ("5.", Some(5.0)),
            ("1e400", None),
            ("0x1.8", None),
            ("0x1_p1", None),
            ("1__0.5", None),
            ("1_.5", None),
            ("1e", None),
            (".", None),
            ("inf", None),
        ];
        for (text, value) in cases {
            assert_eq!(parse_float(text), value, "{text}");
        }
    }
}
