//! The document as it is written: which tokens stand where, with anchors, aliases and styles.
//!
//! The tree of [`Node`]s says what a document means; merge keys and aliases are resolved there and gone. An editor needs
//! the tokens themselves. Both trees have the same spans, which is how a key is found here.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle, ScanError, Span, StructureStyle};

use crate::document::source::Source;
use crate::document::{Entry, Node, NodeValue};

/// A token or a bracketed group of tokens.
#[derive(Debug)]
pub(super) struct Syntax {
    /// As [`Node::span`]: quotes and brackets included; of a block scalar the lines below its header.
    pub(super) span: Range<usize>,
    pub(super) anchor: Option<Anchor>,
    pub(super) tag: Option<Tag>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// A value that is not written at all; its span says nothing.
    Empty,
    Scalar(Quotes),
    /// `|` or `>` with lines below it.
    BlockScalar,
    Alias,
    Map {
        flow: bool,
        pairs: Vec<Pair>,
    },
    List {
        flow: bool,
        items: Vec<Syntax>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quotes {
    None,
    Single,
    Double,
}

/// `&name`; parsers number anchors, so that a name used twice is two anchors.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) number: usize,
    pub(super) span: Range<usize>,
}

#[derive(Debug)]
pub(super) struct Tag {
    pub(super) span: Range<usize>,
    /// `!!str` and `!`: the value stays text whatever is written there.
    pub(super) text: bool,
}

#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: Syntax,
    pub(super) value: Syntax,
}

/// `*name`.
#[derive(Debug)]
pub(super) struct Alias {
    pub(super) anchor: usize,
    pub(super) span: Range<usize>,
    pub(super) in_flow: bool,
    pub(super) is_key: bool,
}

/// A document.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) root: Syntax,
    /// In the order of the text.
    pub(super) aliases: Vec<Alias>,
}

impl Syntax {
    fn new(span: Range<usize>, kind: Kind) -> Syntax {
        Syntax { span, anchor: None, tag: None, kind }
    }

    /// Where the anchor, the tag or the value begins, whichever comes first.
    pub(super) fn start(&self) -> usize {
        let properties =
            self.anchor.iter().map(|anchor| anchor.span.start).chain(self.tag.iter().map(|t| t.span.start));
        properties.chain([self.span.start]).min().unwrap_or(self.span.start)
    }

    /// The end of anchor and tag, if there are any.
    pub(super) fn properties_end(&self) -> Option<usize> {
        let ends = self.anchor.iter().map(|anchor| anchor.span.end).chain(self.tag.iter().map(|tag| tag.span.end));
        ends.max()
    }

    /// The pair whose key stands at these bytes.
    pub(super) fn pair_at(&self, key: &Range<usize>) -> Option<usize> {
        let Kind::Map { pairs, .. } = &self.kind else {
            return None;
        };
        let index = pairs.binary_search_by_key(&key.start, |pair| pair.key.span.start).ok()?;
        (pairs[index].key.span == *key).then_some(index)
    }
}

impl Tree {
    /// The tokens of a JSON document, whose tree of values lacks nothing.
    pub(super) fn of_json(root: &Node) -> Tree {
        Tree { root: of_node(root), aliases: Vec::new() }
    }

    /// Reads the tokens of the YAML document that begins at `start`; `None` if that is none.
    pub(super) fn of_yaml(text: &str, start: usize) -> Option<Tree> {
        let mut source = Source::new(&text[start..]);
        loop {
            match Builder::read(&source, start) {
                Ok(builder) => return Some(Tree { root: builder.root?, aliases: builder.aliases }),
                Err(error) => source.amends(&error).then_some(())?,
            }
        }
    }
}

fn of_node(node: &Node) -> Syntax {
    let kind = match &node.value {
        NodeValue::Mapping(entries) => {
            let pair = |entry: &Entry| Pair { key: of_node(&entry.key_node), value: of_node(&entry.value) };
            Kind::Map { flow: true, pairs: entries.iter().map(pair).collect() }
        }
        NodeValue::Sequence(items) => Kind::List { flow: true, items: items.iter().map(of_node).collect() },
        NodeValue::String(_) => Kind::Scalar(Quotes::Double),
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => Kind::Scalar(Quotes::None),
    };
    Syntax::new(node.span.clone(), kind)
}

