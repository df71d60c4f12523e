//! The form in which a person edits the values of a SealedSecret: a little YAML file, and what was changed in it.
//!
//! ```yaml
//! # SealedSecret shop/db
//! stringData:
//!   password: s3cret
//!   user:
//! data:
//!   keystore: /u3+7Q==
//! ```
//!
//! An item with nothing behind its colon stays as it is, one whose line is gone is removed. Plain text counts as it is
//! written: `0123`, `yes` and `null` are these very words here.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::base64_text;
use crate::document::{Node, NodeValue, ReadError, WriteError, read_stream, to_yaml};
use crate::secret::SecretBytes;

/// What a person did to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemEdit {
    /// Gave it a value, new or another one.
    Set(SecretBytes),
    /// Took it away.
    Remove,
}

/// An edited form that cannot be used. Holds no part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// Everything was deleted, which more likely means that nothing shall be done.
    #[error("the form is empty")]
    Empty,
    /// It is no YAML.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Something in it is not as it should be.
    #[error("line {line}: {problem}")]
    At {
        /// Where, from 1.
        line: u32,
        /// What is wrong there.
        problem: String,
    },
}

/// Writes the form. `None` is a value that is not known.
///
/// # Errors
/// Never for text, which is all that is written.
pub fn render(
    comments: &[String],
    items: &BTreeMap<String, Option<SecretBytes>>,
) -> Result<Zeroizing<String>, WriteError> {
    let mut form = Zeroizing::new(String::with_capacity(4096 + size(items) * 4));
    for comment in comments {
        form.push_str(format!("# {comment}").trim_end());
        form.push('\n');
    }
    let (binary, text): (Vec<_>, Vec<_>) =
        items.iter().partition(|(_, value)| value.as_ref().is_some_and(|value| as_text(value).is_none()));
    form.push_str("stringData:\n");
    for (item, value) in text {
        push_entry(&mut form, item, value.as_ref().and_then(as_text))?;
    }
    if !binary.is_empty() {
        form.push_str("# Base64 of what is no text:\ndata:\n");
        for (item, value) in binary {
            let encoded = Zeroizing::new(base64_text::encode(value.as_ref().map_or(&[], SecretBytes::as_slice)));
            push_entry(&mut form, item, Some(&encoded))?;
        }
    }
    Ok(form)
}

/// What a person changed; an item whose value is what it was is not in the answer.
///
/// # Errors
/// [`FormError`].
pub fn read(
    edited: &[u8],
    before: &BTreeMap<String, Option<SecretBytes>>,
) -> Result<BTreeMap<String, ItemEdit>, FormError> {
    let documents = read_stream(edited)?;
    let root = match documents.as_slice() {
        [] => return Err(FormError::Empty),
        [document] => &document.root,
        [_, second, ..] => return Err(at(&second.root, "a second document; the form is one")),
    };
    let NodeValue::Mapping(sections) = &root.value else {
        return Err(at(root, "expected the sections stringData and data"));
    };
    // Whether an item is there, and its value unless it stays as it is.
    let mut found: BTreeMap<&str, Option<SecretBytes>> = BTreeMap::new();
    for section in sections {
        let is_text = match section.key.as_str() {
            "stringData" => true,
            "data" => false,
            other => {
                let problem = format!("unknown section {other}; items stand below stringData or data, indented");
                return Err(at(&section.key_node, problem));
            }
        };
        let items = match &section.value.value {
            NodeValue::Mapping(items) => items.as_slice(),
            NodeValue::Null => &[],
            _ => return Err(at(&section.value, format!("{} must hold items", section.key))),
        };
        for item in items {
            let value = if is_text { written_text(edited, &item.value) } else { written_base64(edited, &item.value) }
                .map_err(|problem| at(&item.value, format!("item {}: {problem}", item.key)))?;
            if !is_item_name(&item.key) {
                let problem =
                    format!("{:?} cannot be the name of an item: letters, digits, - . and _ are allowed", item.key);
                return Err(at(&item.key_node, problem));
            }
            if found.insert(&item.key, value).is_some() {
                return Err(at(&item.key_node, format!("item {} stands in both sections", item.key)));
            }
        }
    }
    let mut edits = BTreeMap::new();
    for (item, value) in &found {
        let old = before.get(*item);
        match value {
            Some(value) if old.and_then(Option::as_ref) != Some(value) => {
                edits.insert((*item).to_owned(), ItemEdit::Set(value.clone()));
            }
            // A new name without a value is nothing yet.
            _ => {}
        }
    }
    let gone = before.keys().filter(|item| !found.contains_key(item.as_str()));
    edits.extend(gone.map(|item| (item.clone(), ItemEdit::Remove)));
    Ok(edits)
}

/// Whether Kubernetes takes this as the name of an item of a Secret.
#[must_use]
pub fn is_item_name(name: &str) -> bool {
    const LONGEST: usize = 253;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(allowed) && name != "." && !name.starts_with("..")
}

fn size(items: &BTreeMap<String, Option<SecretBytes>>) -> usize {
    items.iter().map(|(item, value)| item.len() + value.as_ref().map_or(0, |value| value.as_slice().len()) + 16).sum()
}

/// The value, if people can read and type it.
fn as_text(value: &SecretBytes) -> Option<&str> {
    let text = std::str::from_utf8(value.as_slice()).ok()?;
    let typed = |letter: char| !letter.is_control() || letter == '\n' || letter == '\t';
    text.chars().all(typed).then_some(text)
}

/// `  name: value` as YAML has it, on as many lines as it takes.
fn push_entry(form: &mut String, item: &str, value: Option<&str>) -> Result<(), WriteError> {
    let yaml = Zeroizing::new(to_yaml(&BTreeMap::from([(item, value.unwrap_or_default())]))?);
    for line in yaml.lines().filter(|line| *line != "---") {
        let line = if value.is_none() { line.trim_end_matches("\"\"").trim_end() } else { line };
        if !line.is_empty() {
            form.push_str("  ");
        }
        form.push_str(line);
        form.push('\n');
    }
    Ok(())
}

fn written_text(input: &[u8], node: &Node) -> Result<Option<SecretBytes>, String> {
    let written = || input.get(node.span.clone()).unwrap_or_default();
    match &node.value {
        NodeValue::String(text) => Ok(Some(SecretBytes::from(text.as_bytes().to_vec()))),
        NodeValue::Null if written().is_empty() => Ok(None),
        NodeValue::Null | NodeValue::Bool(_) | NodeValue::Number(_) => Ok(Some(SecretBytes::from(written().to_vec()))),
        NodeValue::Sequence(_) | NodeValue::Mapping(_) => Err(format!("must be text, found a {}", node.kind())),
    }
}

fn written_base64(input: &[u8], node: &Node) -> Result<Option<SecretBytes>, String> {
    let Some(text) = written_text(input, node)? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(text.as_slice()).map_err(|_| "must be Base64".to_owned())?;
    base64_text::decode(text.trim()).map(|bytes| Some(bytes.into())).map_err(|error| error.to_string())
}

fn at(node: &Node, problem: impl Into<String>) -> FormError {
    FormError::At { line: node.position.line, problem: problem.into() }
}

#[cfg(test)]
mod tests;
