//! Go's numbers and booleans, with the reasons its `strconv` gives.

use crate::quote::quote;

/// Reads one of Go's boolean words.
///
/// # Errors
/// Names the function and the text as `strconv.ParseBool` does.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(syntax("ParseBool", text)),
    }
}

/// Reads a signed integer of `bits` bits. Base 0 takes `0x`, `0o`, `0b`, a leading zero for octal, and `_` between digits.
///
/// # Errors
/// Says `invalid syntax` or `value out of range`, as `strconv.ParseInt` does.
pub fn parse_int(text: &str, base: u32, bits: u32) -> Result<i64, String> {
    const NAME: &str = "ParseInt";
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let magnitude = magnitude(digits, base).map_err(|blame| blame.message(NAME, text))?;
    let limit = 1_u64 << (bits - 1);
    if negative && magnitude <= limit {
        Ok((magnitude as i64).wrapping_neg())
    } else if !negative && magnitude < limit {
        Ok(magnitude as i64)
    } else {
        Err(out_of_range(NAME, text))
    }
}

/// Reads an unsigned 64-bit integer; `base` as for [`parse_int`].
///
/// # Errors
/// Says `invalid syntax` or `value out of range`, as `strconv.ParseUint` does.
pub fn parse_uint(text: &str, base: u32) -> Result<u64, String> {
    magnitude(text, base).map_err(|blame| blame.message("ParseUint", text))
}

/// Reads a single-precision number: decimals with `_` between digits, `inf` and `nan` in any case.
///
/// # Errors
/// Says `invalid syntax` or `value out of range`, as `strconv.ParseFloat` does.
pub fn parse_float32(text: &str) -> Result<f32, String> {
    const NAME: &str = "ParseFloat";
    let plain = text.replace('_', "");
    if plain.len() != text.len() && !underscores_separate_digits(text) {
        return Err(syntax(NAME, text));
    }
    // Rust takes what Go takes, hexadecimal numbers aside.
    let value: f32 = plain.parse().map_err(|_| syntax(NAME, text))?;
    if value.is_infinite() && plain.contains(|c: char| c.is_ascii_digit()) {
        return Err(out_of_range(NAME, text));
    }
    Ok(value)
}

enum Blame {
    Syntax,
    Range,
}

impl Blame {
    fn message(&self, function: &str, text: &str) -> String {
        match self {
            Blame::Syntax => syntax(function, text),
            Blame::Range => out_of_range(function, text),
        }
    }
}

fn syntax(function: &str, text: &str) -> String {
    format!("strconv.{function}: parsing {}: invalid syntax", quote(text))
}

fn out_of_range(function: &str, text: &str) -> String {
    format!("strconv.{function}: parsing {}: value out of range", quote(text))
}

/// Reads digits without a sign.
fn magnitude(text: &str, base: u32) -> Result<u64, Blame> {
    if text.is_empty() {
        return Err(Blame::Syntax);
    }
    let (digits, radix, separators) = match base {
        0 => {
            let (digits, radix) = split_prefix(text);
            (digits, radix, true)
        }
        _ => (text, base, false),
    };
    let mut value: u64 = 0;
    let mut overflow = false;
    let mut underscores = false;
    for letter in digits.chars() {
        if letter == '_' && separators {
            underscores = true;
            continue;
        }
        let digit = letter.to_digit(radix).ok_or(Blame::Syntax)?;
        match value.checked_mul(u64::from(radix)).and_then(|shifted| shifted.checked_add(u64::from(digit))) {
            Some(next) => value = next,
            None => overflow = true,
        }
    }
    if underscores && !underscores_separate_digits(text) {
        return Err(Blame::Syntax);
    }
    if overflow { Err(Blame::Range) } else { Ok(value) }
}

