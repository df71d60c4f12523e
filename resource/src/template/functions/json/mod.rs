//! JSON as Go's `encoding/json` reads and writes it.

mod read;
mod write;

use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;
use write::Layout;

pub(super) const TABLE: &[Function] = &[
    Function::new("toJson", &[Any], to_json),
    Function::new("toPrettyJson", &[Any], to_pretty_json),
    Function::new("toRawJson", &[Any], must_to_raw_json),
    Function::new("fromJson", &[Text], from_json),
    Function::new("mustToJson", &[Any], must_to_json),
    Function::new("mustToPrettyJson", &[Any], must_to_pretty_json),
    Function::new("mustToRawJson", &[Any], must_to_raw_json),
    Function::new("mustFromJson", &[Text], must_from_json),
];

fn to_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    empty_if_failed(must_to_json(context, args))
}

fn to_pretty_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    empty_if_failed(must_to_pretty_json(context, args))
}

/// What has no JSON form is empty text; going past a limit stays an error.
fn empty_if_failed(result: FunctionResult) -> FunctionResult {
    match result {
        Err(FunctionError::Failed(_)) => Ok(Value::text("")),
        result => result,
    }
}

fn must_to_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(write::write(context, args.value(0), Layout::Compact)?))
}

fn must_to_pretty_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(write::write(context, args.value(0), Layout::Pretty)?))
}

fn must_to_raw_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(write::write(context, args.value(0), Layout::Raw)?))
}

/// nil for what is no JSON; a number too large for a float is nil where it stands.
fn from_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    match read::read(context, args.text(0)?) {
        Ok(document) => Ok(document.value),
        Err(FunctionError::Failed(_)) => Ok(Value::Nil),
        Err(limit) => Err(limit),
    }
}

fn must_from_json(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let document = read::read(context, args.text(0)?)?;
    match document.too_large {
        None => Ok(document.value),
        Some(number) => {
            let reason = format!("json: cannot unmarshal number {number} into Go value of type float64");
            Err(FunctionError::failed(reason))
        }
    }
}
