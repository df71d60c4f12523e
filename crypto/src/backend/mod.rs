//! The cryptographic primitives, behind one small interface with two implementations.
//!
//! Both may be compiled in at once (the tests do that and let each open what the other seals); the rest of the crate
//! uses [`Chosen`], which is AWS-LC wherever that is present. Failures carry no reason on purpose: why a key did not
//! open a value must not leak (wire-format.md section 1.5), and for everything else the caller knows the context.

use zeroize::Zeroizing;

use crate::random::{Random, RandomError};

#[cfg(feature = "aws-lc")]
pub(crate) mod aws_lc;
#[cfg(feature = "rustcrypto")]
pub(crate) mod rustcrypto;

#[cfg(feature = "aws-lc")]
pub(crate) use aws_lc::{AwsLc as Chosen, MIN_BITS, NAME};
#[cfg(all(feature = "rustcrypto", not(feature = "aws-lc")))]
pub(crate) use rustcrypto::{MIN_BITS, NAME, RustCrypto as Chosen};

/// An AES-256 key, used for one value only.
pub(crate) type SessionKey = Zeroizing<[u8; 32]>;

/// The GCM nonce. Twelve zero bytes are safe because every session key encrypts exactly one value.
pub(crate) const NONCE: [u8; 12] = [0; 12];

/// The curves that templates' keys may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Curve {
    /// NIST P-256, signing with SHA-256.
    P256,
    /// NIST P-384, signing with SHA-384.
    P384,
}

impl Curve {
    /// Bytes of a private key.
    pub(crate) fn scalar_length(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }
}

/// RSA-OAEP (RFC 8017 section 7.1, SHA-256 for hash and MGF1), AES-256-GCM (NIST SP 800-38D, no additional data),
/// SHA-256, RSASSA-PKCS1-v1_5, ECDSA, Ed25519 and random bytes.
pub(crate) trait Backend {
    /// A public key ready for use.
    type EncryptingKey: Send + Sync;
    /// A private key ready for use. Making one is expensive: about a quarter of a private operation.
    type DecryptingKey: Send + Sync;

    /// Fills `bytes` from the generator that the operating system seeds.
    fn random(bytes: &mut [u8]) -> Result<(), RandomError>;

    /// SHA-256 over the parts in order.
    fn sha256(parts: &[&[u8]]) -> [u8; 32];

    /// Takes a public key; both numbers big-endian without leading zeros.
    fn encrypting_key(modulus: &[u8], exponent: &[u8]) -> Option<Self::EncryptingKey>;

    /// RSA-OAEP encryption of a session key. A backend may draw the padding's seed from its own generator.
    fn wrap(key: &Self::EncryptingKey, label: &[u8], session_key: &[u8], random: &mut dyn Random) -> Option<Vec<u8>>;

    /// Takes an RFC 8017 `RSAPrivateKey`, checking that its numbers fit together.
    fn decrypting_key(pkcs1: &[u8]) -> Option<Self::DecryptingKey>;

    /// RSA-OAEP decryption.
    fn unwrap_message(key: &Self::DecryptingKey, label: &[u8], block: &[u8]) -> Option<Zeroizing<Vec<u8>>>;

    /// RSA-OAEP decryption; only a message of exactly 32 bytes is a session key.
    fn unwrap_key(key: &Self::DecryptingKey, label: &[u8], block: &[u8]) -> Option<SessionKey> {
        let message = Self::unwrap_message(key, label, block)?;
        let session_key: &[u8; 32] = message.as_slice().try_into().ok()?;
        Some(Zeroizing::new(*session_key))
    }

    /// AES-256-GCM: ciphertext and tag.
    fn encrypt(key: &SessionKey, plaintext: &[u8]) -> Option<Vec<u8>>;

    /// AES-256-GCM of ciphertext and tag.
    fn decrypt(key: &SessionKey, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>>;

    /// Whether [`Backend::generate`] makes keys of this size.
    fn generates(bits: u32) -> bool;

    /// A new two-prime key with exponent 65537 as RFC 8017 `RSAPrivateKey`. Takes between milliseconds and seconds.
    fn generate(bits: u32) -> Option<Zeroizing<Vec<u8>>>;

    /// RSASSA-PKCS1-v1_5 with SHA-256, for the self-signature of certificates.
    fn sign(pkcs1: &[u8], message: &[u8]) -> Option<Vec<u8>>;

    /// The uncompressed point of a private key; none if the bytes are no private key of the curve.
    fn ecdsa_public(curve: Curve, scalar: &[u8]) -> Option<Vec<u8>>;

    /// ECDSA (FIPS 186-5) as RFC 3279 writes it.
    fn sign_ecdsa(curve: Curve, scalar: &[u8], public: &[u8], message: &[u8]) -> Option<Vec<u8>>;

    /// The public key of an Ed25519 seed (RFC 8032).
    fn ed25519_public(seed: &[u8; 32]) -> Option<[u8; 32]>;

    /// Ed25519.
    fn sign_ed25519(seed: &[u8; 32], message: &[u8]) -> Option<Vec<u8>>;
}
