//! The default backend: AWS-LC, constant-time and blinded, through aws-lc-rs.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
    PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256,
};
use zeroize::Zeroizing;

use super::{Backend, Curve, NONCE, SessionKey};
use crate::random::{Random, RandomError};

pub(crate) const NAME: &str = "aws-lc";

/// AWS-LC refuses smaller moduli.
pub(crate) const MIN_BITS: u32 = 2048;

#[derive(Debug)]
pub(crate) struct AwsLc;

impl Backend for AwsLc {
    type EncryptingKey = OaepPublicEncryptingKey;
    type DecryptingKey = OaepPrivateDecryptingKey;

    fn random(bytes: &mut [u8]) -> Result<(), RandomError> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| RandomError)
    }

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    fn encrypting_key(modulus: &[u8], exponent: &[u8]) -> Option<Self::EncryptingKey> {
        let key: PublicEncryptingKey = PublicKeyComponents { n: modulus, e: exponent }.try_into().ok()?;
        OaepPublicEncryptingKey::new(key).ok()
    }

    fn wrap(key: &Self::EncryptingKey, label: &[u8], session_key: &[u8], _random: &mut dyn Random) -> Option<Vec<u8>> {
        let mut block = vec![0; key.ciphertext_size()];
        let length = key.encrypt(&OAEP_SHA256_MGF1SHA256, session_key, &mut block, label_argument(label)).ok()?.len();
        (length == block.len()).then_some(block)
    }

    fn decrypting_key(pkcs1: &[u8]) -> Option<Self::DecryptingKey> {
        let pkcs8 = crate::der::pkcs1_to_pkcs8(pkcs1)?;
        OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(&pkcs8).ok()?).ok()
    }

    fn unwrap_message(key: &Self::DecryptingKey, label: &[u8], block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(vec![0; key.min_output_size()]);
        let length = key.decrypt(&OAEP_SHA256_MGF1SHA256, block, &mut buffer, label_argument(label)).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }

    fn encrypt(key: &SessionKey, plaintext: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = Zeroizing::new(Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len()));
        buffer.extend_from_slice(plaintext);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key[..]).ok()?);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(NONCE), Aad::empty(), &mut *buffer).ok()?;
        Some(std::mem::take(&mut *buffer))
    }

    fn decrypt(key: &SessionKey, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key[..]).ok()?);
        let length = key.open_in_place(Nonce::assume_unique_for_key(NONCE), Aad::empty(), &mut buffer).ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }

    fn generates(bits: u32) -> bool {
        key_size(bits).is_some()
    }

    fn generate(bits: u32) -> Option<Zeroizing<Vec<u8>>> {
        let key = PrivateDecryptingKey::generate(key_size(bits)?).ok()?;
        let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).ok()?;
        crate::der::pkcs8_to_pkcs1(pkcs8.as_ref()).ok()
    }

    fn sign(pkcs1: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let key = KeyPair::from_der(pkcs1).ok()?;
        let mut signature = vec![0; key.public_modulus_len()];
        let random = aws_lc_rs::rand::SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).ok()?;
        Some(signature)
    }

    fn ecdsa_public(curve: Curve, scalar: &[u8]) -> Option<Vec<u8>> {
        let algorithm = match curve {
            Curve::P256 => &ECDH_P256,
            Curve::P384 => &ECDH_P384,
        };
        let key = agreement::PrivateKey::from_private_key(algorithm, scalar).ok()?;
        Some(key.compute_public_key().ok()?.as_ref().to_vec())
    }

    fn sign_ecdsa(curve: Curve, scalar: &[u8], public: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let algorithm = match curve {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        };
        let key = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, public).ok()?;
        let random = aws_lc_rs::rand::SystemRandom::new();
        Some(key.sign(&random, message).ok()?.as_ref().to_vec())
    }

    fn ed25519_public(seed: &[u8; 32]) -> Option<[u8; 32]> {
        Ed25519KeyPair::from_seed_unchecked(seed).ok()?.public_key().as_ref().try_into().ok()
    }

    fn sign_ed25519(seed: &[u8; 32], message: &[u8]) -> Option<Vec<u8>> {
        Some(Ed25519KeyPair::from_seed_unchecked(seed).ok()?.try_sign(message).ok()?.as_ref().to_vec())
    }
}

/// The library reads an absent label as the empty one.
fn label_argument(label: &[u8]) -> Option<&[u8]> {
    (!label.is_empty()).then_some(label)
}

fn key_size(bits: u32) -> Option<KeySize> {
    match bits {
        2048 => Some(KeySize::Rsa2048),
        3072 => Some(KeySize::Rsa3072),
        4096 => Some(KeySize::Rsa4096),
        8192 => Some(KeySize::Rsa8192),
        _ => None,
    }
}
