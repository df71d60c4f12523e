//! Private keys of several kinds, for the keys and certificates that templates make: RSA, ECDSA on P-256 and P-384,
//! Ed25519. Sealing keys are RSA only, see [`PrivateKey`].

use std::fmt;

use pkcs8::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use pkcs8::der::{Decode, Encode};
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256, SignatureAlgorithm};
use sec1::{EcParameters, EcPrivateKey};
use zeroize::Zeroizing;

use crate::backend::{Backend, Chosen, Curve};
use crate::private_key::{KeyError, PrivateKey};
use crate::random::{Random, RandomError};
use crate::{der, pem};

/// A private key that can sign certificates: wiped on drop, redacted in `Debug`.
pub struct SigningKey {
    kind: Kind,
    /// What a certificate holds of the key, within its bit string.
    public: Vec<u8>,
}

enum Kind {
    Rsa(PrivateKey),
    Ecdsa(Curve, Zeroizing<Vec<u8>>),
    Ed25519(Zeroizing<[u8; 32]>),
}

/// Why a private key cannot be used. Says nothing of the key's contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigningKeyError {
    /// The text holds no PEM block.
    #[error("no PEM data in input")]
    NoPem,
    /// The first PEM block is of another type.
    #[error("no private key data in the first PEM block")]
    NoKey,
    /// The bytes are not what the block's type promises.
    #[error("private key is malformed")]
    Malformed,
    /// DSA, another curve, another algorithm.
    #[error("only RSA, ECDSA on P-256 and P-384, and Ed25519 keys are supported")]
    Unsupported,
    /// An RSA key that this build does not use or make.
    #[error(transparent)]
    Rsa(#[from] KeyError),
    /// No random numbers.
    #[error(transparent)]
    Random(#[from] RandomError),
}

const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

impl SigningKey {
    /// Makes an RSA key, see [`PrivateKey::generate`].
    ///
    /// # Errors
    /// [`SigningKeyError::Rsa`]
    pub fn generate_rsa(bits: u32) -> Result<SigningKey, SigningKeyError> {
        rsa(PrivateKey::generate(bits)?)
    }

    /// Makes an ECDSA key on P-256.
    ///
    /// # Errors
    /// [`SigningKeyError::Random`]
    pub fn generate_p256(random: &mut dyn Random) -> Result<SigningKey, SigningKeyError> {
        // A random number that is no key is rarer than any accident.
        for _ in 0..8 {
            let mut scalar = Zeroizing::new(vec![0; Curve::P256.scalar_length()]);
            random.fill(&mut scalar)?;
            if let Ok(key) = ecdsa(Curve::P256, scalar) {
                return Ok(key);
            }
        }
        Err(RandomError.into())
    }

    /// Makes an Ed25519 key (RFC 8032).
    ///
    /// # Errors
    /// [`SigningKeyError::Random`]
    pub fn generate_ed25519(random: &mut dyn Random) -> Result<SigningKey, SigningKeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        random.fill(&mut *seed)?;
        ed25519(seed)
    }

    /// The first PEM block: `RSA PRIVATE KEY`, `EC PRIVATE KEY` or `PRIVATE KEY`.
    ///
    /// # Errors
    /// When there is none, it is of another type, or its key is not of use here.
    pub fn from_pem(text: &[u8]) -> Result<SigningKey, SigningKeyError> {
        let blocks = pem::blocks(text);
        let block = blocks.first().ok_or(SigningKeyError::NoPem)?;
        match block.label {
            "RSA PRIVATE KEY" => rsa(PrivateKey::from_pkcs1(block.der.clone())?),
            "EC PRIVATE KEY" => from_sec1(&block.der, None),
            "PRIVATE KEY" => from_pkcs8(&block.der),
            "DSA PRIVATE KEY" => Err(SigningKeyError::Unsupported),
            _ => Err(SigningKeyError::NoKey),
        }
    }

    /// The key as PEM in the form of the reference: RFC 8017 for RSA, RFC 5915 for ECDSA, RFC 5958 for Ed25519.
    ///
    /// # Errors
    /// [`SigningKeyError::Malformed`] when the key has no such form, which does not happen.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, SigningKeyError> {
        match &self.kind {
            Kind::Rsa(key) => Ok(key.to_pkcs1_pem()),
            Kind::Ecdsa(curve, scalar) => {
                let parameters = Some(EcParameters::NamedCurve(identifier(*curve)));
                let key = EcPrivateKey { private_key: scalar, parameters, public_key: Some(&self.public) };
                Ok(pem::encode("EC PRIVATE KEY", &wiped(key.to_der())?))
            }
            Kind::Ed25519(seed) => {
                let inner = wiped(OctetStringRef::new(&seed[..]).and_then(|seed| seed.to_der()))?;
                let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
                let octets = OctetStringRef::new(&inner).map_err(|_| SigningKeyError::Malformed)?;
                Ok(pem::encode("PRIVATE KEY", &wiped(PrivateKeyInfoRef::new(algorithm, octets).to_der())?))
            }
        }
    }

    pub(crate) fn signature(&self, message: &[u8]) -> Option<Vec<u8>> {
        match &self.kind {
            Kind::Rsa(key) => Chosen::sign(key.pkcs1(), message),
            Kind::Ecdsa(curve, scalar) => Chosen::sign_ecdsa(*curve, scalar, &self.public, message),
            Kind::Ed25519(seed) => Chosen::sign_ed25519(seed, message),
        }
    }
}

