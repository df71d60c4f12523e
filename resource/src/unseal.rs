//! SealedSecret → Secret (wire-format.md section 5). One function for the controller, offline recovery and tests alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealed_secrets_crypto::{Fingerprint, Hints, KeyRing, Label, Opened as Value};

use crate::annotation::{self, SKIP_SET_OWNER_REFERENCES};
use crate::base64_text;
use crate::decode::Rules;
use crate::document;
use crate::metadata::{ObjectMeta, OwnerReference};
use crate::recorded_keys::RecordedKeys;
use crate::sealed_secret::{API_VERSION, KIND, SealedSecret};
use crate::secret::{self, Secret, SecretBytes};

/// How to unseal.
#[derive(Debug, Clone, Copy)]
pub struct UnsealOptions {
    /// Whether the old whole-object form `spec.data` is accepted (`--accept-deprecated-v1-data`).
    pub accept_deprecated_data: bool,
    /// The key that opened this object last, if anyone remembers.
    pub last: Option<Fingerprint>,
}

/// A Secret, and the keys that opened its values.
#[derive(Debug, Clone)]
pub struct Unsealed {
    /// The Secret to make.
    pub secret: Secret,
    /// Every key that was needed.
    pub keys: BTreeSet<Fingerprint>,
}

/// The decrypted values, and the keys that opened them.
#[derive(Debug, Clone, Default)]
pub struct OpenedItems {
    /// Values by item name.
    pub items: BTreeMap<String, SecretBytes>,
    /// The whole Secret, where the object had the deprecated form.
    pub whole: Option<Secret>,
    /// Every key that was needed.
    pub keys: BTreeSet<Fingerprint>,
}

/// Why a SealedSecret cannot be unsealed. The text goes to status, events and logs: it names items, never values, and
/// not why a key did not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// Items that failed.
    #[error("{0}")]
    Items(ItemErrors),
    /// No key opens the deprecated whole-object form.
    #[error("no key could decrypt secret")]
    NoKey,
    /// The deprecated form is switched off.
    #[error("using deprecated 'data' field, use 'encryptedData' or flip the feature flag")]
    DeprecatedData,
    /// Both forms at once.
    #[error("cannot use the field 'encryptedData' and the deprecated field 'data' at the same time")]
    BothForms,
    /// What the deprecated form holds is no Secret.
    #[error("the deprecated 'data' field does not hold a Secret")]
    NotASecret,
    /// Rendering is not part of this version; half a Secret would be worse than none.
    #[error("spec.template.data is not supported by this version: cannot render {}", .0.join(", "))]
    TemplateData(Vec<String>),
}

/// Failed items, grouped by message as the reference does; sorted, where the reference's order is random.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemErrors(BTreeMap<String, BTreeSet<String>>);

impl ItemErrors {
    fn add(&mut self, item: &str, message: String) {
        self.0.entry(message).or_default().insert(item.to_owned());
    }

    /// Names of all failed items.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(String::as_str)
    }
}

impl fmt::Display for ItemErrors {
    /// `message (item, item)`, groups separated by a newline.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (message, items)) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let items = items.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            write!(f, "{separator}{message} ({items})")?;
        }
        Ok(())
    }
}

/// Decrypts every item. Renders nothing, so it is safe for objects that anyone may send.
///
/// # Errors
/// [`UnsealError`] naming every item that failed; no value is returned then.
pub fn open_items(sealed: &SealedSecret, ring: &KeyRing, options: &UnsealOptions) -> Result<OpenedItems, UnsealError> {
    open_items_on(sealed, ring, options, 1)
}

/// [`open_items`] on so many threads, the caller's included; never on more than there are items.
///
/// # Errors
/// As [`open_items`], whatever the number of threads.
pub fn open_items_on(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
    threads: usize,
) -> Result<OpenedItems, UnsealError> {
    let hints =
        Hints { recorded: None, last: likely_key(sealed, options), sealed_about: sealed.metadata.creation_timestamp };
    if let Some(envelope) = &sealed.spec.data {
        return open_whole(sealed, envelope, ring, options, &hints);
    }
    let mut opener = Opener { ring, label: sealed.label(), recorded: sealed.recorded_keys(), hints };
    let (mut opened, mut errors) = (OpenedItems::default(), ItemErrors::default());
    let mut take = |item: &str, result: Result<Value, String>| match result {
        Ok(value) => {
            opened.keys.insert(value.key);
            opened.items.insert(item.to_owned(), value.plaintext.into_inner().into());
        }
        Err(message) => errors.add(item, message),
    };
    let items: Vec<(&String, &String)> = sealed.spec.encrypted_data.iter().collect();
    if let [(item, text), rest @ ..] = items.as_slice() {
        // It tells which key the others were most likely sealed with.
        take(item, opener.open(item, text));
        let share = rest.len().div_ceil(threads.clamp(1, rest.len().max(1))).max(1);
        std::thread::scope(|scope| {
            let mut shares = rest.chunks(share);
            let mine = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .map(|share| {
                    let mut opener = opener.clone();
                    scope.spawn(move || opener.open_all(share))
                })
                .collect();
            for (item, result) in opener.open_all(mine) {
                take(item, result);
            }
            for other in others {
                // What panics on another thread must not end as an absent item.
                let results = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                for (item, result) in results {
                    take(item, result);
                }
            }
        });
    }
    if errors.0.is_empty() { Ok(opened) } else { Err(UnsealError::Items(errors)) }
}

