//! The keys as readers get them.

use sealed_secrets_crypto::{KeyRing, SealingKey};

use crate::decide::renewal::Current;
use crate::metrics::state::KeySample;

/// The keys as they were at one moment.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// For opening and sealing.
    pub ring: KeyRing,
    /// Rises with every change.
    pub version: u64,
    pub(super) certificate_pem: Option<String>,
}

impl Snapshot {
    /// The certificate to publish, as one PEM block.
    pub fn certificate_pem(&self) -> Option<String> {
        self.certificate_pem.clone()
    }

    /// Every key, for the metrics.
    pub fn samples(&self) -> Vec<KeySample> {
        let current = self.ring.current().map(SealingKey::fingerprint);
        let sample = |key: &SealingKey| KeySample {
            fingerprint: key.fingerprint().to_string(),
            since: key.ordering_time(),
            not_after: key.certificate().map(|certificate| certificate.not_after()),
            is_current: current == Some(key.fingerprint()),
        };
        self.ring.keys().iter().map(sample).collect()
    }

    /// What the renewal schedule needs to know of the current key.
    pub fn current(&self) -> Option<Current> {
        let key = self.ring.current()?;
        let certificate = key.certificate()?;
        Some(Current {
            since: key.ordering_time(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
        })
    }
}