impl rcgen::PublicKeyData for SigningKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match &self.kind {
            Kind::Rsa(_) => &PKCS_RSA_SHA256,
            Kind::Ecdsa(Curve::P256, _) => &PKCS_ECDSA_P256_SHA256,
            Kind::Ecdsa(Curve::P384, _) => &PKCS_ECDSA_P384_SHA384,
            Kind::Ed25519(_) => &PKCS_ED25519,
        }
    }
}

impl rcgen::SigningKey for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signature(message).ok_or(rcgen::Error::RemoteKeyError)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(<redacted>)")
    }
}

fn rsa(key: PrivateKey) -> Result<SigningKey, SigningKeyError> {
    let public = key.public_key();
    let public = der::public_key(public.modulus(), public.exponent()).ok_or(SigningKeyError::Malformed)?;
    Ok(SigningKey { kind: Kind::Rsa(key), public })
}

fn ecdsa(curve: Curve, scalar: Zeroizing<Vec<u8>>) -> Result<SigningKey, SigningKeyError> {
    let public = Chosen::ecdsa_public(curve, &scalar).ok_or(SigningKeyError::Malformed)?;
    Ok(SigningKey { kind: Kind::Ecdsa(curve, scalar), public })
}

fn ed25519(seed: Zeroizing<[u8; 32]>) -> Result<SigningKey, SigningKeyError> {
    let public = Chosen::ed25519_public(&seed).ok_or(SigningKeyError::Malformed)?;
    Ok(SigningKey { kind: Kind::Ed25519(seed), public: public.to_vec() })
}

fn from_pkcs8(bytes: &[u8]) -> Result<SigningKey, SigningKeyError> {
    let info = PrivateKeyInfoRef::try_from(bytes).map_err(|_| SigningKeyError::Malformed)?;
    let inner = info.private_key.as_bytes();
    match info.algorithm.oid {
        pkcs1::ALGORITHM_OID => rsa(PrivateKey::from_pkcs1(der::pkcs8_to_pkcs1(bytes)?)?),
        EC => from_sec1(inner, info.algorithm.parameters),
        ED25519 => {
            let seed = <&OctetStringRef>::from_der(inner).map_err(|_| SigningKeyError::Malformed)?;
            let seed = seed.as_bytes().try_into().map_err(|_| SigningKeyError::Malformed)?;
            ed25519(Zeroizing::new(seed))
        }
        _ => Err(SigningKeyError::Unsupported),
    }
}

