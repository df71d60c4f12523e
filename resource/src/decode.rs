//! From a tree of values to typed objects, with errors that name the place and never the value.
//!
//! One decoder serves both readers of the reference (kubeseal-cli.md section 5) and the API server's JSON; what differs
//! is in [`Rules`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::base64_text::{self, IllegalBase64};
use crate::document::{Node, NodeValue};
use crate::secret::SecretBytes;

/// How forgiving the decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Field names match exactly and types must fit: merge targets, recovery, the API server.
    Strict,
    /// Field names match in any case, and numbers and booleans become text where text is expected: what people write.
    Lenient,
}

/// A field holds something it cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{path} {problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct DecodeError {
    /// The field, such as `metadata.labels.app`.
    pub path: String,
    /// The same without the keys of maps, such as `metadata.labels`: for where not even these may be shown.
    pub field: String,
    /// Its line in the input, from 1, where that is known.
    pub line: Option<u32>,
    /// What is wrong, without any value.
    pub problem: String,
}

/// What a decoder needs to know of a value, wherever it came from.
pub(crate) trait Tree: Sized {
    fn kind(&self) -> &'static str;
    fn line(&self) -> Option<u32>;
    fn fields(&self) -> Option<Vec<(&str, &Self)>>;
    fn items(&self) -> Option<Vec<&Self>>;
    fn string(&self) -> Option<&str>;
    /// Numbers and booleans as text (decision 22).
    fn scalar_text(&self) -> Option<Cow<'_, str>>;
    fn integer(&self) -> Option<i64>;
    fn boolean(&self) -> Option<bool>;
}

impl Tree for Node {
    fn kind(&self) -> &'static str {
        Node::kind(self)
    }
    fn line(&self) -> Option<u32> {
        Some(self.position.line)
    }
    fn fields(&self) -> Option<Vec<(&str, &Node)>> {
        let NodeValue::Mapping(entries) = &self.value else {
            return None;
        };
        Some(entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect())
    }
    fn items(&self) -> Option<Vec<&Node>> {
        let NodeValue::Sequence(items) = &self.value else {
            return None;
        };
        Some(items.iter().collect())
    }
    fn string(&self) -> Option<&str> {
        let NodeValue::String(text) = &self.value else {
            return None;
        };
        Some(text)
    }
    fn scalar_text(&self) -> Option<Cow<'_, str>> {
        self.to_text()
    }
    fn integer(&self) -> Option<i64> {
        let NodeValue::Number(number) = &self.value else {
            return None;
        };
        number.to_json()?.as_i64()
    }
    fn boolean(&self) -> Option<bool> {
        let NodeValue::Bool(value) = self.value else {
            return None;
        };
        Some(value)
    }
}

impl Tree for Value {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "list",
            Value::Object(_) => "map",
        }
    }
    fn line(&self) -> Option<u32> {
        None
    }
    fn fields(&self) -> Option<Vec<(&str, &Value)>> {
        Some(self.as_object()?.iter().map(|(key, value)| (key.as_str(), value)).collect())
    }
    fn items(&self) -> Option<Vec<&Value>> {
        Some(self.as_array()?.iter().collect())
    }
    fn string(&self) -> Option<&str> {
        self.as_str()
    }
    fn scalar_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(self.to_string())),
            _ => None,
        }
    }
    fn integer(&self) -> Option<i64> {
        self.as_i64()
    }
    fn boolean(&self) -> Option<bool> {
        self.as_bool()
    }
}

/// A value, the way to it and the rules to read it by.
pub(crate) struct Field<'a, T> {
    tree: Option<&'a T>,
    path: String,
    /// How much of the path is made of names that we know.
    known: usize,
    rules: Rules,
}

impl<'a, T: Tree> Field<'a, T> {
    pub(crate) fn root(tree: &'a T, rules: Rules) -> Field<'a, T> {
        Field { tree: Some(tree), path: String::new(), known: 0, rules }
    }

    /// Whether the field exists and is not `null`.
    pub(crate) fn is_present(&self) -> bool {
        self.tree.is_some_and(|tree| tree.kind() != "null")
    }

    /// The fields of an object; absent and `null` read as an object without fields.
    pub(crate) fn object(&self) -> Result<Object<'a, T>, DecodeError> {
        let fields = match self.present() {
            None => Vec::new(),
            Some(tree) => tree.fields().ok_or_else(|| self.expected("a map"))?,
        };
        Ok(Object { fields, path: self.path.clone(), known: self.known, rules: self.rules })
    }

    pub(crate) fn text(&self) -> Result<String, DecodeError> {
        let Some(tree) = self.present() else {
            return Ok(String::new());
        };
        let text = match self.rules {
            Rules::Strict => tree.string().map(Cow::Borrowed),
            Rules::Lenient => tree.scalar_text(),
        };
        text.map(Cow::into_owned).ok_or_else(|| self.expected("a string"))
    }

