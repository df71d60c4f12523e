//! Values as JSON text: keys in order, floats in Go's layout, bytes outside of UTF-8 as U+FFFD.

use std::io::Write as _;

use crate::shortest_float::{positional, scientific};
use crate::template::context::Context;
use crate::template::function::FunctionError;
use crate::template::functions::runes::runes;
use crate::template::map::Map;
use crate::template::object::Object;
use crate::template::value::Value;

/// How the text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// One line, `<`, `>` and `&` escaped.
    Compact,
    /// Two blanks a level, `<`, `>` and `&` escaped.
    Pretty,
    /// One line, `<`, `>` and `&` as they are.
    Raw,
}

/// The JSON text of a value.
pub(super) fn write(context: &mut Context<'_>, value: &Value, layout: Layout) -> Result<Vec<u8>, FunctionError> {
    let mut writer = Writer { text: Vec::new(), layout, accounted: 0, level: 0, around: Vec::new() };
    writer.value(context, value)?;
    Ok(writer.text)
}

struct Writer {
    text: Vec<u8>,
    layout: Layout,
    /// How much of the text the limits know of.
    accounted: usize,
    level: usize,
    /// The maps being written, to see circles.
    around: Vec<Map>,
}

impl Writer {
    fn value(&mut self, context: &mut Context<'_>, value: &Value) -> Result<(), FunctionError> {
        context.spend(1)?;
        context.allocate(self.text.len() - self.accounted)?;
        self.accounted = self.text.len();
        match value {
            Value::Nil => self.text.extend(b"null"),
            Value::Bool(value) => self.word(value),
            Value::Float(number) => self.float(*number)?,
            Value::Text(text) => self.string(text),
            Value::List(list) if list.is_nil() => self.text.extend(b"null"),
            Value::List(list) => {
                let items = list.iter().map(|item| (None, item));
                context.deeper(|context| self.nested(context, b'[', items, b']'))?;
            }
            Value::Map(map) => self.map(context, map)?,
            Value::Object(object) => self.object(context, object.as_ref())?,
            Value::Complex(..) => return Err(FunctionError::failed("json: unsupported type: complex128")),
            number => match (number.as_signed(), number.as_unsigned()) {
                (Some(signed), _) => self.word(&signed),
                (None, unsigned) => self.word(&unsigned.unwrap_or(0)),
            },
        }
        Ok(())
    }

    fn word(&mut self, word: &impl ToString) {
        self.text.extend(word.to_string().into_bytes());
    }

    fn map(&mut self, context: &mut Context<'_>, map: &Map) -> Result<(), FunctionError> {
        if self.around.iter().any(|around| around.same(map)) {
            let reason = format!("json: unsupported value: encountered a cycle via {}", map.type_name());
            return Err(FunctionError::failed(reason));
        }
        self.around.push(map.clone());
        let entries = map.to_entries().into_iter().map(|(key, value)| (Some(key.to_vec()), value));
        context.deeper(|context| self.nested(context, b'{', entries, b'}'))?;
        self.around.pop();
        Ok(())
    }

    fn object(&mut self, context: &mut Context<'_>, object: &dyn Object) -> Result<(), FunctionError> {
        if let Some(value) = object.json() {
            return self.value(context, &value);
        }
        let exported = object.fields().into_iter().filter(|(name, _)| name.starts_with(|c: char| c.is_uppercase()));
        let fields = exported.map(|(name, value)| (Some(name.as_bytes().to_vec()), value));
        context.deeper(|context| self.nested(context, b'{', fields, b'}'))
    }

    fn nested(
        &mut self,
        context: &mut Context<'_>,
        open: u8,
        items: impl Iterator<Item = (Option<Vec<u8>>, Value)>,
        close: u8,
    ) -> Result<(), FunctionError> {
        self.text.push(open);
        self.level += 1;
        let mut is_empty = true;
        for (key, value) in items {
            if !is_empty {
                self.text.push(b',');
            }
            is_empty = false;
            self.break_line();
            if let Some(key) = key {
                self.string(&key);
                self.text.extend(if self.layout == Layout::Pretty { &b": "[..] } else { b":" });
            }
            self.value(context, &value)?;
        }
        self.level -= 1;
        if !is_empty {
            self.break_line();
        }
        self.text.push(close);
        Ok(())
    }

    fn break_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.text.push(b'\n');
            self.text.resize(self.text.len() + 2 * self.level, b' ');
        }
    }

    fn float(&mut self, number: f64) -> Result<(), FunctionError> {
        let size = number.abs();
        if !size.is_finite() {
            let name = if number.is_nan() {
                "NaN"
            } else if number > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            return Err(FunctionError::failed(format!("json: unsupported value: {name}")));
        }
        let text = if size == 0.0 || (1e-6..1e21).contains(&size) {
            positional(number)
        } else if size < 1.0 {
            scientific(number)
        } else {
            scientific(number).replace('e', "e+")
        };
        self.text.extend(text.into_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.text.push(b'"');
        for rune in runes(text) {
            let escaped = match rune.char {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\u{8}' => "\\b",
                '\u{c}' => "\\f",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                '<' | '>' | '&' if self.layout != Layout::Raw => "",
                ..' ' | '\u{2028}' | '\u{2029}' => "",
                _ => {
                    let plain = &text[rune.start..rune.start + rune.len];
                    let invalid = rune.len != rune.char.len_utf8();
                    self.text.extend(if invalid { b"\\ufffd" } else { plain });
                    continue;
                }
            };
            if escaped.is_empty() {
                // Writing to memory does not fail.
                let _ = write!(self.text, "\\u{:04x}", u32::from(rune.char));
            }
            self.text.extend(escaped.as_bytes());
        }
        self.text.push(b'"');
    }
}
