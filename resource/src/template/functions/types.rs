//! Go's types and kinds of values, and whether two values are the same.

use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Text};
use crate::template::function::{Arguments, Function, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("typeOf", &[Any], type_of),
    Function::new("typeIs", &[Text, Any], type_is),
    Function::new("typeIsLike", &[Text, Any], type_is_like),
    Function::new("kindOf", &[Any], kind_of),
    Function::new("kindIs", &[Text, Any], kind_is),
    Function::new("deepEqual", &[Any, Any], deep_equal),
];

fn type_of(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(args.value(0).type_name()))
}

fn type_is(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.text(0)?.as_bytes() == args.value(1).type_name().as_bytes()))
}

/// A type is also like that which it points to.
fn type_is_like(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let name = args.value(1).type_name();
    let target = args.text(0)?.as_bytes();
    let pointed_to = name.strip_prefix('*').unwrap_or(name);
    Ok(Value::Bool(target == name.as_bytes() || target == pointed_to.as_bytes()))
}

fn kind_of(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(args.value(0).kind().name()))
}

fn kind_is(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.text(0)?.as_bytes() == args.value(1).kind().name().as_bytes()))
}

fn deep_equal(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(context.deep_equal(args.value(0), args.value(1))?))
}
