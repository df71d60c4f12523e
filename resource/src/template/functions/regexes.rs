//! Regular expressions. `mustRegex…` fail on a bad pattern; the others do too, but for `regexMatch`.

use super::re2::{Haystack, Match, Pattern};
use crate::template::context::Context;
use crate::template::function::Parameter::{Int, Text as AText};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::list::{Element, List};
use crate::template::text::Text;
use crate::template::value::Value;

pub(super) const TABLE: &[Function] = &[
    Function::new("regexMatch", &[AText, AText], regex_match),
    Function::new("mustRegexMatch", &[AText, AText], must_regex_match),
    Function::new("regexFind", &[AText, AText], regex_find),
    Function::new("mustRegexFind", &[AText, AText], regex_find),
    Function::new("regexFindAll", &[AText, AText, Int], regex_find_all),
    Function::new("mustRegexFindAll", &[AText, AText, Int], regex_find_all),
    Function::new("regexReplaceAll", &[AText, AText, AText], regex_replace_all),
    Function::new("mustRegexReplaceAll", &[AText, AText, AText], regex_replace_all),
    Function::new("regexReplaceAllLiteral", &[AText, AText, AText], regex_replace_all_literal),
    Function::new("mustRegexReplaceAllLiteral", &[AText, AText, AText], regex_replace_all_literal),
    Function::new("regexSplit", &[AText, AText, Int], regex_split),
    Function::new("mustRegexSplit", &[AText, AText, Int], regex_split),
    Function::new("regexQuoteMeta", &[AText], regex_quote_meta),
];

/// False for a pattern that does not compile.
fn regex_match(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let Ok(pattern) = Pattern::compile(context, args.text(0)?)? else { return Ok(Value::Bool(false)) };
    let text = Haystack::new(context, args.text(1)?)?;
    Ok(Value::Bool(pattern.is_match(context, &text)?))
}

fn must_regex_match(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let pattern = compile(context, args)?;
    let text = Haystack::new(context, args.text(1)?)?;
    Ok(Value::Bool(pattern.is_match(context, &text)?))
}

/// The first match, or empty text.
fn regex_find(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (_, found) = matches(context, args, 1, false)?;
    let text = args.text(1)?;
    Ok(found.first().map_or_else(|| Value::text(""), |found| Value::text(&text[found.whole.0..found.whole.1])))
}

/// All matches, or the first few; nil without any.
fn regex_find_all(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let limit = usize::try_from(args.int(2)?).unwrap_or(usize::MAX);
    let (_, found) = matches(context, args, limit, false)?;
    if found.is_empty() {
        return Ok(Value::List(List::nil(Element::Text)));
    }
    context.allocate_elements(found.len() * 2)?;
    let text = args.text(1)?;
    Ok(Value::List(List::texts(found.iter().map(|found| &text[found.whole.0..found.whole.1]))))
}

fn regex_replace_all(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let template = args.text(2)?;
    let expands = template.contains(&b'$');
    let (pattern, found) = matches(context, args, usize::MAX, expands)?;
    replaced(context, args.text(1)?, &found, |context, found, text, replaced| {
        if expands {
            expand(context, template, &pattern, found, text, replaced)
        } else {
            append(context, replaced, template)
        }
    })
}

fn regex_replace_all_literal(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let (_, found) = matches(context, args, usize::MAX, false)?;
    let literal = args.text(2)?;
    replaced(context, args.text(1)?, &found, |context, _, _, replaced| append(context, replaced, literal))
}

/// What stands between the matches, in at most as many parts; 0 gives nil and a negative number means all. An empty match
/// at the beginning parts nothing off.
fn regex_split(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let limit = args.int(2)?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let (_, found) = matches(context, args, most, false)?;
    let text = args.text(1)?;
    if limit == 0 {
        return Ok(Value::List(List::nil(Element::Text)));
    }
    if !args.text(0)?.is_empty() && text.is_empty() {
        return Ok(Value::List(List::texts([""])));
    }
    context.allocate_elements(found.len() * 2)?;
    let mut parts: Vec<Text> = Vec::new();
    let (mut start, mut end) = (0, 0);
    for found in &found {
        if parts.len().saturating_add(1) == most {
            break;
        }
        end = found.whole.0;
        if found.whole.1 != 0 {
            parts.push(Text::from(&text[start..end]));
        }
        start = found.whole.1;
    }
    if end != text.len() {
        parts.push(Text::from(&text[start..]));
    }
    Ok(Value::List(List::texts(parts)))
}

