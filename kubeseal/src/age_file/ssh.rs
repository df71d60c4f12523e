//! SSH keys as age recipients: the stanzas `ssh-ed25519` and `ssh-rsa` of the `age` tool.
//!
//! The arithmetic of RSA is that of the sealing keys; the age library would bring another implementation with it, which
//! is known to leak by its timing.

use std::collections::HashSet;

use age::{DecryptError, EncryptError};
use age_core::format::{FILE_KEY_BYTES, FileKey, Stanza};
use age_core::primitives::{aead_decrypt, aead_encrypt, hkdf};
use age_core::secrecy::ExposeSecret;
use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::montgomery::MontgomeryPoint;
use sealed_secrets_crypto::{Label, PrivateKey, PublicKey, Random, RsaNumbers, SystemRandom};
use sealed_secrets_resource::{decode_base64, encode_base64};
use sha2::{Digest, Sha512};
use ssh_key::private::KeypairData;
use ssh_key::public::KeyData;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

const ED25519: &str = "ssh-ed25519";
const RSA: &str = "ssh-rsa";
const ED25519_LABEL: &[u8] = b"age-encryption.org/v1/ssh-ed25519";
const RSA_LABEL: &[u8] = b"age-encryption.org/v1/ssh-rsa";

/// A public SSH key that a file is encrypted for.
pub(super) enum Recipient {
    Ed25519(Ed25519Public),
    Rsa(PublicKey),
}

/// A private SSH key that opens files.
pub(super) enum Identity {
    Ed25519 { public: Ed25519Public, scalar: Zeroizing<[u8; 32]> },
    Rsa(PrivateKey),
}

/// An Ed25519 key in both forms.
pub(super) struct Ed25519Public {
    edwards: [u8; 32],
    montgomery: MontgomeryPoint,
}

impl Recipient {
    /// Reads a line of an `authorized_keys` or `.pub` file.
    ///
    /// # Errors
    /// What is no such line, and other kinds of keys.
    pub(super) fn parse(text: &str) -> Result<Recipient> {
        let key = ssh_key::PublicKey::from_openssh(text).map_err(|_| Error::new("not a public SSH key"))?;
        match key.key_data() {
            KeyData::Ed25519(key) => Ed25519Public::new(key.0).map(Recipient::Ed25519),
            KeyData::Rsa(key) => {
                let numbers = key.n.as_positive_bytes().zip(key.e.as_positive_bytes());
                let (n, e) = numbers.ok_or_else(|| Error::new("the SSH key is damaged"))?;
                PublicKey::from_numbers(n, e).map(Recipient::Rsa).map_err(|error| Error::new(error.to_string()))
            }
            _ => Err(unsupported()),
        }
    }
}

fn unsupported() -> Error {
    Error::new("this kind of SSH key cannot encrypt").hint("ssh-ed25519 and ssh-rsa can")
}

impl Identity {
    /// A key of RSA as older versions of OpenSSH keep it.
    pub(super) fn of_rsa(key: PrivateKey) -> Identity {
        Identity::Rsa(key)
    }

    /// A decrypted key.
    ///
    /// # Errors
    /// Other kinds of keys, and damaged ones.
    pub(super) fn of_openssh(key: &ssh_key::PrivateKey) -> Result<Identity> {
        let damaged = || Error::new("the SSH key is damaged");
        match key.key_data() {
            KeypairData::Ed25519(pair) => {
                // RFC 8032 section 5.1.5: the scalar is half of the seed's hash. X25519 clamps it itself.
                let hash = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(pair.private.as_ref())));
                let mut scalar = Zeroizing::new([0; 32]);
                scalar.copy_from_slice(&hash[..32]);
                Ok(Identity::Ed25519 { public: Ed25519Public::new(pair.public.0)?, scalar })
            }
            KeypairData::Rsa(pair) => {
                let bytes = |number: &'_ ssh_key::Mpint| number.as_positive_bytes().map(<[u8]>::to_vec);
                let (public, private) = (&pair.public, &pair.private);
                let all = [&public.n, &public.e, &private.d, &private.p, &private.q, &private.iqmp].map(bytes);
                let [Some(n), Some(e), Some(d), Some(p), Some(q), Some(q_inv)] = all.map(|one| one.map(Zeroizing::new))
                else {
                    return Err(damaged());
                };
                let numbers = RsaNumbers { n: &n, e: &e, d: &d, p: &p, q: &q, q_inv: &q_inv };
                PrivateKey::from_numbers(&numbers).map(Identity::Rsa).map_err(|error| Error::new(error.to_string()))
            }
            _ => Err(unsupported()),
        }
    }
}

impl Ed25519Public {
    fn new(edwards: [u8; 32]) -> Result<Ed25519Public> {
        let point = CompressedEdwardsY(edwards).decompress().ok_or_else(|| Error::new("the SSH key is damaged"))?;
        Ok(Ed25519Public { edwards, montgomery: point.to_montgomery() })
    }

    /// The key as SSH sends it (RFC 8709 section 4).
    fn wire(&self) -> Vec<u8> {
        [&[0, 0, 0, 11], ED25519.as_bytes(), &[0, 0, 0, 32], &self.edwards].concat()
    }