    pub(crate) fn text_map(&self) -> Result<BTreeMap<String, String>, DecodeError> {
        self.map_of(Field::text)
    }

    pub(crate) fn map_of<V>(
        &self,
        read: impl Fn(&Field<'a, T>) -> Result<V, DecodeError>,
    ) -> Result<BTreeMap<String, V>, DecodeError> {
        self.object()?.entries().map(|(key, field)| Ok((key.to_owned(), read(&field)?))).collect()
    }

    /// Base64 text of a Secret's value; not even the lenient reader takes a number here.
    pub(crate) fn bytes(&self) -> Result<SecretBytes, DecodeError> {
        let Some(tree) = self.present() else {
            return Ok(SecretBytes::default());
        };
        let text = tree.string().ok_or_else(|| self.expected("a Base64 string; quote it, or move it to stringData"))?;
        base64_text::decode(text)
            .map(SecretBytes::from)
            .map_err(|error: IllegalBase64| self.error(format!("holds {error}")))
    }

    pub(crate) fn integer(&self) -> Result<Option<i64>, DecodeError> {
        self.present().map(|tree| tree.integer().ok_or_else(|| self.expected("an integer"))).transpose()
    }

    pub(crate) fn boolean(&self) -> Result<Option<bool>, DecodeError> {
        self.present().map(|tree| tree.boolean().ok_or_else(|| self.expected("true or false"))).transpose()
    }

    pub(crate) fn time(&self) -> Result<Option<Timestamp>, DecodeError> {
        let parse = |tree: &'a T| tree.string().and_then(|text| text.parse().ok());
        self.present().map(|tree| parse(tree).ok_or_else(|| self.expected("an RFC 3339 time"))).transpose()
    }

    /// The elements of a list; absent and `null` read as an empty one.
    pub(crate) fn list(&self) -> Result<Vec<Field<'a, T>>, DecodeError> {
        let Some(tree) = self.present() else {
            return Ok(Vec::new());
        };
        let items = tree.items().ok_or_else(|| self.expected("a list"))?;
        let element = |(index, tree)| {
            let path = format!("{}[{index}]", self.path);
            let known = if self.known == self.path.len() { path.len() } else { self.known };
            Field { tree: Some(tree), path, known, rules: self.rules }
        };
        Ok(items.into_iter().enumerate().map(element).collect())
    }

    /// The map entries whose values are strings, those of others with an empty one; `None` where there is no map at all
    /// (wire-format.md section 3.4).
    pub(crate) fn forgiving_text_map(&self) -> Option<BTreeMap<String, String>> {
        let fields = self.present()?.fields()?;
        Some(
            fields
                .into_iter()
                .map(|(key, tree)| (key.to_owned(), tree.string().unwrap_or_default().to_owned()))
                .collect(),
        )
    }

    fn present(&self) -> Option<&'a T> {
        self.tree.filter(|tree| tree.kind() != "null")
    }

    fn expected(&self, what: &str) -> DecodeError {
        let found = self.tree.map_or("nothing", Tree::kind);
        self.error(format!("must be {what}, found a {found}"))
    }

    /// For fields that are not secret: shows what was found.
    pub(crate) fn unexpected(&self, found: &str, expected: &str) -> DecodeError {
        let found = if found.is_empty() { "is missing".to_owned() } else { format!("is {found:?}") };
        self.error(format!("{found}, expected {expected:?}"))
    }

    fn error(&self, problem: String) -> DecodeError {
        let shown = |path: &str| if path.is_empty() { "the document".to_owned() } else { path.to_owned() };
        DecodeError {
            path: shown(&self.path),
            field: shown(&self.path[..self.known]),
            line: self.tree.and_then(Tree::line),
            problem,
        }
    }
}

/// The fields of one object.
pub(crate) struct Object<'a, T> {
    fields: Vec<(&'a str, &'a T)>,
    path: String,
    known: usize,
    rules: Rules,
}

impl<'a, T: Tree> Object<'a, T> {
    /// The field of this name, present or not.
    pub(crate) fn field(&self, name: &str) -> Field<'a, T> {
        let exact = self.fields.iter().rev().find(|(key, _)| *key == name);
        let found = exact.or_else(|| match self.rules {
            Rules::Strict => None,
            Rules::Lenient => self.fields.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name)),
        });
        let child = self.child(name, found.map(|(_, tree)| *tree));
        let known = if self.known == self.path.len() { child.path.len() } else { self.known };
        Field { known, ..child }
    }

    fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a, T>)> {
        self.fields.iter().map(|(key, tree)| (*key, self.child(key, Some(tree))))
    }

    /// Under a name that the input gave.
    fn child(&self, name: &str, tree: Option<&'a T>) -> Field<'a, T> {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Field { tree, path, known: self.known, rules: self.rules }
    }
}
