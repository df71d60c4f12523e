//! RSA private keys in their two DER forms, read without importing them (an import costs a quarter of a private
//! operation, and most keys of a ring are never needed).

use pkcs1::RsaPrivateKeyRef;
use pkcs8::der::asn1::OctetStringRef;
use pkcs8::der::{Decode, Encode};
use pkcs8::{AlgorithmIdentifierRef, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::private_key::KeyError;

/// Modulus and public exponent of a private key, big-endian without leading zeros.
pub(crate) struct PublicNumbers {
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
}

/// Reads the public half of an RFC 8017 `RSAPrivateKey`.
pub(crate) fn public_numbers(pkcs1: &[u8]) -> Result<PublicNumbers, KeyError> {
    let key = RsaPrivateKeyRef::from_der(pkcs1).map_err(|_| KeyError::Malformed)?;
    if key.other_prime_infos.is_some() {
        return Err(KeyError::MultiPrime);
    }
    Ok(PublicNumbers { modulus: key.modulus.as_bytes().to_vec(), exponent: key.public_exponent.as_bytes().to_vec() })
}

/// The RFC 8017 key inside an RFC 5958 wrapper.
pub(crate) fn pkcs8_to_pkcs1(pkcs8: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = PrivateKeyInfoRef::try_from(pkcs8).map_err(|_| KeyError::Malformed)?;
    if key.algorithm.oid != pkcs1::ALGORITHM_OID {
        return Err(KeyError::NotRsa);
    }
    Ok(Zeroizing::new(key.private_key.as_bytes().to_vec()))
}

/// Wraps an RFC 8017 key as RFC 5958 wants it.
pub(crate) fn pkcs1_to_pkcs8(pkcs1: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let algorithm = AlgorithmIdentifierRef { oid: pkcs1::ALGORITHM_OID, parameters: Some(pkcs8::der::AnyRef::NULL) };
    PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(pkcs1).ok()?).to_der().ok().map(Zeroizing::new)
}

/// RFC 8017 `RSAPublicKey`.
pub(crate) fn public_key(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let key = pkcs1::RsaPublicKeyRef {
        modulus: pkcs1::UintRef::new(modulus).ok()?,
        public_exponent: pkcs1::UintRef::new(exponent).ok()?,
    };
    key.to_der().ok()
}
