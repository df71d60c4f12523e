//! New items into an existing SealedSecret file (kubeseal-cli.md section 10.4).

use std::collections::BTreeMap;

use sealed_secrets_crypto::{Fingerprint, PublicKey, Random};
use serde_json::{Map, Value};

use crate::annotation::SEALED_WITH;
use crate::decode::{DecodeError, Rules};
use crate::document::edit::{Changes, EditError, Step, edit};
use crate::document::{self, Document, Format, ReadError, WriteError, read_object, read_stream};
use crate::recorded_keys::RecordedKeys;
use crate::scope::Scope;
use crate::seal::{Namespace, SealError, SealOptions, seal};
use crate::sealed_secret::SealedSecret;
use crate::secret::Secret;

/// How to merge.
pub struct MergeOptions<'a> {
    /// A scope that was asked for; it must be the target's.
    pub scope: Option<Scope>,
    /// Whether a Secret without items is fine.
    pub allow_empty: bool,
    /// Whether to record the key beside the items. Where there is a record already it is kept right in any case.
    pub record_key: bool,
    /// As [`SealOptions::namespace`]: one that was asked for must be the target's.
    pub namespace: &'a dyn Fn() -> Option<Namespace>,
    /// A format that was asked for; `None` keeps the file's. The other format means that the file is written anew, and
    /// so does the same one if the file cannot be edited in place.
    pub format: Option<Format>,
}

/// Why nothing was merged. No message holds a value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The target is no readable document.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is nothing in the target.
    #[error("there is no SealedSecret to merge into: the file is empty")]
    Empty,
    /// More than one object in the target.
    #[error("line {line}: the file holds a second object; merging takes a file with one SealedSecret")]
    SecondObject {
        /// Where it begins, from 1.
        line: u32,
    },
    /// The target is something else, or a field has the wrong type.
    #[error(transparent)]
    Target(#[from] DecodeError),
    /// The target holds one envelope for everything, beside which there can be no items.
    #[error("the SealedSecret has the deprecated form with spec.data; re-encrypt it first")]
    DeprecatedForm,
    /// The new items could not be opened beside the old ones.
    #[error(transparent)]
    Scope(#[from] ScopeConflict),
    /// A Secret cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The target cannot be edited in place.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Two different scopes (decision 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the target's scope is {target}, but {} {asked}: such an item could not be opened there",
    if *.by_flag { "--scope asks for" } else { "the input's annotations say" }
)]
pub struct ScopeConflict {
    /// Of the SealedSecret that is merged into.
    pub target: Scope,
    /// The other one.
    pub asked: Scope,
    /// Whether it was asked for explicitly, or comes from the annotations of the Secret.
    pub by_flag: bool,
}

/// The scope of new items: always the target's, whose annotations decide where its items open. Whoever asks for another
/// one, explicitly or by annotations of the Secret, made a mistake (decision 5).
///
/// # Errors
/// [`ScopeConflict`], naming both.
pub fn scope_of_new_items(
    target: Scope,
    asked: Option<Scope>,
    annotations: &BTreeMap<String, String>,
) -> Result<Scope, ScopeConflict> {
    let annotated = Some(Scope::from_annotations(annotations)).filter(|scope| *scope != Scope::Strict);
    match asked.or(annotated) {
        Some(other) if other != target => Err(ScopeConflict { target, asked: other, by_flag: asked.is_some() }),
        _ => Ok(target),
    }
}

/// Seals Secrets for the SealedSecret of a file and returns the new content of the file.
///
/// Items, and labels and annotations of the template, are added or replaced, never removed; everything else is the
/// target's, its name and namespace included. All other bytes of the file stay as they are.
///
/// # Errors
/// [`MergeError`]. Nothing of a partial result is returned.
pub fn merge(
    target: &[u8],
    secrets: Vec<Secret>,
    key: &PublicKey,
    options: &MergeOptions<'_>,
    random: &mut dyn Random,
) -> Result<String, MergeError> {
    let (document, mut merged) = read_target(target)?;
    let mut changes = Changes::default();
    let mut new_items = Vec::new();
    for secret in secrets {
        let sealed = seal_for(&merged, secret, key, options, random)?;
        let template = sealed.spec.template.metadata;
        for (field, entries) in [("labels", template.labels), ("annotations", template.annotations)] {
            for (name, value) in entries {
                changes.set(&path(&["spec", "template", "metadata", field, &name]), value.as_str());
                let metadata = &mut merged.spec.template.metadata;
                let place = if field == "labels" { &mut metadata.labels } else { &mut metadata.annotations };
                place.insert(name, value);
            }
        }
        for (item, ciphertext) in sealed.spec.encrypted_data {
            changes.set(&path(&["spec", "encryptedData", &item]), ciphertext.as_str());
            merged.spec.encrypted_data.insert(item.clone(), ciphertext);
            new_items.push(item);
        }
    }
    if options.record_key || merged.metadata.annotations.contains_key(SEALED_WITH) {
        let record = record(&merged, &new_items, key.fingerprint());
        if !record.is_empty() {
            changes.set(&path(&["metadata", "annotations", SEALED_WITH]), record.as_str());
            merged.metadata.annotations.insert(SEALED_WITH.to_owned(), record);
        }
    }
    match options.format {
        Some(format) if format != document.format => anew(&document, &merged, format),
        asked => match edit(target, &[(0, changes)]) {
            Err(error) if asked.is_some() && error.is_about_style() => anew(&document, &merged, document.format),
            edited => Ok(edited?.text),
        },
    }
}

