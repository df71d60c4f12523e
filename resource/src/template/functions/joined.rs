//! Any values as text, and texts joined and split.

use std::collections::BTreeMap;

use super::runes::runes;
use super::strings::occurrences;
use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Int, Text as AText};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::list::{Element, List};
use crate::template::map::Map;
use crate::template::text::Text;
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::variadic("quote", &[], Any, quote),
    Function::variadic("squote", &[], Any, squote),
    Function::variadic("cat", &[], Any, cat),
    Function::new("toString", &[Any], to_string),
    Function::new("toStrings", &[Any], to_strings),
    Function::new("join", &[AText, Any], join),
    Function::new("split", &[AText, AText], split),
    Function::new("splitn", &[AText, Int, AText], splitn),
    Function::new("splitList", &[AText, AText], split_list),
    Function::new("sortAlpha", &[Any], sort_alpha),
];

fn quote(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    joined_values(context, args, b"%q")
}

fn squote(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    joined_values(context, args, b"'%s'")
}

/// Joined by blanks, with the blanks at the ends trimmed before the values are filled in: values keep theirs.
fn cat(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    joined_values(context, args, b"%s")
}

fn joined_values(context: &mut Context<'_>, args: Arguments<'_>, format: &[u8]) -> FunctionResult {
    let mut parts = Vec::new();
    for value in args.rest(0).iter().filter(|value| !matches!(value, Value::Nil)) {
        let text = context.print(value)?;
        parts.push(context.printf(format, &[Value::Text(text)])?);
    }
    joined(context, b" ", &parts)
}

fn to_string(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Text(context.print(args.value(0))?))
}

fn to_strings(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    texts_of(context, args.value(0)).map(Value::List)
}

fn join(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let texts = texts_of(context, args.value(1))?;
    context.spend(texts.len())?;
    let mut parts = Vec::with_capacity(texts.len());
    for text in texts.iter() {
        parts.push(context.print(&text)?);
    }
    joined(context, args.text(0)?, &parts)
}

/// A map from `_0`, `_1`, … to the parts.
fn split(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let parts = parts(context, args.text(1)?, args.text(0)?, None)?;
    Ok(numbered(parts))
}

/// As `split`, in at most as many parts; 0 gives none and a negative number means all.
fn splitn(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let parts = match usize::try_from(args.int(1)?) {
        Ok(0) => Vec::new(),
        limit => parts(context, args.text(2)?, args.text(0)?, limit.ok())?,
    };
    Ok(numbered(parts))
}

fn split_list(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::List(List::texts(parts(context, args.text(1)?, args.text(0)?, None)?)))
}

/// Sorts a slice of strings where it is; of other lists the texts are sorted. Anything else is a list of itself.
fn sort_alpha(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let texts = match args.value(0) {
        value @ Value::List(_) => texts_of(context, value)?,
        value => List::texts([context.print(value)?]),
    };
    // Comparing long texts with equal beginnings takes as long as they are.
    let bytes: usize = texts.iter().map(|text| if let Value::Text(text) = text { text.len() } else { 0 }).sum();
    let turns = usize::try_from(texts.len().checked_ilog2().unwrap_or_default()).unwrap_or_default() + 1;
    context.spend((bytes / 64 + texts.len()).saturating_mul(turns))?;
    texts.sort_texts_in_place();
    Ok(Value::List(texts))
}

/// The texts of a list's items but nils, or of one value. A slice of strings is given back as it is, not copied.
pub(super) fn texts_of(context: &mut Context<'_>, value: &Value) -> Result<List, FunctionError> {
    match value {
        Value::Nil => Ok(List::texts(Vec::<Text>::new())),
        Value::List(list) if list.element() == Element::Text => Ok(list.clone()),
        Value::List(list) => {
            context.spend(list.len())?;
            context.allocate_elements(list.len())?;
            let mut texts = Vec::new();
            for item in list.iter().filter(|item| !matches!(item, Value::Nil)) {
                texts.push(context.print(&item)?);
            }
            Ok(List::texts(texts))
        }
        value => Ok(List::texts([context.print(value)?])),
    }
}

fn joined(context: &mut Context<'_>, separator: &[u8], parts: &[Text]) -> FunctionResult {
    let between = separator.len().saturating_mul(parts.len().saturating_sub(1));
    context.allocate(parts.iter().fold(between, |total, part| total.saturating_add(part.len())))?;
    let mut joined = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            joined.extend_from_slice(separator);
        }
        joined.extend_from_slice(part);
    }
    Ok(Value::text(joined))
}

/// The parts between separators, in at most `limit` parts; an empty separator stands between all characters.
fn parts(
    context: &mut Context<'_>,
    text: &[u8],
    separator: &[u8],
    limit: Option<usize>,
) -> Result<Vec<Text>, FunctionError> {
    context.spend(text.len() / 64)?;
    let mut cuts: Box<dyn Iterator<Item = usize>> = match separator {
        [] => Box::new(runes(text).map(|rune| rune.start).skip(1)),
        separator => occurrences(text, separator),
    };
    let mut parts = Vec::new();
    let mut start = 0;
    while limit.is_none_or(|limit| parts.len() + 1 < limit)
        && let Some(cut) = cuts.next()
    {
        add(context, &mut parts, &text[start..cut])?;
        start = cut + separator.len();
    }
    if !(text.is_empty() && separator.is_empty()) {
        add(context, &mut parts, &text[start..])?;
    }
    Ok(parts)
}

fn add(context: &mut Context<'_>, parts: &mut Vec<Text>, part: &[u8]) -> Result<(), FunctionError> {
    context.spend(1)?;
    context.allocate_elements(2)?;
    context.allocate(part.len())?;
    parts.push(Text::from(part));
    Ok(())
}

fn numbered(parts: Vec<Text>) -> Value {
    let parts = parts.into_iter().enumerate();
    let entries: BTreeMap<Text, Text> = parts.map(|(number, part)| (Text::from(format!("_{number}")), part)).collect();
    Value::Map(Map::texts(entries))
}