/// Splits a base prefix off; a lone leading zero means octal.
fn split_prefix(text: &str) -> (&str, u32) {
    let Some(rest) = text.strip_prefix('0') else {
        return (text, 10);
    };
    if rest.len() >= 2 {
        match rest.as_bytes()[0].to_ascii_lowercase() {
            b'b' => return (&rest[1..], 2),
            b'o' => return (&rest[1..], 8),
            b'x' => return (&rest[1..], 16),
            _ => {}
        }
    }
    (rest, 8)
}

/// Go's rule: an underscore stands between two digits, or between a base prefix and a digit.
fn underscores_separate_digits(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text).to_ascii_lowercase();
    let prefixed = ["0b", "0o", "0x"].iter().any(|prefix| text.starts_with(prefix));
    let hexadecimal = text.starts_with("0x");
    let mut after_digit = prefixed;
    let mut after_underscore = false;
    for byte in text.bytes().skip(if prefixed { 2 } else { 0 }) {
        let digit = byte.is_ascii_digit() || (hexadecimal && byte.is_ascii_hexdigit());
        if byte == b'_' && !after_digit || after_underscore && !digit {
            return false;
        }
        after_underscore = byte == b'_';
        after_digit = digit;
    }
    !after_underscore
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_go() {
        for (text, want) in [
            ("0", 0),
            ("42", 42),
            ("-7", -7),
            ("+7", 7),
            ("0x10", 16),
            ("0X_1f", 31),
            ("0o17", 15),
            ("017", 15),
            ("0b101", 5),
            ("1_000", 1000),
            ("-0x8000000000000000", i64::MIN),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(parse_int(text, 0, 64).unwrap(), want, "{text}");
        }
        for text in ["", "-", "x", "08", "0x", "1__0", "_1", "1_", "0_", "1.5", "5s", " 1"] {
            let want = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
            assert_eq!(parse_int(text, 0, 64).unwrap_err(), want);
        }
        for text in ["9223372036854775808", "-9223372036854775809", "99999999999999999999999"] {
            let want = format!("strconv.ParseInt: parsing {text:?}: value out of range");
            assert_eq!(parse_int(text, 0, 64).unwrap_err(), want);
        }
    }

    #[test]
    fn a_narrow_decimal_integer_has_its_own_limits() {
        assert_eq!(parse_int("-2147483648", 10, 32).unwrap(), -2_147_483_648);
        assert!(parse_int("2147483648", 10, 32).unwrap_err().ends_with("value out of range"));
        assert!(parse_int("0x1", 10, 32).unwrap_err().ends_with("invalid syntax"));
        assert!(parse_int("1_0", 10, 32).unwrap_err().ends_with("invalid syntax"));
        assert_eq!(parse_uint("-1", 0).unwrap_err(), "strconv.ParseUint: parsing \"-1\": invalid syntax");
        assert_eq!(parse_uint("18446744073709551615", 0).unwrap(), u64::MAX);
    }

    #[test]
    fn numbers_with_a_point_follow_go() {
        for (text, want) in [("5", 5.0), ("-1", -1.0), ("2.5e1", 25.0), ("1_0.5", 10.5), (".5", 0.5), ("+3", 3.0)] {
            assert_eq!(parse_float32(text).unwrap(), want, "{text}");
        }
        assert!(parse_float32("inf").unwrap().is_infinite());
        for text in ["", "x", "1,5", "_1", "1e"] {
            assert!(parse_float32(text).unwrap_err().ends_with("invalid syntax"), "{text}");
        }
        assert_eq!(parse_float32("1e40").unwrap_err(), "strconv.ParseFloat: parsing \"1e40\": value out of range");
    }

    #[test]
    fn boolean_words_are_the_twelve_of_go() {
        for text in ["1", "t", "T", "true", "TRUE", "True"] {
            assert!(parse_bool(text).unwrap());
        }
        for text in ["0", "f", "F", "false", "FALSE", "False"] {
            assert!(!parse_bool(text).unwrap());
        }
        for text in ["", "yes", "tRUE", "on", "2"] {
            assert_eq!(parse_bool(text).unwrap_err(), format!("strconv.ParseBool: parsing {text:?}: invalid syntax"));
        }
    }
}
