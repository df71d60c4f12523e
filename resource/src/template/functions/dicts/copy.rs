//! Deep copies.

use std::collections::BTreeMap;

use crate::template::context::Context;
use crate::template::function::Parameter::Any;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::list::List;
use crate::template::map::Map;
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] =
    &[Function::new("deepCopy", &[Any], deep_copy), Function::new("mustDeepCopy", &[Any], deep_copy)];

fn deep_copy(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    match args.value(0) {
        Value::Nil => Err(FunctionError::failed("reflect: call of reflect.Value.Type on zero Value")),
        value => copy(context, value),
    }
}

/// Lists and maps anew; what cannot change is shared.
fn copy(context: &mut Context<'_>, value: &Value) -> FunctionResult {
    context.spend(1)?;
    match value {
        Value::List(list) if list.is_nil() => Ok(value.clone()),
        Value::List(list) => context.deeper(|context| {
            context.allocate_elements(list.len())?;
            let items = list.iter().map(|item| copy(context, &item)).collect::<Result<_, _>>()?;
            Ok(Value::List(List::new(list.element(), items)))
        }),
        Value::Map(map) => context.deeper(|context| Ok(Value::Map(copy_map(context, map)?))),
        Value::Object(object) => Ok(object.copied().unwrap_or_else(|| value.clone())),
        value => Ok(value.clone()),
    }
}

fn copy_map(context: &mut Context<'_>, map: &Map) -> Result<Map, FunctionError> {
    super::account(context, map)?;
    let mut entries = BTreeMap::new();
    for (key, value) in map.to_entries() {
        entries.insert(key, copy(context, &value)?);
    }
    Ok(if map.is_of_text() {
        Map::texts(entries.into_iter().filter_map(|(key, value)| match value {
            Value::Text(value) => Some((key, value)),
            _ => None,
        }))
    } else {
        Map::any(entries)
    })
}
