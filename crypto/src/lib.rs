//! The Sealed Secrets envelope and everything it rests on: RSA-OAEP and AES-GCM, key pairs, certificates, fingerprints
//! and the ring of sealing keys.
//!
//! This crate knows nothing of Kubernetes, files, clocks or networks: bytes, the time and randomness come in as
//! arguments. It is enough to seal values from any Rust program:
//!
//! ```
//! use sealed_secrets_crypto::{Certificate, Label, SystemRandom, seal};
//!
//! # let pem: &[u8] = include_bytes!("../tests/data/appendix-a.crt");
//! let certificate = Certificate::first_from_pem(pem)?;
//! let label = Label::strict("shop", "db");
//! let envelope = seal(certificate.rsa_public_key()?, &label, b"s3cret", &mut SystemRandom)?;
//! assert_eq!(envelope.len(), 2 + 256 + 6 + 16);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The bytes are those of the reference implementation; their description is in [`envelope`](crate::EnvelopeParts).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]
#![deny(missing_docs)]

#[cfg(not(any(feature = "aws-lc", feature = "rustcrypto")))]
compile_error!("switch on one of the features `aws-lc` (default) and `rustcrypto`");

mod backend;
mod certificate;
mod der;
mod envelope;
mod fingerprint;
mod hybrid;
mod issue;
mod key_ring;
mod label;
mod oaep;
mod operation_count;
mod pem;
mod plaintext;
mod private_key;
mod public_key;
mod random;
mod sealing_key;
mod signing_key;

pub use certificate::{Certificate, CertificateError, CertificateProfile, self_signed};
pub use envelope::EnvelopeParts;
pub use fingerprint::{Fingerprint, ParseFingerprintError};
pub use hybrid::{SealError, seal};
pub use issue::{Authority, CertificateRequest, IssueError, check_certificate_pem, issue};
pub use key_ring::{Diagnosis, Hints, KeyRing, OpenError, Opened};
pub use label::Label;
pub use oaep::RsaNumbers;
pub use operation_count::OperationCount;
pub use plaintext::Plaintext;
pub use private_key::{KeyError, PemKeys, PrivateKey};
pub use public_key::PublicKey;
pub use random::{Random, RandomError, SystemRandom};
pub use sealing_key::SealingKey;
pub use signing_key::{SigningKey, SigningKeyError};

/// Name of the compiled-in backend, for `--version` and logs.
pub const BACKEND: &str = backend::NAME;

/// Smallest RSA modulus that this build opens and seals with, in bits (decision 26).
pub const MIN_BITS: u32 = backend::MIN_BITS;

/// Largest RSA modulus accepted, in bits.
pub const MAX_BITS: u32 = 8192;

/// SHA-256 (FIPS 180-4) of the parts in order: for fingerprints, and for hashes of what a result was made from.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    use backend::Backend;
    backend::Chosen::sha256(parts)
}
