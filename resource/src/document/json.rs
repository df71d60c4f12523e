//! Reads one JSON value into the tree, with positions, repeated keys and numbers as written.

use super::build::{last_of_each, trimmed};
use super::locate::Cursor;
use super::scalar::{Scalar, resolve};
use super::{Entry, MAX_DEPTH, MAX_VALUES, Node, NodeValue, Problem, ReadError};

/// Reads the JSON object that begins at `start` and returns it with the offset behind it.
///
/// A lone surrogate escape becomes U+FFFD, as in Go.
pub(super) fn read_value<'a>(text: &'a str, start: usize, cursor: &mut Cursor<'a>) -> Result<(Node, usize), ReadError> {
    let mut reader =
        Reader { text, bytes: text.as_bytes(), at: start, cursor: cursor.clone(), depth: 0, left: MAX_VALUES };
    let node = reader.value()?;
    *cursor = reader.cursor;
    Ok((node, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    cursor: Cursor<'a>,
    depth: usize,
    /// So many values may still come, keys among them.
    left: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Node, ReadError> {
        self.count()?;
        let start = self.at;
        let position = self.cursor.at(start);
        let value = match self.peek() {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::array)?,
            Some(b'"') => NodeValue::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", NodeValue::Bool(true))?,
            Some(b'f') => self.word("false", NodeValue::Bool(false))?,
            Some(b'n') => self.word("null", NodeValue::Null)?,
            Some(_) => return self.fail(Problem::Expected("a value")),
            None => return self.fail(Problem::UnexpectedEnd("a list or map")),
        };
        let word = match value {
            NodeValue::Bool(true) => Some("true"),
            NodeValue::Bool(false) => Some("false"),
            _ => None,
        };
        let node = Node::new(value, position, start..self.at);
        Ok(if let Some(word) = word { node.with_word(word) } else { node })
    }

    fn count(&mut self) -> Result<(), ReadError> {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return self.fail(Problem::TooManyValues),
        }
        Ok(())
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<NodeValue, ReadError>) -> Result<NodeValue, ReadError> {
        if self.depth == MAX_DEPTH {
            return self.fail(Problem::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Result<NodeValue, ReadError> {
        let mut entries = Vec::new();
        self.skip_blanks();
        if self.take(b'}') {
            return Ok(NodeValue::Mapping(entries));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return self.expected("a map", "a key in double quotes");
            }
            self.count()?;
            let (start, position) = (self.at, self.cursor.at(self.at));
            let key = self.string()?;
            let key_node = Node::new(NodeValue::String(key.clone()), position, start..self.at);
            self.skip_blanks();
            if !self.take(b':') {
                return self.expected("a map", "`:` after the key");
            }
            self.skip_blanks();
            entries.push(Entry { key, key_node, value: self.value()? });
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(NodeValue::Mapping(trimmed(last_of_each(entries))));
            }
            if !self.take(b',') {
                return self.expected("a map", "`,` or `}` after the value");
            }
        }
    }

    fn array(&mut self) -> Result<NodeValue, ReadError> {
        let mut items = Vec::new();
        self.skip_blanks();
        if self.take(b']') {
            return Ok(NodeValue::Sequence(items));
        }
        loop {
            self.skip_blanks();
            items.push(self.value()?);
            self.skip_blanks();
            if self.take(b']') {
                return Ok(NodeValue::Sequence(trimmed(items)));
            }
            if !self.take(b',') {
                return self.expected("a list", "`,` or `]` after the value");
            }
        }
    }

    fn string(&mut self) -> Result<String, ReadError> {
        self.at += 1;
        let mut value = String::new();
        loop {
            let plain = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | ..b' ')) {
                self.at += 1;
            }
            // Only ASCII ends the loop, so both ends are character boundaries.
            value.push_str(&self.text[plain..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(value);
                }
                Some(b'\\') => value.push(self.escape()?),
                Some(_) => return self.fail(Problem::ControlCharacter),
                None => return self.fail(Problem::UnexpectedEnd("a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, ReadError> {
        let letter = match self.bytes.get(self.at + 1) {
            Some(b'u') => return self.unicode_escape(),
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(*letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(_) => return self.fail(Problem::InvalidEscape),
            None => return self.fail(Problem::UnexpectedEnd("a string")),
        };
        self.at += 2;
        Ok(letter)
    }

    fn unicode_escape(&mut self) -> Result<char, ReadError> {
        let Some(high) = self.code_unit(self.at) else {
            return self.fail(Problem::InvalidEscape);
        };
        self.at += 6;
        if (0xD800..0xDC00).contains(&high)
            && let Some(low @ 0xDC00..0xE000) = self.code_unit(self.at)
        {
            self.at += 6;
            let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The four digits of `\uXXXX` at `at`.
    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
    }

    fn number(&mut self) -> Result<NodeValue, ReadError> {
        let start = self.at;
        self.take(b'-');
        let mut complete = if self.take(b'0') { true } else { self.digits() };
        if self.take(b'.') {
            complete &= self.digits();
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            complete &= self.digits();
        }
        // A digit here follows a leading zero: octal to YAML, nothing to JSON.
        if !complete || self.peek().is_some_and(|next| next.is_ascii_alphanumeric() || next == b'_') {
            return self.fail(Problem::MalformedNumber);
        }
        let text = &self.text[start..self.at];
        Ok(match resolve(text) {
            Scalar::Number(number) => NodeValue::Number(number),
            // Too large for a float: text, as the YAML reader has it.
            _ => NodeValue::String(text.to_owned()),
        })
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }

    fn word(&mut self, word: &str, value: NodeValue) -> Result<NodeValue, ReadError> {
        let end = self.at + word.len();
        let whole = !self.bytes.get(end).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'_');
        if self.bytes.get(self.at..end) != Some(word.as_bytes()) || !whole {
            return self.fail(Problem::Expected("a value"));
        }
        self.at = end;
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

    fn expected<T>(&mut self, inside: &'static str, what: &'static str) -> Result<T, ReadError> {
        let at_end = self.peek().is_none();
        self.fail(if at_end { Problem::UnexpectedEnd(inside) } else { Problem::Expected(what) })
    }

    fn fail<T>(&mut self, problem: Problem) -> Result<T, ReadError> {
        Err(ReadError::new(self.cursor.at(self.at), problem))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_value_too_many_is_refused_where_it_stands() {
        let text = r#"{"a": [1, 2], "b": 3}"#;
        for (left, fault) in [(7, None), (6, Some(20)), (5, Some(15)), (4, Some(11))] {
            let mut reader = Reader { text, bytes: text.as_bytes(), at: 0, cursor: Cursor::new(text), depth: 0, left };
            let error = reader.value().err();
            assert_eq!(error.as_ref().map(|error| error.position().column), fault, "{left}");
            assert!(error.is_none_or(|error| *error.problem() == Problem::TooManyValues));
        }
    }
}
