//! A private key with what ranks it among others and what may be published of it.

use jiff::Timestamp;

use crate::certificate::Certificate;
use crate::fingerprint::Fingerprint;
use crate::private_key::PrivateKey;

/// One key of the ring.
#[derive(Debug, Clone)]
pub struct SealingKey {
    pub(crate) private: PrivateKey,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) ordering_time: Timestamp,
}

impl SealingKey {
    /// A key that may be published with this certificate. `None` when the certificate carries another key: what people
    /// sealed with it could never be opened (W8); such a key joins the ring by [`SealingKey::unpublished`].
    #[must_use]
    pub fn new(private: PrivateKey, certificate: Certificate, ordering_time: Timestamp) -> Option<SealingKey> {
        let matches = certificate.rsa_public_key().is_ok_and(|key| key == private.public_key());
        matches.then_some(SealingKey { private, certificate: Some(certificate), ordering_time })
    }

    /// A key that opens values and is never published.
    #[must_use]
    pub fn unpublished(private: PrivateKey, ordering_time: Timestamp) -> SealingKey {
        SealingKey { private, certificate: None, ordering_time }
    }

    /// Name of the key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.private.public_key().fingerprint()
    }

    /// The private half.
    #[must_use]
    pub fn private_key(&self) -> &PrivateKey {
        &self.private
    }

    /// The certificate to publish, if the key may be published.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// What ranks the key: `NotBefore`, the Secret's creation, or the moment it was made (controller.md section 4.4).
    #[must_use]
    pub fn ordering_time(&self) -> Timestamp {
        self.ordering_time
    }
}
