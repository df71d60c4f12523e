//! Recursive merging of dicts, in place.

use crate::template::context::Context;
use crate::template::function::Parameter::Map as AnyMap;
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::map::Map;
use crate::template::value::{Kind, Value};

pub(in super::super) const TABLE: &[Function] = &[
    Function::variadic("merge", &[AnyMap], AnyMap, merge),
    Function::variadic("mustMerge", &[AnyMap], AnyMap, must_merge),
    Function::variadic("mergeOverwrite", &[AnyMap], AnyMap, merge_overwrite),
    Function::variadic("mustMergeOverwrite", &[AnyMap], AnyMap, merge_overwrite),
];

/// Which side wins where both have a value that is no map.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Winner {
    /// The destination, unless its value is empty.
    Destination,
    /// The source, even when its value is empty.
    Source,
}

/// The library's own error; what else fails is a panic of it, an error everywhere.
const OTHER_TYPE: &str = "src and dst must be of same type";

/// Empty text where the library reports an error.
fn merge(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    match must_merge(context, args) {
        Err(FunctionError::Failed(reason)) if reason == OTHER_TYPE => Ok(Value::text("")),
        result => result,
    }
}

fn must_merge(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    merge_all(context, args, Winner::Destination)
}

fn merge_overwrite(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    merge_all(context, args, Winner::Source)
}

fn merge_all(context: &mut Context<'_>, args: Arguments<'_>, winner: Winner) -> FunctionResult {
    let destination = super::map_or_empty(args)?;
    for index in 1..args.len() {
        if let Some(source) = args.map(index)? {
            merge_into(context, &destination, source, winner)?;
        }
    }
    Ok(Value::Map(destination))
}

/// Maps on both sides are merged; everything else is taken as it is, so that the two share nested maps and lists.
fn merge_into(context: &mut Context<'_>, destination: &Map, source: &Map, winner: Winner) -> Result<(), FunctionError> {
    super::account(context, source)?;
    for key in source.keys() {
        let Some(value) = source.get(&key) else { continue };
        let old = destination.get(&key);
        if let (Some(Value::Map(old)), Value::Map(value)) = (&old, &value) {
            context.deeper(|context| merge_into(context, old, value, winner))?;
            continue;
        }
        check_pointer(old.as_ref(), &value, winner)?;
        let taken = match winner {
            Winner::Source => true,
            Winner::Destination => !matches!(value, Value::Nil) && old.as_ref().is_none_or(is_empty),
        };
        if taken && destination.is_of_text() && !source.is_of_text() {
            let reason = "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string";
            return Err(FunctionError::failed(reason));
        }
        if taken {
            context.set(destination, key, value)?;
        }
    }
    Ok(())
}

/// The library follows a pointer to what it points to, and that does not fit everything.
fn check_pointer(old: Option<&Value>, value: &Value, winner: Winner) -> Result<(), FunctionError> {
    let Some(old) = old.filter(|old| old.kind() == Kind::Pointer) else { return Ok(()) };
    match (winner, value.kind()) {
        (Winner::Destination, Kind::Map | Kind::Struct) => Err(FunctionError::failed(OTHER_TYPE)),
        (Winner::Source, Kind::Pointer) if old.type_name() != value.type_name() => {
            Err(FunctionError::failed("reflect.Set: value is not assignable to another type"))
        }
        _ => Ok(()),
    }
}

/// Complex numbers never are, to the reference's library.
fn is_empty(value: &Value) -> bool {
    !value.truth() && !matches!(value, Value::Complex(..))
}