    /// The key that wraps the file's key, from what X25519 came to. The tweak binds it to this very SSH key.
    fn wrapping_key(&self, shared: MontgomeryPoint, ephemeral: &MontgomeryPoint) -> Zeroizing<[u8; 32]> {
        let tweak = Zeroizing::new(hkdf(&self.wire(), ED25519_LABEL, &[]));
        let shared = Zeroizing::new(shared.mul_clamped(*tweak).to_bytes());
        let salt = [ephemeral.to_bytes(), self.montgomery.to_bytes()].concat();
        Zeroizing::new(hkdf(&salt, ED25519_LABEL, &shared[..]))
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(&self, file_key: &FileKey) -> std::result::Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let failed = || EncryptError::Io(std::io::Error::other("the SSH key cannot be used"));
        let stanza = match self {
            Recipient::Rsa(key) => {
                let label = Label::from_bytes(RSA_LABEL.to_vec());
                let body = key.encrypt_message(&label, file_key.expose_secret(), &mut SystemRandom);
                Stanza { tag: RSA.to_owned(), args: vec![rsa_tag(key)], body: body.map_err(|_| failed())? }
            }
            Recipient::Ed25519(key) => {
                let mut secret = Zeroizing::new([0; 32]);
                SystemRandom.fill(&mut secret[..]).map_err(|_| failed())?;
                let ephemeral = MontgomeryPoint::mul_base_clamped(*secret);
                let wrapping = key.wrapping_key(key.montgomery.mul_clamped(*secret), &ephemeral);
                Stanza {
                    tag: ED25519.to_owned(),
                    args: vec![ed25519_tag(key), without_padding(&ephemeral.to_bytes())],
                    body: aead_encrypt(&wrapping, file_key.expose_secret()),
                }
            }
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<std::result::Result<FileKey, DecryptError>> {
        let (kind, tag) = match self {
            Identity::Rsa(key) => (RSA, rsa_tag(key.public_key())),
            Identity::Ed25519 { public, .. } => (ED25519, ed25519_tag(public)),
        };
        if stanza.tag != kind || stanza.args.first() != Some(&tag) {
            return None;
        }
        let file_key = match (self, stanza.args.as_slice()) {
            (Identity::Rsa(key), [_]) => key.decrypt_message(&Label::from_bytes(RSA_LABEL.to_vec()), &stanza.body),
            (Identity::Ed25519 { public, scalar }, [_, ephemeral]) => {
                let Some(ephemeral) = point(ephemeral) else { return Some(Err(DecryptError::InvalidHeader)) };
                let wrapping = public.wrapping_key(ephemeral.mul_clamped(**scalar), &ephemeral);
                aead_decrypt(&wrapping, FILE_KEY_BYTES, &stanza.body).ok().map(Zeroizing::new)
            }
            _ => return Some(Err(DecryptError::InvalidHeader)),
        };
        let file_key = file_key.and_then(|key| <[u8; FILE_KEY_BYTES]>::try_from(key.as_slice()).ok());
        Some(file_key.map(|key| FileKey::new(Box::new(key))).ok_or(DecryptError::DecryptionFailed))
    }
}

/// The first bytes of the key's SHA-256, by which a stanza says whom it is for. Of an RSA key that is the fingerprint.
fn rsa_tag(key: &PublicKey) -> String {
    without_padding(&key.fingerprint().as_bytes()[..4])
}

fn ed25519_tag(key: &Ed25519Public) -> String {
    without_padding(&sealed_secrets_crypto::sha256(&[&key.wire()])[..4])
}

fn without_padding(bytes: &[u8]) -> String {
    encode_base64(bytes).trim_end_matches('=').to_owned()
}

/// A point as a stanza holds it, in the one form that it has.
fn point(text: &str) -> Option<MontgomeryPoint> {
    let bytes = decode_base64(&format!("{text}=")).ok()?;
    let bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
    (without_padding(&bytes) == text).then_some(MontgomeryPoint(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use age::{Identity as _, Recipient as _};

    use super::*;

    fn file(name: &str) -> String {
        let path = format!("{}/tests/key-files/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).unwrap()
    }

    fn identity(name: &str) -> Identity {
        Identity::of_openssh(&ssh_key::PrivateKey::from_openssh(file(name)).unwrap()).unwrap()
    }

    #[test]
    fn each_kind_of_key_opens_what_is_meant_for_it_and_nothing_else() {
        for (name, other) in [("ed25519", "rsa"), ("rsa", "ed25519"), ("ed25519", "ed25519-2")] {
            let recipient = Recipient::parse(&file(&format!("{name}.pub"))).unwrap();
            let key = FileKey::new(Box::new([7; FILE_KEY_BYTES]));
            let (mut stanzas, labels) = recipient.wrap_file_key(&key).unwrap();
            assert!(labels.is_empty());
            let opened = identity(name).unwrap_stanza(&stanzas[0]).unwrap().ok().unwrap();
            assert_eq!(opened.expose_secret(), key.expose_secret());
            assert!(identity(other).unwrap_stanza(&stanzas[0]).is_none());

            let damaged = &mut stanzas[0];
            damaged.body[3] ^= 1;
            assert!(identity(name).unwrap_stanza(damaged).unwrap().is_err());
            damaged.args.push("more".to_owned());
            assert!(matches!(identity(name).unwrap_stanza(damaged).unwrap(), Err(DecryptError::InvalidHeader)));
        }
    }

    #[test]
    fn other_keys_are_refused() {
        let ecdsa = file("ecdsa.pub");
        for text in ["ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E=", ecdsa.as_str(), ""] {
            assert!(Recipient::parse(text).is_err(), "{text}");
        }
    }
}
