//! A key pair in two forms: as our crates take it, and as the library below does.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use jiff::Timestamp;
use sealed_secrets_crypto::{
    CertificateProfile, EnvelopeParts, Label, PrivateKey, PublicKey, SealingKey, SystemRandom, seal, self_signed,
};
use sealed_secrets_resource::{decode_base64, encode_base64};

use crate::Failure;
use crate::rounds::timed;

/// What is sealed: about as long as a password.
pub const VALUE: &[u8; 32] = b"correct horse battery staple +32";
/// Namespace of what is sealed.
pub const NAMESPACE: &str = "shop";
/// Name of what is sealed.
pub const NAME: &str = "db";

/// A key pair that nothing but these measurements uses.
pub struct Subject {
    /// Size of the modulus.
    pub bits: u32,
    pem: String,
    private: PrivateKey,
    encrypting: OaepPublicEncryptingKey,
    decrypting: OaepPrivateDecryptingKey,
}

impl Subject {
    /// A new one of 2048 or 4096 bits.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate(bits: u32) -> Result<Subject, Failure> {
        let size = if bits == 4096 { KeySize::Rsa4096 } else { KeySize::Rsa2048 };
        let key = PrivateDecryptingKey::generate(size)?;
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)?;
        let text = encode_base64(der.as_ref());
        Subject::from_pem(&format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"))
    }

    /// One that was generated before, from what [`Subject::pem`] gave.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_pem(pem: &str) -> Result<Subject, Failure> {
        let key = PrivateDecryptingKey::from_pkcs8(&der(pem)?)?;
        Ok(Subject {
            bits: u32::try_from(key.key_size_bits())?,
            private: PrivateKey::from_pem(pem.as_bytes())?,
            pem: pem.to_owned(),
            encrypting: OaepPublicEncryptingKey::new(key.public_key())?,
            decrypting: OaepPrivateDecryptingKey::new(key)?,
        })
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        self.private.public_key()
    }

    /// The same key, imported again. Whoever is compared gets a copy of its own: a shared one would stay in the
    /// processor's cache for those who share it.
    ///
    /// # Errors
    /// Not expected: the key was imported before.
    pub fn fresh_copy(&self) -> Result<PrivateKey, Failure> {
        Ok(PrivateKey::from_pem(self.pem.as_bytes())?)
    }

    /// The private key as PEM text.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A fresh copy as one of a ring, made at this second.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn sealing_key(&self, made: i64) -> Result<SealingKey, Failure> {
        let not_before = Timestamp::from_second(made)?;
        let profile = CertificateProfile { common_name: "", not_before, valid_for: Duration::from_secs(3600) };
        let certificate = self_signed(&self.private, &profile, &mut SystemRandom)?;
        SealingKey::new(self.fresh_copy()?, certificate, not_before).ok_or_else(|| "key and certificate differ".into())
    }

    /// One sealed value.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn envelope(&self) -> Result<Vec<u8>, Failure> {
        Ok(seal(self.public_key(), &label(), VALUE, &mut SystemRandom)?)
    }

    /// Nothing but RSA-OAEP around 32 bytes, `repeats` times, into a buffer that is there already.
    pub fn bare_encryption(&self, repeats: usize) -> impl FnMut() -> Duration {
        let label = label();
        let mut block = vec![0; self.encrypting.ciphertext_size()];
        move || {
            timed(|| {
                (0..repeats).all(|_| {
                    let label = Some(label.as_bytes());
                    self.encrypting.encrypt(&OAEP_SHA256_MGF1SHA256, VALUE, &mut block, label).is_ok()
                })
            })
        }
    }

    /// Nothing but the opening of the RSA block of an envelope, `repeats` times, into a buffer that is there already.
    ///
    /// # Errors
    /// When it is no envelope.
    pub fn bare_decryption(&self, envelope: Vec<u8>, repeats: usize) -> Result<impl FnMut() -> Duration, Failure> {
        let block = EnvelopeParts::split(&envelope).ok_or("no envelope")?.wrapped_key.to_vec();
        let label = label();
        let mut buffer = vec![0; self.decrypting.min_output_size()];
        Ok(move || {
            timed(|| {
                (0..repeats).all(|_| {
                    let label = Some(label.as_bytes());
                    self.decrypting.decrypt(&OAEP_SHA256_MGF1SHA256, &block, &mut buffer, label).is_ok()
                })
            })
        })
    }

    /// Nothing but the import of the key, from the DER that a PEM block holds, and the first opening with it: the library
    /// does part of its preparation only then.
    ///
    /// # Errors
    /// When it is no envelope.
    pub fn bare_first_decryption(&self, envelope: &[u8]) -> Result<impl FnMut() -> Duration + use<>, Failure> {
        let der = der(&self.pem)?;
        let block = EnvelopeParts::split(envelope).ok_or("no envelope")?.wrapped_key.to_vec();
        let label = label();
        let mut buffer = vec![0; self.decrypting.min_output_size()];
        Ok(move || {
            timed(|| {
                let key = PrivateDecryptingKey::from_pkcs8(&der).ok().map(OaepPrivateDecryptingKey::new)?.ok()?;
                let label = Some(label.as_bytes());
                key.decrypt(&OAEP_SHA256_MGF1SHA256, &block, &mut buffer, label).ok().map(drop)
            })
        })
    }
}

/// What stands inside a PEM block.
fn der(pem: &str) -> Result<Vec<u8>, Failure> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Ok(decode_base64(&text)?.to_vec())
}

/// What all values here are bound to.
pub fn label() -> Label {
    Label::strict(NAMESPACE, NAME)
}
