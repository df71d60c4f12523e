//! New ciphertexts into the file that the old ones came from.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::annotation::SEALED_WITH;
use crate::decode::{DecodeError, Rules};
use crate::document::edit::{Changes, EditError, NewValue, Step, edit};
use crate::document::{Document, Node, NodeValue, ReadError, WriteError, read_stream};
use crate::sealed_secret::{API_VERSION, KIND, SealedSecret};

/// The SealedSecrets of a file, and where they stand.
#[derive(Debug)]
pub struct SealedFile<'a> {
    input: &'a [u8],
    documents: Vec<Document>,
    objects: Vec<Object>,
}

#[derive(Debug)]
struct Object {
    document: usize,
    /// Indices into the `items` of lists, outermost first.
    place: Vec<usize>,
    line: u32,
    sealed: SealedSecret,
}

/// What changes in one object of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectChange {
    /// New ciphertexts by item, existing or not; `None` removes the item.
    pub items: BTreeMap<String, Option<String>>,
    /// The record of the keys: an empty one removes the annotation, `None` leaves it as it is.
    pub record: Option<String>,
    /// Takes the place of an object of the deprecated form; `items` is not looked at then.
    pub anew: Option<SealedSecret>,
}

/// Why a file was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The file is no readable document.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A field of the file has the wrong type.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The file holds something else.
    #[error("line {line}: the input is of kind {kind:?}, expected a {KIND} or a List of them")]
    OtherKind {
        /// Where the object begins, from 1.
        line: u32,
        /// What it calls itself.
        kind: String,
    },
    /// The answer belongs to another object, or not to all of this one.
    #[error("line {line}: the answer for {name} does not fit: {difference}")]
    OtherObject {
        /// Where the object begins, from 1.
        line: u32,
        /// Its name.
        name: String,
        /// What differs.
        difference: String,
    },
    /// The file cannot be edited in place.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The answer cannot be represented.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl<'a> SealedFile<'a> {
    /// Reads a file as `--re-encrypt` does: several documents, lists of SealedSecrets, fields in any case
    /// (kubeseal-cli.md section 5.1). Documents without any known field are passed over.
    ///
    /// # Errors
    /// [`ApplyError`], of the first document that is not what it should be.
    pub fn read(input: &'a [u8]) -> Result<SealedFile<'a>, ApplyError> {
        let documents = read_stream(input)?;
        let mut objects = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            const FIELDS: [&str; 5] = ["kind", "apiVersion", "metadata", "spec", "status"];
            if FIELDS.iter().any(|field| document.root.get_any_case(field).is_some()) {
                collect(&document.root, index, &mut Vec::new(), &mut objects)?;
            }
        }
        Ok(SealedFile { input, documents, objects })
    }

    /// Reads a file of a repository: SealedSecrets among objects of any kind, which are passed over and stay as they are.
    ///
    /// # Errors
    /// [`ApplyError`]: the file is no YAML and no JSON, or a SealedSecret in it has a field of the wrong type.
    pub fn read_mixed(input: &'a [u8]) -> Result<SealedFile<'a>, ApplyError> {
        let documents = read_stream(input)?;
        let mut objects = Vec::new();
        for (document, root) in documents.iter().map(|document| &document.root).enumerate() {
            for_each_object(root, &mut Vec::new(), &mut |node, place| {
                if is_sealed_secret(node) {
                    let sealed = SealedSecret::from_node(node, Rules::Lenient)?;
                    objects.push(Object { document, place: place.to_vec(), line: node.position.line, sealed });
                }
                Ok::<(), DecodeError>(())
            })?;
        }
        Ok(SealedFile { input, documents, objects })
    }

    /// The line at which an object begins, from 1, or 0 where there is no such object.
    #[must_use]
    pub fn line_of(&self, index: usize) -> u32 {
        self.objects.get(index).map_or(0, |object| object.line)
    }

    /// The file with these changes, by the index of the object; all other bytes are the same.
    ///
    /// # Errors
    /// [`ApplyError`]: the file cannot be edited in place.
    pub fn with_changes(&self, changed: &[(usize, ObjectChange)]) -> Result<String, ApplyError> {
        let mut changes: BTreeMap<usize, Changes> = BTreeMap::new();
        for (object, change) in changed.iter().filter_map(|(index, change)| Some((self.objects.get(*index)?, change))) {
            let root = &self.documents[object.document].root;
            let here = Here::of(root, &object.place);
            let of_document = changes.entry(object.document).or_default();
            match &change.anew {
                Some(anew) => replace_deprecated(&here.field("spec"), anew, of_document)?,
                None => {
                    let items = here.field("spec").field("encryptedData");
                    for (item, ciphertext) in &change.items {
                        match ciphertext {
                            Some(ciphertext) => of_document.set(&items.path_to(&[item]), ciphertext.as_str()),
                            None => of_document.remove(&items.path_to(&[item])),
                        }
                    }
                }
            }
            if let Some(record) = &change.record {
                let path = here.field("metadata").field("annotations").path_to(&[SEALED_WITH]);
                if record.is_empty() {
                    of_document.remove(&path);
                } else {
                    of_document.set(&path, record.as_str());
                }
            }
        }
        let changes: Vec<_> = changes.into_iter().filter(|(_, changes)| !changes.is_empty()).collect();
        Ok(edit(self.input, &changes)?.text)
    }

    /// The objects, in the order of the file.
    pub fn objects(&self) -> impl ExactSizeIterator<Item = &SealedSecret> {
        self.objects.iter().map(|object| &object.sealed)
    }

    /// The file with the ciphertexts of re-encrypted objects, one answer for each object and in the same order.
    ///
    /// Only ciphertexts change, and the record of the key where there is one: it becomes what the answer says and goes
    /// when the answer says nothing, since whoever does not know of it does not name the key. An object of the
    /// deprecated form becomes one with items.
    ///
    /// # Errors
    /// [`ApplyError`]: an answer has another name, namespace, scope or other items, so that it could not be opened; or
    /// the file cannot be edited in place.
    pub fn with_answers(&self, answers: &[SealedSecret]) -> Result<String, ApplyError> {
        let mut changes: Vec<(usize, Changes)> = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            if changes.last().is_none_or(|(document, _)| *document != object.document) {
                changes.push((object.document, Changes::default()));
            }
            let difference = match (answers.get(index), changes.last_mut()) {
                (Some(answer), Some((document, changes))) => {
                    self.change(&self.documents[*document].root, object, answer, changes)?
                }
                _ => Some("it is missing".to_owned()),
            };
            if let Some(difference) = difference {
                let name = object.sealed.metadata.name.clone();
                return Err(ApplyError::OtherObject { line: object.line, name, difference });
            }
        }
        Ok(edit(self.input, &changes)?.text)
    }

    /// Adds the changes of one object, or says what does not fit.
    fn change(
        &self,
        root: &Node,
        object: &Object,
        answer: &SealedSecret,
        changes: &mut Changes,
    ) -> Result<Option<String>, ApplyError> {
        let (old, new) = (&object.sealed, answer);
        if (&old.metadata.namespace, &old.metadata.name) != (&new.metadata.namespace, &new.metadata.name) {
            return Ok(Some("it has another name or namespace".to_owned()));
        }
        if old.scope() != new.scope() {
            return Ok(Some(format!("its scope is {} and not {}", new.scope(), old.scope())));
        }
        // Field names as the file has them.
        let here = Here::of(root, &object.place);
        let spec = here.field("spec");
        if old.spec.data.is_some() {
            replace_deprecated(&spec, new, changes)?;
        } else {
            let items = spec.field("encryptedData");
            for (item, before) in &old.spec.encrypted_data {
                let Some(ciphertext) = new.spec.encrypted_data.get(item) else {
                    return Ok(Some(format!("it lacks item {item}")));
                };
                // A server that renders templates answers with the rendered text where both have an item.
                if old.spec.template.data.contains_key(item) && !new.spec.template.data.contains_key(item) {
                    return Ok(Some(format!("item {item} is also a template, which the server has rendered into it")));
                }
                if ciphertext != before {
                    changes.set(&items.path_to(&[item]), ciphertext.as_str());
                }
            }
        }
        if old.metadata.annotations.contains_key(SEALED_WITH) {
            let path = here.field("metadata").field("annotations").path_to(&[SEALED_WITH]);
            match new.metadata.annotations.get(SEALED_WITH) {
                Some(record) => changes.set(&path, record.as_str()),
                None => changes.remove(&path),
            }
        }
        Ok(None)
    }
}

