//! Re-encryption with the current key (decision 13, wire-format.md section 11.2), and its result in a file.

mod in_place;

use sealed_secrets_crypto::{self as crypto, KeyRing, PublicKey, Random};

pub use in_place::{ApplyError, ObjectChange, SealedFile};
pub(crate) use in_place::{for_each_object, is_sealed_secret};

use crate::annotation::SEALED_WITH;
use crate::metadata::ObjectMeta;
use crate::recorded_keys::RecordedKeys;
use crate::scope::Scope;
use crate::seal::{SealError, SealOptions, seal, seal_value};
use crate::sealed_secret::{SealedSecret, Spec};
use crate::unseal::{UnsealError, UnsealOptions, open_items};

/// Why an object was not re-encrypted. Names items, never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReEncryptError {
    /// There is no key to encrypt with.
    #[error("there is no current key")]
    NoCurrentKey,
    /// Something does not open.
    #[error(transparent)]
    Unseal(#[from] UnsealError),
    /// Something cannot be sealed again.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// Decrypts every item and encrypts it for the current key under the same label, whatever key it was sealed with before.
///
/// The scope is that of the object's own metadata and is never taken from the template, which nothing authenticates: a
/// strict object whose template says cluster-wide comes back strict in both. Metadata and template stay as given, without
/// what the API server manages, owner references and last-applied annotations. Nothing is rendered. An object of the
/// deprecated form becomes one with items. The status is left out; a record of the key is brought up to date.
///
/// # Errors
/// [`ReEncryptError`]; if any item does not open there is no result.
pub fn re_encrypt(
    sealed: &SealedSecret,
    ring: &KeyRing,
    options: &UnsealOptions,
    random: &mut dyn Random,
) -> Result<SealedSecret, ReEncryptError> {
    let current = ring.current().ok_or(ReEncryptError::NoCurrentKey)?;
    re_encrypt_for(sealed, ring, current.private_key().public_key(), options, random)
}

/// The same for a key that need not be in the ring.
///
/// # Errors
/// As [`re_encrypt`].
pub fn re_encrypt_for(
    sealed: &SealedSecret,
    ring: &KeyRing,
    key: &PublicKey,
    options: &UnsealOptions,
    random: &mut dyn Random,
) -> Result<SealedSecret, ReEncryptError> {
    let scope = sealed.scope();
    if sealed.metadata.name.is_empty() {
        return Err(SealError::MissingName.into());
    }
    if sealed.metadata.namespace.is_empty() && scope != Scope::ClusterWide {
        return Err(SealError::MissingNamespace.into());
    }
    let opened = open_items(sealed, ring, options)?;

    let mut metadata = sealed.metadata.clone();
    strip(&mut metadata);
    if let Some(record) = metadata.annotations.get_mut(SEALED_WITH) {
        *record = RecordedKeys::all(key.fingerprint()).to_string();
    }
    if let Some(mut secret) = opened.whole {
        secret.metadata.namespace.clone_from(&metadata.namespace);
        let name = Some(metadata.name.as_str());
        let options =
            SealOptions { scope: Some(scope), name, allow_empty: true, record_key: false, namespace: &|| None };
        let spec = seal(secret, key, &options, random)?.spec;
        return Ok(SealedSecret::new(metadata, spec));
    }
    let label = sealed.label();
    let mut spec = Spec { template: sealed.spec.template.clone(), ..Spec::default() };
    strip(&mut spec.template.metadata);
    scope.write_annotations(&mut spec.template.metadata.annotations);
    for (item, value) in opened.items {
        let ciphertext = seal_value(key, &label, value.as_slice(), random)
            .map_err(|source: crypto::SealError| SealError::Item { item: item.clone(), source })?;
        spec.encrypted_data.insert(item, ciphertext);
    }
    Ok(SealedSecret::new(metadata, spec))
}

fn strip(metadata: &mut ObjectMeta) {
    metadata.strip_server_fields();
    metadata.strip_last_applied();
    metadata.owner_references.clear();
}
