//! Floating-point numbers as Go's `strconv.FormatFloat` writes them.

use crate::shortest_float::{self, positional};

/// No 64-bit float has more digits than this on either side of its point; the rest are zeros.
const DIGITS: usize = 1_100;

/// Go's `FormatFloat(number, verb, precision, 64)`; without a precision as many digits as tell the number apart.
///
/// Knows the verbs `e E f F g G b x X`; infinities and NaN read `+Inf`, `-Inf`, `NaN`.
pub(in crate::template) fn format_float(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'f' | 'F' => match precision {
            Some(precision) => {
                let exact = precision.min(DIGITS);
                format!("{number:.exact$}{}", "0".repeat(precision - exact))
            }
            None => positional(number),
        },
        'e' | 'E' => exponential(number, verb, precision),
        'b' => binary(number),
        'x' | 'X' => hexadecimal(number, verb, precision),
        _ => general(number, verb, precision),
    }
}

/// The digits in the form `d.ddd`, signed, and the decimal exponent.
fn scientific(number: f64, precision: Option<usize>) -> (String, i32) {
    let (text, zeros) = match precision {
        Some(precision) => {
            let exact = precision.min(DIGITS);
            (format!("{number:.exact$e}"), precision - exact)
        }
        None => (shortest_float::scientific(number), 0),
    };
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (digits.to_owned() + &"0".repeat(zeros), exponent.parse().unwrap_or(0))
}

fn exponent_text(exponent: i32) -> String {
    format!("{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

/// `d.ddde±dd`
fn exponential(number: f64, verb: char, precision: Option<usize>) -> String {
    let (digits, exponent) = scientific(number, precision);
    format!("{digits}{verb}{}", exponent_text(exponent))
}

/// With an exponent if it is below -4 or not below the precision (6 for the shortest form); no trailing zeros.
fn general(number: f64, verb: char, precision: Option<usize>) -> String {
    let (digits, exponent) = scientific(number, precision.map(|precision| precision.max(1) - 1));
    let digits = match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.'),
        false => &digits,
    };
    let bound = precision.map_or(6, |precision| precision.max(1));
    if exponent < -4 || usize::try_from(exponent).is_ok_and(|exponent| exponent >= bound) {
        let letter = if verb == 'G' { 'E' } else { 'e' };
        return format!("{digits}{letter}{}", exponent_text(exponent));
    }
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let digits: String = digits.chars().filter(|c| *c != '.').collect();
    let Ok(whole) = usize::try_from(exponent + 1) else {
        return format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    };
    match digits.len() {
        _ if whole == 0 => format!("{sign}0.{digits}"),
        len if len <= whole => format!("{sign}{digits}{}", "0".repeat(whole - len)),
        _ => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
    }
}

/// Sign, mantissa as an integer, and the exponent of its lowest bit.
fn parts(number: f64) -> (&'static str, u64, i32) {
    let bits = number.to_bits();
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let (exponent, fraction) = ((bits >> 52 & 0x7ff) as i32, bits & ((1 << 52) - 1));
    if exponent == 0 { (sign, fraction, -1074) } else { (sign, fraction | 1 << 52, exponent - 1075) }
}

/// `4503599627370496p-52`
fn binary(number: f64) -> String {
    let (sign, mantissa, exponent) = parts(number);
    format!("{sign}{mantissa}p{}{}", if exponent < 0 { '-' } else { '+' }, exponent.unsigned_abs())
}

/// `0x1.8p+01`
fn hexadecimal(number: f64, verb: char, precision: Option<usize>) -> String {
    let (sign, mut mantissa, mut exponent) = parts(number);
    if mantissa == 0 {
        exponent = 0;
    } else {
        // The leading one moves to bit 60, above fifteen hexadecimal digits.
        let shift = mantissa.leading_zeros() as i32 - 3;
        mantissa <<= shift;
        exponent += 60 - shift;
    }
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let dropped = 60 - 4 * precision as u32;
        let (half, rest) = (1_u64 << (dropped - 1), mantissa & ((1 << dropped) - 1));
        mantissa >>= dropped;
        if rest > half || rest == half && mantissa & 1 == 1 {
            mantissa += 1;
        }
        mantissa <<= dropped;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(precision) if precision <= 15 => fraction[..precision].to_owned(),
        Some(precision) => fraction + &"0".repeat(precision - 15),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let text = format!("{sign}0x{}{point}{fraction}p{}", mantissa >> 60, exponent_text(exponent));
    if verb == 'X' { text.to_uppercase() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_in_go() {
        let cases = [
            (100_000.0, 'g', None, "100000"),
            (1e6, 'g', None, "1e+06"),
            (123_456_789.0, 'g', None, "1.23456789e+08"),
            (1e21, 'g', None, "1e+21"),
            (0.0001, 'g', None, "0.0001"),
            (0.00001, 'g', None, "1e-05"),
            (1e6, 'g', Some(10), "1000000"),
            (123_456.0, 'g', Some(3), "1.23e+05"),
            (-1.5, 'g', None, "-1.5"),
            (0.5, 'f', Some(0), "0"),
            (2.5, 'f', Some(0), "2"),
            (1.0, 'e', Some(2), "1.00e+00"),
            (1.0, 'x', None, "0x1p+00"),
            (-3.0, 'X', Some(3), "-0X1.800P+01"),
            (1.0, 'b', None, "4503599627370496p-52"),
            (f64::INFINITY, 'g', None, "+Inf"),
        ];
        for (number, verb, precision, text) in cases {
            assert_eq!(format_float(number, verb, precision), text);
        }
    }
}
