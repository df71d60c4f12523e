//! Membership. Equal is what Go's `DeepEqual` calls so: 1 and 1.0 differ.

use super::{as_list, elements};
use crate::template::context::Context;
use crate::template::function::Parameter::Any;
use crate::template::function::{Arguments, Function, FunctionResult};
use crate::template::limits::Limit;
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::new("has", &[Any, Any], has),
    Function::new("mustHas", &[Any, Any], has),
    Function::variadic("without", &[Any], Any, without),
    Function::variadic("mustWithout", &[Any], Any, without),
    Function::new("uniq", &[Any], uniq),
    Function::new("mustUniq", &[Any], uniq),
    Function::new("compact", &[Any], compact),
    Function::new("mustCompact", &[Any], compact),
];

fn has(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    if matches!(args.value(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    let list = as_list(args.value(1), "Cannot find has on type ")?;
    for item in list.iter() {
        if context.deep_equal(args.value(0), &item)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

fn without(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let items = elements(context, args.value(0), "Cannot find without on type ")?;
    let mut kept = Vec::new();
    for item in items {
        if !contains(context, args.rest(1), &item)? {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn uniq(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let items = elements(context, args.value(0), "Cannot find uniq on type ")?;
    let mut kept = Vec::new();
    for item in items {
        if !contains(context, &kept, &item)? {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn compact(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = elements(context, args.value(0), "Cannot compact on type ")?;
    items.retain(Value::truth);
    Ok(Value::list(items))
}

fn contains(context: &mut Context<'_>, items: &[Value], wanted: &Value) -> Result<bool, Limit> {
    for item in items {
        if context.deep_equal(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}
