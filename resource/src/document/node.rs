//! The tree that a document is read into.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde_json::Value;

use super::{Number, Position};

/// A value of a document and where it stands.
///
/// `Debug` shows kind and position only: the values may be secrets.
#[derive(Clone)]
pub struct Node {
    /// The value.
    pub value: NodeValue,
    /// Where the value begins. A node that an alias put here begins at the alias, what is inside it at the anchor.
    pub position: Position,
    /// The bytes of the input that hold the value: quotes and brackets included, of a block scalar the lines below
    /// its header, of a block list or map from its first entry to the end of its last.
    pub span: Range<usize>,
    word: Option<&'static str>,
}

/// The value of a [`Node`].
#[derive(Clone)]
pub enum NodeValue {
    /// `null`, `~` or nothing.
    Null,
    /// A boolean word; which one says [`Node::bool_word`].
    Bool(bool),
    /// An integer or a decimal.
    Number(Number),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A map. Keys are unique: of repeated ones the last is here.
    Mapping(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone)]
pub struct Entry {
    /// The key as text: an unquoted `on` is `true`, `010` is `8`, `1.50` is `1.5`.
    pub key: String,
    /// The key as it was read.
    pub key_node: Node,
    /// The value.
    pub value: Node,
}

impl Node {
    pub(super) fn new(value: NodeValue, position: Position, span: Range<usize>) -> Self {
        Node { value, position, span, word: None }
    }

    pub(super) fn with_word(mut self, word: &'static str) -> Self {
        self.word = Some(word);
        self
    }

    /// The boolean as written (`yes`, `Off`, `n`, `true`), if this is one.
    #[must_use]
    pub fn bool_word(&self) -> Option<&str> {
        self.word
    }

    /// The kind of value, for messages: `string`, `number`, `boolean`, `null`, `list` or `map`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            NodeValue::Null => "null",
            NodeValue::Bool(_) => "boolean",
            NodeValue::Number(_) => "number",
            NodeValue::String(_) => "string",
            NodeValue::Sequence(_) => "list",
            NodeValue::Mapping(_) => "map",
        }
    }

    /// The value under this very key, if this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        let NodeValue::Mapping(entries) = &self.value else {
            return None;
        };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value under this key; without it, the last one whose key differs in case only (as Go matches fields).
    #[must_use]
    pub fn get_any_case(&self, key: &str) -> Option<&Node> {
        let NodeValue::Mapping(entries) = &self.value else {
            return None;
        };
        self.get(key)
            .or_else(|| entries.iter().rev().find(|entry| equal_fold(&entry.key, key)).map(|entry| &entry.value))
    }

    /// What a plain value becomes where text is expected (kubeseal-cli.md 5.1); nothing for lists and maps.
    #[must_use]
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match &self.value {
            NodeValue::Null => Some(Cow::Borrowed("")),
            NodeValue::Bool(true) => Some(Cow::Borrowed("true")),
            NodeValue::Bool(false) => Some(Cow::Borrowed("false")),
            NodeValue::Number(number) => Some(Cow::Owned(number.to_text())),
            NodeValue::String(text) => Some(Cow::Borrowed(text)),
            NodeValue::Sequence(_) | NodeValue::Mapping(_) => None,
        }
    }

    /// The value as JSON. Infinities and NaN, which JSON lacks, become the text `+Inf`, `-Inf`, `NaN`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match &self.value {
            NodeValue::Null => Value::Null,
            NodeValue::Bool(value) => Value::Bool(*value),
            NodeValue::Number(number) => {
                number.to_json().map_or_else(|| Value::String(number.to_text()), Value::Number)
            }
            NodeValue::String(text) => Value::String(text.clone()),
            NodeValue::Sequence(items) => items.iter().map(Node::to_json).collect(),
            NodeValue::Mapping(entries) => {
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
            }
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({} at {}:{})", self.kind(), self.position.line, self.position.column)
    }
}

impl fmt::Debug for NodeValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NodeValue::Null => "Null",
            NodeValue::Bool(_) => "Bool(..)",
            NodeValue::Number(_) => "Number(..)",
            NodeValue::String(_) => "String(..)",
            NodeValue::Sequence(_) => "Sequence(..)",
            NodeValue::Mapping(_) => "Mapping(..)",
        })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("key_node", &self.key_node).field("value", &self.value).finish()
    }
}

/// Whether two field names are one to Go's JSON decoder: ASCII case, and the two other letters that fold into ASCII.
fn equal_fold(left: &str, right: &str) -> bool {
    fn fold(text: &str) -> impl Iterator<Item = char> + '_ {
        text.chars().map(|letter| match letter {
            '\u{212A}' => 'k',
            '\u{17F}' => 's',
            other => other.to_ascii_lowercase(),
        })
    }
    fold(left).eq(fold(right))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::read_object;
    use super::*;

    fn root(text: &str) -> Node {
        read_object(text.as_bytes()).unwrap().unwrap().root
    }

    #[test]
    fn fields_are_found_in_any_case_but_the_exact_name_wins() {
        let root = root("Data: 1\nstringdata: 2\nDATA: 3\nſpec: 4\n");
        let found = |key| root.get_any_case(key).map(Node::to_json);
        assert_eq!(found("data"), Some(3.into()));
        assert_eq!(found("Data"), Some(1.into()));
        assert_eq!(found("stringData"), Some(2.into()));
        assert_eq!(found("spec"), Some(4.into()));
        assert_eq!(found("kind"), None);
        assert!(root.get("data").is_none());
    }

    #[test]
    fn debug_output_never_shows_a_value() {
        let root = root("stringData: {password: hunter2, pin: 4711, hunter2: yes}\n");
        let NodeValue::Mapping(entries) = &root.value else { unreachable!() };
        let shown = format!("{root:?} {:?} {entries:?} {:?}", root.value, entries[0].value);
        assert!(shown.contains("map at 1:1"), "{shown}");
        let NodeValue::Mapping(items) = &entries[0].value.value else { unreachable!() };
        let shown = format!("{shown} {items:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("4711"), "{shown}");
    }

    #[test]
    fn a_boolean_remembers_its_word() {
        let root = root("a: Yes\nb: n\nc: \"no\"\nd: true\n");
        let word = |key| root.get(key).unwrap().bool_word();
        assert_eq!([word("a"), word("b"), word("c"), word("d")], [Some("Yes"), Some("n"), None, Some("true")]);
    }
}
