//! The public half of a sealing key.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::backend::{Backend, Chosen};
use crate::fingerprint::Fingerprint;

/// An RSA public key. Cheap to clone; made ready for encryption when it is first used.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    fingerprint: Fingerprint,
    encrypting: OnceLock<Option<<Chosen as Backend>::EncryptingKey>>,
}

impl PublicKey {
    /// From modulus and exponent, big-endian; leading zeros are dropped.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> PublicKey {
        let (modulus, exponent) = (without_leading_zeros(modulus), without_leading_zeros(exponent));
        PublicKey(Arc::new(Inner {
            modulus: modulus.to_vec(),
            exponent: exponent.to_vec(),
            fingerprint: Fingerprint::of(modulus, exponent),
            encrypting: OnceLock::new(),
        }))
    }

    /// The name of this key (wire-format.md section 9.6).
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// Length of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> u32 {
        let leading = self.0.modulus.first().map_or(0, |byte| byte.leading_zeros());
        u32::try_from(self.0.modulus.len() * 8).unwrap_or(u32::MAX).saturating_sub(leading)
    }

    /// Whether an RSA block could have been made with this key: as long as the modulus and, as a number, below it. Costs
    /// nothing next to a private operation and rules out every key of another size.
    #[must_use]
    pub fn may_have_made(&self, block: &[u8]) -> bool {
        block.len() == self.0.modulus.len() && block < self.0.modulus.as_slice()
    }

    pub(crate) fn modulus(&self) -> &[u8] {
        &self.0.modulus
    }

    pub(crate) fn exponent(&self) -> &[u8] {
        &self.0.exponent
    }

    /// The key as the backend wants it, `None` when the backend refuses it.
    pub(crate) fn encrypting(&self) -> Option<&<Chosen as Backend>::EncryptingKey> {
        let inner = &self.0;
        inner.encrypting.get_or_init(|| Chosen::encrypting_key(&inner.modulus, &inner.exponent)).as_ref()
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        self.0.modulus == other.0.modulus && self.0.exponent == other.0.exponent
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} bits, {})", self.bits(), self.fingerprint())
    }
}
