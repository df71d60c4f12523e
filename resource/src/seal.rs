//! Secret → SealedSecret (wire-format.md section 4).

use std::collections::BTreeMap;

use sealed_secrets_crypto::{self as crypto, Label, PublicKey, Random};

use crate::annotation::SEALED_WITH;
use crate::base64_text;
use crate::metadata::ObjectMeta;
use crate::recorded_keys::RecordedKeys;
use crate::scope::Scope;
use crate::sealed_secret::{SealedSecret, Spec, Template};
use crate::secret::Secret;

/// Where the namespace comes from when the Secret names none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Its name; may be empty.
    pub name: String,
    /// Whether a person asked for it, so that another one in the Secret is a mistake.
    pub explicit: bool,
}

/// How to seal.
pub struct SealOptions<'a> {
    /// A scope that was asked for; `None` leaves the Secret's annotations to decide.
    pub scope: Option<Scope>,
    /// Replaces the Secret's name.
    pub name: Option<&'a str>,
    /// Whether a Secret without items is fine.
    pub allow_empty: bool,
    /// Whether to record the key beside the items.
    pub record_key: bool,
    /// Looks up the namespace for Secrets that are bound to one; not called for cluster-wide ones. `None` counts as none.
    pub namespace: &'a dyn Fn() -> Option<Namespace>,
}

/// Why a Secret cannot be sealed. The first lines are the reference's, scripts match them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// Nothing to seal.
    #[error(
        "secret.data is empty in input Secret, assuming this is an error and aborting. To work with empty data, --allow-empty-data can be used"
    )]
    Empty,
    /// No name, and `generateName` does not help.
    #[error("missing metadata.name in input Secret")]
    MissingName,
    /// Two different namespaces.
    #[error("namespace mismatch: input secret is in namespace {secret:?} but {asked:?} was specified")]
    NamespaceMismatch {
        /// In the Secret.
        secret: String,
        /// Asked for.
        asked: String,
    },
    /// Bound to a namespace, but to which?
    #[error("secret must declare a namespace")]
    MissingNamespace,
    /// The value could not be encrypted.
    #[error("cannot seal item {item:?}")]
    Item {
        /// Name of the item.
        item: String,
        /// Why.
        source: crypto::SealError,
    },
}

/// Seals every item of a Secret for one key, each under a session key of its own.
///
/// The result carries the Secret's metadata in its template, without what the API server manages, owner references and
/// the annotations in which `kubectl apply` keeps clear text; its own metadata has the name, the namespace and the scope
/// alone.
///
/// # Errors
/// [`SealError`]; it names items, never values.
pub fn seal(
    mut secret: Secret,
    key: &PublicKey,
    options: &SealOptions<'_>,
    random: &mut dyn Random,
) -> Result<SealedSecret, SealError> {
    if secret.data.is_empty() && secret.string_data.is_empty() && !options.allow_empty {
        return Err(SealError::Empty);
    }
    let metadata = &mut secret.metadata;
    if let Some(name) = options.name {
        name.clone_into(&mut metadata.name);
    }
    if metadata.name.is_empty() {
        return Err(SealError::MissingName);
    }
    if let Some(scope) = options.scope {
        scope.write_annotations(&mut metadata.annotations);
    }
    let scope = Scope::from_annotations(&metadata.annotations);
    if scope != Scope::ClusterWide {
        settle_namespace(metadata, options)?;
    }
    metadata.strip_server_fields();
    metadata.strip_last_applied();
    metadata.owner_references.clear();

    let label = scope.label(&metadata.namespace, &metadata.name);
    let mut outer =
        ObjectMeta { name: metadata.name.clone(), namespace: metadata.namespace.clone(), ..ObjectMeta::default() };
    scope.write_annotations(&mut outer.annotations);
    if options.record_key {
        outer.annotations.insert(SEALED_WITH.to_owned(), RecordedKeys::all(key.fingerprint()).to_string());
    }

    let mut encrypted_data = BTreeMap::new();
    // Of an item in both maps, the text counts.
    let only_data = secret.data.iter().filter(|(item, _)| !secret.string_data.contains_key(*item));
    for (item, value) in only_data.chain(&secret.string_data) {
        let sealed = seal_value(key, &label, value.as_slice(), random)
            .map_err(|source| SealError::Item { item: item.clone(), source })?;
        encrypted_data.insert(item.clone(), sealed);
    }
    let template = Template {
        metadata: secret.metadata,
        r#type: secret.r#type,
        immutable: secret.immutable,
        data: BTreeMap::new(),
    };
    Ok(SealedSecret::new(outer, Spec { template, data: None, encrypted_data }))
}

/// Seals one value: the text that stands under `spec.encryptedData`.
///
/// # Errors
/// Those of [`crypto::seal`].
pub fn seal_value(
    key: &PublicKey,
    label: &Label,
    value: &[u8],
    random: &mut dyn Random,
) -> Result<String, crypto::SealError> {
    Ok(base64_text::encode(&crypto::seal(key, label, value, random)?))
}

fn settle_namespace(metadata: &mut ObjectMeta, options: &SealOptions<'_>) -> Result<(), SealError> {
    if let Some(asked) = (options.namespace)() {
        if metadata.namespace.is_empty() {
            metadata.namespace = asked.name;
        } else if asked.explicit && asked.name != metadata.namespace {
            return Err(SealError::NamespaceMismatch { secret: metadata.namespace.clone(), asked: asked.name });
        }
    }
    if metadata.namespace.is_empty() { Err(SealError::MissingNamespace) } else { Ok(()) }
}