fn regex_quote_meta(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = args.text(0)?;
    context.allocate(text.len().saturating_mul(2))?;
    let mut quoted = Vec::with_capacity(text.len());
    for &byte in text.iter() {
        if br"\.+*?()|[]{}^$".contains(&byte) {
            quoted.push(b'\\');
        }
        quoted.push(byte);
    }
    Ok(Value::text(quoted))
}

/// Compiles the first argument.
fn compile(context: &mut Context<'_>, args: Arguments<'_>) -> Result<Pattern, FunctionError> {
    Pattern::compile(context, args.text(0)?)?.map_err(|error| FunctionError::failed(error.to_string()))
}

/// The matches of the first argument in the second.
fn matches(
    context: &mut Context<'_>,
    args: Arguments<'_>,
    limit: usize,
    groups: bool,
) -> Result<(Pattern, Vec<Match>), FunctionError> {
    let pattern = compile(context, args)?;
    let text = Haystack::new(context, args.text(1)?)?;
    let found = pattern.matches(context, &text, limit, groups)?;
    Ok((pattern, found))
}

fn replaced(
    context: &mut Context<'_>,
    text: &[u8],
    found: &[Match],
    replacement: impl Fn(&mut Context<'_>, &Match, &[u8], &mut Vec<u8>) -> Result<(), FunctionError>,
) -> FunctionResult {
    let mut replaced = Vec::new();
    let mut done = 0;
    for found in found {
        append(context, &mut replaced, &text[done..found.whole.0])?;
        replacement(context, found, text, &mut replaced)?;
        done = found.whole.1;
    }
    append(context, &mut replaced, &text[done..])?;
    Ok(Value::text(replaced))
}

fn append(context: &mut Context<'_>, text: &mut Vec<u8>, part: &[u8]) -> Result<(), FunctionError> {
    context.allocate(part.len())?;
    text.extend_from_slice(part);
    Ok(())
}

/// Appends the template with `$1`, `${name}` and `$$` filled in. A name is as long as it can be: `$1x` is `${1x}`; a group
/// that does not exist or did not match is empty, and a `$` without a name stays.
fn expand(
    context: &mut Context<'_>,
    template: &[u8],
    pattern: &Pattern,
    found: &Match,
    text: &[u8],
    expanded: &mut Vec<u8>,
) -> Result<(), FunctionError> {
    let mut rest = template;
    while let Some(dollar) = memchr::memchr(b'$', rest) {
        context.spend(1)?;
        append(context, expanded, &rest[..dollar])?;
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix(b"$") {
            append(context, expanded, b"$")?;
            rest = after;
        } else if let Some((name, after)) = group_name(rest) {
            let group = |number: usize| found.groups.get(number).copied().flatten();
            // With a leading zero it is a name.
            let is_number = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
            let group =
                if is_number { name.parse().ok().and_then(group) } else { pattern.groups(&name).find_map(group) };
            if let Some((start, end)) = group {
                append(context, expanded, &text[start..end])?;
            }
            rest = after;
        } else {
            append(context, expanded, b"$")?;
        }
    }
    append(context, expanded, rest)
}

/// The name after a `$`, with or without braces, and what follows.
fn group_name(rest: &[u8]) -> Option<(String, &[u8])> {
    let (inside, braces) = rest.strip_prefix(b"{").map_or((rest, false), |inside| (inside, true));
    let is_name = |c: char| c == '_' || c.is_alphanumeric();
    let name: String = super::runes::runes(inside).map(|rune| rune.char).take_while(|&c| is_name(c)).collect();
    let after = &inside[name.len()..];
    let after = if braces { after.strip_prefix(b"}")? } else { after };
    (!name.is_empty()).then_some((name, after))
}
