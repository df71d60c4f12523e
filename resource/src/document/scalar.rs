//! What an unquoted scalar means: the YAML 1.1 table of Go's reader (kubeseal-cli.md 5.1).

use super::Number;
use super::number::Value;

/// The meaning of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    Null,
    /// With the word as written.
    Bool(bool, &'static str),
    Number(Number),
    /// `<<`, which merges maps where a key stands and is text elsewhere.
    Merge,
    Text,
}

/// Resolves an unquoted scalar. Dates and numbers to base 60 are text, as are numbers too large for a float.
pub(super) fn resolve(text: &str) -> Scalar {
    let Some(first) = text.bytes().next() else {
        return Scalar::Null;
    };
    match first {
        b'~' | b'n' | b'N' if matches!(text, "~" | "null" | "Null" | "NULL") => Scalar::Null,
        b'<' if text == "<<" => Scalar::Merge,
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => boolean(text),
        b'0'..=b'9' | b'+' | b'-' | b'.' => number(text).map_or(Scalar::Text, Scalar::Number),
        _ => Scalar::Text,
    }
}

/// The boolean words: lower, Capitalised and UPPER case only.
const WORDS: [(&str, bool); 22] = [
    ("y", true),
    ("Y", true),
    ("yes", true),
    ("Yes", true),
    ("YES", true),
    ("true", true),
    ("True", true),
    ("TRUE", true),
    ("on", true),
    ("On", true),
    ("ON", true),
    ("n", false),
    ("N", false),
    ("no", false),
    ("No", false),
    ("NO", false),
    ("false", false),
    ("False", false),
    ("FALSE", false),
    ("off", false),
    ("Off", false),
    ("OFF", false),
];

fn boolean(text: &str) -> Scalar {
    WORDS.iter().find(|(word, _)| *word == text).map_or(Scalar::Text, |&(word, value)| Scalar::Bool(value, word))
}

fn number(text: &str) -> Option<Number> {
    special(text)
        .or_else(|| if text.starts_with('.') { fraction(text) } else { plain_number(&text.replace('_', "")) })
        .map(|value| Number::new(text, value))
}

fn special(text: &str) -> Option<Value> {
    let float = match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    };
    Some(Value::Float(float))
}

/// A number that begins with its point: here alone underscores count, and only between digits.
fn fraction(text: &str) -> Option<Value> {
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let separating = |at: usize| digit(at.checked_sub(1)) && digit(Some(at + 1));
    if bytes.iter().enumerate().any(|(at, byte)| *byte == b'_' && !separating(at)) {
        return None;
    }
    float(&text.replace('_', ""))
}

/// A number that begins with a digit or a sign, underscores already gone.
fn plain_number(text: &str) -> Option<Value> {
    signed(text)
        .or_else(|| unsigned(text))
        .or_else(|| float(text))
        // Go reads what follows `0b` once more as a signed number, so a sign may stand there.
        .or_else(|| i64::from_str_radix(text.strip_prefix("0b")?, 2).ok().map(Value::Signed))
}

fn signed(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(magnitude(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok().map(Value::Signed)
}

fn unsigned(text: &str) -> Option<Value> {
    magnitude(text).map(Value::Unsigned)
}

/// Digits with an optional `0x`, `0o`, `0b` or `0` (octal) in front, no sign.
fn magnitude(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (radix, digits) = match bytes {
        [b'0', b'x' | b'X', _, ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    // `from_str_radix` would take one more sign.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// A decimal with digits on at least one side of the point and a finite value.
fn float(text: &str) -> Option<Value> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Keeps out the words (`inf`, `nan`, …) that Rust's parser knows.
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(scalar: &str) -> Option<String> {
        match resolve(scalar) {
            Scalar::Number(number) => Some(number.to_text()),
            _ => None,
        }
    }

    #[test]
    fn numbers_become_the_reference_text_unless_digits_would_be_lost() {
        for (written, expected) in [
            ("010", "8"),
            ("-010", "-8"),
            ("08", "8"),
            ("089", "89"),
            ("0x_1F", "31"),
            ("0o17", "15"),
            ("0b102", "0b102"),
            ("0b+1", "1"),
            ("+0x10", "16"),
            ("1__0", "10"),
            ("-0", "0"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("1.10", "1.1"),
            ("1_000.5", "1000.5"),
            ("1e3", "1000"),
            ("1e6", "1e+06"),
            ("6.02e23", "6.02e+23"),
            ("0.000001", "1e-06"),
            (".5_0", "0.5"),
            ("5.", "5"),
            ("-0.0", "-0"),
            (".inf", "+Inf"),
            ("-.INF", "-Inf"),
            (".NaN", "NaN"),
            // The reference would lose digits of these.
            ("3.14159265358979", "3.14159265358979"),
            ("1234567.891", "1234567.891"),
            ("16777217.0", "16777217.0"),
            ("0123456789", "0123456789"),
            ("18446744073709551617", "18446744073709551617"),
            ("1_0.123456789", "1_0.123456789"),
            ("1e39", "1e39"),
            ("1e-400", "1e-400"),
        ] {
            assert_eq!(text_of(written).as_deref().unwrap_or(written), expected, "{written}");
        }
    }

    #[test]
    fn text_that_only_looks_like_a_number_stays_text() {
        for text in [
            "0b102",
            "0o8",
            "0x",
            "0xg",
            "+",
            "-",
            ".",
            "._5",
            ".5_",
            "1e400",
            "12:30:45",
            "1:30.5",
            "2024-01-01",
            "1.2.3",
            "+-1",
            "0x-1",
            "inf",
            "-inf",
            "+nan",
            "_1",
            "1e",
            "e5",
            ".e5",
            "0xFFFFFFFFFFFFFFFFFF",
        ] {
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
    }

    #[test]
    fn booleans_and_null_have_three_cases_only() {
        for (word, value) in WORDS {
            assert_eq!(resolve(word), Scalar::Bool(value, word));
        }
        for text in ["tRue", "nO", "yES", "oFF", "nULL", "NuLL", "~~", "yep"] {
            assert_eq!(resolve(text), Scalar::Text, "{text}");
        }
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text), Scalar::Null, "{text}");
        }
    }
}
