//! Lists. All functions but `slice` give new lists: only `slice` shares its elements with the list it is a part of.

mod members;
mod parts;

use crate::template::context::Context;
use crate::template::function::Parameter::Any;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::list::{Element, List};
use crate::template::value::Value;

pub(super) use members::TABLE as MEMBERS_TABLE;
pub(super) use parts::TABLE as PARTS_TABLE;

pub(super) const TABLE: &[Function] = &[
    Function::variadic("list", &[], Any, list),
    Function::variadic("tuple", &[], Any, list),
    Function::new("append", &[Any, Any], append),
    Function::new("push", &[Any, Any], append),
    Function::new("mustAppend", &[Any, Any], append),
    Function::new("mustPush", &[Any, Any], append),
    Function::new("prepend", &[Any, Any], prepend),
    Function::new("mustPrepend", &[Any, Any], prepend),
    Function::variadic("concat", &[], Any, concat),
    Function::new("reverse", &[Any], reverse),
    Function::new("mustReverse", &[Any], reverse),
];

fn list(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::list(args.0.to_vec()))
}

fn append(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = elements(context, args.value(0), "Cannot push on type ")?;
    items.push(args.value(1).clone());
    Ok(Value::list(items))
}

fn prepend(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = elements(context, args.value(0), "Cannot prepend on type ")?;
    items.insert(0, args.value(1).clone());
    Ok(Value::list(items))
}

fn concat(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = Vec::new();
    for value in args.0 {
        let Value::List(_) = value else {
            return Err(not_a_list(value, "Cannot concat type ", " as list"));
        };
        items.append(&mut elements(context, value, "")?);
    }
    Ok(Value::List(if items.is_empty() { List::nil(Element::Any) } else { List::any(items) }))
}

fn reverse(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = elements(context, args.value(0), "Cannot find reverse on type ")?;
    items.reverse();
    Ok(Value::list(items))
}

/// A copy of the list's elements, accounted for. `complaint` stands before the kind of what is no list.
fn elements(context: &mut Context<'_>, value: &Value, complaint: &str) -> Result<Vec<Value>, FunctionError> {
    let list = as_list(value, complaint)?;
    context.spend(list.len())?;
    context.allocate_elements(list.len() + 1)?;
    Ok(list.to_vec())
}

fn as_list<'v>(value: &'v Value, complaint: &str) -> Result<&'v List, FunctionError> {
    match value {
        Value::List(list) => Ok(list),
        value => Err(not_a_list(value, complaint, "")),
    }
}

/// Go asks a missing value for its type and falls over that.
fn not_a_list(value: &Value, before: &str, behind: &str) -> FunctionError {
    FunctionError::failed(match value {
        Value::Nil => "runtime error: invalid memory address or nil pointer dereference".to_owned(),
        value => format!("{before}{}{behind}", value.kind().name()),
    })
}
