//! `html`, `js` and `urlquery`.

use crate::template::context::Context;
use crate::template::function::{Arguments, FunctionError, FunctionResult};
use crate::template::print;
use crate::template::text::Text;
use crate::template::unicode::is_print;
use crate::template::value::Value;

pub(super) fn html(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = printed(context, args)?;
    context.allocate(text.len().saturating_mul(5))?;
    let mut escaped = Vec::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            0 => escaped.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => escaped.extend_from_slice(b"&#34;"),
            b'\'' => escaped.extend_from_slice(b"&#39;"),
            b'&' => escaped.extend_from_slice(b"&amp;"),
            b'<' => escaped.extend_from_slice(b"&lt;"),
            b'>' => escaped.extend_from_slice(b"&gt;"),
            other => escaped.push(other),
        }
    }
    Ok(Value::text(escaped))
}

pub(super) fn js(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = printed(context, args)?;
    context.allocate(text.len().saturating_mul(6))?;
    let mut escaped = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' | '"' => escaped.extend_from_slice(format!("\\{c}").as_bytes()),
                '<' | '>' | '&' | '=' => escaped.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes()),
                c if c < ' ' || !c.is_ascii() && !is_print(c) => {
                    escaped.extend_from_slice(format!("\\u{:04X}", u32::from(c)).as_bytes());
                }
                c => escaped.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        escaped.extend_from_slice(chunk.invalid());
    }
    Ok(Value::text(escaped))
}

pub(super) fn url_query(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let text = printed(context, args)?;
    context.allocate(text.len().saturating_mul(3))?;
    let mut escaped = Vec::with_capacity(text.len());
    for &byte in text.as_bytes() {
        match byte {
            b' ' => escaped.push(b'+'),
            b'-' | b'_' | b'.' | b'~' => escaped.push(byte),
            byte if byte.is_ascii_alphanumeric() => escaped.push(byte),
            byte => escaped.extend_from_slice(format!("%{byte:02X}").as_bytes()),
        }
    }
    Ok(Value::text(escaped))
}

/// The arguments as `print` prints them, but a missing one reads as in the output of a template.
fn printed(context: &mut Context<'_>, args: Arguments<'_>) -> Result<Text, FunctionError> {
    if let [Value::Text(text)] = args.0 {
        return Ok(text.clone());
    }
    let shown = |value: &Value| if let Value::Nil = value { Value::text("<no value>") } else { value.clone() };
    let values: Vec<Value> = args.0.iter().map(shown).collect();
    Ok(Text::from(print::sprint(context, &values)?))
}
