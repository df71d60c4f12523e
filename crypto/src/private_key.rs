//! The private half of a sealing key.

use std::fmt;
use std::sync::{Arc, OnceLock};

use zeroize::Zeroizing;

use crate::backend::{Backend, Chosen};
use crate::label::Label;
use crate::pem::{self, Block};
use crate::public_key::PublicKey;
use crate::random::SystemRandom;
use crate::{MAX_BITS, MIN_BITS, der, hybrid};

/// An RSA private key: wiped when the last clone is dropped, redacted in `Debug`, never serialised by accident.
///
/// Reading one costs little: the numbers needed to name and rank it come from the plain DER. The expensive import
/// happens when it is first used, once for all clones.
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    pkcs1: Zeroizing<Vec<u8>>,
    public: PublicKey,
    decrypting: OnceLock<Option<<Chosen as Backend>::DecryptingKey>>,
}

/// Every RSA key of a PEM text, and what was passed over.
#[derive(Debug, Default)]
pub struct PemKeys {
    /// Usable keys, in the order of the text.
    pub keys: Vec<PrivateKey>,
    /// Why each other private-key block was left out. Certificates and foreign blocks are not private keys and leave no
    /// trace here.
    pub skipped: Vec<KeyError>,
}

/// Why a private key cannot be used. Says nothing of the key's contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No block of a known type could be read.
    #[error("data does not contain a valid RSA or ECDSA private key")]
    NoKey,
    /// The bytes are not the DER that the block's type promises, or their numbers do not fit together.
    #[error("private key is malformed")]
    Malformed,
    /// An EC, Ed25519, RSASSA-PSS or other key.
    #[error("private key is not an RSA key")]
    NotRsa,
    /// The key is protected by a password.
    #[error("private key is encrypted; decrypt it first, for example with `openssl rsa`")]
    Encrypted,
    /// Three primes or more.
    #[error("RSA keys of more than two primes are not supported")]
    MultiPrime,
    /// Below what this build opens with.
    #[error("{bits}-bit RSA keys are refused, {MIN_BITS} bits is the minimum{}", smaller_hint(*bits))]
    TooSmall {
        /// Length of the modulus.
        bits: u32,
    },
    /// Above what any build opens with.
    #[error("{bits}-bit RSA keys are refused, {MAX_BITS} bits is the maximum")]
    TooLarge {
        /// Length of the modulus.
        bits: u32,
    },
    /// Key generation knows other sizes only.
    #[error("cannot generate {bits}-bit RSA keys; use 2048, 3072, 4096 or 8192")]
    UnsupportedSize {
        /// The size asked for.
        bits: u32,
    },
    /// The backend could not make a key.
    #[error("generating an RSA key failed")]
    Generation,
}

/// Names the build that opens with old small keys, where there is one.
fn smaller_hint(bits: u32) -> &'static str {
    if MIN_BITS > 1024 && bits >= 1024 {
        " (a build with the `rustcrypto` feature opens with keys from 1024 bits)"
    } else {
        ""
    }
}

impl PrivateKey {
    /// The first usable RSA key of a PEM text: `RSA PRIVATE KEY` (PKCS#1) or `PRIVATE KEY` (PKCS#8), whatever text or
    /// blocks stand around it. An EC key before it ends the search, as in the reference.
    ///
    /// # Errors
    /// [`KeyError::NoKey`] when there is no readable block, else the reason why the block that decides is refused.
    pub fn from_pem(text: &[u8]) -> Result<PrivateKey, KeyError> {
        let mut reason = KeyError::NoKey;
        for result in pem::blocks(text).iter().filter_map(key_of_block) {
            match result {
                Err(KeyError::Malformed) => {}
                Err(KeyError::Encrypted) => reason = KeyError::Encrypted,
                decided => return decided,
            }
        }
        Err(reason)
    }

