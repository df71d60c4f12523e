//! SealedSecret → Secret (wire-format.md section 5). One function for the controller, offline recovery and tests alike.

mod errors;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use sealed_secrets_crypto::{Fingerprint, Hints, KeyRing, Label, Opened as Value};

use crate::annotation::{self, SKIP_SET_OWNER_REFERENCES};
use crate::base64_text;
use crate::decode::Rules;
use crate::document;
use crate::metadata::{ObjectMeta, OwnerReference};
use crate::recorded_keys::RecordedKeys;
use crate::sealed_secret::{API_VERSION, KIND, SealedSecret};
use crate::secret::{self, Secret, SecretBytes};
use crate::template::{self, RenderEnvironment};

use errors::Unopened;
pub use errors::{ItemErrors, UnsealError};

/// How to unseal.
#[derive(Debug, Clone, Copy)]
pub struct UnsealOptions {
    /// Whether the old whole-object form `spec.data` is accepted (`--accept-deprecated-v1-data`).
    pub accept_deprecated_data: bool,
    /// The key that opened this object last, if anyone remembers.
    pub last: Option<Fingerprint>,
}

/// A Secret, and what is to be known about it.
#[derive(Debug, Clone)]
pub struct Unsealed {
    /// The Secret to make.
    pub secret: Secret,
    /// Every key that was needed.
    pub keys: BTreeSet<Fingerprint>,
    /// Its items that rendering again would change: their templates call a function of the clock or of randomness.
    pub volatile: BTreeSet<String>,
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

/// A SealedSecret after every key was tried on every item. What is left, [`Opened::render`], needs no key.
#[derive(Debug, Clone, Default)]
pub struct Opened {
    /// With an empty value for each item that no key opens, as templates see it.
    found: OpenedItems,
    errors: ItemErrors,
}

/// Decrypts every item. Renders nothing, so it is safe for objects that anyone may send.
///
/// # Errors
/// [`UnsealError`] naming every item that failed; no value is returned then.
pub fn open_items(sealed: &SealedSecret, ring: &KeyRing, options: &UnsealOptions) -> Result<OpenedItems, UnsealError> {
    let Opened { found, errors } = open(sealed, ring, options)?;
    if errors.is_empty() { Ok(found) } else { Err(UnsealError::Items(errors)) }
}

/// Makes the Secret that a SealedSecret stands for: [`open`] and [`Opened::render`] in one.
///
/// # Errors
/// [`UnsealError`] naming every item and every entry that failed; never a part of a Secret.
pub fn unseal(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
    environment: RenderEnvironment<'_>,
) -> Result<Unsealed, UnsealError> {
    open(sealed, ring, options)?.render(sealed, environment)
}

/// [`open_on`] on the caller's thread alone.
///
/// # Errors
/// What concerns the object as a whole.
pub fn open(sealed: &SealedSecret, ring: &KeyRing, options: &UnsealOptions) -> Result<Opened, UnsealError> {
    open_on(sealed, ring, options, 1)
}

/// Tries the keys on every item, and goes on after a failure: the templates may have failures to report as well.
///
/// Works on so many threads, the caller's included, and never on more than there are items.
///
/// # Errors
/// What concerns the object as a whole, whatever the number of threads.
pub fn open_on(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
    threads: usize,
) -> Result<Opened, UnsealError> {
    let hints =
        Hints { recorded: None, last: likely_key(sealed, options), sealed_about: sealed.metadata.creation_timestamp };
    if let Some(envelope) = &sealed.spec.data {
        let found = open_whole(sealed, envelope, ring, options, &hints)?;
        return Ok(Opened { found, errors: ItemErrors::default() });
    }
    let mut opener = Opener { ring, label: sealed.label(), recorded: sealed.recorded_keys(), hints };
    let mut opened = Opened::default();
    let mut take = |item: &str, result: Result<Value, Unopened>| {
        let value = match result {
            Ok(value) => {
                opened.found.keys.insert(value.key);
                value.plaintext.into_inner().into()
            }
            Err(unopened @ Unopened::NotBase64(_)) => return opened.errors.add_item(item, unopened),
            Err(unopened @ Unopened::NoKey(_)) => {
                opened.errors.add_item(item, unopened);
                SecretBytes::default()
            }
        };
        opened.found.items.insert(item.to_owned(), value);
    };
    let items: Vec<(&String, &String)> = sealed.spec.encrypted_data.iter().collect();
    if let [(item, text), rest @ ..] = items.as_slice() {
        // It tells which key the others were most likely sealed with.
        take(item, opener.open(item, text));
        for (index, result) in opener.open_all(rest, threads) {
            take(rest[index].0, result);
        }
    }
    Ok(opened)
}

impl Opened {
    /// Whether some item did not open.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether [`Opened::render`] has anything to render, which may take as long as the limits allow.
    #[must_use]
    pub fn has_templates(&self, sealed: &SealedSecret) -> bool {
        self.found.whole.is_none() && !sealed.spec.template.data.is_empty()
    }

