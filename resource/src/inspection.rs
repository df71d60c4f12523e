//! What can be said about the SealedSecrets of a file, with keys or without. Never a value.

use sealed_secrets_crypto::{Fingerprint, Hints, KeyRing};

use crate::annotation::SEALED_WITH;
use crate::base64_text;
use crate::decode::Rules;
use crate::document::{Node, ReadError, read_stream};
use crate::envelope_facts::EnvelopeFacts;
use crate::lint::{Expectations, Finding, lint_object};
use crate::re_encrypt::{for_each_object, is_sealed_secret};
use crate::scope::Scope;
use crate::sealed_secret::SealedSecret;

/// A SealedSecret of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedObject {
    /// Where it begins, from 1.
    pub line: u32,
    /// Its namespace, maybe empty.
    pub namespace: String,
    /// Its name, maybe empty.
    pub name: String,
    /// Where its items may be opened.
    pub scope: Scope,
    /// Type of the Secret to make, maybe empty.
    pub secret_type: String,
    /// Whether the Secret may not be changed.
    pub immutable: bool,
    /// Whether it has the deprecated form, with one envelope for everything.
    pub deprecated: bool,
    /// The record of the keys as it is written.
    pub record: Option<String>,
    /// Its items, by name.
    pub items: Vec<InspectedItem>,
    /// Items that the cluster renders from templates.
    pub templates: Vec<String>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// An item of a SealedSecret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InspectedItem {
    /// Its name; of the deprecated form, which has one envelope without name, `spec.data`.
    pub name: String,
    /// What the envelope tells, if it is one.
    pub envelope: Option<EnvelopeFacts>,
    /// The key that is recorded for it.
    pub recorded: Option<Fingerprint>,
    /// The key that opens it.
    pub key: KeyFound,
}

/// Which key opens an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFound {
    /// No key was at hand.
    NotTried,
    /// This one.
    Opens(Fingerprint),
    /// None of those at hand.
    None,
}

/// Looks at every SealedSecret of a file; objects of other kinds are passed over.
///
/// `namespace` is that of objects that name none. With an empty ring no key is tried.
///
/// # Errors
/// When the file is no YAML and no JSON.
pub fn inspect(input: &[u8], namespace: Option<&str>, ring: &KeyRing) -> Result<Vec<InspectedObject>, ReadError> {
    let mut objects = Vec::new();
    for document in &read_stream(input)? {
        let visited = for_each_object(&document.root, &mut Vec::new(), &mut |node, _| {
            if is_sealed_secret(node) {
                objects.push(object(node, namespace, ring));
            }
            Ok::<(), std::convert::Infallible>(())
        });
        let Ok(()) = visited;
    }
    Ok(objects)
}

fn object(node: &Node, namespace: Option<&str>, ring: &KeyRing) -> InspectedObject {
    let findings = lint_object(node, &Expectations { namespace, ..Expectations::default() });
    // What cannot be decoded is among the findings.
    let mut sealed = SealedSecret::from_node(node, Rules::Lenient)
        .unwrap_or_else(|_| SealedSecret::new(Default::default(), Default::default()));
    if let Some(namespace) = namespace
        && sealed.metadata.namespace.is_empty()
    {
        namespace.clone_into(&mut sealed.metadata.namespace);
    }
    let label = sealed.label();
    let recorded = sealed.recorded_keys();
    let mut last = None;
    let mut find = |bytes: Option<&[u8]>, recorded: Option<Fingerprint>| {
        let hints = Hints { recorded, last, sealed_about: None };
        match bytes.and_then(|envelope| ring.open(&label, envelope, &hints).ok()) {
            _ if ring.is_empty() => KeyFound::NotTried,
            None => KeyFound::None,
            Some(opened) => {
                last = Some(opened.key);
                KeyFound::Opens(opened.key)
            }
        }
    };
    let mut items = Vec::new();
    if let Some(whole) = &sealed.spec.data {
        let text = base64_text::encode(whole.as_slice());
        items.push(InspectedItem {
            name: "spec.data".to_owned(),
            envelope: EnvelopeFacts::of(&text).ok(),
            recorded: None,
            key: find(Some(whole.as_slice()), None),
        });
    }
    for (name, text) in &sealed.spec.encrypted_data {
        let bytes = base64_text::decode(text).ok();
        items.push(InspectedItem {
            name: name.clone(),
            envelope: EnvelopeFacts::of(text).ok(),
            recorded: recorded.of(name),
            key: find(bytes.as_ref().map(|bytes| bytes.as_slice()), recorded.of(name)),
        });
    }
    InspectedObject {
        line: node.position.line,
        namespace: sealed.metadata.namespace.clone(),
        name: sealed.metadata.name.clone(),
        scope: sealed.scope(),
        secret_type: sealed.spec.template.r#type.clone(),
        immutable: sealed.spec.template.immutable.unwrap_or(false),
        deprecated: sealed.spec.data.is_some(),
        record: sealed.metadata.annotations.get(SEALED_WITH).cloned(),
        items,
        templates: sealed.spec.template.data.keys().cloned().collect(),
        findings,
    }
}
