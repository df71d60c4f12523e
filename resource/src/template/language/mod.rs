//! The functions of the language itself. Its `slice` is not among them: Sprig's takes the name.

mod access;
mod compare;
mod escape;

use super::context::Context;
use super::function::{Arguments, Function, FunctionError, FunctionResult, Parameter};
use super::print;
use super::text::Text;
use super::value::Value;

use Parameter::{Any, Reflected};

/// `and` returns its first false argument; the engine stops evaluating there.
pub(super) const AND: &str = "and";
/// `or` returns its first true argument; the engine stops evaluating there.
pub(super) const OR: &str = "or";

/// The table of the language's own functions.
pub(super) const TABLE: &[Function] = &[
    Function::variadic(AND, &[Reflected], Reflected, short_circuit),
    Function::variadic(OR, &[Reflected], Reflected, short_circuit),
    Function::new("not", &[Reflected], not),
    Function::variadic("call", &[Reflected], Reflected, access::call),
    Function::variadic("index", &[Reflected], Reflected, access::index),
    Function::new("len", &[Reflected], access::len),
    Function::variadic("eq", &[Reflected], Reflected, compare::equal),
    Function::new("ne", &[Reflected, Reflected], compare::not_equal),
    Function::new("lt", &[Reflected, Reflected], compare::less),
    Function::new("le", &[Reflected, Reflected], compare::less_or_equal),
    Function::new("gt", &[Reflected, Reflected], compare::greater),
    Function::new("ge", &[Reflected, Reflected], compare::greater_or_equal),
    Function::variadic("print", &[], Any, print),
    Function::variadic("printf", &[Parameter::Text], Any, printf),
    Function::variadic("println", &[], Any, println),
    Function::variadic("html", &[], Any, escape::html),
    Function::variadic("js", &[], Any, escape::js),
    Function::variadic("urlquery", &[], Any, escape::url_query),
];

/// The engine decides `and` and `or` itself, argument by argument.
fn short_circuit(_: &mut Context<'_>, _: Arguments<'_>) -> FunctionResult {
    Err(FunctionError::Unsupported("not a function of its own"))
}

fn not(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(!args.value(0).truth()))
}

fn print(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(print::sprint(context, args.0)?))
}

fn println(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(print::sprintln(context, args.0)?))
}

fn printf(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    if asks_for_address(args.text(0)?) {
        return Err(FunctionError::Unsupported("%p is not available: addresses say nothing"));
    }
    context.printf(args.text(0)?, args.rest(1)).map(Value::Text)
}

/// `%p` would print a memory address, which differs each time.
fn asks_for_address(format: &Text) -> bool {
    let mut rest = format.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        let flags = |byte: &u8| b"#0+- *.[]".contains(byte) || byte.is_ascii_digit();
        let verb = rest[at + 1..].iter().position(|byte| !flags(byte)).map_or(rest.len(), |verb| at + 1 + verb);
        if rest.get(verb) == Some(&b'p') {
            return true;
        }
        rest = rest.get(verb + 1..).unwrap_or_default();
    }
    false
}
