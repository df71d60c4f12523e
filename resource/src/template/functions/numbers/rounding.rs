//! `round`, `floor`, `ceil` and the larger and smaller of floats.

use super::convert::to_float;
use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Float, Int};
use crate::template::function::{Arguments, Function, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::variadic("maxf", &[Any], Any, maxf),
    Function::variadic("minf", &[Any], Any, minf),
    Function::new("floor", &[Any], floor),
    Function::new("ceil", &[Any], ceil),
    Function::variadic("round", &[Any, Int], Float, round),
];

fn maxf(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Float(args.rest(1).iter().map(to_float).fold(to_float(args.value(0)), larger)))
}

fn minf(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Float(args.rest(1).iter().map(to_float).fold(to_float(args.value(0)), |a, b| -larger(-a, -b))))
}

/// Positive infinity wins over NaN, NaN over every number, and 0 over -0.
fn larger(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else {
        a.max(b)
    }
}

fn floor(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Float(to_float(args.value(0)).floor()))
}

fn ceil(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Float(to_float(args.value(0)).ceil()))
}

/// Goes up when the (signed) fraction reaches the threshold, so negative numbers always go down at the usual one.
fn round(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let threshold = if args.len() > 2 { args.float(2)? } else { 0.5 };
    let scale = power_of_ten(args.int(1)?);
    let scaled = to_float(args.value(0)) * scale;
    // An infinity has no fraction to compare.
    let goes_up = scaled.is_finite() && scaled.fract() >= threshold;
    Ok(Value::Float(if goes_up { scaled.ceil() } else { scaled.floor() } / scale))
}

/// `10^exponent` with the rounding errors of Go's `math.Pow`, which squares a mantissa: results of `round` show them.
fn power_of_ten(exponent: i64) -> f64 {
    // Far beyond what a float holds, either way.
    let mut left = exponent.unsigned_abs().min(10_000);
    // 10 is 0.625 × 2^4.
    let (mut square, mut square_exponent) = (0.625_f64, 4_i32);
    let (mut mantissa, mut binary) = (1.0_f64, 0_i32);
    while left != 0 {
        if left & 1 == 1 {
            mantissa *= square;
            binary += square_exponent;
        }
        square *= square;
        square_exponent *= 2;
        if square < 0.5 {
            square += square;
            square_exponent -= 1;
        }
        left >>= 1;
    }
    if exponent < 0 { scale_by_power_of_two(1.0 / mantissa, -binary) } else { scale_by_power_of_two(mantissa, binary) }
}

/// `number × 2^exponent`, rounded once.
fn scale_by_power_of_two(number: f64, exponent: i32) -> f64 {
    let power = |exponent: i32| f64::from_bits(u64::from((exponent + 1023).cast_unsigned()) << 52);
    match exponent {
        1024.. => number * power(1000) * power((exponent - 1000).min(1000)),
        // The first factor keeps the number normal, so that only the second rounds.
        ..-1000 => number * power(-900) * power((exponent + 900).max(-1000)),
        _ => number * power(exponent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_ten_carry_the_errors_of_gos_pow() {
        let table = [
            (0, 1.0),
            (3, 1000.0),
            (22, 1e22),
            (-2, 0.01),
            (308, 1.000_000_000_000_000_6e308),
            (400, f64::INFINITY),
            (-323, 1e-323),
            (-400, 0.0),
            (i64::MAX, f64::INFINITY),
            (i64::MIN, 0.0),
        ];
        for (exponent, power) in table {
            assert_eq!(power_of_ten(exponent), power, "{exponent}");
        }
    }
}
