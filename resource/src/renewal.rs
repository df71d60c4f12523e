//! Which items a new key has not reached yet, and how they get there.

use std::collections::BTreeMap;
use std::fmt;

use sealed_secrets_crypto::{self as crypto, Fingerprint, Hints, KeyRing, Label, PublicKey, Random};

use crate::annotation::SEALED_WITH;
use crate::base64_text;
use crate::envelope_facts::{EnvelopeFacts, EnvelopeProblem};
use crate::re_encrypt::ObjectChange;
use crate::recorded_keys::RecordedKeys;
use crate::scope::Scope;
use crate::seal::seal_value;
use crate::sealed_secret::SealedSecret;

/// One sealed item, and what it is bound to.
#[derive(Debug, Clone, Copy)]
pub struct SealedItem<'a> {
    /// What its label is, see [`SealedSecret::label`].
    pub label: &'a Label,
    /// The text under `spec.encryptedData`.
    pub text: &'a str,
    /// The key that is recorded beside it.
    pub recorded: Option<Fingerprint>,
}

/// What is known about the key of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedWith {
    /// It was opened with this key.
    Opened(Fingerprint),
    /// The record beside it names this key.
    Recorded(Fingerprint),
    /// It was made for a key of so many bits, whatever the record says.
    OtherSize(u32),
    /// Nothing tells.
    Unknown,
    /// It is no envelope.
    Damaged(EnvelopeProblem),
}

/// Whether an item is sealed for the key that it should be sealed for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Whether it has to be encrypted again. An item whose key cannot be told has to.
    pub stale: bool,
    /// Why.
    pub key: SealedWith,
}

/// An item after [`renew`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewedItem {
    /// How it was before.
    pub before: Assessment,
    /// The new text, if it was encrypted again.
    pub ciphertext: Option<String>,
}

/// Why an item was not encrypted again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRenewed {
    /// None of the keys at hand opens it.
    #[error("none of the given keys opens it")]
    NoKeyOpens,
    /// It is no envelope.
    #[error("{0}")]
    Damaged(EnvelopeProblem),
    /// The new key cannot be used.
    #[error(transparent)]
    Seal(#[from] crypto::SealError),
}

impl fmt::Display for SealedWith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealedWith::Opened(key) => write!(f, "opens with {key}"),
            SealedWith::Recorded(key) => write!(f, "{key} is recorded"),
            SealedWith::OtherSize(bits) => write!(f, "was sealed for another key, of {bits} bits"),
            SealedWith::Unknown => f.write_str("the key cannot be told"),
            SealedWith::Damaged(problem) => problem.fmt(f),
        }
    }
}

impl SealedWith {
    /// The key, where something names it.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        match self {
            SealedWith::Opened(key) | SealedWith::Recorded(key) => Some(*key),
            _ => None,
        }
    }
}

/// Tells whether an item is sealed for `target`: by opening it with the keys at hand, else by the record beside it.
///
/// A record that the keys at hand disprove does not count. `last` is a key that opened a neighbour.
#[must_use]
pub fn assess(item: &SealedItem<'_>, target: &PublicKey, ring: &KeyRing, last: Option<Fingerprint>) -> Assessment {
    match open(item, ring, last) {
        Some(opened) => by_key(opened.key, target),
        None => by_record(item, target, ring),
    }
}

/// Encrypts an item for `target` if it is stale, or in any case with `all`.
///
/// Opening it, which takes one private operation where the hints are right, tells the key as well.
///
/// # Errors
/// [`NotRenewed`]. An item that no key opens is fine only if the record says that it is sealed for `target`, whose private
/// half is not at hand.
pub fn renew(
    item: &SealedItem<'_>,
    target: &PublicKey,
    ring: &KeyRing,
    last: Option<Fingerprint>,
    all: bool,
    random: &mut dyn Random,
) -> Result<RenewedItem, NotRenewed> {
    if let Some(opened) = open(item, ring, last) {
        let before = by_key(opened.key, target);
        let ciphertext = if before.stale || all {
            Some(seal_value(target, item.label, opened.plaintext.as_bytes(), random)?)
        } else {
            None
        };
        return Ok(RenewedItem { before, ciphertext });
    }
    let before = by_record(item, target, ring);
    match before.key {
        SealedWith::Damaged(problem) => Err(NotRenewed::Damaged(problem)),
        _ if before.stale || all => Err(NotRenewed::NoKeyOpens),
        _ => Ok(RenewedItem { before, ciphertext: None }),
    }
}

