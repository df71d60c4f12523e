//! Reads one YAML document, or one flow map, from the events of the YAML parser.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Marker, ScalarStyle, ScanError, Span, StructureStyle};

use super::build::{Builder, Place, RawScalar, Tag};
use super::locate::Cursor;
use super::source::Source;
use super::{Node, Position, Problem, ReadError};

/// A document and the offset behind it; no node if it holds nothing.
pub(super) struct Parsed {
    pub(super) root: Option<Node>,
    pub(super) end: usize,
    /// Ended by `...`, which `end` lies behind.
    pub(super) closed: bool,
}

/// Reads the document that begins at `start`; of what follows it only the offset is returned.
pub(super) fn read_document(text: &str, start: usize, cursor: &mut Cursor<'_>) -> Result<Parsed, ReadError> {
    let position = cursor.at(start);
    let mut source = Source::new(&text[start..]);
    loop {
        let origin = Origin { source: &source, offset: start, position };
        match read_events(&origin, text.len()) {
            Ok(parsed) => return Ok(parsed),
            Err(Fault::Content(position, problem)) => return Err(ReadError::new(position, problem)),
            Err(Fault::Syntax(error)) => {
                let readable = origin.error(&error);
                if !source.amends(&error) {
                    return Err(readable);
                }
            }
        }
    }
}

/// Why reading ended early.
enum Fault {
    Syntax(ScanError),
    Content(Position, Problem),
}

impl From<(Position, Problem)> for Fault {
    fn from((position, problem): (Position, Problem)) -> Fault {
        Fault::Content(position, problem)
    }
}

fn read_events(origin: &Origin<'_>, end: usize) -> Result<Parsed, Fault> {
    let mut builder = Builder::default();
    let mut parsed = Parsed { root: None, end, closed: false };
    for event in origin.source.events() {
        let (event, span) = event.map_err(Fault::Syntax)?;
        let place = |anchor| origin.place(&span, anchor);
        let built = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let tag = tag.as_deref().map(resolve_tag);
                let plain = tag.is_none() && style == ScalarStyle::Plain;
                let value = unfold_separators(value, style, span.start.col());
                let value = end_with_input(value, style, &span, origin.source.text());
                builder.scalar(&RawScalar { text: &value, plain, tag }, place(anchor))?
            }
            Event::SequenceStart(style, anchor, _) => {
                builder.open(false, style == StructureStyle::Flow, place(anchor))?
            }
            Event::MappingStart(style, anchor, _) => {
                builder.open(true, style == StructureStyle::Flow, place(anchor))?
            }
            Event::SequenceEnd | Event::MappingEnd => builder.close(place(0).span.end)?,
            Event::Alias(anchor) => builder.alias(anchor, place(0))?,
            Event::DocumentEnd => {
                let marker = place(0).span;
                (parsed.end, parsed.closed) = (marker.end, !marker.is_empty());
                break;
            }
            Event::StreamEnd => break,
            _ => None,
        };
        if let Some(root) = built {
            parsed.root = Some(root);
        }
    }
    Ok(parsed)
}

/// A lone `!` counts as custom, as in Go's reader: the value is text.
fn resolve_tag(tag: &granit_parser::Tag) -> Tag {
    match tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() {
        Some("str") => Tag::Str,
        Some("bool") => Tag::Bool,
        Some("int") => Tag::Int,
        Some("float") => Tag::Float,
        Some("null") => Tag::Null,
        Some("timestamp") => Tag::Timestamp,
        Some("binary") => Tag::Binary,
        Some("merge") => Tag::Merge,
        _ => Tag::Custom,
    }
}

/// Takes back the line feed that the parser adds to a block whose last line ends with the input instead.
///
/// To Go's reader such a block has no line feed at its end, whatever its header says.
fn end_with_input<'a>(value: Cow<'a, str>, style: ScalarStyle, span: &Span, text: &str) -> Cow<'a, str> {
    let indent = span.start.col();
    let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
    if !block || span.byte_range().is_none_or(|bytes| bytes.end < text.len()) {
        return value;
    }
    let last_line = text.rsplit(['\n', '\r']).next().unwrap_or_default();
    let holds_content = last_line.len() > indent && last_line.bytes().take(indent).all(|byte| byte == b' ');
    match value.strip_suffix('\n') {
        Some(cut) if holds_content => Cow::Owned(cut.to_owned()),
        _ => value,
    }
}

/// Undoes what Go's writer does to U+2028 and U+2029: line breaks to YAML 1.1, so it indents what follows them.
///
/// In a block these blanks are the indent, elsewhere all blanks around a line break fall away.
fn unfold_separators(value: Cow<'_, str>, style: ScalarStyle, indent: usize) -> Cow<'_, str> {
    const SEPARATORS: [char; 2] = ['\u{2028}', '\u{2029}'];
    let block = match style {
        ScalarStyle::Literal => true,
        ScalarStyle::Plain | ScalarStyle::SingleQuoted => false,
        _ => return value,
    };
    if !value.contains(SEPARATORS) {
        return value;
    }
    let mut lines = value.split_inclusive(SEPARATORS);
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        if block {
            let blanks = line.bytes().take(indent).take_while(|byte| *byte == b' ').count();
            text.push_str(&line[blanks..]);
        } else {
            let separator = text.pop();
            text.truncate(text.trim_end_matches([' ', '\t']).len());
            text.extend(separator);
            text.push_str(line.trim_start_matches([' ', '\t']));
        }
    }
    Cow::Owned(text)
}

/// Where the parsed part begins in the whole input.
struct Origin<'a> {
    source: &'a Source<'a>,
    offset: usize,
    position: Position,
}

impl Origin<'_> {
    fn place(&self, span: &Span, anchor: usize) -> Place {
        let bytes = span.byte_range().unwrap_or_default();
        let offset = |offset| self.offset + self.source.offset(offset);
        Place { position: self.position(span.start), span: offset(bytes.start)..offset(bytes.end), anchor }
    }

    /// The parser counts lines from 1 and columns from 0.
    fn position(&self, mark: Marker) -> Position {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let line = number(mark.line()).saturating_sub(1).saturating_add(self.position.line);
        let before = if mark.line() <= 1 { self.position.column } else { 1 };
        Position { line, column: number(self.source.column(mark)).saturating_add(before) }
    }

    fn error(&self, error: &ScanError) -> ReadError {
        let message: Cow<'static, str> = match error.kind() {
            // The one message that would quote the input.
            ErrorKind::UnexpectedCharacter { .. } => "unexpected character".into(),
            kind => kind.to_string().into(),
        };
        ReadError::new(self.position(*error.marker()), Problem::Yaml(message.into_owned()))
    }
}