    /// Every RSA key of a PEM text, for offline recovery (decision 24).
    #[must_use]
    pub fn all_from_pem(text: &[u8]) -> PemKeys {
        let mut found = PemKeys::default();
        for result in pem::blocks(text).iter().filter_map(key_of_block) {
            match result {
                Ok(key) => found.keys.push(key),
                Err(reason) => found.skipped.push(reason),
            }
        }
        found
    }

    /// Makes a new key with two primes and exponent 65537. Takes between milliseconds and several seconds: run it where
    /// blocking is allowed.
    ///
    /// # Errors
    /// [`KeyError::UnsupportedSize`] for a size this build does not make, [`KeyError::Generation`] when the backend fails.
    pub fn generate(bits: u32) -> Result<PrivateKey, KeyError> {
        if !PrivateKey::can_generate(bits) {
            return Err(KeyError::UnsupportedSize { bits });
        }
        let pkcs1 = Chosen::generate(bits).ok_or(KeyError::Generation)?;
        PrivateKey::from_pkcs1(pkcs1)
    }

    /// Whether [`PrivateKey::generate`] makes keys of this many bits.
    #[must_use]
    pub fn can_generate(bits: u32) -> bool {
        Chosen::generates(bits)
    }

    pub(crate) fn from_pkcs1(pkcs1: Zeroizing<Vec<u8>>) -> Result<PrivateKey, KeyError> {
        let numbers = der::public_numbers(&pkcs1)?;
        let public = PublicKey::new(&numbers.modulus, &numbers.exponent);
        match public.bits() {
            bits if bits < MIN_BITS => Err(KeyError::TooSmall { bits }),
            bits if bits > MAX_BITS => Err(KeyError::TooLarge { bits }),
            _ => Ok(PrivateKey(Arc::new(Inner { pkcs1, public, decrypting: OnceLock::new() }))),
        }
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public
    }

    /// Proves that the key works by opening what its public half sealed. A key whose numbers do not fit together must
    /// not be published: what is sealed for it would be lost.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] when the key cannot be imported or does not open.
    pub fn check(&self) -> Result<(), KeyError> {
        let probe = b"a key that opens what it sealed";
        let label = Label::cluster_wide();
        let envelope =
            hybrid::seal(self.public_key(), &label, probe, &mut SystemRandom).map_err(|_| KeyError::Malformed)?;
        match hybrid::open(self, &label, &envelope) {
            hybrid::Trial::Opened(opened) if *opened == probe => Ok(()),
            _ => Err(KeyError::Malformed),
        }
    }

    /// The key as PEM `RSA PRIVATE KEY`, the form that key Secrets hold (controller.md section 4.1).
    #[must_use]
    pub fn to_pkcs1_pem(&self) -> Zeroizing<String> {
        pem::encode("RSA PRIVATE KEY", &self.0.pkcs1)
    }

    pub(crate) fn pkcs1(&self) -> &[u8] {
        &self.0.pkcs1
    }

    /// The imported key, `None` when the backend refuses it.
    pub(crate) fn decrypting(&self) -> Option<&<Chosen as Backend>::DecryptingKey> {
        self.0.decrypting.get_or_init(|| Chosen::decrypting_key(&self.0.pkcs1)).as_ref()
    }
}

/// `None` for a block that is no private key.
fn key_of_block(block: &Block<'_>) -> Option<Result<PrivateKey, KeyError>> {
    let pkcs1 = match block.label {
        "RSA PRIVATE KEY" if block.has_headers => Err(KeyError::Encrypted),
        "RSA PRIVATE KEY" => Ok(block.der.clone()),
        "PRIVATE KEY" => der::pkcs8_to_pkcs1(&block.der),
        "ENCRYPTED PRIVATE KEY" => Err(KeyError::Encrypted),
        "EC PRIVATE KEY" => Err(KeyError::NotRsa),
        _ => return None,
    };
    Some(pkcs1.and_then(PrivateKey::from_pkcs1))
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(<redacted> of {})", self.public_key().fingerprint())
    }
}
