//! `eq`, `lt` and their kin: Go compares values of one kind only, but integers of any sign and size.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::template::context::Context;
use crate::template::function::{Arguments, FunctionError, FunctionResult};
use crate::template::value::{Kind, Value};

/// `eq a b c`: whether `a` is equal to any of the others.
pub(super) fn equal(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    if args.len() < 2 {
        return Err(FunctionError::failed("missing argument for comparison"));
    }
    for other in args.rest(1) {
        context.spend(1)?;
        if are_equal(args.value(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

pub(super) fn not_equal(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(!are_equal(args.value(0), args.value(1))?))
}

pub(super) fn less(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(is_less(args.value(0), args.value(1))?))
}

pub(super) fn less_or_equal(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(is_less_or_equal(args.value(0), args.value(1))?))
}

/// Not less or equal: true where one of the two is not a number.
pub(super) fn greater(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(!is_less_or_equal(args.value(0), args.value(1))?))
}

/// Not less: true where one of the two is not a number.
pub(super) fn greater_or_equal(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(!is_less(args.value(0), args.value(1))?))
}

/// A whole number of any type.
fn whole(value: &Value) -> Option<i128> {
    value.as_signed().map(i128::from).or_else(|| value.as_unsigned().map(i128::from))
}

fn are_equal(a: &Value, b: &Value) -> Result<bool, FunctionError> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Ok(a == b),
        (Value::Float(a), Value::Float(b)) => Ok(a == b),
        (Value::Complex(a, x), Value::Complex(b, y)) => Ok(a == b && x == y),
        (Value::Text(a), Value::Text(b)) => Ok(a == b),
        (Value::Nil, other) | (other, Value::Nil) => Ok(is_nil(other)),
        (Value::Object(x), Value::Object(y)) if a.kind() == b.kind() => {
            Ok(if a.kind() == Kind::Pointer { Rc::ptr_eq(x, y) } else { x.equals(y.as_ref()) })
        }
        (Value::List(a), Value::List(b)) if a.is_nil() || b.is_nil() => Ok(a.is_nil() == b.is_nil()),
        _ => match (whole(a), whole(b)) {
            (Some(a), Some(b)) => Ok(a == b),
            _ if is_basic(a) || is_basic(b) || a.kind() != b.kind() => Err(incompatible(a, b)),
            _ => Err(FunctionError::failed(format!("non-comparable type {}", a.type_name()))),
        },
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        _ => false,
    }
}

/// Whether the value is of a kind that Go's templates can order or compare directly.
fn is_basic(value: &Value) -> bool {
    !matches!(value, Value::Nil | Value::List(_) | Value::Map(_) | Value::Object(_))
}

fn incompatible(a: &Value, b: &Value) -> FunctionError {
    FunctionError::failed(format!("incompatible types for comparison: {} and {}", a.type_name(), b.type_name()))
}

fn is_less(a: &Value, b: &Value) -> Result<bool, FunctionError> {
    compare(a, b).map(|ordering| ordering == Some(Ordering::Less))
}

fn is_less_or_equal(a: &Value, b: &Value) -> Result<bool, FunctionError> {
    compare(a, b).map(|ordering| matches!(ordering, Some(Ordering::Less | Ordering::Equal)))
}

fn compare(a: &Value, b: &Value) -> Result<Option<Ordering>, FunctionError> {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => Ok(a.partial_cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        _ => match (whole(a), whole(b)) {
            (Some(a), Some(b)) => Ok(Some(a.cmp(&b))),
            _ if is_basic(a) && is_basic(b) && a.kind() != b.kind() => Err(incompatible(a, b)),
            _ => Err(FunctionError::failed("invalid type for comparison")),
        },
    }
}
