//! Keys and certificates for templates, on the compiled-in backend.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use sealed_secrets_crypto::{
    Authority, CertificateRequest, IssueError, SigningKey, SigningKeyError, SystemRandom, issue,
};
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::{GeneralName, X509Certificate};

const AUTHORITY: &[u8] = include_bytes!("data/authority.crt");
const AUTHORITY_KEY: &[u8] = include_bytes!("data/authority.key");

fn request<'a>(names: &'a [String], addresses: &'a [IpAddr]) -> CertificateRequest<'a> {
    let not_before = Timestamp::from_second(1_700_000_000).unwrap();
    CertificateRequest {
        common_name: "web",
        not_before,
        not_after: not_before + SignedDuration::from_hours(24),
        is_authority: false,
        names,
        addresses,
    }
}

fn with_certificate<T>(pem: &str, look: impl FnOnce(&X509Certificate<'_>) -> T) -> T {
    let (_, block) = parse_x509_pem(pem.as_bytes()).unwrap();
    look(&block.parse_x509().unwrap())
}

#[test]
fn keys_keep_the_form_that_the_reference_writes() {
    let table: [(&[u8], &[u8]); 4] = [
        (AUTHORITY_KEY, AUTHORITY_KEY),
        (include_bytes!("data/authority-pkcs8.key"), AUTHORITY_KEY),
        (include_bytes!("data/p384.key"), include_bytes!("data/p384.key")),
        (include_bytes!("data/ed25519.key"), include_bytes!("data/ed25519.key")),
    ];
    for (given, written) in table {
        assert_eq!(SigningKey::from_pem(given).unwrap().to_pem().unwrap().as_bytes(), written);
    }
}

#[test]
fn new_keys_read_back_as_they_were_written() {
    for (key, label) in [
        (SigningKey::generate_p256(&mut SystemRandom).unwrap(), "-----BEGIN EC PRIVATE KEY-----"),
        (SigningKey::generate_ed25519(&mut SystemRandom).unwrap(), "-----BEGIN PRIVATE KEY-----"),
    ] {
        let pem = key.to_pem().unwrap();
        assert!(pem.starts_with(label));
        assert_eq!(SigningKey::from_pem(pem.as_bytes()).unwrap().to_pem().unwrap(), pem);
    }
}

#[test]
fn what_is_no_usable_key_is_refused_by_name() {
    let block = |label: &str| format!("-----BEGIN {label}-----\nZm9v\n-----END {label}-----\n").into_bytes();
    assert_eq!(SigningKey::from_pem(b"").unwrap_err(), SigningKeyError::NoPem);
    assert_eq!(SigningKey::from_pem(AUTHORITY).unwrap_err(), SigningKeyError::NoKey);
    assert_eq!(SigningKey::from_pem(&block("DSA PRIVATE KEY")).unwrap_err(), SigningKeyError::Unsupported);
    assert_eq!(SigningKey::from_pem(&block("EC PRIVATE KEY")).unwrap_err(), SigningKeyError::Malformed);
    assert_eq!(SigningKey::from_pem(&block("PRIVATE KEY")).unwrap_err(), SigningKeyError::Malformed);
    assert!(!format!("{:?}", SigningKey::from_pem(AUTHORITY_KEY).unwrap()).contains("ME"));
}

#[test]
fn a_signed_certificate_names_its_authority_byte_for_byte() {
    let names = ["a.example".to_owned(), "*.b.example".to_owned()];
    let addresses = ["10.0.0.1".parse().unwrap(), "::1".parse().unwrap(), "::ffff:10.0.0.2".parse().unwrap()];
    let authority = Authority::from_pem(AUTHORITY, AUTHORITY_KEY).unwrap();
    let key = SigningKey::generate_ed25519(&mut SystemRandom).unwrap();
    let pem = issue(&request(&names, &addresses), &key, Some(&authority), &mut SystemRandom).unwrap();

    let (_, parent) = parse_x509_pem(AUTHORITY).unwrap();
    let parent = parent.parse_x509().unwrap();
    with_certificate(&pem, |certificate| {
        // Two domain components and a part of two values: names that are put together from parts lose some of them.
        assert_eq!(certificate.issuer().as_raw(), parent.subject().as_raw());
        assert_eq!(certificate.subject().to_string(), "CN=web");
        assert_eq!(certificate.validity().not_before.timestamp(), 1_700_000_000);
        assert_eq!(certificate.validity().not_after.timestamp(), 1_700_086_400);
        assert!(!certificate.is_ca());
        assert_eq!(certificate.signature_algorithm.algorithm.to_string(), "1.2.840.10045.4.3.2");
        let usage = certificate.key_usage().unwrap().unwrap().value;
        assert!(usage.digital_signature() && usage.key_encipherment() && !usage.key_cert_sign());
        let usage = certificate.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.server_auth && usage.client_auth);
        let names = certificate.subject_alternative_name().unwrap().unwrap();
        let expected = [
            GeneralName::DNSName("a.example"),
            GeneralName::DNSName("*.b.example"),
            GeneralName::IPAddress(&[10, 0, 0, 1]),
            GeneralName::IPAddress(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            GeneralName::IPAddress(&[10, 0, 0, 2]),
        ];
        assert_eq!(names.value.general_names, expected);
    });
}

#[test]
fn an_authority_signs_itself_and_may_sign_others() {
    let request = CertificateRequest { is_authority: true, common_name: "Prüfstelle", ..request(&[], &[]) };
    let key = SigningKey::generate_p256(&mut SystemRandom).unwrap();
    let pem = issue(&request, &key, None, &mut SystemRandom).unwrap();
    with_certificate(&pem, |certificate| {
        assert_eq!(certificate.issuer().as_raw(), certificate.subject().as_raw());
        assert_eq!(certificate.subject().to_string(), "CN=Prüfstelle");
        assert!(certificate.is_ca());
        assert!(certificate.key_usage().unwrap().unwrap().value.key_cert_sign());
    });
    Authority::from_pem(pem.as_bytes(), key.to_pem().unwrap().as_bytes()).unwrap();
}

#[test]
fn an_authority_needs_a_certificate_and_its_own_key() {
    let other = SigningKey::generate_p256(&mut SystemRandom).unwrap().to_pem().unwrap();
    assert_eq!(Authority::from_pem(AUTHORITY, other.as_bytes()).unwrap_err(), IssueError::Mismatch);
    assert_eq!(Authority::from_pem(b"", AUTHORITY_KEY).unwrap_err(), IssueError::NoCertificate);
    assert_eq!(Authority::from_pem(AUTHORITY_KEY, AUTHORITY_KEY).unwrap_err(), IssueError::NoCertificate);
    assert_eq!(Authority::from_pem(AUTHORITY, b"").unwrap_err(), IssueError::Key(SigningKeyError::NoPem));
}

#[test]
fn a_name_that_no_certificate_can_hold_is_an_error() {
    let key = SigningKey::generate_ed25519(&mut SystemRandom).unwrap();
    let names = ["é.example".to_owned()];
    let issued = issue(&request(&names, &[]), &key, None, &mut SystemRandom);
    assert_eq!(issued.unwrap_err(), IssueError::Name);
}