/// The one SealedSecret of a file, read strictly (kubeseal-cli.md section 5.2).
fn read_target(target: &[u8]) -> Result<(Document, SealedSecret), MergeError> {
    let mut documents = read_stream(target)?.into_iter();
    let document = documents.next().ok_or(MergeError::Empty)?;
    if let Some(second) = documents.next() {
        return Err(MergeError::SecondObject { line: second.root.position.line });
    }
    if document.format == Format::Json {
        // Even `{}` behind the object makes the file more than one JSON value.
        read_object(target)?;
    }
    SealedSecret::check_type(&document.root, false)?;
    let sealed = SealedSecret::from_node(&document.root, Rules::Strict)?;
    if sealed.spec.data.is_some() {
        return Err(MergeError::DeprecatedForm);
    }
    Ok((document, sealed))
}

/// Seals a Secret under the name, the namespace and the scope of the target.
fn seal_for(
    target: &SealedSecret,
    mut secret: Secret,
    key: &PublicKey,
    options: &MergeOptions<'_>,
    random: &mut dyn Random,
) -> Result<SealedSecret, MergeError> {
    let scope = scope_of_new_items(target.scope(), options.scope, &secret.metadata.annotations)?;
    if !target.metadata.namespace.is_empty() {
        secret.metadata.namespace.clone_from(&target.metadata.namespace);
    }
    let annotated = Scope::from_annotations(&secret.metadata.annotations) == scope;
    // Taken from the target, the scope is no annotation that anyone wanted in the template.
    let taken_over = options.scope.is_none() && !annotated;
    let mut sealed = seal(
        secret,
        key,
        &SealOptions {
            scope: options.scope.or(taken_over.then_some(scope)),
            name: Some(target.metadata.name.as_str()).filter(|name| !name.is_empty()),
            allow_empty: options.allow_empty,
            record_key: false,
            namespace: options.namespace,
        },
        random,
    )?;
    if let Some(annotation) = scope.annotation().filter(|_| taken_over) {
        sealed.spec.template.metadata.annotations.remove(annotation);
    }
    Ok(sealed)
}

/// The `sealed-with` annotation after new items; empty when there is nothing to say.
fn record(merged: &SealedSecret, new_items: &[String], key: Fingerprint) -> String {
    let before = merged.recorded_keys();
    let items = merged.spec.encrypted_data.keys();
    let mut keys: BTreeMap<_, _> = items.map(|item| (item.clone(), before.of(item))).collect();
    keys.extend(new_items.iter().map(|item| (item.clone(), Some(key))));
    RecordedKeys::of_items(&keys, &before).to_string()
}

/// Writes the whole object in a format, with the fields that our types do not know.
fn anew(document: &Document, merged: &SealedSecret, format: Format) -> Result<String, MergeError> {
    let mut value = serde_json::to_value(merged).map_err(WriteError::from)?;
    keep_unknown(&mut value, &document.root.to_json());
    Ok(match format {
        Format::Json => document::to_json_pretty(&value)?,
        Format::Yaml => document::to_yaml(&value)?,
    })
}

fn keep_unknown(value: &mut Value, before: &Value) {
    let (Value::Object(map), Value::Object(before)) = (value, before) else {
        return;
    };
    for (key, old) in before {
        match map.get_mut(key) {
            Some(value) => keep_unknown(value, old),
            None if old.is_null() || old.as_object().is_some_and(Map::is_empty) => {}
            None => {
                map.insert(key.clone(), old.clone());
            }
        }
    }
}

fn path(steps: &[&str]) -> Vec<Step> {
    steps.iter().map(|step| Step::from(*step)).collect()
}
