//! Numbers: conversions, integer arithmetic, and the decimal, rounding and counting functions.

mod convert;
mod decimal;
mod decimal_functions;
mod rounding;
mod sequence;

use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) use convert::{to_float, to_int};
pub(super) use decimal_functions::TABLE as DECIMAL_TABLE;
pub(super) use rounding::TABLE as ROUNDING_TABLE;
pub(super) use sequence::TABLE as SEQUENCE_TABLE;

pub(super) const TABLE: &[Function] = &[
    Function::new("int", &[Any], int),
    Function::new("int64", &[Any], int64),
    Function::new("float64", &[Any], float64),
    Function::new("atoi", &[Text], atoi),
    Function::new("toDecimal", &[Any], to_decimal),
    Function::variadic("add", &[], Any, add),
    Function::new("add1", &[Any], add1),
    Function::new("sub", &[Any, Any], sub),
    Function::variadic("mul", &[Any], Any, mul),
    Function::new("div", &[Any, Any], div),
    Function::new("mod", &[Any, Any], modulo),
    Function::variadic("max", &[Any], Any, max),
    Function::variadic("biggest", &[Any], Any, max),
    Function::variadic("min", &[Any], Any, min),
];

fn int(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int(to_int(args.value(0))))
}

fn int64(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(to_int(args.value(0))))
}

fn float64(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Float(to_float(args.value(0))))
}

fn atoi(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int(saturating_decimal(args.text(0)?)))
}

/// Decimal digits as far as they fit 64 bits: the nearest limit beyond, and 0 for what is no number.
fn saturating_decimal(text: &[u8]) -> i64 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    // Whether the number is too long is known before a later byte that is no digit is seen.
    let mut magnitude: u64 = 0;
    for byte in digits {
        let next = byte.is_ascii_digit().then(|| magnitude.checked_mul(10)?.checked_add(u64::from(byte - b'0')));
        match next {
            Some(Some(next)) => magnitude = next,
            Some(None) => {
                magnitude = u64::MAX;
                break;
            }
            None => return 0,
        }
    }
    let magnitude = i128::from(magnitude);
    let number = if negative { -magnitude } else { magnitude };
    i64::try_from(number).unwrap_or(if negative { i64::MIN } else { i64::MAX })
}

/// The printed form of any value read as an octal number.
fn to_decimal(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let printed = context.print(args.value(0))?;
    let number = std::str::from_utf8(&printed).ok().and_then(|text| i64::from_str_radix(text, 8).ok());
    Ok(Value::Int64(number.unwrap_or(0)))
}

fn add(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(args.0.iter().fold(0, |sum, value| sum.wrapping_add(to_int(value)))))
}

fn add1(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(to_int(args.value(0)).wrapping_add(1)))
}

fn sub(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(to_int(args.value(0)).wrapping_sub(to_int(args.value(1)))))
}

fn mul(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(args.0.iter().fold(1, |product, value| product.wrapping_mul(to_int(value)))))
}

fn div(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    divide(args, i64::wrapping_div)
}

fn modulo(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    divide(args, i64::wrapping_rem)
}

fn divide(args: Arguments<'_>, operation: fn(i64, i64) -> i64) -> FunctionResult {
    match to_int(args.value(1)) {
        0 => Err(FunctionError::failed("runtime error: integer divide by zero")),
        divisor => Ok(Value::Int64(operation(to_int(args.value(0)), divisor))),
    }
}

fn max(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(args.0.iter().map(to_int).max().unwrap_or(0)))
}

fn min(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Int64(args.0.iter().map(to_int).min().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atoi_stops_at_the_limits_of_64_bits() {
        let table: [(&[u8], i64); 10] = [
            (b"42", 42),
            (b"+42", 42),
            (b"-42", -42),
            (b"9223372036854775808", i64::MAX),
            (b"-9223372036854775809", i64::MIN),
            (b"99999999999999999999x", i64::MAX),
            (b"9x", 0),
            (b"", 0),
            (b"-", 0),
            (b"0x1", 0),
        ];
        for (text, number) in table {
            assert_eq!(saturating_decimal(text), number);
        }
    }
}
