//! `addf` and its like: decimal arithmetic on floats.

use super::convert::to_float;
use super::decimal::Decimal;
use crate::template::context::Context;
use crate::template::function::Parameter::Any;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::variadic("addf", &[], Any, addf),
    Function::new("add1f", &[Any], add1f),
    Function::variadic("subf", &[Any], Any, subf),
    Function::variadic("mulf", &[Any], Any, mulf),
    Function::variadic("divf", &[Any], Any, divf),
];

fn addf(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    fold(context, decimal(&Value::Int(0))?, args.0, |sum, value| Ok(sum.add(value)))
}

fn add1f(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    fold(context, decimal(args.value(0))?, &[Value::Int(1)], |sum, value| Ok(sum.add(value)))
}

fn subf(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    fold(context, decimal(args.value(0))?, args.rest(1), |rest, value| Ok(rest.subtract(value)))
}

fn mulf(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    fold(context, decimal(args.value(0))?, args.rest(1), |product, value| Ok(product.multiply(value)))
}

fn divf(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    fold(context, decimal(args.value(0))?, args.rest(1), |quotient, value| {
        quotient.divide(value).ok_or_else(|| FunctionError::failed("decimal division by 0"))
    })
}

/// The steps between are decimals too: only the end becomes a float.
fn fold(
    context: &mut Context<'_>,
    first: Decimal,
    others: &[Value],
    operation: fn(&Decimal, &Decimal) -> Result<Decimal, FunctionError>,
) -> FunctionResult {
    let mut result = first;
    for value in others {
        result = operation(&result, &decimal(value)?)?;
        // Digits add up from argument to argument.
        context.spend(result.size() / 64 + 1)?;
    }
    Ok(Value::Float(result.to_float()))
}

fn decimal(value: &Value) -> Result<Decimal, FunctionError> {
    let number = to_float(value);
    Decimal::from_float(number).ok_or_else(|| {
        let name = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        FunctionError::failed(format!("Cannot create a Decimal from {name}"))
    })
}
