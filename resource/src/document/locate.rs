//! Byte offsets to lines and columns.

/// A place in the input, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Character within the line, from 1.
    pub column: u32,
}

/// Walks forward through a text and says where an offset is.
///
/// Keeping the last answer makes a whole document linear even when it is one line of megabytes.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    offset: usize,
    here: Position,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Cursor { text, offset: 0, here: Position { line: 1, column: 1 } }
    }

    /// The position of `offset`, which must not lie before the one asked for last.
    pub(super) fn at(&mut self, offset: usize) -> Position {
        for &byte in self.text.as_bytes().get(self.offset..offset).unwrap_or_default() {
            if byte == b'\n' {
                self.here.line = self.here.line.saturating_add(1);
                self.here.column = 1;
            } else if byte & 0xC0 != 0x80 {
                self.here.column = self.here.column.saturating_add(1);
            }
        }
        self.offset = self.offset.max(offset);
        self.here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_line_feeds() {
        let mut cursor = Cursor::new("aé😀b\r\nc");
        assert_eq!(cursor.at(0), Position { line: 1, column: 1 });
        assert_eq!(cursor.at(7), Position { line: 1, column: 4 });
        assert_eq!(cursor.at(10), Position { line: 2, column: 1 });
        assert_eq!(cursor.at(11), Position { line: 2, column: 2 });
    }
}