/// Whether a document of a repository is one of ours: it says so itself.
pub(crate) fn is_sealed_secret(node: &Node) -> bool {
    let text = |field| node.get_any_case(field).and_then(Node::to_text).unwrap_or_default();
    let group = text("apiVersion");
    text("kind") == KIND && (group.is_empty() || group.split('/').next() == API_VERSION.split('/').next())
}

/// Visits every object, those inside of lists too, with the way to it.
pub(crate) fn for_each_object<'n, E>(
    node: &'n Node,
    place: &mut Vec<usize>,
    visit: &mut impl FnMut(&'n Node, &[usize]) -> Result<(), E>,
) -> Result<(), E> {
    let kind = node.get_any_case("kind").and_then(Node::to_text).unwrap_or_default();
    let items = node.get_any_case("items").map(|items| &items.value);
    match items {
        Some(NodeValue::Sequence(items)) if kind.ends_with("List") => {
            for (index, item) in items.iter().enumerate() {
                place.push(index);
                for_each_object(item, place, visit)?;
                place.pop();
            }
            Ok(())
        }
        _ => visit(node, place),
    }
}

/// Puts items where the envelope of the whole Secret was, and the template that it held.
fn replace_deprecated(spec: &Here<'_>, new: &SealedSecret, changes: &mut Changes) -> Result<(), WriteError> {
    changes.remove(&spec.field("data").path);
    for (item, ciphertext) in &new.spec.encrypted_data {
        changes.set(&spec.path_to(&["encryptedData", item]), ciphertext.as_str());
    }
    let template = serde_json::to_value(&new.spec.template)?;
    set_all(changes, &spec.field("template"), &template);
    Ok(())
}

