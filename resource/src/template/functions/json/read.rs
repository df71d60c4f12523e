//! JSON text as values: numbers are floats, the last of repeated keys wins, and what is wrong with a text is one error.

use std::collections::BTreeMap;

use crate::template::context::Context;
use crate::template::function::FunctionError;
use crate::template::functions::runes::runes;
use crate::template::map::Map;
use crate::template::text::Text;
use crate::template::value::Value;

/// What a text holds.
pub(super) struct Document {
    pub(super) value: Value,
    /// The first number beyond the range of a float; nil stands in its place.
    pub(super) too_large: Option<String>,
}

/// Reads one value with nothing but blanks around it.
pub(super) fn read(context: &mut Context<'_>, text: &[u8]) -> Result<Document, FunctionError> {
    context.spend(text.len() / 64)?;
    let mut reader = Reader { bytes: text, at: 0, too_large: None };
    let value = reader.value(context)?;
    reader.skip_blanks();
    if reader.at < text.len() {
        return Err(reader.unexpected("after top-level value"));
    }
    Ok(Document { value, too_large: reader.too_large })
}

struct Reader<'t> {
    bytes: &'t [u8],
    at: usize,
    too_large: Option<String>,
}

impl Reader<'_> {
    fn value(&mut self, context: &mut Context<'_>) -> Result<Value, FunctionError> {
        context.spend(1)?;
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => context.deeper(|context| self.object(context)),
            Some(b'[') => context.deeper(|context| self.array(context)),
            Some(b'"') => Ok(Value::Text(self.string(context)?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Nil),
            _ => Err(self.unexpected("looking for beginning of value")),
        }
    }

    fn object(&mut self, context: &mut Context<'_>) -> Result<Value, FunctionError> {
        let mut entries = BTreeMap::new();
        self.at += 1;
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(Value::Map(Map::any(entries)));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("looking for beginning of object key string"));
            }
            context.allocate_elements(2)?;
            let key = self.string(context)?;
            self.skip_blanks();
            if !self.take(b':') {
                return Err(self.unexpected("after object key"));
            }
            let value = self.value(context)?;
            entries.insert(key, value);
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(Value::Map(Map::any(entries)));
            }
            if !self.take(b',') {
                return Err(self.unexpected("after object key:value pair"));
            }
        }
    }

    fn array(&mut self, context: &mut Context<'_>) -> Result<Value, FunctionError> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_blanks();
        if self.take(b']') {
            return Ok(Value::list(items));
        }
        loop {
            context.allocate_elements(1)?;
            items.push(self.value(context)?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::list(items));
            }
            if !self.take(b',') {
                return Err(self.unexpected("after array element"));
            }
        }
    }

    fn string(&mut self, context: &mut Context<'_>) -> Result<Text, FunctionError> {
        self.at += 1;
        let mut value = Vec::new();
        loop {
            let plain = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | ..b' ')) {
                self.at += 1;
            }
            let plain = &self.bytes[plain..self.at];
            if plain.is_ascii() {
                value.extend(plain);
            } else {
                value.extend(runes(plain).map(|rune| rune.char).collect::<String>().into_bytes());
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    context.allocate(value.len())?;
                    return Ok(Text::from(value));
                }
                Some(b'\\') => value.extend(self.escape()?.encode_utf8(&mut [0; 4]).as_bytes()),
                _ => return Err(self.unexpected("in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, FunctionError> {
        self.at += 1;
        let escaped = match self.peek() {
            Some(b'u') => return self.unicode_escape(),
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.unexpected("in string escape code")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// A surrogate without its other half becomes U+FFFD.
    fn unicode_escape(&mut self) -> Result<char, FunctionError> {
        let Some(code) = self.code_unit(self.at) else {
            return Err(self.unexpected("in \\u hexadecimal character escape"));
        };
        self.at += 5;
        if (0xD800..0xDC00).contains(&code)
            && self.peek() == Some(b'\\')
            && let Some(low @ 0xDC00..0xE000) = self.code_unit(self.at + 1)
        {
            self.at += 6;
            let pair = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            return Ok(char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The four digits of `uXXXX` at `at`.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 5)?.strip_prefix(b"u")?;
        digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Result<Value, FunctionError> {
        let start = self.at;
        self.take(b'-');
        let mut complete = self.take(b'0') || self.digits();
        if self.take(b'.') {
            complete &= self.digits();
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            complete &= self.digits();
        }
        if !complete {
            return Err(self.unexpected("in numeric literal"));
        }
        let text = String::from_utf8_lossy(&self.bytes[start..self.at]);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Value::Float(number)),
            _ => {
                self.too_large.get_or_insert(text.into_owned());
                Ok(Value::Nil)
            }
        }
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, FunctionError> {
        for expected in word.bytes() {
            if !self.take(expected) {
                return Err(self.unexpected("in literal"));
            }
        }
        Ok(value)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, place: &str) -> FunctionError {
        FunctionError::failed(match self.peek() {
            None => "unexpected end of JSON input".to_owned(),
            Some(byte) => format!("invalid character {:?} {place}", char::from(byte)),
        })
    }
}
