//! Functions of one text: parts, case, replacement.

use std::collections::BTreeSet;

use memchr::memmem;

use super::runes::{Rune, lower, map_runes, runes, upper};
use super::words;
use crate::template::context::Context;
use crate::template::function::Parameter::{Int, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("hello", &[], hello),
    Function::new("trim", &[Text], trim),
    Function::new("trimAll", &[Text, Text], trim_all),
    Function::new("trimall", &[Text, Text], trim_all),
    Function::new("trimPrefix", &[Text, Text], trim_prefix),
    Function::new("trimSuffix", &[Text, Text], trim_suffix),
    Function::new("upper", &[Text], to_upper),
    Function::new("lower", &[Text], to_lower),
    Function::new("title", &[Text], title),
    Function::new("untitle", &[Text], untitle),
    Function::new("swapcase", &[Text], swapcase),
    Function::new("snakecase", &[Text], snakecase),
    Function::new("kebabcase", &[Text], kebabcase),
    Function::new("camelcase", &[Text], camelcase),
    Function::new("initials", &[Text], initials),
    Function::new("nospace", &[Text], nospace),
    Function::new("repeat", &[Int, Text], repeat),
    Function::new("substr", &[Int, Int, Text], substr),
    Function::new("trunc", &[Int, Text], trunc),
    Function::new("contains", &[Text, Text], contains),
    Function::new("hasPrefix", &[Text, Text], has_prefix),
    Function::new("hasSuffix", &[Text, Text], has_suffix),
    Function::new("replace", &[Text, Text, Text], replace),
    Function::new("plural", &[Text, Text, Int], plural),
];

fn hello(_: &mut Context<'_>, _: Arguments<'_>) -> FunctionResult {
    Ok(Value::text("Hello!"))
}

fn trim(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(trimmed(args.text(0)?, |rune| rune.char.is_whitespace())))
}

fn trim_all(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (cut, text) = (args.text(0)?, args.text(1)?);
    context.allocate(cut.len().saturating_mul(16))?;
    context.spend(cut.len() + text.len() / 64)?;
    let cut: BTreeSet<char> = runes(cut).map(|rune| rune.char).collect();
    Ok(Value::text(trimmed(text, |rune| cut.contains(&rune.char))))
}

fn trim_prefix(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (prefix, text) = (args.text(0)?, args.text(1)?);
    Ok(Value::text(text.strip_prefix(prefix.as_bytes()).unwrap_or(text)))
}

fn trim_suffix(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (suffix, text) = (args.text(0)?, args.text(1)?);
    Ok(Value::text(text.strip_suffix(suffix.as_bytes()).unwrap_or(text)))
}

fn to_upper(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(map_runes(args.text(0)?, upper)))
}

fn to_lower(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(map_runes(args.text(0)?, lower)))
}

fn title(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(words::titled(args.text(0)?)))
}

fn untitle(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(words::untitled(args.text(0)?)))
}

fn swapcase(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(words::swapped(args.text(0)?)))
}

fn snakecase(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    account_for_words(context, args)?;
    Ok(Value::text(words::parted(args.text(0)?, '_')))
}

fn kebabcase(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    account_for_words(context, args)?;
    Ok(Value::text(words::parted(args.text(0)?, '-')))
}

fn camelcase(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    account_for_words(context, args)?;
    Ok(Value::text(words::camel(args.text(0)?)))
}

/// Words are found among decoded characters, each several times the size of its bytes.
fn account_for_words(context: &mut Context<'_>, args: Arguments<'_>) -> Result<(), FunctionError> {
    let len = args.text(0)?.len();
    context.allocate(len.saturating_mul(32))?;
    Ok(context.spend(len / 16)?)
}

fn initials(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    context.spend(args.text(0)?.len() / 64)?;
    Ok(Value::text(words::initials(args.text(0)?)))
}

fn nospace(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = args.text(0)?;
    context.spend(text.len() / 64)?;
    Ok(words::without_blanks(text).map_or_else(|| Value::Text(text.clone()), Value::text))
}

fn repeat(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (count, text) = (args.int(0)?, args.text(1)?);
    let count = usize::try_from(count).map_err(|_| FunctionError::failed("strings: negative Repeat count"))?;
    if text.is_empty() {
        return Ok(Value::Text(text.clone()));
    }
    context.allocate(text.len().saturating_mul(count))?;
    Ok(Value::text(text.repeat(count)))
}

/// Counts bytes. A negative start means the beginning, with an end that must fit; otherwise an end out of range means the
/// end of the text.
fn substr(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (start, end, text) = (args.int(0)?, args.int(1)?, args.text(2)?);
    let end = usize::try_from(end).ok();
    let part = match usize::try_from(start) {
        Err(_) => end.and_then(|end| text.get(..end)),
        Ok(start) => text.get(start..end.map_or(text.len(), |end| end.min(text.len()))),
    };
    part.map(Value::text).ok_or_else(|| FunctionError::failed("slice bounds out of range"))
}

/// The first bytes, or the last ones when the number is negative.
fn trunc(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (count, text) = (args.int(0)?, args.text(1)?);
    let len = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(text.len());
    let kept = if count < 0 { &text[text.len() - len..] } else { &text[..len] };
    Ok(Value::text(kept))
}

fn contains(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (part, text) = (args.text(0)?, args.text(1)?);
    context.spend(text.len() / 64)?;
    Ok(Value::Bool(occurrences(text, part).next().is_some()))
}

fn has_prefix(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.text(1)?.starts_with(args.text(0)?)))
}

fn has_suffix(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::Bool(args.text(1)?.ends_with(args.text(0)?)))
}

fn replace(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (old, new, text) = (args.text(0)?, args.text(1)?, args.text(2)?);
    context.spend(text.len() / 64)?;
    replaced(context, text, old, new).map(Value::text)
}

fn plural(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(args.value(usize::from(args.int(2)? != 1)).clone())
}

/// `text` with each `old` replaced. An empty `old` is found before each character and at the end.
pub(super) fn replaced(
    context: &mut Context<'_>,
    text: &[u8],
    old: &[u8],
    new: &[u8],
) -> Result<Vec<u8>, FunctionError> {
    let mut replaced = Vec::new();
    let mut done = 0;
    for found in occurrences(text, old) {
        context.allocate(found - done + new.len())?;
        replaced.extend_from_slice(&text[done..found]);
        replaced.extend_from_slice(new);
        done = found + old.len();
    }
    replaced.extend_from_slice(&text[done..]);
    Ok(replaced)
}

/// Where `part` begins in `text`, not overlapping.
pub(super) fn occurrences<'a>(text: &'a [u8], part: &'a [u8]) -> Box<dyn Iterator<Item = usize> + 'a> {
    if part.is_empty() {
        return Box::new(runes(text).map(|rune| rune.start).chain([text.len()]));
    }
    Box::new(memmem::find_iter(text, part))
}

fn trimmed(text: &[u8], cut: impl Fn(Rune) -> bool) -> &[u8] {
    let mut kept = runes(text).filter(|&rune| !cut(rune));
    let Some(first) = kept.next() else { return &[] };
    let last = kept.last().unwrap_or(first);
    &text[first.start..last.start + last.len]
}
