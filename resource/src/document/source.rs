//! The text of a YAML document, in a form that the parser takes.
//!
//! Within quotes Go's reader is more forgiving than YAML 1.2: lines of a value may begin in any column or with a tab, `\'`
//! is an apostrophe, and a comment may follow the closing quote at once. Where the parser stops at one of these, a copy
//! of the text is made that says the same by the book; offsets and columns lead back to the text as it was written.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Marker, Parser, ScanError, StrInput, options};

use super::MAX_DEPTH;
use super::boundary::is_marker;
use super::lines::{line_end, line_start};

/// How much is read again at most, in bytes, for all quoted texts of a document: the parser stops at one after the other.
const MOST_READ_AGAIN: usize = 64 << 20;
/// By how much a copy may be longer, in bytes.
const MOST_ADDED: usize = 4 << 20;
/// So many places of one quoted text can get help.
const MOST_PLACES: usize = 1 << 19;
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
    /// How many bytes, all of them characters, it and those before it have added.
    total: isize,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Source<'a> {
        Source { original: text, text: Cow::Borrowed(text), changes: Vec::new(), indent: INDENT, read_again: 0 }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn events(&self) -> Parser<'_, StrInput<'_>> {
        // One level more than allowed, so that our own bound speaks first.
        let options = options! {
            emit_comments: false,
            emit_anchor_events: true,
            flow_nesting_limit: MAX_DEPTH + 1,
            block_nesting_limit: MAX_DEPTH + 1,
        };
        Parser::new_from_str_with_options(&self.text, options)
    }

    /// An offset of the copy in the original.
    pub(super) fn offset(&self, offset: usize) -> usize {
        offset.saturating_add_signed(-self.added(self.passed(offset)))
    }

    /// The column of a mark in the original, from 0.
    pub(super) fn column(&self, mark: Marker) -> usize {
        let before = self.changes.partition_point(|change| change.line < mark.line());
        let passed = self.passed(mark.byte_offset().unwrap_or_default()).max(before);
        mark.col().saturating_add_signed(self.added(before) - self.added(passed))
    }

    /// How many changes stand before an offset of the copy.
    fn passed(&self, offset: usize) -> usize {
        self.changes.partition_point(|change| change.at < offset)
    }

    /// What so many changes have added in total.
    fn added(&self, changes: usize) -> isize {
        changes.checked_sub(1).map_or(0, |last| self.changes[last].total)
    }

    /// Whether the parser stopped at one of these places, which has been made good, so that it can begin again.
    pub(super) fn amends(&mut self, error: &ScanError) -> bool {
        let (mark, kind) = (error.marker(), error.kind());
        let Some(at) = mark.byte_offset().filter(|at| self.text.is_char_boundary(*at)) else {
            return false;
        };
        if self.read_again > MOST_READ_AGAIN {
            return false;
        }
        let places = match kind {
            _ if is_about_column(kind) => {
                if self.changes.binary_search_by_key(&mark.line(), |change| change.line).is_ok() {
                    // Not far enough.
                    self.indent *= 2;
                    self.changes.clear();
                    self.text = Cow::Borrowed(self.original);
                    return self.indent <= MOST_ADDED;
                }
                let start = line_start(&self.text, at);
                self.within_quotes(start, if self.is_within_double_quotes(start) { '"' } else { '\'' })
            }
            ErrorKind::UnknownQuotedScalarEscape => {
                // The mark is at the opening quote.
                let places = self.within_quotes(at + 1, '"');
                if places.iter().any(|place| place.added < 0) { places } else { Vec::new() }
            }
            ErrorKind::CommentNotSeparated if self.text[..at].ends_with(['"', '\'']) => {
                vec![Place { at, lines: 0, added: 1 }]
            }
            _ => Vec::new(),
        };
        self.change(&places, mark.line())
    }

    /// Whether a double quote would close the quoted text that `end` is in.
    fn is_within_double_quotes(&self, end: usize) -> bool {
        let closed = format!("{}\"", &self.text[..end]);
        let error = Source::new(&closed).events().find_map(Result::err);
        error.is_none_or(|error| {
            !is_about_column(error.kind()) && !matches!(error.kind(), ErrorKind::UnclosedQuotedScalar)
        })
    }

    /// What needs help from `from`, which is within quotes, to the closing one: lines that begin there, and `\'`.
    fn within_quotes(&self, from: usize, quote: char) -> Vec<Place> {
        let text = &*self.text;
        let (mut places, mut lines, mut begins) = (Vec::new(), 0, line_start(text, from) == from);
        let mut letters = text[from..].char_indices().map(|(at, letter)| (from + at, letter)).peekable();
        while let Some((at, letter)) = letters.next() {
            if begins {
                if is_marker(&text[at..]) {
                    break;
                }
                if !text[at..line_end(text, at)].trim_matches(' ').is_empty() {
                    places.push(Place { at, lines, added: self.indent.cast_signed() });
                }
            }
            begins = letter == '\n' || (letter == '\r' && letters.peek().is_none_or(|(_, next)| *next != '\n'));
            lines += usize::from(begins);
            match letter {
                '\\' if quote == '"' => {
                    let escaped = letters.next_if(|(_, next)| ['\'', '"', '\\'].contains(next));
                    if let Some((_, '\'')) = escaped {
                        places.push(Place { at, lines, added: -1 });
                    }
                }
                '\'' if quote == '\'' && letters.next_if(|(_, next)| *next == '\'').is_some() => {}
                _ if letter == quote => break,
                _ => {}
            }
            if places.len() > MOST_PLACES {
                return Vec::new();
            }
        }
        places
    }

    /// Inserts blanks or takes bytes away; `line` is the one that `places` count from.
    fn change(&mut self, places: &[Place], line: usize) -> bool {
        let more: isize = places.iter().map(|place| place.added.max(0)).sum();
        let mut total = self.added(self.changes.len());
        let Some(last) = places.last().filter(|_| total + more <= MOST_ADDED.cast_signed()) else {
            return false;
        };
        let text = match &self.text {
            Cow::Borrowed(text) => &text[..end_of_document(text, last.at)],
            Cow::Owned(text) => text,
        };
        let mut copy = String::with_capacity(text.len() + more.unsigned_abs());
        let mut done = 0;
        for Place { at, lines, added } in places {
            copy.push_str(&text[done..*at]);
            total += added;
            self.changes.push(Change { at: copy.len(), line: line + lines, total });
            copy.extend(std::iter::repeat_n(' ', added.max(&0).unsigned_abs()));
            done = at + added.min(&0).unsigned_abs();
        }
        copy.push_str(&text[done..]);
        self.read_again += copy.len();
        self.text = Cow::Owned(copy);
        true
    }
}

/// A place to change.
struct Place {
    at: usize,
    /// How many lines below the one that is spoken of.
    lines: usize,
    /// So many blanks are to stand before it, or so many bytes to go.
    added: isize,
}

/// Whether a line within quotes begins where YAML 1.2 has none begin.
fn is_about_column(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation)
}

/// The end of the first line behind `from` that begins another document, or of the text.
fn end_of_document(text: &str, from: usize) -> usize {
    let mut lines = text[from..].match_indices('\n').map(|(at, _)| from + at + 1);
    lines.find(|start| is_marker(&text[*start..])).map_or(text.len(), |start| line_end(text, start))
}