/// The curve is named outside of the key (RFC 5958) or in it.
fn from_sec1(bytes: &[u8], parameters: Option<AnyRef<'_>>) -> Result<SigningKey, SigningKeyError> {
    let key = EcPrivateKey::from_der(bytes).map_err(|_| SigningKeyError::Malformed)?;
    let named = match parameters {
        Some(parameters) => parameters.decode_as().ok(),
        None => key.parameters.and_then(EcParameters::named_curve),
    };
    let curve = match named {
        Some(P256) => Curve::P256,
        Some(P384) => Curve::P384,
        _ => return Err(SigningKeyError::Unsupported),
    };
    // Zeros in front may be missing, or too many.
    let significant = &key.private_key[key.private_key.iter().take_while(|byte| **byte == 0).count()..];
    let zeros = curve.scalar_length().checked_sub(significant.len()).ok_or(SigningKeyError::Malformed)?;
    let mut scalar = Zeroizing::new(vec![0; curve.scalar_length()]);
    scalar[zeros..].copy_from_slice(significant);
    ecdsa(curve, scalar)
}

fn identifier(curve: Curve) -> ObjectIdentifier {
    match curve {
        Curve::P256 => P256,
        Curve::P384 => P384,
    }
}

fn wiped(der: pkcs8::der::Result<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
    der.map(Zeroizing::new).map_err(|_| SigningKeyError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 section 7.1, test 2.
    #[test]
    fn ed25519_signs_as_its_standard_says() {
        let seed = hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
        let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
        let signature = hex(concat!(
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ));
        let key = ed25519(Zeroizing::new(seed.try_into().unwrap())).unwrap();
        assert_eq!(key.public, public);
        assert_eq!(key.signature(&[0x72]).unwrap(), signature);
    }

    /// FIPS 186-5 and SP 800-186: the public key of the private key 1 is the curve's base point.
    #[test]
    fn public_keys_are_points_of_their_curve() {
        let one = |curve: Curve| {
            let mut scalar = Zeroizing::new(vec![0; curve.scalar_length()]);
            *scalar.last_mut().unwrap() = 1;
            ecdsa(curve, scalar).unwrap().public
        };
        assert_eq!(one(Curve::P256)[..9], hex("046b17d1f2e12c4247"));
        assert_eq!(one(Curve::P384)[..9], hex("04aa87ca22be8b0537"));
        assert_eq!((one(Curve::P256).len(), one(Curve::P384).len()), (65, 97));
        for curve in [Curve::P256, Curve::P384] {
            for byte in [0, 0xff] {
                let scalar = Zeroizing::new(vec![byte; curve.scalar_length()]);
                assert_eq!(ecdsa(curve, scalar).unwrap_err(), SigningKeyError::Malformed);
            }
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}

#[cfg(all(test, feature = "aws-lc", feature = "rustcrypto"))]
mod both_backends {
    use p256::ecdsa::signature::Verifier;

    use super::*;
    use crate::backend::aws_lc::AwsLc;
    use crate::backend::rustcrypto::RustCrypto;

    #[test]
    fn each_verifies_what_the_other_signs() {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
        let mut scalar = vec![0; 48];
        scalar[40] = 7;
        let point = AwsLc::ecdsa_public(Curve::P384, &scalar).unwrap();
        assert_eq!(point, RustCrypto::ecdsa_public(Curve::P384, &scalar).unwrap());
        let signature = RustCrypto::sign_ecdsa(Curve::P384, &scalar, &point, b"text").unwrap();
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &point).verify(b"text", &signature).unwrap();
        let signature = AwsLc::sign_ecdsa(Curve::P384, &scalar, &point, b"text").unwrap();
        let signature = p384::ecdsa::DerSignature::try_from(&signature[..]).unwrap();
        p384::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap().verify(b"text", &signature).unwrap();

        let scalar = &scalar[16..];
        let point = AwsLc::ecdsa_public(Curve::P256, scalar).unwrap();
        assert_eq!(point, RustCrypto::ecdsa_public(Curve::P256, scalar).unwrap());
        let signature = RustCrypto::sign_ecdsa(Curve::P256, scalar, &point, b"text").unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &point).verify(b"text", &signature).unwrap();
        let signature = AwsLc::sign_ecdsa(Curve::P256, scalar, &point, b"text").unwrap();
        let signature = p256::ecdsa::DerSignature::try_from(&signature[..]).unwrap();
        p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap().verify(b"text", &signature).unwrap();

        let seed = [7; 32];
        assert_eq!(AwsLc::ed25519_public(&seed), RustCrypto::ed25519_public(&seed));
        assert_eq!(AwsLc::sign_ed25519(&seed, b"text"), RustCrypto::sign_ed25519(&seed, b"text"));
    }
}
