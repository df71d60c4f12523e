//! The text of a YAML document, in a form that the parser takes.
//!
//! Within quotes Go's reader is more forgiving than YAML 1.2: lines of a value may begin in any column or with a tab, `\'`
//! is an apostrophe, and a comment may follow the closing quote at once. Where the parser stops at one of these, a copy
//! of the text is made that says the same by the book; offsets and columns lead back to the text as it was written.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Marker, Options, Parser, ScanError, StrInput};

use super::lines::{break_at, line_end, line_start};

/// How much is read again at most, in bytes, for all the places of a document: the parser stops at one after the other.
const MOST_READ_AGAIN: usize = 64 << 20;
/// By how much a copy may be longer, in bytes.
const MOST_ADDED: usize = 4 << 20;
/// The first indent that is tried.
const INDENT: usize = 8;

pub(super) struct Source<'a> {
    original: &'a str,
    text: Cow<'a, str>,
    /// In order.
    changes: Vec<Change>,
    indent: usize,
    read_again: usize,
}

/// A place where the copy differs.
struct Change {
    /// Its offset in the copy; what lies behind has moved.
    at: usize,
    /// From 1.
    line: usize,
    /// How many bytes, all of them characters, are more than in the original.
    added: isize,
    /// The same with all changes before.
    total: isize,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Source<'a> {
        Source { original: text, text: Cow::Borrowed(text), changes: Vec::new(), indent: INDENT, read_again: 0 }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn events(&self, options: Options) -> Parser<'_, StrInput<'_>> {
        Parser::new_from_str_with_options(&self.text, options)
    }

    /// An offset of the copy in the original.
    pub(super) fn offset(&self, offset: usize) -> usize {
        let passed = self.changes.partition_point(|change| change.at < offset);
        offset.saturating_add_signed(-passed.checked_sub(1).map_or(0, |last| self.changes[last].total))
    }

    /// The column of a mark in the original, from 0.
    pub(super) fn column(&self, mark: Marker) -> usize {
        let here = &self.changes[self.changes.partition_point(|change| change.line < mark.line())..];
        let here = here.iter().take_while(|change| change.line == mark.line());
        let passed = here.filter(|change| mark.byte_offset().is_some_and(|offset| change.at < offset));
        mark.col().saturating_add_signed(-passed.map(|change| change.added).sum::<isize>())
    }

    /// Whether the parser stopped at one of these places, which has been made good, so that it can begin again.
    pub(super) fn amends(&mut self, error: &ScanError) -> bool {
        let mark = error.marker();
        let Some((at, rest)) = mark.byte_offset().and_then(|at| Some((at, self.text.get(at..)?))) else {
            return false;
        };
        if self.read_again > MOST_READ_AGAIN {
            return false;
        }
        match error.kind() {
            ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation => {
                if self.changes.binary_search_by_key(&mark.line(), |change| change.line).is_ok() {
                    // Not far enough.
                    self.indent *= 2;
                    self.changes.clear();
                    self.text = Cow::Borrowed(self.original);
                    return self.indent <= MOST_ADDED;
                }
                let places = lines_within_quotes(&self.text, at);
                let added = (self.changes.len() + places.len()).saturating_mul(self.indent);
                added <= MOST_ADDED && self.change(&places, mark.line(), self.indent.cast_signed())
            }
            ErrorKind::UnknownQuotedScalarEscape => match escaped_apostrophe(rest) {
                Some(found) => {
                    let lines = rest[..found].matches('\n').count();
                    self.change(&[(at + found, lines)], mark.line(), -1)
                }
                None => false,
            },
            ErrorKind::CommentNotSeparated if self.text[..at].ends_with(['"', '\'']) => {
                self.change(&[(at, 0)], mark.line(), 1)
            }
            _ => false,
        }
    }

    /// Inserts blanks at these places, each with the number of lines between it and `line`, or takes a byte away.
    fn change(&mut self, places: &[(usize, usize)], line: usize, added: isize) -> bool {
        let Some((last, _)) = places.last() else {
            return false;
        };
        let text = match &self.text {
            Cow::Borrowed(text) => &text[..end_of_document(text, *last)],
            Cow::Owned(text) => text,
        };
        let blanks = " ".repeat(added.max(0).unsigned_abs());
        let removed = added.min(0).unsigned_abs();
        let mut copy = String::with_capacity(text.len() + blanks.len() * places.len());
        let mut total = self.changes.last().map_or(0, |change| change.total);
        let mut done = 0;
        for (at, lines) in places {
            copy.push_str(&text[done..*at]);
            total += added;
            self.changes.push(Change { at: copy.len(), line: line + lines, added, total });
            copy.push_str(&blanks);
            done = at + removed;
        }
        copy.push_str(&text[done..]);
        self.read_again += copy.len();
        self.text = Cow::Owned(copy);
        true
    }
}

/// The beginning of the line around `at`, which is within quotes, and of the lines behind it that surely are as well:
/// no quote stands between. Each with the number of lines before it; blank ones need no indent. None if the first is
/// blank: nothing follows.
fn lines_within_quotes(text: &str, at: usize) -> Vec<(usize, usize)> {
    let (mut places, mut start) = (Vec::new(), line_start(text, at));
    for lines in 0.. {
        let end = line_end(text, start);
        let line = &text[start..end];
        let is_blank = line.trim_matches(' ').is_empty();
        if is_marker(line) || (is_blank && places.is_empty()) {
            break;
        }
        if !is_blank {
            places.push((start, lines));
        }
        start = end + break_at(text, end).len();
        if start == end || line.contains(['"', '\'']) {
            break;
        }
    }
    places
}

/// Whether a line begins or ends a document, which it does even within quotes.
fn is_marker(line: &str) -> bool {
    let rest = line.strip_prefix("---").or_else(|| line.strip_prefix("..."));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// The backslash of the first `\'` in the double-quoted text at the beginning.
fn escaped_apostrophe(text: &str) -> Option<usize> {
    let mut letters = text.char_indices().skip(1);
    loop {
        match letters.next()? {
            (_, '"') => return None,
            (at, '\\') if letters.next()?.1 == '\'' => return Some(at),
            _ => {}
        }
    }
}

/// The end of the first line behind `from` that begins another document, or of the text.
fn end_of_document(text: &str, from: usize) -> usize {
    let lines = text[from..].match_indices('\n').map(|(at, _)| from + at + 1);
    let mut lines = lines.map(|start| (start, line_end(text, start)));
    lines.find(|(start, end)| is_marker(&text[*start..*end])).map_or(text.len(), |(_, end)| end)
}
