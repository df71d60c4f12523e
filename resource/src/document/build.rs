//! Builds the tree from the events of a YAML document: meaning of scalars, anchors, merge keys, bounds.

use std::collections::HashMap;
use std::ops::Range;

use super::scalar::{Scalar, resolve};
use super::{Entry, MAX_DEPTH, MAX_VALUES, Node, NodeValue, Position, Problem};
use crate::base64_text;

/// How much aliases may add to a document, in bytes of text and [`NODE_COST`] for each node.
///
/// Enough for every value of the largest Secret a cluster stores to be repeated, far too little for a bomb.
const ALIAS_BUDGET: usize = 32 << 20;
const NODE_COST: usize = 128;

/// The type an explicit tag asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Str,
    Bool,
    Int,
    Float,
    Null,
    Timestamp,
    Binary,
    Merge,
    /// Any other: the value is text.
    Custom,
}

/// A scalar as the parser hands it over.
pub(super) struct RawScalar<'a> {
    pub(super) text: &'a str,
    /// Unquoted, so that the table of [`super::scalar`] applies.
    pub(super) plain: bool,
    pub(super) tag: Option<Tag>,
}

/// Where an event stands; anchors are numbered from 1, 0 is none.
pub(super) struct Place {
    pub(super) position: Position,
    pub(super) span: Range<usize>,
    pub(super) anchor: usize,
}

/// The document under construction.
#[derive(Default)]
pub(super) struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    aliased: usize,
    /// Keys and values so far; those that aliases add have a bound of their own.
    values: usize,
}

struct Open {
    place: Place,
    items: Items,
    flow: bool,
    /// The deepest nesting inside, for anchors.
    height: usize,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, key: Option<Key> },
}

enum Key {
    Name(String, Node),
    Merge,
}

/// An anchored value; nothing while it is still being read.
struct Anchored {
    node: Node,
    height: usize,
    cost: usize,
}

type Step = Result<Option<Node>, (Position, Problem)>;

impl Builder {
    /// Opens a list or map. Whatever is returned by `close`, `scalar` and `alias` is the finished root.
    pub(super) fn open(&mut self, mapping: bool, flow: bool, place: Place) -> Step {
        let kind = if mapping { "map" } else { "list" };
        if self.at_key() {
            return Err((place.position, Problem::CollectionKey(kind)));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err((place.position, Problem::TooDeep));
        }
        let items =
            if mapping { Items::Mapping { entries: Vec::new(), key: None } } else { Items::Sequence(Vec::new()) };
        self.open.push(Open { place, items, flow, height: 1 });
        Ok(None)
    }

    /// Closes the innermost list or map; `end` is the end of its bracket where it has one.
    pub(super) fn close(&mut self, end: usize) -> Step {
        let Some(Open { mut place, items, flow, height }) = self.open.pop() else {
            return Ok(None);
        };
        if flow {
            place.span.end = end.max(place.span.end);
        }
        let value = match items {
            Items::Sequence(items) => NodeValue::Sequence(trimmed(items)),
            Items::Mapping { entries, .. } => NodeValue::Mapping(trimmed(last_of_each(entries))),
        };
        self.add(Node::new(value, place.position, place.span), place.anchor, height)
    }

    pub(super) fn scalar(&mut self, scalar: &RawScalar<'_>, place: Place) -> Step {
        let meaning = if scalar.plain || scalar.tag.is_some() { resolve(scalar.text) } else { Scalar::Text };
        let merges = match scalar.tag {
            None => meaning == Scalar::Merge,
            Some(tag) => tag == Tag::Merge && scalar.text == "<<",
        };
        if merges && self.at_key() {
            self.set_key(Key::Merge);
            return Ok(None);
        }
        let node = tagged(scalar, meaning, &place).map_err(|problem| (place.position, problem))?;
        self.add(node, place.anchor, 0)
    }

    /// Puts a copy of an anchored value here.
    pub(super) fn alias(&mut self, anchor: usize, place: Place) -> Step {
        let failed = |problem| Err((place.position, problem));
        let Some(anchored) = self.anchors.get(&anchor) else {
            return failed(Problem::RecursiveAnchor);
        };
        if self.open.len() + anchored.height > MAX_DEPTH {
            return failed(Problem::TooDeep);
        }
        self.aliased = self.aliased.saturating_add(anchored.cost);
        if self.aliased > ALIAS_BUDGET {
            return failed(Problem::TooManyAliases);
        }
        let mut node = anchored.node.clone();
        let height = anchored.height;
        (node.position, node.span) = (place.position, place.span);
        self.add(node, 0, height)
    }

