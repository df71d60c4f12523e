//! Numbers that keep the text they were written as.

use std::fmt;

use super::decimal::Decimal;
use crate::shortest_float::scientific_single;

/// A number of a document, with its text as written.
///
/// `Debug` shows neither: numbers can be secrets.
#[derive(Clone, PartialEq)]
pub struct Number {
    written: String,
    value: Value,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Value {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Number {
    pub(super) fn new(written: &str, value: Value) -> Self {
        Number { written: written.to_owned(), value }
    }

    pub(super) fn is_integer(&self) -> bool {
        !matches!(self.value, Value::Float(_))
    }

    /// The number as if it had been written with a point (`!!float 7`).
    pub(super) fn into_float(self) -> Self {
        #[allow(clippy::cast_precision_loss)]
        // As the reference; `to_text` goes back to the digits.
        let float = match self.value {
            Value::Signed(integer) => integer as f64,
            Value::Unsigned(integer) => integer as f64,
            Value::Float(_) => return self,
        };
        Number { written: self.to_text(), value: Value::Float(float) }
    }

    /// The text that this number becomes where text is expected (decision 22).
    ///
    /// The reference turns integers of up to 64 bits into decimal, and everything else into the shortest text of a
    /// single-precision float. Where that loses digits, the text as written is used instead.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self.value {
            Value::Signed(integer) => integer.to_string(),
            Value::Unsigned(integer) => integer.to_string(),
            Value::Float(float) => self.float_text(float, ["NaN", "+Inf", "-Inf"]),
        }
    }

    /// The same for a number used as a map key; only the infinities are spelt differently.
    pub(super) fn to_key(&self) -> String {
        match self.value {
            Value::Float(float) => self.float_text(float, [".nan", ".inf", "-.inf"]),
            _ => self.to_text(),
        }
    }

    /// The number for JSON: integers of up to 64 bits exactly, others in double precision.
    ///
    /// `None` for infinities and NaN, which JSON does not have.
    #[must_use]
    pub fn to_json(&self) -> Option<serde_json::Number> {
        match self.value {
            Value::Signed(integer) => Some(integer.into()),
            Value::Unsigned(integer) => Some(integer.into()),
            Value::Float(float) => whole(float).map(Into::into).or_else(|| serde_json::Number::from_f64(float)),
        }
    }

    fn float_text(&self, float: f64, [nan, inf, negative_inf]: [&str; 3]) -> String {
        if float.is_nan() {
            return nan.to_owned();
        }
        if float.is_infinite() {
            return if float > 0.0 { inf } else { negative_inf }.to_owned();
        }
        #[allow(clippy::cast_possible_truncation)]
        // The rounding of the reference, checked just below.
        let text = shortest(&scientific_single(float as f32));
        let written = Decimal::parse(&self.written.replace('_', ""));
        if written.is_some() && Decimal::parse(&text) == written { text } else { self.written.clone() }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

/// Lays out shortest digits (as `{:e}` prints them) the way Go's `%g` does: an exponent, of at least two digits, for
/// numbers from 1 000 000 upwards and below 0.0001.
pub(super) fn shortest(scientific: &str) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific.to_owned();
    };
    let Ok(exponent) = exponent.parse::<i32>() else {
        return scientific.to_owned();
    };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    match exponent {
        0..=5 => {
            let whole = usize::try_from(exponent).unwrap_or_default() + 1;
            if digits.len() <= whole {
                format!("{sign}{digits:0<whole$}")
            } else {
                format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
            }
        }
        -4..=-1 => {
            let zeros = usize::try_from(-1 - exponent).unwrap_or_default();
            format!("{sign}0.{:0<zeros$}{digits}", "")
        }
        _ => {
            let direction = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs())
        }
    }
}

/// A float without a fraction as the integer that it is, if 64 bits hold it.
fn whole(float: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
    #[allow(clippy::cast_possible_truncation)] // Whole and within range.
    (float.fract() == 0.0 && (-LIMIT..LIMIT).contains(&float)).then_some(float as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_laid_out_as_go_does() {
        for (scientific, expected) in [
            ("0e0", "0"),
            ("-0e0", "-0"),
            ("1e0", "1"),
            ("1.5e0", "1.5"),
            ("-1.25e1", "-12.5"),
            ("1.23456e5", "123456"),
            ("1.2345675e5", "123456.75"),
            ("1e6", "1e+06"),
            ("1.2345679e6", "1.2345679e+06"),
            ("6.02e23", "6.02e+23"),
            ("1e-1", "0.1"),
            ("1.5e-4", "0.00015"),
            ("1e-5", "1e-05"),
            ("-2.5e-100", "-2.5e-100"),
        ] {
            assert_eq!(shortest(scientific), expected, "{scientific}");
        }
    }
}