/// Opens items one after the other and remembers which key fitted.
#[derive(Clone)]
struct Opener<'a> {
    ring: &'a KeyRing,
    label: Label,
    recorded: RecordedKeys,
    hints: Hints,
}

impl Opener<'_> {
    fn open(&mut self, item: &str, text: &str) -> Result<Value, String> {
        let envelope = base64_text::decode(text).map_err(|error| error.to_string())?;
        self.hints.recorded = self.recorded.of(item);
        let value = self.ring.open(&self.label, &envelope, &self.hints).map_err(|error| error.to_string())?;
        self.hints.last = Some(value.key);
        Ok(value)
    }

    fn open_all<'i>(&mut self, items: &[(&'i String, &'i String)]) -> Vec<(&'i str, Result<Value, String>)> {
        items.iter().map(|(item, text)| (item.as_str(), self.open(item, text))).collect()
    }
}

/// Makes the Secret that a SealedSecret stands for.
///
/// Name and namespace are those of the SealedSecret. Unless its template says otherwise the Secret is owned by it; an
/// object without uid (a file) owns nothing.
///
/// # Errors
/// [`UnsealError`]; never a part of a Secret.
pub fn unseal(sealed: &SealedSecret, ring: &KeyRing, options: &UnsealOptions) -> Result<Unsealed, UnsealError> {
    unseal_on(sealed, ring, options, 1)
}

/// [`unseal`] on so many threads, the caller's included.
///
/// # Errors
/// As [`unseal`].
pub fn unseal_on(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
    threads: usize,
) -> Result<Unsealed, UnsealError> {
    let template = &sealed.spec.template;
    if !template.data.is_empty() && sealed.spec.data.is_none() {
        return Err(UnsealError::TemplateData(template.data.keys().cloned().collect()));
    }
    let opened = open_items_on(sealed, ring, options, threads)?;
    let mut secret = opened.whole.unwrap_or_else(|| Secret {
        kind: secret::KIND.to_owned(),
        api_version: "v1".to_owned(),
        metadata: template.metadata.clone(),
        immutable: template.immutable,
        data: opened.items,
        string_data: BTreeMap::new(),
        r#type: template.r#type.clone(),
    });
    secret.metadata.namespace.clone_from(&sealed.metadata.namespace);
    secret.metadata.name.clone_from(&sealed.metadata.name);
    if !annotation::is_true(&template.metadata.annotations, SKIP_SET_OWNER_REFERENCES) {
        secret.metadata.owner_references = owner(&sealed.metadata).into_iter().collect();
    }
    Ok(Unsealed { secret, keys: opened.keys })
}

fn owner(metadata: &ObjectMeta) -> Option<OwnerReference> {
    (!metadata.uid.is_empty()).then(|| OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        name: metadata.name.clone(),
        uid: metadata.uid.clone(),
        controller: Some(true),
        block_owner_deletion: None,
    })
}

/// The key that opened the object last, from memory or from its status.
fn likely_key(sealed: &SealedSecret, options: &UnsealOptions) -> Option<Fingerprint> {
    let from_status = || sealed.status.as_ref()?.sealed_with.iter().find_map(|text| text.parse().ok());
    options.last.or_else(from_status)
}

/// The deprecated form: one envelope around the JSON (or YAML) of a whole Secret (wire-format.md section 8).
fn open_whole(
    sealed: &SealedSecret,
    envelope: &SecretBytes,
    ring: &KeyRing,
    options: &UnsealOptions,
    hints: &Hints,
) -> Result<OpenedItems, UnsealError> {
    if !options.accept_deprecated_data {
        return Err(UnsealError::DeprecatedData);
    }
    if !sealed.spec.encrypted_data.is_empty() {
        return Err(UnsealError::BothForms);
    }
    let opened = ring.open(&sealed.label(), envelope.as_slice(), hints).map_err(|_| UnsealError::NoKey)?;
    let document = document::read_object(opened.plaintext.as_bytes()).map_err(|_| UnsealError::NotASecret)?;
    let root = document.ok_or(UnsealError::NotASecret)?.root;
    let is_secret = root.get("kind").is_none_or(|kind| kind.to_text().is_some_and(|kind| kind == secret::KIND));
    if !is_secret {
        return Err(UnsealError::NotASecret);
    }
    let secret = Secret::from_node(&root, Rules::Lenient).map_err(|_| UnsealError::NotASecret)?;
    Ok(OpenedItems { items: BTreeMap::new(), whole: Some(secret), keys: BTreeSet::from([opened.key]) })
}
