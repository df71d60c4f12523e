//! Decimal numbers compared exactly, without floating point.

/// A decimal number in lowest terms: `±digits × 10^exponent`, no zero at either end of `digits`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads `-12.50e3` and the like; nothing if the text is no plain decimal number.
    pub(super) fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut exponent = exponent.saturating_sub(i64::try_from(fraction.len()).ok()?);
        while digits.pop_if(|digit| *digit == b'0').is_some() {
            exponent = exponent.saturating_add(1);
        }
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        Some(Decimal { negative, digits, exponent })
    }
}

/// An exponent too long for 64 bits is held at their end: such numbers are zero or infinite to everyone else.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let beyond = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Some(text.parse().unwrap_or(beyond))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_are_equal_however_they_are_written() {
        for (left, right) in [
            ("1.10", "1.1"),
            ("1e3", "1000"),
            ("6.02e23", "6.02e+23"),
            ("0.000001", "1e-06"),
            ("-0.0", "0"),
            (".5", "+00.50"),
            ("5.", "5"),
            ("0e99999999999999999999", "0"),
            ("100000000000000000000", "1E20"),
        ] {
            assert!(Decimal::parse(left).is_some(), "{left}");
            assert_eq!(Decimal::parse(left), Decimal::parse(right), "{left} {right}");
        }
    }

    #[test]
    fn numbers_that_differ_in_the_last_digit_differ() {
        for (left, right) in [
            ("3.14159265358979", "3.1415927"),
            ("16777217", "16777216"),
            ("1", "-1"),
            ("1e99999999999999999998", "1e-99999999999999999999"),
        ] {
            assert_ne!(Decimal::parse(left), Decimal::parse(right), "{left} {right}");
        }
    }

    #[test]
    fn other_text_is_no_decimal() {
        for text in ["", "-", "+Inf", "0x10", "1_0", "1e", "1e+", ".", "1.2.3", "e5", "--1"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }
}
