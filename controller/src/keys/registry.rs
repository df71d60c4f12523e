//! What is known of each key Secret, behind the snapshots.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sealed_secrets_crypto::SealingKey;
use sealed_secrets_resource::{KeyMaterial, Secret, SecretBytes, TLS_CERTIFICATE, TLS_PRIVATE_KEY};
use tracing::error;

/// All keys, by the Secrets that they came from.
#[derive(Default)]
pub(super) struct Registry {
    /// In the order of registration.
    pub(super) entries: Vec<Entry>,
    /// Names of key Secrets that hold no usable key.
    pub(super) unusable: BTreeSet<String>,
    pub(super) version: u64,
}

/// One key.
pub(super) struct Entry {
    pub(super) secret: String,
    pub(super) uid: String,
    pub(super) key: SealingKey,
    /// Whether the Secret has the label; the legacy one need not.
    pub(super) is_labelled: bool,
    /// Whether it was made here: then its moment is better known than the certificate says.
    pub(super) is_generated: bool,
}

impl Registry {
    pub(super) fn forget(&mut self, secret: &str) -> bool {
        let unusable = self.unusable.remove(secret);
        self.forget_key(secret) || unusable
    }

    pub(super) fn forget_key(&mut self, secret: &str) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.secret != secret);
        self.entries.len() != before
    }
}

pub(super) fn read_material(secret: &Secret) -> Result<KeyMaterial, String> {
    let item = |name: &str| secret.data.get(name).map_or(&[][..], SecretBytes::as_slice);
    KeyMaterial::read(item(TLS_PRIVATE_KEY), item(TLS_CERTIFICATE)).map_err(|error| error.to_string())
}

/// A key that may be published, or one that only opens because its certificate belongs to another key (W8).
pub(super) fn sealing_key(secret: &str, material: KeyMaterial, time: Timestamp) -> SealingKey {
    let KeyMaterial { private, certificate } = material;
    SealingKey::new(private.clone(), certificate, time).unwrap_or_else(|| {
        error!(
            secret,
            "the certificate does not belong to the private key: the key opens values, the certificate is not published"
        );
        SealingKey::unpublished(private, time)
    })
}

pub(super) fn is_same_certificate(key: &SealingKey, material: &KeyMaterial) -> bool {
    match key.certificate() {
        Some(certificate) => certificate.to_pem() == material.certificate.to_pem(),
        // Unpublished, because of exactly this certificate or because the key is not usable.
        None => material.certificate.rsa_public_key().is_ok_and(|key| *key != *material.private.public_key()),
    }
}
