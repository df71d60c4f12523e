//! Finds where the next document of a stream begins.

use super::Problem;

/// What came before, which decides what may follow without a `---` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    /// Nothing, or a document closed by `...`.
    Nothing,
    /// A `{…}` object: another may follow at once, other text on a line of its own.
    Object,
    /// A YAML document: only `---` or `...` may follow.
    Document,
}

/// The beginning of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// A `{` at this offset.
    Object(usize),
    /// Other text; the offset is that of its `---`, or of the beginning of its line.
    Document(usize),
}

/// The next document at or behind `from`; empty and comment-only ones are passed over.
///
/// # Errors
///
/// The offset of text that stands where a `---` line is missing.
pub(super) fn next(text: &str, from: usize, after: After) -> Result<Option<Start>, (usize, Problem)> {
    let mut scan = Scan { text, at: from, line: line_start(text, from), separated: after == After::Nothing };
    let mut marker = None;
    loop {
        scan.skip_blanks_and_comments();
        if scan.at == text.len() {
            return Ok(None);
        }
        if scan.take_marker("---") {
            marker = Some(scan.at - 3);
        } else if scan.take_marker("...") {
            marker = None;
        } else {
            break;
        }
    }
    let object = text[scan.at..].starts_with('{');
    let on_new_line = scan.line.is_some_and(|line| line >= from);
    match after {
        _ if scan.separated => {}
        After::Object if object || on_new_line => {}
        _ => return Err((scan.at, Problem::MissingSeparator)),
    }
    Ok(Some(if object { Start::Object(scan.at) } else { Start::Document(marker.or(scan.line).unwrap_or(scan.at)) }))
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// Where the current line begins, if its beginning has been seen.
    line: Option<usize>,
    separated: bool,
}

impl Scan<'_> {
    fn skip_blanks_and_comments(&mut self) {
        const BYTE_ORDER_MARK: &str = "\u{FEFF}";
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with('\n') {
                self.at += 1;
                self.line = Some(self.at);
            } else if rest.starts_with([' ', '\t', '\r']) {
                self.at += 1;
            } else if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with(BYTE_ORDER_MARK) && self.line == Some(self.at) {
                self.at += BYTE_ORDER_MARK.len();
                self.line = Some(self.at);
            } else {
                return;
            }
        }
    }

    /// Passes a `---` or `...` that stands alone at the beginning of a line.
    fn take_marker(&mut self, marker: &str) -> bool {
        let found = self.line == Some(self.at) && stands_alone(&self.text[self.at..], marker);
        if found {
            self.at += marker.len();
            self.separated = true;
        }
        found
    }
}

/// Whether the line at the beginning of `text` begins or ends a document, which it does even within quotes.
pub(super) fn is_marker(text: &str) -> bool {
    ["---", "..."].iter().any(|marker| stands_alone(text, marker))
}

fn stands_alone(text: &str, marker: &str) -> bool {
    text.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn line_start(text: &str, at: usize) -> Option<usize> {
    (at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n')).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_document_is_found_behind_markers_comments_and_blanks() {
        use After::{Document as Doc, Nothing, Object};
        for (text, after, expected) in [
            ("", Nothing, Ok(None)),
            ("\u{FEFF}# c\n---\n...\n--- # d\n", Nothing, Ok(None)),
            ("\u{FEFF}a: 1", Nothing, Ok(Some(Start::Document(3)))),
            ("\r\n  a: 1", Nothing, Ok(Some(Start::Document(2)))),
            ("---\n---\na: 1", Nothing, Ok(Some(Start::Document(4)))),
            ("--- \t{", Nothing, Ok(Some(Start::Object(5)))),
            (" {", Object, Ok(Some(Start::Object(1)))),
            (" # c\nk: v", Object, Ok(Some(Start::Document(5)))),
            (" k: v", Object, Err((1, Problem::MissingSeparator))),
            ("\nk: v", Doc, Err((1, Problem::MissingSeparator))),
            ("\n{", Doc, Err((1, Problem::MissingSeparator))),
            ("\n---\n{", Doc, Ok(Some(Start::Object(5)))),
            ("---x", Nothing, Ok(Some(Start::Document(0)))),
            (" ---\n", Nothing, Ok(Some(Start::Document(0)))),
        ] {
            // One character in front, so that the text does not begin a line unless it says so.
            let (prefix, from) = if after == Nothing { ("", 0) } else { ("}", 1) };
            let found = next(&format!("{prefix}{text}"), from, after);
            let found = found.map_err(|(at, problem)| (at - from, problem)).map(|start| {
                start.map(|start| match start {
                    Start::Object(at) => Start::Object(at - from),
                    Start::Document(at) => Start::Document(at - from),
                })
            });
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
