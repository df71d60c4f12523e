//! Parts of lists: ends, rests, windows and chunks.

use super::{as_list, elements};
use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Int};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::functions::numbers::to_int;
use crate::template::list::{Element, List};
use crate::template::value::Value;

pub(in super::super) const TABLE: &[Function] = &[
    Function::new("first", &[Any], first),
    Function::new("mustFirst", &[Any], first),
    Function::new("last", &[Any], last),
    Function::new("mustLast", &[Any], last),
    Function::new("rest", &[Any], rest),
    Function::new("mustRest", &[Any], rest),
    Function::new("initial", &[Any], initial),
    Function::new("mustInitial", &[Any], initial),
    Function::variadic("slice", &[Any], Any, slice),
    Function::variadic("mustSlice", &[Any], Any, slice),
    Function::new("chunk", &[Int, Any], chunk),
    Function::new("mustChunk", &[Int, Any], chunk),
];

fn first(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let list = as_list(args.value(0), "Cannot find first on type ")?;
    Ok(list.get(0).unwrap_or(Value::Nil))
}

fn last(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let list = as_list(args.value(0), "Cannot find last on type ")?;
    Ok(list.len().checked_sub(1).and_then(|last| list.get(last)).unwrap_or(Value::Nil))
}

fn rest(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = elements(context, args.value(0), "Cannot find rest on type ")?;
    Ok(Value::List(if items.is_empty() { List::nil(Element::Any) } else { List::any(items.split_off(1)) }))
}

fn initial(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let mut items = elements(context, args.value(0), "Cannot find initial on type ")?;
    Ok(Value::List(if items.pop().is_none() { List::nil(Element::Any) } else { List::any(items) }))
}

/// A window that keeps the type and shares the elements. It reaches over the end of a window it is taken from, as Go's
/// slices do.
fn slice(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let list = as_list(args.value(0), "list should be type of slice or array but ")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let bound = |index: usize, otherwise: usize| match args.rest(index) {
        [] => Some(otherwise),
        [bound, ..] => usize::try_from(to_int(bound)).ok(),
    };
    let window = bound(1, 0).zip(bound(2, list.len())).and_then(|(from, to)| list.reach(from, to));
    let window = window.ok_or_else(|| FunctionError::failed("reflect.Value.Slice: slice index out of bounds"))?;
    Ok(Value::List(window))
}

fn chunk(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let items = elements(context, args.value(1), "Cannot chunk type ")?;
    let chunks = match usize::try_from(args.int(0)?) {
        Ok(size @ 1..) => items.chunks(size).map(|chunk| List::any(chunk.to_vec())).collect(),
        Ok(0) => return Err(no_chunks()),
        // The reference computes how many chunks there will be, and may find that it is none.
        Err(_) => match (count(items.len(), args.int(0)?), items.as_slice()) {
            (0, _) => Vec::new(),
            (1, [only]) if args.int(0)? != -1 => vec![List::any(vec![only.clone()])],
            _ => return Err(no_chunks()),
        },
    };
    context.allocate_elements(chunks.len())?;
    Ok(Value::List(List::lists(chunks)))
}

fn no_chunks() -> FunctionError {
    FunctionError::failed("runtime error: makeslice: len out of range")
}

/// One more than the quotient, rounded down, of one less than the length by a negative size.
fn count(length: usize, size: i64) -> i128 {
    let (dividend, size) = (i128::try_from(length).unwrap_or(i128::MAX) - 1, i128::from(size));
    let quotient = dividend / size;
    // Division cuts; a negative quotient with a rest lies one lower.
    let below = dividend % size != 0 && dividend > 0;
    quotient - i128::from(below) + 1
}
