//! Dicts: `map[string]interface {}`. The root of a template is a map of strings, which these functions refuse.

mod copy;
mod merge;

use std::collections::BTreeMap;

use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Map as AnyMap, Text as AnyText};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::list::{Element, List};
use crate::template::map::Map;
use crate::template::value::Value;

pub(super) use copy::TABLE as COPY_TABLE;
pub(super) use merge::TABLE as MERGE_TABLE;

pub(super) const TABLE: &[Function] = &[
    Function::variadic("dict", &[], Any, dict),
    Function::new("get", &[AnyMap, AnyText], get),
    Function::new("set", &[AnyMap, AnyText, Any], set),
    Function::new("unset", &[AnyMap, AnyText], unset),
    Function::new("hasKey", &[AnyMap, AnyText], has_key),
    Function::variadic("pluck", &[AnyText], AnyMap, pluck),
    Function::variadic("keys", &[], AnyMap, keys),
    Function::new("values", &[AnyMap], values),
    Function::variadic("pick", &[AnyMap], AnyText, pick),
    Function::variadic("omit", &[AnyMap], AnyText, omit),
    Function::variadic("dig", &[], Any, dig),
];

/// Pairs of key and value; a last key without a value gets an empty text. Keys are the printed form of any value.
fn dict(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut entries = BTreeMap::new();
    for pair in args.0.chunks(2) {
        let [key, value @ ..] = pair else { continue };
        entries.insert(context.print(key)?, value.first().cloned().unwrap_or_else(|| Value::text("")));
    }
    Ok(Value::Map(Map::any(entries)))
}

fn get(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let key = args.text(1)?;
    let value = args.map(0)?.and_then(|map| map.get(key));
    Ok(value.unwrap_or_else(|| Value::text("")))
}

fn set(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let Some(map) = args.map(0)? else {
        return Err(FunctionError::failed("assignment to entry in nil map"));
    };
    context.set(map, args.text(1)?.clone(), args.value(2).clone())?;
    Ok(Value::Map(map.clone()))
}

fn unset(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let map = map_or_empty(args)?;
    map.remove(args.text(1)?);
    Ok(Value::Map(map))
}

fn has_key(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let key = args.text(1)?;
    Ok(Value::Bool(args.map(0)?.is_some_and(|map| map.contains(key))))
}

fn pluck(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let key = args.text(0)?;
    let mut found = Vec::new();
    for index in 1..args.len() {
        context.spend(1)?;
        found.extend(args.map(index)?.and_then(|map| map.get(key)));
    }
    Ok(Value::list(found))
}

fn keys(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut keys = Vec::new();
    for index in 0..args.len() {
        let Some(map) = args.map(index)? else { continue };
        account(context, map)?;
        keys.extend(map.keys().into_iter().map(Value::Text));
    }
    Ok(Value::List(List::new(Element::Text, keys)))
}

fn values(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let map = map_or_empty(args)?;
    account(context, &map)?;
    Ok(Value::list(map.to_entries().into_values().collect()))
}

fn pick(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let map = map_or_empty(args)?;
    let mut entries = BTreeMap::new();
    for index in 1..args.len() {
        context.spend(1)?;
        let key = args.text(index)?;
        if let Some(value) = map.get(key) {
            entries.insert(key.clone(), value);
        }
    }
    Ok(Value::Map(Map::any(entries)))
}

fn omit(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let map = map_or_empty(args)?;
    account(context, &map)?;
    let mut entries = map.to_entries();
    for index in 1..args.len() {
        context.spend(1)?;
        entries.remove(args.text(index)?);
    }
    Ok(Value::Map(Map::any(entries)))
}

/// Keys, the value for a missing one, and the dict they lead into.
fn dig(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let [keys @ .., default, dict] = args.0 else {
        return Err(too_few());
    };
    if keys.is_empty() {
        return Err(too_few());
    }
    let mut value = dict.clone();
    let mut texts = Vec::new();
    for key in keys {
        let Value::Text(key) = key else { return Err(conversion(key, "string")) };
        texts.push(key);
    }
    for key in texts {
        context.spend(1)?;
        let inner = match &value {
            Value::Map(map) if !map.is_of_text() => map.get(key),
            other => return Err(conversion(other, "map[string]interface {}")),
        };
        match inner {
            Some(inner) => value = inner,
            None => return Ok(default.clone()),
        }
    }
    Ok(value)
}

fn too_few() -> FunctionError {
    FunctionError::failed("dig needs at least three arguments")
}

fn conversion(value: &Value, wanted: &str) -> FunctionError {
    let found = if matches!(value, Value::Nil) { "nil" } else { value.type_name() };
    FunctionError::failed(format!("interface conversion: interface {{}} is {found}, not {wanted}"))
}

/// The first argument; Go reads a nil map as an empty one.
fn map_or_empty(args: Arguments<'_>) -> Result<Map, FunctionError> {
    Ok(args.map(0)?.cloned().unwrap_or_else(|| Map::any(BTreeMap::new())))
}

/// A copy of the entries is about to be made.
fn account(context: &mut Context<'_>, map: &Map) -> Result<(), FunctionError> {
    context.spend(map.len())?;
    Ok(context.allocate_elements(2 * map.len())?)
}
