//! Certificates that templates make: authorities, and servers or clients signed by themselves or by one.

use std::net::IpAddr;

use jiff::Timestamp;
use pkcs8::der::asn1::{AnyRef, BitStringRef};
use pkcs8::der::{Decode, Encode};
use rcgen::string::PrintableString;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

use crate::backend::{Backend, Chosen};
use crate::certificate::calendar;
use crate::pem;
use crate::random::{Random, RandomError};
use crate::signing_key::{SigningKey, SigningKeyError};

/// What goes into a certificate. Times are cut to whole seconds.
#[derive(Debug, Clone, Copy)]
pub struct CertificateRequest<'a> {
    /// Common name of the subject; empty for an empty name.
    pub common_name: &'a str,
    /// Start of validity.
    pub not_before: Timestamp,
    /// End of validity; may lie before the start.
    pub not_after: Timestamp,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// DNS names, ASCII.
    pub names: &'a [String],
    /// IP addresses.
    pub addresses: &'a [IpAddr],
}

/// A certificate with its private key, to sign others with.
#[derive(Debug)]
pub struct Authority {
    key: SigningKey,
    /// The subject as it stands in the certificate: the issuer of others must be the same bytes.
    subject: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
}

/// Why a certificate cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The authority's text holds no readable certificate.
    #[error("unable to decode certificate")]
    NoCertificate,
    /// The authority's key is of no use.
    #[error("parsing private key: {0}")]
    Key(#[from] SigningKeyError),
    /// Certificate and key of the authority do not belong together.
    #[error("provided private key doesn't match parent's public key")]
    Mismatch,
    /// A DNS name is not ASCII.
    #[error("a DNS name cannot be encoded as an IA5String")]
    Name,
    /// A time lies outside of the calendar.
    #[error("the certificate's validity does not fit the calendar")]
    Validity,
    /// The private key could not sign.
    #[error("the certificate could not be signed")]
    Signing,
    /// No random numbers for the serial number.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Authority {
    /// Takes the first PEM block of each text. Whether the certificate is one of an authority is not looked at, as in the
    /// reference.
    ///
    /// # Errors
    /// When one of them cannot be read, or they do not belong together.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Authority, IssueError> {
        let blocks = pem::blocks(certificate);
        let der = &blocks.first().ok_or(IssueError::NoCertificate)?.der;
        let parsed = whole_certificate(der)?;
        let key = SigningKey::from_pem(key)?;
        if *parsed.public_key().subject_public_key.data != *key.der_bytes() {
            return Err(IssueError::Mismatch);
        }
        let key_identifier = parsed.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
            _ => None,
        });
        Ok(Authority { key, subject: parsed.subject().as_raw().to_vec(), key_identifier })
    }
}

/// Whether the first PEM block is a readable certificate.
///
/// # Errors
/// [`IssueError::NoCertificate`]
pub fn check_certificate_pem(text: &[u8]) -> Result<(), IssueError> {
    whole_certificate(&pem::blocks(text).first().ok_or(IssueError::NoCertificate)?.der).map(|_| ())
}

fn whole_certificate(der: &[u8]) -> Result<X509Certificate<'_>, IssueError> {
    match X509Certificate::from_der(der) {
        Ok((&[], parsed)) => Ok(parsed),
        _ => Err(IssueError::NoCertificate),
    }
}

/// Makes a certificate as PEM: X.509 v3, random serial number below 2^128, for signing and key encipherment by servers and
/// clients. Without an authority it is signed by its own key.
///
/// # Errors
/// When a name or time does not fit, randomness fails, or the key cannot sign.
pub fn issue(
    request: &CertificateRequest<'_>,
    key: &SigningKey,
    authority: Option<&Authority>,
    random: &mut dyn Random,
) -> Result<String, IssueError> {
    let mut params = parameters(request, key)?;
    let mut serial = [0; 16];
    random.fill(&mut serial)?;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let certificate = match authority {
        None => params.self_signed(key).map_err(|_| IssueError::Signing)?.der().to_vec(),
        Some(authority) => signed_by(authority, params, key)?,
    };
    Ok(std::mem::take(&mut *pem::encode("CERTIFICATE", &certificate)))
}

fn parameters(request: &CertificateRequest<'_>, key: &SigningKey) -> Result<CertificateParams, IssueError> {
    let mut params = CertificateParams::default();
    params.not_before = calendar(request.not_before).map_err(|_| IssueError::Validity)?;
    params.not_after = calendar(request.not_after).map_err(|_| IssueError::Validity)?;
    params.distinguished_name = DistinguishedName::new();
    if !request.common_name.is_empty() {
        let printable = PrintableString::try_from(request.common_name).map(DnValue::PrintableString);
        let name = printable.unwrap_or_else(|_| DnValue::Utf8String(request.common_name.to_owned()));
        params.distinguished_name.push(DnType::CommonName, name);
    }
    for name in request.names {
        params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().map_err(|_| IssueError::Name)?));
    }
    params.subject_alt_names.extend(request.addresses.iter().map(|address| SanType::IpAddress(address.to_canonical())));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.key_identifier_method = KeyIdMethod::PreSpecified(Chosen::sha256(&[key.der_bytes()])[..20].to_vec());
    if request.is_authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages.push(KeyUsagePurpose::KeyCertSign);
    } else {
        // Written here because the library would add a key identifier, which the reference does not.
        let mut constraints = CustomExtension::from_oid_content(&[2, 5, 29, 19], vec![0x30, 0]);
        constraints.set_criticality(true);
        params.custom_extensions.push(constraints);
    }
    Ok(params)
}

fn signed_by(authority: &Authority, mut params: CertificateParams, key: &SigningKey) -> Result<Vec<u8>, IssueError> {
    let mut own = CertificateParams::default();
    own.distinguished_name = DistinguishedName::new();
    if let Some(identifier) = &authority.key_identifier {
        own.key_identifier_method = KeyIdMethod::PreSpecified(identifier.clone());
        params.use_authority_key_identifier_extension = true;
    }
    let issuer = Issuer::from_params(&own, &authority.key);
    let certificate = params.signed_by(key, &issuer).map_err(|_| IssueError::Signing)?;
    with_issuer(certificate.der(), authority).ok_or(IssueError::Signing)
}

/// Puts the authority's subject where the issuer stands, and signs again: the library builds names from parts and knows no
/// name that has a part twice.
fn with_issuer(certificate: &[u8], authority: &Authority) -> Option<Vec<u8>> {
    let parts = Vec::<AnyRef<'_>>::from_der(certificate).ok()?;
    let [contents, algorithm, _] = parts[..] else { return None };
    let contents = contents.to_der().ok()?;
    // Version, serial number, algorithm, issuer, …
    let mut fields = Vec::<AnyRef<'_>>::from_der(&contents).ok()?;
    *fields.get_mut(3)? = AnyRef::from_der(&authority.subject).ok()?;
    let contents = fields.to_der().ok()?;
    let signature = authority.key.signature(&contents)?;
    let signature = BitStringRef::from_bytes(&signature).ok()?.to_der().ok()?;
    vec![AnyRef::from_der(&contents).ok()?, algorithm, AnyRef::from_der(&signature).ok()?].to_der().ok()
}
