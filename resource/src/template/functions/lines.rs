//! Texts cut to a width, wrapped and indented. All widths count bytes.

use memchr::{memchr, memrchr};

use super::strings::replaced;
use crate::template::context::Context;
use crate::template::function::Parameter::{Int, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("abbrev", &[Int, Text], abbrev),
    Function::new("abbrevboth", &[Int, Int, Text], abbrevboth),
    Function::new("wrap", &[Int, Text], wrap),
    Function::new("wrapWith", &[Int, Text, Text], wrap_with),
    Function::new("indent", &[Int, Text], indent),
    Function::new("nindent", &[Int, Text], nindent),
];

const DOTS: &[u8] = b"...";

fn abbrev(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (width, text) = (args.int(0)?, args.text(1)?);
    if width < 4 {
        return Ok(Value::Text(text.clone()));
    }
    Ok(abbreviated(text, 0, width).map_or_else(|| Value::Text(text.clone()), Value::text))
}

fn abbrevboth(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (left, right, text) = (args.int(0)?, args.int(1)?, args.text(2)?);
    if right < 4 || (left > 0 && right < 7) {
        return Ok(Value::Text(text.clone()));
    }
    Ok(abbreviated(text, left, right).map_or_else(|| Value::Text(text.clone()), Value::text))
}

fn wrap(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    wrapped(context, args.text(1)?, args.int(0)?, b"\n", false)
}

fn wrap_with(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let separator: &[u8] = if args.text(1)?.is_empty() { b"\n" } else { args.text(1)? };
    wrapped(context, args.text(2)?, args.int(0)?, separator, true)
}

fn indent(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    indented(context, args, b"")
}

fn nindent(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    indented(context, args, b"\n")
}

/// At most `width` bytes of `text` that show what is at `offset`, with dots for what is left out; `None` when all fits.
/// An offset of up to 4 is not worth dots at the beginning.
fn abbreviated(text: &[u8], offset: i64, width: i64) -> Option<Vec<u8>> {
    let width = usize::try_from(width).ok()?;
    if text.len() <= width {
        return None;
    }
    let room = width.checked_sub(DOTS.len())?;
    // The subtraction wraps as Go's does: the least offset of all counts as too large.
    let left = i64::try_from(text.len()).ok()?.wrapping_sub(offset);
    let last = text.len() - room;
    let offset = if left < i64::try_from(room).ok()? { last } else { usize::try_from(offset).unwrap_or_default() };
    if offset <= 4 {
        return Some([&text[..room], DOTS].concat());
    }
    if offset + room >= text.len() {
        return Some([DOTS, &text[text.len() - room..]].concat());
    }
    let shown = &text[offset..];
    let shown = abbreviated(shown, 0, i64::try_from(room).ok()?).unwrap_or_else(|| shown.to_vec());
    Some([DOTS, &shown].concat())
}

/// Lines of at most `width` bytes, broken at blanks. Words that are longer stay whole, or are cut when `cut` says so.
fn wrapped(context: &mut Context<'_>, text: &[u8], width: i64, separator: &[u8], cut: bool) -> FunctionResult {
    let width = usize::try_from(width).unwrap_or_default().max(1);
    context.spend(text.len() / 64)?;
    let mut wrapped = Vec::new();
    let mut rest = text;
    while rest.len() > width {
        if rest.first() == Some(&b' ') {
            rest = &rest[1..];
            continue;
        }
        let (line, after) = match memrchr(b' ', &rest[..=width]) {
            Some(blank) => (&rest[..blank], &rest[blank + 1..]),
            None if cut => rest.split_at(width),
            None => match memchr(b' ', &rest[width..]) {
                Some(blank) => (&rest[..width + blank], &rest[width + blank + 1..]),
                None => break,
            },
        };
        context.spend(1)?;
        context.allocate(line.len() + separator.len())?;
        wrapped.extend_from_slice(line);
        wrapped.extend_from_slice(separator);
        rest = after;
    }
    wrapped.extend_from_slice(rest);
    Ok(Value::text(wrapped))
}

fn indented(context: &mut Context<'_>, args: Arguments<'_>, before: &[u8]) -> FunctionResult {
    let spaces = usize::try_from(args.int(0)?).map_err(|_| FunctionError::failed("strings: negative Repeat count"))?;
    context.allocate(spaces.saturating_mul(2))?;
    context.spend(args.text(1)?.len() / 64)?;
    let pad = vec![b' '; spaces];
    let lines = replaced(context, args.text(1)?, b"\n", &[b"\n", pad.as_slice()].concat())?;
    Ok(Value::text([before, &pad, &lines].concat()))
}
