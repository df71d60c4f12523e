//! RSA-OAEP of short messages under the labels of other formats: for SSH keys as age recipients.

use num_bigint::BigUint;
use pkcs1::{RsaPrivateKeyRef, UintRef};
use pkcs8::der::Encode;
use zeroize::Zeroizing;

use crate::backend::{Backend, Chosen};
use crate::hybrid::SealError;
use crate::label::Label;
use crate::private_key::{KeyError, PrivateKey};
use crate::public_key::PublicKey;
use crate::random::Random;
use crate::{MAX_BITS, MIN_BITS};

/// The numbers of an RSA key as SSH keeps them, big-endian.
#[derive(Clone, Copy)]
#[allow(missing_docs, reason = "the names are those of RFC 8017 section 3.2")]
pub struct RsaNumbers<'a> {
    pub n: &'a [u8],
    pub e: &'a [u8],
    pub d: &'a [u8],
    pub p: &'a [u8],
    pub q: &'a [u8],
    pub q_inv: &'a [u8],
}

impl PublicKey {
    /// The key with this modulus and exponent, big-endian.
    ///
    /// # Errors
    /// [`KeyError::TooSmall`] and [`KeyError::TooLarge`].
    pub fn from_numbers(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyError> {
        let key = PublicKey::new(modulus, exponent);
        match key.bits() {
            bits if bits < MIN_BITS => Err(KeyError::TooSmall { bits }),
            bits if bits > MAX_BITS => Err(KeyError::TooLarge { bits }),
            _ => Ok(key),
        }
    }

    /// RSA-OAEP with SHA-256 (RFC 8017 section 7.1.1) of a message that is much shorter than the key.
    ///
    /// # Errors
    /// [`SealError`]: an unusable key or a message that is too long.
    pub fn encrypt_message(
        &self,
        label: &Label,
        message: &[u8],
        random: &mut dyn Random,
    ) -> Result<Vec<u8>, SealError> {
        let encrypting = self.encrypting().ok_or(SealError::UnusableKey { bits: self.bits() })?;
        Chosen::wrap(encrypting, label.as_bytes(), message, random).ok_or(SealError::Encryption)
    }
}

impl PrivateKey {
    /// The key with these numbers. Whether they fit together shows when it is first used.
    ///
    /// # Errors
    /// [`KeyError`]: numbers that are none of an RSA key, and sizes that are refused.
    pub fn from_numbers(numbers: &RsaNumbers<'_>) -> Result<PrivateKey, KeyError> {
        let less_one = |prime: &[u8]| {
            let prime = BigUint::from_bytes_be(prime);
            if prime.bits() < 2 { Err(KeyError::Malformed) } else { Ok(prime - 1_u8) }
        };
        let d = BigUint::from_bytes_be(numbers.d);
        let d_p = Zeroizing::new((&d % less_one(numbers.p)?).to_bytes_be());
        let d_q = Zeroizing::new((&d % less_one(numbers.q)?).to_bytes_be());
        let uint = |bytes| UintRef::new(bytes).map_err(|_| KeyError::Malformed);
        let key = RsaPrivateKeyRef {
            modulus: uint(numbers.n)?,
            public_exponent: uint(numbers.e)?,
            private_exponent: uint(numbers.d)?,
            prime1: uint(numbers.p)?,
            prime2: uint(numbers.q)?,
            exponent1: uint(&d_p)?,
            exponent2: uint(&d_q)?,
            coefficient: uint(numbers.q_inv)?,
            other_prime_infos: None,
        };
        PrivateKey::from_pkcs1(Zeroizing::new(key.to_der().map_err(|_| KeyError::Malformed)?))
    }

    /// The message of [`PublicKey::encrypt_message`]. `None` says nothing about the reason, on purpose.
    #[must_use]
    pub fn decrypt_message(&self, label: &Label, block: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        Chosen::unwrap_message(self.decrypting()?, label.as_bytes(), block)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemRandom;
    use pkcs8::der::Decode;

    #[test]
    fn a_key_made_of_its_numbers_opens_what_its_public_half_encrypted() {
        let whole = PrivateKey::from_pem(include_bytes!("../tests/data/b.key")).unwrap();
        let parts = RsaPrivateKeyRef::from_der(whole.pkcs1()).unwrap();
        let numbers = RsaNumbers {
            n: parts.modulus.as_bytes(),
            e: parts.public_exponent.as_bytes(),
            d: parts.private_exponent.as_bytes(),
            p: parts.prime1.as_bytes(),
            q: parts.prime2.as_bytes(),
            q_inv: parts.coefficient.as_bytes(),
        };
        let private = PrivateKey::from_numbers(&numbers).unwrap();
        assert_eq!(private.pkcs1(), whole.pkcs1());
        let public = PublicKey::from_numbers(numbers.n, numbers.e).unwrap();
        let label = Label::from_bytes(b"somebody's format".to_vec());
        for message in [&b""[..], b"0123456789abcdef", &[7; 100]] {
            let block = public.encrypt_message(&label, message, &mut SystemRandom).unwrap();
            assert_eq!(*private.decrypt_message(&label, &block).unwrap(), message);
            assert!(private.decrypt_message(&Label::cluster_wide(), &block).is_none());
        }
        assert_eq!(public.encrypt_message(&label, &[7; 300], &mut SystemRandom), Err(SealError::Encryption));
    }

    #[test]
    fn numbers_of_no_key_are_refused() {
        let zero = RsaNumbers { n: &[], e: &[3], d: &[1], p: &[1], q: &[0], q_inv: &[1] };
        assert_eq!(PrivateKey::from_numbers(&zero).unwrap_err(), KeyError::Malformed);
        assert_eq!(PublicKey::from_numbers(&[1; 32], &[3]).unwrap_err(), KeyError::TooSmall { bits: 249 });
    }
}
