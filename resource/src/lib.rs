//! SealedSecrets and Secrets as documents: scopes, sealing, unsealing, key Secrets, YAML and JSON.
//!
//! Pure: bytes, the time and randomness come in as arguments. The rules are those of the wire format that the reference
//! implementation defined; the types serialise in its field order, which people diff.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

#[cfg(test)]
mod against_go;
pub mod annotation;
mod base64_text;
mod decode;
pub mod document;
mod envelope_facts;
mod inspection;
pub mod item_form;
mod key_backup;
mod key_file;
mod key_secret;
mod key_use;
pub mod lint;
mod merge;
mod metadata;
mod re_encrypt;
mod recorded_keys;
mod renewal;
pub mod repository_settings;
mod scope;
mod seal;
mod sealed_secret;
mod secret;
mod shortest_float;
pub mod template;
mod unseal;

pub use base64_text::{IllegalBase64, decode as decode_base64, encode as encode_base64};
pub use decode::{DecodeError, Rules};
pub use envelope_facts::{EnvelopeFacts, EnvelopeProblem};
pub use inspection::{InspectedItem, InspectedObject, KeyFound, inspect};
pub use key_backup::{KeyBackup, KeyEntry, KeyFacts, backup_document, portable};
pub use key_file::{KeyFile, KeyFileError, SkipReason, Skipped};
pub use key_secret::{
    ACTIVE, KEY_LABEL, KeyMaterial, KeySecretError, TLS_CERTIFICATE, TLS_PRIVATE_KEY, UNLABELLED_KEY, new_key_secret,
};
pub use key_use::{KeyUse, keys_of_file, keys_of_object};
pub use merge::{MergeError, MergeOptions, ScopeConflict, merge, scope_of_new_items};
pub use metadata::{ObjectMeta, OwnerReference};
pub use re_encrypt::{ApplyError, ObjectChange, ReEncryptError, SealedFile, re_encrypt, re_encrypt_for};
pub use recorded_keys::RecordedKeys;
pub use renewal::{
    Assessment, NotRenewed, RenewedItem, SealedItem, SealedWith, assess, change_of, change_with, is_templated,
    open_item, renew,
};
pub use scope::{ParseScopeError, Scope};
pub use seal::{Namespace, SealError, SealOptions, seal, seal_value};
pub use sealed_secret::{API_VERSION, Condition, KIND, SealedSecret, Spec, Status, Template, WrittenSecret};
pub use secret::{Secret, SecretBytes};
pub use unseal::{
    ItemErrors, Opened, OpenedItems, UnsealError, UnsealOptions, Unsealed, open, open_items, open_on, unseal,
};
