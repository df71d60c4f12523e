//! The certificate that carries a public key to the people who seal.
//!
//! Certificates are trusted because of where they come from, not because of who signed them: signature, issuer, key
//! usage and the start of validity are not looked at, as in the reference (wire-format.md section 9.2).

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyIdMethod, KeyUsagePurpose,
    PKCS_RSA_SHA256, PublicKeyData, SerialNumber, SignatureAlgorithm, SigningKey,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey as ParsedKey;

use crate::backend::{Backend, Chosen};
use crate::pem;
use crate::private_key::PrivateKey;
use crate::public_key::PublicKey;
use crate::random::{Random, RandomError};

/// An X.509 certificate, reduced to what sealing needs.
#[derive(Debug, Clone)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Option<PublicKey>,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// No `CERTIFICATE` block without PEM headers.
    #[error("data does not contain any valid RSA or ECDSA certificates")]
    NoCertificate,
    /// A block that is no X.509 certificate; every certificate of a chain must be readable.
    #[error("certificate {position} of the chain is malformed")]
    Malformed {
        /// Place in the text, from 1.
        position: usize,
    },
    /// RFC 5280 section 4.1.2.2 forbids it, and so does the reference.
    #[error("certificate {position} of the chain has a negative serial number")]
    NegativeSerial {
        /// Place in the text, from 1.
        position: usize,
    },
    /// An EC, Ed25519 or other key.
    #[error("expected RSA public key but found another kind of key")]
    NotRsa,
    /// The reference's words, which scripts match.
    #[error("failed to encrypt using an expired certificate on {}", english_date(*not_after))]
    Expired {
        /// End of validity.
        not_after: Timestamp,
    },
    /// The validity would end outside the calendar.
    #[error("the certificate's validity does not fit the calendar")]
    Validity,
    /// No random numbers for the serial number.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The private key could not sign.
    #[error("the certificate could not be signed")]
    Signing,
}

impl Certificate {
    /// Every certificate of a PEM text, in order. Other blocks are passed over.
    ///
    /// # Errors
    /// When there is none, or one of them is not readable: the reference refuses the whole chain then.
    pub fn chain_from_pem(text: &[u8]) -> Result<Vec<Certificate>, CertificateError> {
        let blocks = pem::blocks(text);
        let chain = blocks
            .iter()
            .filter(|block| block.label == "CERTIFICATE" && !block.has_headers)
            .enumerate()
            .map(|(index, block)| parse(&block.der, index + 1))
            .collect::<Result<Vec<_>, _>>()?;
        if chain.is_empty() { Err(CertificateError::NoCertificate) } else { Ok(chain) }
    }

    /// The certificate that counts: the first of the chain.
    ///
    /// # Errors
    /// As [`Certificate::chain_from_pem`]: the others must be readable all the same.
    pub fn first_from_pem(text: &[u8]) -> Result<Certificate, CertificateError> {
        Certificate::chain_from_pem(text)?.into_iter().next().ok_or(CertificateError::NoCertificate)
    }

    /// The key to seal for.
    ///
    /// # Errors
    /// [`CertificateError::NotRsa`].
    pub fn rsa_public_key(&self) -> Result<&PublicKey, CertificateError> {
        self.public_key.as_ref().ok_or(CertificateError::NotRsa)
    }

    /// Start of validity, whole seconds. Ranks the keys of a cluster.
    #[must_use]
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// End of validity, whole seconds; clamped to the last moment that can be represented.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Refuses a certificate whose validity has ended. That it may not have begun is fine.
    ///
    /// # Errors
    /// [`CertificateError::Expired`] when `now` is after the end of validity.
    pub fn check_not_expired(&self, now: Timestamp) -> Result<(), CertificateError> {
        if now > self.not_after { Err(CertificateError::Expired { not_after: self.not_after }) } else { Ok(()) }
    }

    /// One PEM `CERTIFICATE` block with the bytes as they came.
    #[must_use]
    pub fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::encode("CERTIFICATE", &self.der))
    }
}