    fn add(&mut self, node: Node, anchor: usize, height: usize) -> Step {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err((node.position, Problem::TooManyValues));
        }
        if anchor != 0 {
            let cost = cost(&node);
            self.aliased = self.aliased.saturating_add(cost);
            if self.aliased > ALIAS_BUDGET {
                return Err((node.position, Problem::TooManyAliases));
            }
            self.anchors.insert(anchor, Anchored { node: node.clone(), height, cost });
        }
        let Some(parent) = self.open.last_mut() else {
            return Ok(Some(node));
        };
        parent.height = parent.height.max(height + 1);
        parent.place.span.end = parent.place.span.end.max(node.span.end);
        match &mut parent.items {
            Items::Sequence(items) => items.push(node),
            Items::Mapping { entries, key } => match key.take() {
                None => *key = Some(Key::Name(key_text(&node)?, node)),
                Some(Key::Name(name, key_node)) => entries.push(Entry { key: name, key_node, value: node }),
                Some(Key::Merge) => merge(entries, node)?,
            },
        }
        Ok(None)
    }

    fn at_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { items: Items::Mapping { key: None, .. }, .. }))
    }

    fn set_key(&mut self, new: Key) {
        if let Some(Open { items: Items::Mapping { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(new);
        }
    }
}

/// Applies an explicit tag; without one the meaning stands.
fn tagged(scalar: &RawScalar<'_>, meaning: Scalar, place: &Place) -> Result<Node, Problem> {
    let node = |value| Ok(Node::new(value, place.position, place.span.clone()));
    let text = || NodeValue::String(scalar.text.to_owned());
    match (scalar.tag, meaning) {
        (Some(Tag::Str | Tag::Timestamp | Tag::Merge | Tag::Custom), _) => node(text()),
        (Some(Tag::Binary), _) => node(NodeValue::String(binary(scalar.text)?)),
        (None | Some(Tag::Null), Scalar::Null) => node(NodeValue::Null),
        (None | Some(Tag::Bool), Scalar::Bool(value, word)) => {
            Ok(Node::new(NodeValue::Bool(value), place.position, place.span.clone()).with_word(word))
        }
        (None, Scalar::Number(number)) => node(NodeValue::Number(number)),
        (Some(Tag::Int), Scalar::Number(number)) if number.is_integer() => node(NodeValue::Number(number)),
        (Some(Tag::Float), Scalar::Number(number)) => node(NodeValue::Number(number.into_float())),
        (None, Scalar::Merge | Scalar::Text) => node(text()),
        (Some(Tag::Null), _) => Err(Problem::WrongTag("null")),
        (Some(Tag::Bool), _) => Err(Problem::WrongTag("a boolean")),
        (Some(Tag::Int), _) => Err(Problem::WrongTag("an integer")),
        (Some(Tag::Float), _) => Err(Problem::WrongTag("a decimal number")),
    }
}

/// Decodes `!!binary`. The reference replaces what is not UTF-8 without a word; that would seal another value.
fn binary(text: &str) -> Result<String, Problem> {
    let bytes = base64_text::decode(text).map_err(|_| Problem::InvalidBinary)?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Problem::BinaryNotText)
}

fn key_text(node: &Node) -> Result<String, (Position, Problem)> {
    match &node.value {
        NodeValue::String(text) => Ok(text.clone()),
        NodeValue::Bool(value) => Ok(value.to_string()),
        NodeValue::Number(number) => Ok(number.to_key()),
        NodeValue::Null => Err((node.position, Problem::NullKey)),
        NodeValue::Sequence(_) | NodeValue::Mapping(_) => Err((node.position, Problem::CollectionKey(node.kind()))),
    }
}

/// Adds the entries of a merged map, or of a list of them in which earlier ones win.
///
/// As in Go's reader a merge overrides keys before it and is overridden by keys after it.
fn merge(entries: &mut Vec<Entry>, source: Node) -> Result<(), (Position, Problem)> {
    let position = source.position;
    let sources = match source.value {
        NodeValue::Mapping(_) => vec![source],
        NodeValue::Sequence(sources) => sources,
        _ => return Err((position, Problem::Merge)),
    };
    for source in sources.into_iter().rev() {
        let NodeValue::Mapping(merged) = source.value else {
            return Err((source.position, Problem::Merge));
        };
        entries.extend(merged);
    }
    Ok(())
}

/// Without the room for more that it grew: of a million maps with one entry each it would be most of the memory.
pub(super) fn trimmed<T>(mut finished: Vec<T>) -> Vec<T> {
    finished.shrink_to_fit();
    finished
}

/// Keeps the last entry of every key.
pub(super) fn last_of_each(entries: Vec<Entry>) -> Vec<Entry> {
    let mut last = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        last.insert(entry.key.as_str(), index);
    }
    if last.len() == entries.len() {
        return entries;
    }
    let mut keep = vec![false; entries.len()];
    last.into_values().for_each(|index| keep[index] = true);
    entries.into_iter().zip(keep).filter_map(|(entry, keep)| keep.then_some(entry)).collect()
}

fn cost(node: &Node) -> usize {
    NODE_COST
        + match &node.value {
            NodeValue::String(text) => text.len(),
            NodeValue::Sequence(items) => items.iter().map(cost).sum(),
            NodeValue::Mapping(entries) => {
                entries.iter().map(|entry| entry.key.len() + cost(&entry.key_node) + cost(&entry.value)).sum()
            }
            NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_too_many_is_refused() {
        let mut builder = Builder { values: MAX_VALUES - 1, ..Builder::default() };
        let mut add = || {
            let place = Place { position: Position { line: 7, column: 1 }, span: 0..1, anchor: 0 };
            builder.scalar(&RawScalar { text: "x", plain: true, tag: None }, place).map(drop)
        };
        assert!(add().is_ok());
        assert!(add().is_err_and(|(at, problem)| (at.line, problem) == (7, Problem::TooManyValues)));
    }
}
