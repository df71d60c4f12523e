//! One value under one key: RSA-OAEP around a session key, AES-256-GCM around the value (wire-format.md section 1).

use zeroize::Zeroizing;

use crate::backend::{Backend, Chosen, SessionKey};
use crate::envelope::EnvelopeParts;
use crate::label::Label;
use crate::private_key::PrivateKey;
use crate::public_key::PublicKey;
use crate::random::{Random, RandomError};
use crate::{MAX_BITS, MIN_BITS};

/// Why a value could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The public key is too small, too large or no RSA key at all.
    #[error("cannot seal with a {bits}-bit RSA key; {MIN_BITS} to {MAX_BITS} bits are accepted")]
    UnusableKey {
        /// Length of the modulus.
        bits: u32,
    },
    /// No random numbers, no encryption.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The backend refused to encrypt; a value of many gigabytes is the only known cause.
    #[error("encryption failed")]
    Encryption,
}

/// Seals one value: `u16be(len R) ‖ R ‖ C` with `R` the session key under RSA-OAEP and `C` the value under AES-256-GCM.
///
/// Every call draws a session key of its own: the GCM nonce is constant, so a key must never encrypt two values.
///
/// # Errors
/// [`SealError`]; it never holds any part of the value.
pub fn seal(key: &PublicKey, label: &Label, plaintext: &[u8], random: &mut dyn Random) -> Result<Vec<u8>, SealError> {
    seal_with::<Chosen>(encrypting(key)?, label, plaintext, random)
}

impl PublicKey {
    /// Whether values can be sealed with this key, which its length decides.
    ///
    /// # Errors
    /// [`SealError::UnusableKey`].
    pub fn check_usable(&self) -> Result<(), SealError> {
        encrypting(self).map(drop)
    }
}

fn encrypting(key: &PublicKey) -> Result<&<Chosen as Backend>::EncryptingKey, SealError> {
    let bits = key.bits();
    let usable = (MIN_BITS..=MAX_BITS).contains(&bits);
    key.encrypting().filter(|_| usable).ok_or(SealError::UnusableKey { bits })
}

fn seal_with<B: Backend>(
    key: &B::EncryptingKey,
    label: &Label,
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, SealError> {
    let mut session_key: SessionKey = Zeroizing::new([0; 32]);
    random.fill(&mut session_key[..])?;
    let wrapped_key = B::wrap(key, label.as_bytes(), &session_key[..], random).ok_or(SealError::Encryption)?;
    let ciphertext = B::encrypt(&session_key, plaintext).ok_or(SealError::Encryption)?;
    EnvelopeParts { wrapped_key: &wrapped_key, ciphertext: &ciphertext }.join().ok_or(SealError::Encryption)
}

/// What one key made of one value. Never leaves the crate as it is: outside, what does not open looks all the same.
pub(crate) enum Trial {
    /// The key cannot have made it, or cannot be used: no private operation was done.
    NotTried,
    /// It does not open with this key and label.
    NoKey,
    /// The session key opened, and the content is not what was sealed under it.
    ContentDamaged,
    /// The value.
    Opened(Zeroizing<Vec<u8>>),
}

/// Opens one value with one key, at the cost of one private operation at most.
pub(crate) fn open(key: &PrivateKey, label: &Label, envelope: &[u8]) -> Trial {
    let Some(parts) = EnvelopeParts::split(envelope) else {
        return Trial::NotTried;
    };
    if !key.public_key().may_have_made(parts.wrapped_key) {
        return Trial::NotTried;
    }
    match key.decrypting() {
        Some(key) => open_with::<Chosen>(key, label, parts),
        None => Trial::NotTried,
    }
}

/// Takes as long as looking at the content of a value does. For values whose session key does not open, so that the time
/// does not tell them from values whose content was changed.
pub(crate) fn spend_time_on_content(envelope: &[u8]) {
    if let Some(parts) = EnvelopeParts::split(envelope) {
        let no_key: SessionKey = Zeroizing::new([0; 32]);
        // Whatever came out would come from a key that seals nothing.
        drop(std::hint::black_box(Chosen::decrypt(&no_key, parts.ciphertext)));
    }
}

fn open_with<B: Backend>(key: &B::DecryptingKey, label: &Label, parts: EnvelopeParts<'_>) -> Trial {
    match B::unwrap_key(key, label.as_bytes(), parts.wrapped_key) {
        None => Trial::NoKey,
        Some(session_key) => B::decrypt(&session_key, parts.ciphertext).map_or(Trial::ContentDamaged, Trial::Opened),
    }
}

#[cfg(all(test, feature = "aws-lc", feature = "rustcrypto"))]
mod tests {
    use super::*;
    use crate::backend::aws_lc::AwsLc;
    use crate::backend::rustcrypto::RustCrypto;
    use crate::random::SystemRandom;

    fn seal_and_open<S: Backend, O: Backend>(key: &PrivateKey, label: &Label, value: &[u8]) {
        let public = key.public_key();
        let sealing = S::encrypting_key(public.modulus(), public.exponent()).unwrap();
        let opening = O::decrypting_key(key.pkcs1()).unwrap();
        let envelope = seal_with::<S>(&sealing, label, value, &mut SystemRandom).unwrap();
        let parts = EnvelopeParts::split(&envelope).unwrap();
        assert!(matches!(open_with::<O>(&opening, label, parts), Trial::Opened(opened) if *opened == value));
        assert!(matches!(open_with::<O>(&opening, &Label::strict("other", "label"), parts), Trial::NoKey));
    }

    #[test]
    fn each_backend_opens_what_the_other_seals() {
        let key = PrivateKey::from_pem(include_bytes!("../tests/data/appendix-a.key")).unwrap();
        let labels = [
            Label::cluster_wide(),
            Label::strict("shop", "db"),
            Label::namespace_wide("größe"),
            Label::from_bytes(vec![0, 255]),
        ];
        for label in &labels {
            for value in [&b""[..], b"s3cret", &[0xff; 70_000]] {
                seal_and_open::<AwsLc, RustCrypto>(&key, label, value);
                seal_and_open::<RustCrypto, AwsLc>(&key, label, value);
            }
        }
    }

    #[test]
    fn keys_and_signatures_of_one_backend_are_taken_by_the_other() {
        let made = RustCrypto::generate(2048).unwrap();
        assert!(AwsLc::decrypting_key(&made).is_some());
        assert_eq!(AwsLc::sign(&made, b"message"), RustCrypto::sign(&made, b"message"));
        assert_eq!(AwsLc::sha256(&[b"a", b"b"]), RustCrypto::sha256(&[b"ab"]));
        let made = AwsLc::generate(2048).unwrap();
        assert!(RustCrypto::decrypting_key(&made).is_some());
    }
}