/// What has to change in the file, if anything: new ciphertexts, and the record of the keys if it is wanted or there is one.
///
/// `items` need not be complete: of an item that is left out, the record stays.
#[must_use]
pub fn change_of(
    sealed: &SealedSecret,
    items: &BTreeMap<String, RenewedItem>,
    target: Fingerprint,
    record: bool,
) -> Option<ObjectChange> {
    let mut change = ObjectChange::default();
    let before = sealed.recorded_keys();
    let mut keys: BTreeMap<String, Option<Fingerprint>> = BTreeMap::new();
    for item in sealed.spec.encrypted_data.keys() {
        let key = match items.get(item) {
            Some(RenewedItem { ciphertext: Some(ciphertext), .. }) => {
                change.items.insert(item.clone(), Some(ciphertext.clone()));
                Some(target)
            }
            Some(RenewedItem { before, .. }) => before.key.fingerprint(),
            None => before.of(item),
        };
        keys.insert(item.clone(), key);
    }
    change.record = record_after(sealed, &keys, record);
    (!change.items.is_empty() || change.record.is_some()).then_some(change)
}

/// What has to change in the file when a person sets and removes items: `None` as a ciphertext removes one.
///
/// `key` is what the new ciphertexts were sealed with, `known` tells the keys of other items as far as somebody found out.
#[must_use]
pub fn change_with(
    sealed: &SealedSecret,
    items: BTreeMap<String, Option<String>>,
    key: Option<Fingerprint>,
    known: &BTreeMap<String, Fingerprint>,
    record: bool,
) -> ObjectChange {
    let before = sealed.recorded_keys();
    let old =
        sealed.spec.encrypted_data.keys().map(|item| (item.clone(), known.get(item).copied().or(before.of(item))));
    let mut keys: BTreeMap<String, Option<Fingerprint>> = old.collect();
    for (item, ciphertext) in &items {
        match ciphertext {
            Some(_) => keys.insert(item.clone(), key),
            None => keys.remove(item),
        };
    }
    // Removing an item is no reason to begin a record.
    let record = record_after(sealed, &keys, record && items.values().any(Option::is_some));
    ObjectChange { items, record, anew: None }
}

/// Opens an item with whichever key fits.
#[must_use]
pub fn open_item(item: &SealedItem<'_>, ring: &KeyRing, last: Option<Fingerprint>) -> Option<crypto::Opened> {
    open(item, ring, last)
}

/// The new text of the record, `None` if it stays as it is.
pub(crate) fn record_after(
    sealed: &SealedSecret,
    keys: &BTreeMap<String, Option<Fingerprint>>,
    wanted: bool,
) -> Option<String> {
    let written = sealed.metadata.annotations.get(SEALED_WITH);
    if written.is_none() && !wanted {
        return None;
    }
    let record = RecordedKeys::of_items(keys, &sealed.recorded_keys()).to_string();
    (written.map_or("", String::as_str) != record).then_some(record)
}

/// Whether the name or namespace that the items are bound to is a template expression, so that nobody can tell it here.
#[must_use]
pub fn is_templated(sealed: &SealedSecret) -> bool {
    let metadata = &sealed.metadata;
    let templated = |text: &str| text.contains("{{");
    match sealed.scope() {
        Scope::Strict => templated(&metadata.namespace) || templated(&metadata.name),
        Scope::NamespaceWide => templated(&metadata.namespace),
        Scope::ClusterWide => false,
    }
}

fn open(item: &SealedItem<'_>, ring: &KeyRing, last: Option<Fingerprint>) -> Option<crypto::Opened> {
    if ring.is_empty() {
        return None;
    }
    let envelope = base64_text::decode(item.text).ok()?;
    ring.open(item.label, &envelope, &Hints { recorded: item.recorded, last, sealed_about: None }).ok()
}

fn by_key(key: Fingerprint, target: &PublicKey) -> Assessment {
    Assessment { stale: key != target.fingerprint(), key: SealedWith::Opened(key) }
}

/// Without an opened value. Where the key of the record is at hand it did not open the item, so the record is wrong.
fn by_record(item: &SealedItem<'_>, target: &PublicKey, ring: &KeyRing) -> Assessment {
    let stale = |key| Assessment { stale: true, key };
    let facts = match EnvelopeFacts::of(item.text) {
        Ok(facts) => facts,
        Err(problem) => return stale(SealedWith::Damaged(problem)),
    };
    let recorded = item.recorded.filter(|key| ring.get(*key).is_none());
    match recorded {
        Some(key) if key != target.fingerprint() => stale(SealedWith::Recorded(key)),
        Some(key) if facts.may_be_for(target) => Assessment { stale: false, key: SealedWith::Recorded(key) },
        _ if facts.key_bits != target.bits().next_multiple_of(8) => stale(SealedWith::OtherSize(facts.key_bits)),
        _ => stale(SealedWith::Unknown),
    }
}