fn parse(der: &[u8], position: usize) -> Result<Certificate, CertificateError> {
    let malformed = CertificateError::Malformed { position };
    let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| malformed.clone())?;
    if !rest.is_empty() {
        return Err(malformed);
    }
    if parsed.raw_serial().first().is_some_and(|byte| byte & 0x80 != 0) {
        return Err(CertificateError::NegativeSerial { position });
    }
    let public_key = match parsed.public_key().parsed() {
        Ok(ParsedKey::RSA(key)) => Some(PublicKey::new(key.modulus, key.exponent)),
        _ => None,
    };
    let validity = parsed.validity();
    Ok(Certificate {
        der: der.to_vec(),
        public_key,
        not_before: timestamp(validity.not_before.timestamp()),
        not_after: timestamp(validity.not_after.timestamp()),
    })
}

/// X.509 reaches to the last second of the year 9999, some hours further than our calendar.
fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// `March 4, 2021`: English, UTC, no leading zero.
fn english_date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%B %-d, %Y").to_string()
}

/// What goes into a new sealing certificate.
#[derive(Debug, Clone, Copy)]
pub struct CertificateProfile<'a> {
    /// Common name of issuer and subject; empty for an empty name.
    pub common_name: &'a str,
    /// Start of validity; cut to whole seconds, not back-dated.
    pub not_before: Timestamp,
    /// Length of validity.
    pub valid_for: Duration,
}

/// Makes the self-signed certificate of a sealing key (controller.md section 4.5): X.509 v3, SHA-256 with RSA, random
/// positive serial below 2^128, key usage encipherOnly and basic constraints CA, both critical, a subject key identifier
/// (the first 20 bytes of SHA-256 over the RFC 8017 public key).
///
/// # Errors
/// When the validity leaves the calendar, randomness fails, or the key cannot sign.
pub fn self_signed(
    key: &PrivateKey,
    profile: &CertificateProfile<'_>,
    random: &mut dyn Random,
) -> Result<Certificate, CertificateError> {
    let not_before = Timestamp::from_second(profile.not_before.as_second()).map_err(|_| CertificateError::Validity)?;
    let valid_for = SignedDuration::try_from(profile.valid_for).map_err(|_| CertificateError::Validity)?;
    let not_after = not_before.checked_add(valid_for).map_err(|_| CertificateError::Validity)?;

    let mut serial = [0; 16];
    random.fill(&mut serial)?;

    let signer = Signer::new(key)?;
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.not_before = calendar(not_before)?;
    params.not_after = calendar(not_after)?;
    params.distinguished_name = DistinguishedName::new();
    if !profile.common_name.is_empty() {
        params.distinguished_name.push(DnType::CommonName, profile.common_name);
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::EncipherOnly];
    params.key_identifier_method = KeyIdMethod::PreSpecified(Chosen::sha256(&[&signer.public])[..20].to_vec());

    let der = params.self_signed(&signer).map_err(|_| CertificateError::Signing)?.der().to_vec();
    parse(&der, 1)
}

pub(crate) fn calendar(time: Timestamp) -> Result<time::OffsetDateTime, CertificateError> {
    time::OffsetDateTime::from_unix_timestamp(time.as_second()).map_err(|_| CertificateError::Validity)
}

/// Our private key in the shape that `rcgen` takes; the backend signs.
struct Signer<'a> {
    key: &'a PrivateKey,
    /// RFC 8017 `RSAPublicKey`.
    public: Vec<u8>,
}

impl<'a> Signer<'a> {
    fn new(key: &'a PrivateKey) -> Result<Signer<'a>, CertificateError> {
        let public = crate::der::public_key(key.public_key().modulus(), key.public_key().exponent())
            .ok_or(CertificateError::Signing)?;
        Ok(Signer { key, public })
    }
}

impl PublicKeyData for Signer<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_RSA_SHA256
    }
}

impl SigningKey for Signer<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Chosen::sign(self.key.pkcs1(), message).ok_or(rcgen::Error::RemoteKeyError)
    }
}
