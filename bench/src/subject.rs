//! A key pair in two forms: as our crates take it, and as the library below does.

use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use sealed_secrets_bench::rounds::timed;
use sealed_secrets_crypto::{
    CertificateProfile, EnvelopeParts, Label, PrivateKey, PublicKey, SealingKey, SystemRandom, seal, self_signed,
};
use sealed_secrets_resource::encode_base64;

/// What is sealed: about as long as a password.
pub(crate) const VALUE: &[u8; 32] = b"correct horse battery staple +32";
pub(crate) const NAMESPACE: &str = "shop";
pub(crate) const NAME: &str = "db";

/// A key pair that nothing but these measurements uses.
pub(crate) struct Subject {
    pub(crate) bits: u32,
    pem: String,
    private: PrivateKey,
    encrypting: OaepPublicEncryptingKey,
    decrypting: OaepPrivateDecryptingKey,
}

impl Subject {
    pub(crate) fn generate(bits: u32) -> Result<Subject, Failure> {
        let size = if bits == 4096 { KeySize::Rsa4096 } else { KeySize::Rsa2048 };
        let key = PrivateDecryptingKey::generate(size)?;
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)?;
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", encode_base64(der.as_ref()));
        Ok(Subject {
            bits,
            private: PrivateKey::from_pem(pem.as_bytes())?,
            pem,
            encrypting: OaepPublicEncryptingKey::new(key.public_key())?,
            decrypting: OaepPrivateDecryptingKey::new(key)?,
        })
    }

    pub(crate) fn public_key(&self) -> &PublicKey {
        self.private.public_key()
    }

    /// The same key, imported again. Whoever is compared gets a copy of its own: a shared one would stay in the
    /// processor's cache for those who share it.
    pub(crate) fn fresh_copy(&self) -> Result<PrivateKey, Failure> {
        Ok(PrivateKey::from_pem(self.pem.as_bytes())?)
    }

    /// A fresh copy as one of a ring, made at this second.
    pub(crate) fn sealing_key(&self, made: i64) -> Result<SealingKey, Failure> {
        let not_before = Timestamp::from_second(made)?;
        let profile = CertificateProfile { common_name: "", not_before, valid_for: Duration::from_secs(3600) };
        let certificate = self_signed(&self.private, &profile, &mut SystemRandom)?;
        SealingKey::new(self.fresh_copy()?, certificate, not_before).ok_or_else(|| "key and certificate differ".into())
    }

    /// One sealed value.
    pub(crate) fn envelope(&self) -> Result<Vec<u8>, Failure> {
        Ok(seal(self.public_key(), &label(), VALUE, &mut SystemRandom)?)
    }

    /// Nothing but RSA-OAEP around 32 bytes, `repeats` times, into a buffer that is there already.
    pub(crate) fn bare_encryption(&self, repeats: usize) -> impl FnMut() -> Duration {
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
    pub(crate) fn bare_decryption(
        &self,
        envelope: Vec<u8>,
        repeats: usize,
    ) -> Result<impl FnMut() -> Duration, Failure> {
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
}

/// What all values here are bound to.
pub(crate) fn label() -> Label {
    Label::strict(NAMESPACE, NAME)
}
