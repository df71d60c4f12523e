//! The two readers of kubeseal-cli.md 5: a stream of documents, and a file with one object.

use std::ops::Range;

use super::boundary::{self, After, Start};
use super::locate::Cursor;
use super::{Node, NodeValue, Problem, ReadError, json, yaml};

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// By the letter of the JSON grammar.
    Json,
    /// Everything else, `{a: b}` and `{"a": 1,}` included.
    Yaml,
}

/// One object of the input; its root is a map with at least one entry.
#[derive(Debug, Clone)]
pub struct Document {
    /// The map itself.
    pub root: Node,
    /// How it was written.
    pub format: Format,
    /// The bytes it was read from, its `---` line included; for [`super::edit`].
    pub(super) extent: Range<usize>,
}

/// Reads every document of a file or pipe (kubeseal-cli.md 5.1, decisions 22 and 23).
///
/// JSON objects may follow each other directly or after a `---` line, and YAML documents may follow them; each
/// object may use what only YAML allows (a trailing comma, comments). Documents that are empty, hold only comments
/// or are `{}` are left out.
///
/// # Errors
///
/// The first document that cannot be read, is no map, or is not separated from the one before.
pub fn read_stream(input: &[u8]) -> Result<Vec<Document>, ReadError> {
    stream(input)?.collect()
}

/// The same, one document after the other, so that no more than one of them is in memory. Ends with the first fault.
///
/// # Errors
///
/// Input that is not UTF-8 text.
pub fn stream(input: &[u8]) -> Result<impl Iterator<Item = Result<Document, ReadError>>, ReadError> {
    let mut stream = Stream::new(decode(input)?);
    let mut failed = false;
    Ok(std::iter::from_fn(move || {
        let next = if failed { None } else { stream.next_document().transpose() };
        failed = matches!(next, Some(Err(_)));
        next
    }))
}

/// Reads the object of a file that should hold one (kubeseal-cli.md 5.2).
///
/// Text that begins with `{` must be JSON to the letter with nothing behind it. Of YAML the first document that
/// holds something is read. Nothing at all is `None`.
///
/// # Errors
///
/// As for [`read_stream`], of the one document.
pub fn read_object(input: &[u8]) -> Result<Option<Document>, ReadError> {
    let text = decode(input)?;
    let mut stream = Stream::new(text);
    let start = text.len() - text.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']).len();
    if !text[start..].starts_with('{') {
        let document = stream.next_document()?;
        // What follows must at least be a document of its own.
        stream.next_start()?;
        return Ok(document);
    }
    let (root, end) = json::read_value(text, start, &mut stream.cursor)?;
    let rest = text[end..].trim_start_matches([' ', '\t', '\r', '\n']);
    if !rest.is_empty() {
        return Err(ReadError::new(stream.cursor.at(text.len() - rest.len()), Problem::TrailingText));
    }
    Ok(holds_something(&root).then_some(Document { root, format: Format::Json, extent: start..end }))
}

fn decode(input: &[u8]) -> Result<&str, ReadError> {
    std::str::from_utf8(input).map_err(|error| {
        let valid = std::str::from_utf8(&input[..error.valid_up_to()]).unwrap_or_default();
        let utf16 = input.starts_with(&[0xFF, 0xFE]) || input.starts_with(&[0xFE, 0xFF]);
        ReadError::new(Cursor::new(valid).at(valid.len()), if utf16 { Problem::Utf16 } else { Problem::NotUtf8 })
    })
}

fn holds_something(root: &Node) -> bool {
    !matches!(&root.value, NodeValue::Mapping(entries) if entries.is_empty())
}

struct Stream<'a> {
    text: &'a str,
    at: usize,
    after: After,
    cursor: Cursor<'a>,
}

impl<'a> Stream<'a> {
    fn new(text: &'a str) -> Self {
        Stream { text, at: 0, after: After::Nothing, cursor: Cursor::new(text) }
    }

    /// The next document that holds something.
    fn next_document(&mut self) -> Result<Option<Document>, ReadError> {
        while let Some(start) = self.next_start()? {
            let before = self.at;
            let found = match start {
                Start::Object(at) => Some(self.object(at)?),
                Start::Document(at) => self.document(at)?,
            };
            if self.at <= before {
                // Not known to happen; without this it would be an endless loop.
                return Err(ReadError::new(self.cursor.at(self.at), Problem::Expected("a document")));
            }
            match found {
                Some(document) if holds_something(&document.root) => return Ok(Some(document)),
                _ => {}
            }
        }
        Ok(None)
    }

    fn next_start(&mut self) -> Result<Option<Start>, ReadError> {
        boundary::next(self.text, self.at, self.after)
            .map_err(|(at, problem)| ReadError::new(self.cursor.at(at), problem))
    }

    /// Reads an object as JSON or else as YAML. If it is neither, the reader that came further names the fault.
    fn object(&mut self, start: usize) -> Result<Document, ReadError> {
        self.after = After::Object;
        let mistake = match json::read_value(self.text, start, &mut self.cursor) {
            Ok((root, end)) => {
                self.at = end;
                return Ok(Document { root, format: Format::Json, extent: start..end });
            }
            Err(mistake) => mistake,
        };
        match yaml::read_document(self.text, start, &mut self.cursor) {
            Ok(yaml::Parsed { root: Some(root), end, .. }) => {
                self.at = end;
                Ok(Document { root, format: Format::Yaml, extent: start..end })
            }
            Err(error) if error.position() > mistake.position() => Err(error),
            _ => Err(mistake),
        }
    }

    /// Reads a YAML document; `null` is nothing.
    fn document(&mut self, start: usize) -> Result<Option<Document>, ReadError> {
        let parsed = yaml::read_document(self.text, start, &mut self.cursor)?;
        self.at = parsed.end;
        self.after = if parsed.closed { After::Nothing } else { After::Document };
        match parsed.root {
            None => Ok(None),
            Some(Node { value: NodeValue::Null, .. }) => Ok(None),
            Some(root) if matches!(root.value, NodeValue::Mapping(_)) => {
                Ok(Some(Document { root, format: Format::Yaml, extent: start..parsed.end }))
            }
            Some(root) => Err(ReadError::new(root.position, Problem::NotAnObject(root.kind()))),
        }
    }
}
