//! Numbers as written: one literal can be a signed, an unsigned and a floating-point number at once.

use super::float::parse_float;
use super::token::TokenKind;
use super::unquote::unquote_character;
use crate::template::print::quote;

/// A number literal and every type it fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::template) struct Number<'s> {
    pub(in crate::template) written: &'s str,
    pub(in crate::template) signed: Option<i64>,
    pub(in crate::template) unsigned: Option<u64>,
    pub(in crate::template) float: Option<f64>,
    pub(in crate::template) complex: Option<(f64, f64)>,
}

impl<'s> Number<'s> {
    /// Reads a token of the lexer, which takes more for a number than is one.
    pub(super) fn parse(written: &'s str, kind: TokenKind) -> Result<Number<'s>, String> {
        let mut number = Number { written, signed: None, unsigned: None, float: None, complex: None };
        if kind == TokenKind::CharacterConstant {
            let code = unquote_character(written)?;
            number.signed = Some(i64::from(code));
            number.unsigned = Some(u64::from(code));
            number.float = Some(f64::from(code));
            return Ok(number);
        }
        if kind == TokenKind::Complex {
            let split = written[1..].rfind(['+', '-']).map_or(0, |at| at + 1);
            let (re, im) = written.split_at(split);
            let re = parse_float(re);
            let im = im.strip_suffix('i').and_then(parse_float);
            let (Some(re), Some(im)) = (re, im) else { return Err("syntax error scanning complex number".to_owned()) };
            return Ok(number.of_complex(re, im));
        }
        if let Some(im) = written.strip_suffix('i').and_then(parse_float) {
            return Ok(number.of_complex(0.0, im));
        }
        number.unsigned = parse_unsigned(written);
        number.signed = parse_signed(written);
        if number.signed == Some(0) {
            number.unsigned = Some(0);
        }
        #[allow(clippy::cast_precision_loss)] // Go converts the same way.
        if let Some(signed) = number.signed {
            number.float = Some(signed as f64);
        } else if let Some(unsigned) = number.unsigned {
            number.float = Some(unsigned as f64);
        } else if let Some(float) = parse_float(written) {
            if !written.contains(['.', 'e', 'E', 'p', 'P']) {
                return Err(format!("integer overflow: {}", quote::quoted(written.as_bytes())));
            }
            number.float = Some(float);
            number.signed = whole_signed(float);
            number.unsigned = whole_unsigned(float);
        }
        if number.float.is_none() { Err(illegal(written)) } else { Ok(number) }
    }

    /// Without an imaginary part the number fits the other types too.
    fn of_complex(mut self, re: f64, im: f64) -> Number<'s> {
        self.complex = Some((re, im));
        if im == 0.0 {
            self.float = Some(re);
            self.signed = whole_signed(re);
            self.unsigned = whole_unsigned(re);
        }
        self
    }
}

fn illegal(written: &str) -> String {
    format!("illegal number syntax: {}", quote::quoted(written.as_bytes()))
}

/// Go's `int64(f)`, where converting back gives the same. Out of range the hardware gives the smallest number.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn whole_signed(float: f64) -> Option<i64> {
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&float);
    (fits && (float as i64) as f64 == float).then_some(float as i64)
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole_unsigned(float: f64) -> Option<u64> {
    let fits = (0.0..18_446_744_073_709_551_616.0).contains(&float);
    (fits && (float as u64) as f64 == float).then_some(float as u64)
}

/// Go's `ParseInt` with base 0.
pub(in crate::template) fn parse_signed(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = i128::from(parse_unsigned(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// Go's base-0 syntax: prefixes `0x`, `0o`, `0b` and `0`, and underscores between digits.
fn parse_unsigned(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (radix, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let prefixed = digits.len() < lower.len();
    let digits = digits_without_underscores(digits, prefixed)?;
    if digits.starts_with(['+', '-']) { None } else { u64::from_str_radix(&digits, radix).ok() }
}

/// Drops underscores if each stands between two digits, or between the base prefix and a digit.
fn digits_without_underscores(digits: &str, prefixed: bool) -> Option<String> {
    let mut after_digit = prefixed;
    for c in digits.chars() {
        match c {
            '_' if !after_digit => return None,
            c => after_digit = c != '_',
        }
    }
    after_digit.then(|| digits.replace('_', ""))
}
