//! Defaults, choices and failing on purpose.

use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Bool, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::variadic("default", &[Any], Any, default),
    Function::new("empty", &[Any], empty),
    Function::variadic("coalesce", &[], Any, coalesce),
    Function::variadic("all", &[], Any, all),
    Function::variadic("any", &[], Any, any),
    Function::new("ternary", &[Any, Any, Bool], ternary),
    Function::new("fail", &[Text], fail),
];

fn default(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let given = args.value(1);
    Ok(if given.truth() { given } else { args.value(0) }.clone())
}

fn empty(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(!args.value(0).truth()))
}

fn coalesce(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(args.0.iter().find(|value| value.truth()).cloned().unwrap_or(Value::Nil))
}

fn all(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.0.iter().all(Value::truth)))
}

fn any(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.0.iter().any(Value::truth)))
}

fn ternary(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(args.value(usize::from(!args.bool(2)?)).clone())
}

fn fail(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Err(FunctionError::failed(args.text(0)?.to_text_lossy()))
}
