//! Key Secrets: sealing keys as the cluster keeps them (wire-format.md section 9.1).

use std::collections::BTreeMap;

use sealed_secrets_crypto::{Certificate, CertificateError, KeyError, PrivateKey};

use crate::metadata::ObjectMeta;
use crate::secret::{self, Secret, SecretBytes};

/// The label that makes a Secret a key Secret, with the value [`ACTIVE`].
pub const KEY_LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";
/// The only value of [`KEY_LABEL`] that counts.
pub const ACTIVE: &str = "active";
/// The Secret that controllers use by its name, whatever its labels say: very old releases made it, without label.
/// Another `--key-prefix` than the default changes the name.
pub const UNLABELLED_KEY: &str = "sealed-secrets-key";
/// Item with the private key.
pub const TLS_PRIVATE_KEY: &str = "tls.key";
/// Item with the certificate chain.
pub const TLS_CERTIFICATE: &str = "tls.crt";

/// A key pair as a key Secret holds it.
#[derive(Debug, Clone)]
pub struct KeyMaterial {
    /// The first usable key of `tls.key`.
    pub private: PrivateKey,
    /// The first certificate of `tls.crt`. Whether it belongs to the key is not known yet.
    pub certificate: Certificate,
}

/// Why a key Secret cannot be used. Says nothing of its contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySecretError {
    /// The private key.
    #[error("{TLS_PRIVATE_KEY}: {0}")]
    Key(#[from] KeyError),
    /// The certificate chain.
    #[error("{TLS_CERTIFICATE}: {0}")]
    Certificate(#[from] CertificateError),
}

impl KeyMaterial {
    /// Reads the two items of a key Secret; an absent item reads as an empty one.
    ///
    /// # Errors
    /// [`KeySecretError`], naming the item.
    pub fn read(tls_key: &[u8], tls_crt: &[u8]) -> Result<KeyMaterial, KeySecretError> {
        Ok(KeyMaterial { private: PrivateKey::from_pem(tls_key)?, certificate: Certificate::first_from_pem(tls_crt)? })
    }
}

/// The key Secret for a new key: labelled active, named by the API server after the prefix. Extra labels cannot override
/// the key label.
#[must_use]
pub fn new_key_secret(
    prefix: &str,
    namespace: &str,
    extra_labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    material: &KeyMaterial,
) -> Secret {
    let mut labels = extra_labels.clone();
    labels.insert(KEY_LABEL.to_owned(), ACTIVE.to_owned());
    let data = [
        (TLS_CERTIFICATE, SecretBytes::from(material.certificate.to_pem().into_bytes())),
        (TLS_PRIVATE_KEY, SecretBytes::from(material.private.to_pkcs1_pem().as_bytes().to_vec())),
    ];
    Secret {
        kind: secret::KIND.to_owned(),
        api_version: "v1".to_owned(),
        metadata: ObjectMeta {
            generate_name: prefix.to_owned(),
            namespace: namespace.to_owned(),
            labels,
            annotations: annotations.clone(),
            ..ObjectMeta::default()
        },
        data: data.into_iter().map(|(item, value)| (item.to_owned(), value)).collect(),
        r#type: "kubernetes.io/tls".to_owned(),
        ..Secret::default()
    }
}