fn collect(node: &Node, document: usize, place: &mut Vec<usize>, objects: &mut Vec<Object>) -> Result<(), ApplyError> {
    let line = node.position.line;
    let kind = node.get_any_case("kind").and_then(Node::to_text).unwrap_or_default();
    if kind == "List" || kind == "SealedSecretList" {
        let items = match node.get_any_case("items").map(|items| &items.value) {
            Some(NodeValue::Sequence(items)) => items.as_slice(),
            _ => &[],
        };
        for (index, item) in items.iter().enumerate() {
            place.push(index);
            collect(item, document, place, objects)?;
            place.pop();
        }
        return Ok(());
    }
    if !kind.is_empty() && kind != KIND {
        return Err(ApplyError::OtherKind { line, kind: kind.into_owned() });
    }
    let sealed = SealedSecret::from_node(node, Rules::Lenient)?;
    objects.push(Object { document, place: place.clone(), line, sealed });
    Ok(())
}

/// A value of a document, present or not, and the way to it.
struct Here<'n> {
    node: Option<&'n Node>,
    path: Vec<Step>,
}

impl<'n> Here<'n> {
    fn of(root: &'n Node, place: &[usize]) -> Here<'n> {
        let start = Here { node: Some(root), path: Vec::new() };
        place.iter().fold(start, |list, index| {
            let mut items = list.field("items");
            items.node = items.node.and_then(|items| match &items.value {
                NodeValue::Sequence(items) => items.get(*index),
                _ => None,
            });
            items.path.push(Step::from(*index));
            items
        })
    }

    /// A field, spelt as the file spells it.
    fn field(&self, name: &str) -> Here<'n> {
        let entries = match self.node.map(|node| &node.value) {
            Some(NodeValue::Mapping(entries)) => entries.as_slice(),
            _ => &[],
        };
        let found = self.node.and_then(|node| node.get_any_case(name));
        let entry = entries.iter().find(|entry| found.is_some_and(|found| std::ptr::eq(found, &entry.value)));
        let mut path = self.path.clone();
        path.push(Step::from(entry.map_or(name, |entry| entry.key.as_str())));
        Here { node: found, path }
    }

    fn path_to(&self, steps: &[&str]) -> Vec<Step> {
        self.path.iter().cloned().chain(steps.iter().map(|step| Step::from(*step))).collect()
    }
}

/// Sets whatever text and booleans a value holds; a template of the deprecated form has nothing else.
fn set_all(changes: &mut Changes, here: &Here<'_>, value: &Value) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let path = here.path_to(&[key]);
            set_all(changes, &Here { node: None, path }, value);
        }),
        Value::String(text) => changes.set(&here.path, text.as_str()),
        Value::Bool(value) => changes.set(&here.path, NewValue::Bool(*value)),
        _ => {}
    }
}
