//! `index`, `len` and `call`.

use crate::template::context::Context;
use crate::template::function::{Arguments, FunctionError, FunctionResult};
use crate::template::value::Value;

/// `index x 1 2 3` is Go's `x[1][2][3]`; a missing key gives the zero value.
pub(super) fn index(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    if let Value::Nil = args.value(0) {
        return Err(FunctionError::failed("index of untyped nil"));
    }
    args.rest(1).iter().try_fold(args.value(0).clone(), |item, index| element(&item, index))
}

fn element(item: &Value, index: &Value) -> FunctionResult {
    match item {
        Value::Nil => Err(FunctionError::failed("index of nil pointer")),
        Value::Text(text) => Ok(Value::Uint8(text[position(index, text.len())?])),
        Value::List(list) => Ok(list.get(position(index, list.len())?).unwrap_or(Value::Nil)),
        Value::Map(map) => {
            let Value::Text(key) = index else {
                return Err(FunctionError::failed(match index {
                    Value::Nil => "value is nil; should be of type string".to_owned(),
                    other => format!("value has type {}; should be string", other.type_name()),
                }));
            };
            let zero = || if map.is_of_text() { Value::text("") } else { Value::Nil };
            Ok(map.get(key).unwrap_or_else(zero))
        }
        other => Err(FunctionError::failed(format!("can't index item of type {}", other.type_name()))),
    }
}

fn position(index: &Value, len: usize) -> Result<usize, FunctionError> {
    let number = match (index, index.as_signed(), index.as_unsigned()) {
        (_, Some(number), _) => number,
        (_, _, Some(number)) => number.cast_signed(),
        (Value::Nil, ..) => return Err(FunctionError::failed("cannot index slice/array with nil")),
        (other, ..) => {
            return Err(FunctionError::failed(format!("cannot index slice/array with type {}", other.type_name())));
        }
    };
    let position = usize::try_from(number).ok().filter(|position| *position < len);
    position.ok_or_else(|| FunctionError::failed(format!("index out of range: {number}")))
}

/// The length of a string in bytes, or of a list or map.
pub(super) fn len(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let len = match args.value(0) {
        Value::Text(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Nil => return Err(FunctionError::failed("len of nil pointer")),
        other => return Err(FunctionError::failed(format!("len of type {}", other.type_name()))),
    };
    Ok(Value::Int(i64::try_from(len).unwrap_or(i64::MAX)))
}

/// No value is a function here, so that `call` has nothing to call.
pub(super) fn call(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Err(FunctionError::failed(match args.value(0) {
        Value::Nil => "call of nil".to_owned(),
        other => format!("non-function of type {}", other.type_name()),
    }))
}