struct Builder<'a> {
    source: &'a Source<'a>,
    offset: usize,
    open: Vec<Open>,
    /// The last scalar: its anchor is told after it.
    scalar: Option<Syntax>,
    root: Option<Syntax>,
    aliases: Vec<Alias>,
}

struct Open {
    syntax: Syntax,
    key: Option<Syntax>,
}

impl<'a> Builder<'a> {
    fn read(source: &'a Source<'a>, offset: usize) -> Result<Builder<'a>, ScanError> {
        let mut builder = Builder { source, offset, open: Vec::new(), scalar: None, root: None, aliases: Vec::new() };
        for event in source.events() {
            let (event, span) = event?;
            if matches!(event, Event::DocumentEnd | Event::StreamEnd) {
                break;
            }
            builder.event(&event, &span);
        }
        builder.finish_scalar();
        Ok(builder)
    }

    fn event(&mut self, event: &Event<'_>, span: &Span) {
        let place = self.place(span);
        if let Event::Anchor(number, _) = event {
            let target = self.scalar.as_mut().or_else(|| self.open.last_mut().map(|open| &mut open.syntax));
            if let Some(target) = target {
                target.anchor = Some(Anchor { number: *number, span: place });
            }
            return;
        }
        self.finish_scalar();
        match event {
            Event::Scalar(_, style, ..) => {
                let kind = match style {
                    ScalarStyle::SingleQuoted => Kind::Scalar(Quotes::Single),
                    ScalarStyle::DoubleQuoted => Kind::Scalar(Quotes::Double),
                    ScalarStyle::Literal | ScalarStyle::Folded => Kind::BlockScalar,
                    _ if place.is_empty() => Kind::Empty,
                    _ => Kind::Scalar(Quotes::None),
                };
                self.scalar = Some(Syntax { tag: self.tag(event, span), ..Syntax::new(place, kind) });
            }
            Event::Alias(anchor) => {
                let (in_flow, is_key) = self.open.last().map_or((false, false), |open| match &open.syntax.kind {
                    Kind::Map { flow, .. } => (*flow, open.key.is_none()),
                    Kind::List { flow, .. } => (*flow, false),
                    _ => (false, false),
                });
                self.aliases.push(Alias { anchor: *anchor, span: place.clone(), in_flow, is_key });
                self.add(Syntax::new(place, Kind::Alias));
            }
            Event::MappingStart(style, ..) => {
                let kind = Kind::Map { flow: *style == StructureStyle::Flow, pairs: Vec::new() };
                self.open(event, span, place, kind);
            }
            Event::SequenceStart(style, ..) => {
                let kind = Kind::List { flow: *style == StructureStyle::Flow, items: Vec::new() };
                self.open(event, span, place, kind);
            }
            Event::MappingEnd | Event::SequenceEnd => {
                if let Some(Open { mut syntax, .. }) = self.open.pop() {
                    syntax.span.end = place.end;
                    self.add(syntax);
                }
            }
            _ => {}
        }
    }

    fn open(&mut self, event: &Event<'_>, span: &Span, place: Range<usize>, kind: Kind) {
        let syntax = Syntax { tag: self.tag(event, span), ..Syntax::new(place, kind) };
        self.open.push(Open { syntax, key: None });
    }

    fn finish_scalar(&mut self) {
        if let Some(scalar) = self.scalar.take() {
            self.add(scalar);
        }
    }

    fn add(&mut self, syntax: Syntax) {
        let Some(Open { syntax: parent, key }) = self.open.last_mut() else {
            self.root = Some(syntax);
            return;
        };
        match &mut parent.kind {
            Kind::List { items, .. } => items.push(syntax),
            Kind::Map { pairs, .. } => match key.take() {
                None => *key = Some(syntax),
                Some(key) => pairs.push(Pair { key, value: syntax }),
            },
            _ => {}
        }
    }

    fn place(&self, span: &Span) -> Range<usize> {
        let bytes = span.byte_range().unwrap_or_default();
        self.offset + self.source.offset(bytes.start)..self.offset + self.source.offset(bytes.end)
    }

    fn tag(&self, event: &Event<'_>, span: &Span) -> Option<Tag> {
        let tag = event.tag()?;
        let text = tag.is_yaml_core_schema_tag("str") || tag.original() == "!";
        Some(Tag { span: self.place(&span.tag_span()?), text })
    }
}
