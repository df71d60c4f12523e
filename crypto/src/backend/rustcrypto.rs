//! The pure-Rust backend: RustCrypto's `rsa`, `aes-gcm` and `sha2` with `rand`.
//!
//! RUSTSEC-2023-0071 (a timing leak in RSA decryption) has no fixed release of `rsa`; private operations here are
//! blinded, but whoever can measure them closely should be served by the default backend.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use p256::ecdsa::signature::Signer;
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use rand_core::{TryCryptoRng, TryRng};
use rsa::pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rsa::traits::PaddingScheme;
use rsa::{BoxedUint, Oaep, Pkcs1v15Sign, RsaPrivateKey, RsaPublicKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Backend, Curve, NONCE, SessionKey};
use crate::random::{Random, RandomError};

#[cfg(not(feature = "aws-lc"))]
pub(crate) const NAME: &str = "rustcrypto";

/// What the reference's library takes as well.
pub(crate) const MIN_BITS: u32 = 1024;

/// New keys are never smaller than this, whatever old ones may be (decision 26).
const MIN_NEW_BITS: u32 = 2048;

#[derive(Debug)]
pub(crate) struct RustCrypto;

impl Backend for RustCrypto {
    type EncryptingKey = RsaPublicKey;
    type DecryptingKey = RsaPrivateKey;

    fn random(bytes: &mut [u8]) -> Result<(), RandomError> {
        SysRng.try_fill_bytes(bytes).map_err(|_| RandomError)
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn encrypting_key(modulus: &[u8], exponent: &[u8]) -> Option<Self::EncryptingKey> {
        let n = BoxedUint::from_be_slice(modulus, u32::try_from(modulus.len() * 8).ok()?).ok()?;
        let e = BoxedUint::from_be_slice(exponent, u32::try_from(exponent.len() * 8).ok()?).ok()?;
        RsaPublicKey::new_with_max_size(n, e, crate::MAX_BITS as usize).ok()
    }

    fn wrap(key: &Self::EncryptingKey, label: &[u8], session_key: &[u8], random: &mut dyn Random) -> Option<Vec<u8>> {
        Oaep::<Sha256>::new_with_label(label).encrypt(&mut Argument(random), key, session_key).ok()
    }

    fn decrypting_key(pkcs1: &[u8]) -> Option<Self::DecryptingKey> {
        let key = RsaPrivateKey::from_pkcs1_der(pkcs1).ok()?;
        key.validate().ok()?;
        Some(key)
    }

    fn unwrap_message(key: &Self::DecryptingKey, label: &[u8], block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut blinding = StdRng::try_from_rng(&mut SysRng).ok()?;
        key.decrypt_blinded(&mut blinding, Oaep::<Sha256>::new_with_label(label), block).ok().map(Zeroizing::new)
    }

    fn encrypt(key: &SessionKey, plaintext: &[u8]) -> Option<Vec<u8>> {
        Aes256Gcm::new_from_slice(&key[..]).ok()?.encrypt(&Nonce::from(NONCE), plaintext).ok()
    }

    fn decrypt(key: &SessionKey, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let cipher = Aes256Gcm::new_from_slice(&key[..]).ok()?;
        cipher.decrypt(&Nonce::from(NONCE), ciphertext).ok().map(Zeroizing::new)
    }

    fn generates(bits: u32) -> bool {
        (MIN_NEW_BITS..=crate::MAX_BITS).contains(&bits) && bits.is_multiple_of(8)
    }

    fn generate(bits: u32) -> Option<Zeroizing<Vec<u8>>> {
        if !Self::generates(bits) {
            return None;
        }
        let mut random = StdRng::try_from_rng(&mut SysRng).ok()?;
        let key = RsaPrivateKey::new(&mut random, bits as usize).ok()?;
        Some(key.to_pkcs1_der().ok()?.to_bytes())
    }

    fn sign(pkcs1: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let mut blinding = StdRng::try_from_rng(&mut SysRng).ok()?;
        Self::decrypting_key(pkcs1)?
            .sign_with_rng(&mut blinding, Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message))
            .ok()
    }

    fn ecdsa_public(curve: Curve, scalar: &[u8]) -> Option<Vec<u8>> {
        Some(match curve {
            Curve::P256 => {
                let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
                key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }
            Curve::P384 => {
                let key = p384::ecdsa::SigningKey::from_slice(scalar).ok()?;
                key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }
        })
    }

    fn sign_ecdsa(curve: Curve, scalar: &[u8], _public: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        Some(match curve {
            Curve::P256 => {
                let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
                let signature: p256::ecdsa::DerSignature = key.try_sign(message).ok()?;
                signature.as_bytes().to_vec()
            }
            Curve::P384 => {
                let key = p384::ecdsa::SigningKey::from_slice(scalar).ok()?;
                let signature: p384::ecdsa::DerSignature = key.try_sign(message).ok()?;
                signature.as_bytes().to_vec()
            }
        })
    }

    fn ed25519_public(seed: &[u8; 32]) -> Option<[u8; 32]> {
        Some(ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes())
    }

    fn sign_ed25519(seed: &[u8; 32], message: &[u8]) -> Option<Vec<u8>> {
        Some(ed25519_dalek::SigningKey::from_bytes(seed).try_sign(message).ok()?.to_bytes().to_vec())
    }
}

/// Our randomness argument in the shape that `rsa` takes.
struct Argument<'a>(&'a mut dyn Random);

impl TryRng for Argument<'_> {
    type Error = RandomError;

    fn try_next_u32(&mut self) -> Result<u32, RandomError> {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, RandomError> {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.0.fill(bytes)
    }
}

impl TryCryptoRng for Argument<'_> {}