    /// Renders the templates of the object over its items and makes the Secret.
    ///
    /// Name and namespace are those of the SealedSecret. Unless its template says otherwise the Secret is owned by it; an
    /// object without uid (a file) owns nothing.
    ///
    /// # Errors
    /// [`UnsealError`] naming every item and every entry that failed; never a part of a Secret.
    pub fn render(
        mut self,
        sealed: &SealedSecret,
        environment: RenderEnvironment<'_>,
    ) -> Result<Unsealed, UnsealError> {
        let template = &sealed.spec.template;
        let mut volatile = BTreeSet::new();
        if self.has_templates(sealed) {
            match template::render_all(&template.data, &self.found.items, environment) {
                Ok(rendered) => self.found.items.extend(rendered),
                Err(errors) => self.errors.add_entries(errors),
            }
            let again = template.data.iter().filter(|(_, text)| template::is_volatile(text));
            volatile.extend(again.map(|(entry, _)| entry.clone()));
        }
        if !self.errors.is_empty() {
            return Err(UnsealError::Items(self.errors));
        }
        let OpenedItems { items, whole, keys } = self.found;
        let mut secret = whole.unwrap_or_else(|| Secret {
            kind: secret::KIND.to_owned(),
            api_version: "v1".to_owned(),
            metadata: template.metadata.clone(),
            immutable: template.immutable,
            data: items,
            string_data: BTreeMap::new(),
            r#type: template.r#type.clone(),
        });
        secret.metadata.namespace.clone_from(&sealed.metadata.namespace);
        secret.metadata.name.clone_from(&sealed.metadata.name);
        if !annotation::is_true(&template.metadata.annotations, SKIP_SET_OWNER_REFERENCES) {
            secret.metadata.owner_references = owner(&sealed.metadata).into_iter().collect();
        }
        Ok(Unsealed { secret, keys, volatile })
    }
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
    fn open(&mut self, item: &str, text: &str) -> Result<Value, Unopened> {
        let envelope = base64_text::decode(text).map_err(|error| Unopened::NotBase64(error.to_string()))?;
        self.hints.recorded = self.recorded.of(item);
        let opened = self.ring.open(&self.label, &envelope, &self.hints);
        let value = opened.map_err(|error| Unopened::NoKey(error.to_string()))?;
        self.hints.last = Some(value.key);
        Ok(value)
    }

    /// The results in the order of the items, with their index. Each thread takes the next item when it is done with one:
    /// cores are seldom equally free.
    fn open_all(&self, items: &[(&String, &String)], threads: usize) -> Vec<(usize, Result<Value, Unopened>)> {
        let next = AtomicUsize::new(0);
        let worker = || {
            let (mut opener, mut results) = (self.clone(), Vec::new());
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some((item, text)) = items.get(index) else { return results };
                results.push((index, opener.open(item, text)));
            }
        };
        let mut results = thread::scope(|scope| {
            // Where the system refuses a thread the others do its share.
            let spawn = |_| thread::Builder::new().spawn_scoped(scope, worker).ok();
            let others: Vec<_> = (1..threads.min(items.len())).filter_map(spawn).collect();
            let mut results = worker();
            // What panics on another thread must not end as an absent item.
            let join = |other: ScopedJoinHandle<'_, Vec<_>>| other.join().unwrap_or_else(|panic| resume_unwind(panic));
            results.extend(others.into_iter().flat_map(join));
            results
        });
        results.sort_unstable_by_key(|(index, _)| *index);
        results
    }
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
