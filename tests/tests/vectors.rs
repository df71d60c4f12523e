//! Every vector of `tests/vectors` on the compiled-in backend: envelopes, keys and certificates.
//!
//! The files are enumerated and an unknown field fails, so that a new vector cannot be passed over. Whole manifests are
//! in `manifests.rs`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, Hints, KeyRing, Label, MIN_BITS, PrivateKey, SealingKey, SystemRandom, seal};
use serde::Deserialize;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn table<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_slice(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn ring(keys: Vec<PrivateKey>) -> KeyRing {
    KeyRing::new(keys.into_iter().map(|key| SealingKey::unpublished(key, Timestamp::UNIX_EPOCH)).collect())
}

fn key(id: &str) -> PrivateKey {
    PrivateKey::from_pem(&read(&format!("keys/{id}/key.pkcs1.pem"))).unwrap()
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn open(ring: &KeyRing, label: &str, ciphertext: &str) -> Result<Vec<u8>, String> {
    let envelope = STANDARD.decode(ciphertext).unwrap();
    let opened = ring.open(&Label::from_bytes(bytes_of(label)), &envelope, &Hints::default());
    opened.map(|opened| opened.plaintext.as_bytes().to_vec()).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Plaintext {
    Base64(String),
    Repeated(Repeated),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeated {
    repeat: String,
    length: usize,
    sha256: String,
}

impl Plaintext {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Plaintext::Base64(text) => STANDARD.decode(text).unwrap(),
            Plaintext::Repeated(repeated) => {
                let unit = STANDARD.decode(&repeated.repeat).unwrap();
                let bytes: Vec<u8> = unit.into_iter().cycle().take(repeated.length).collect();
                assert_eq!(sealed_secrets_crypto::sha256(&[&bytes]).to_vec(), bytes_of(&repeated.sha256));
                bytes
            }
        }
    }
}

/// Fields that describe a vector and decide nothing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct Blob {
    id: String,
    key: String,
    label: String,
    label_text: Option<String>,
    plaintext: Plaintext,
    length: usize,
    made_by: String,
    note: Option<String>,
    ciphertext: String,
    valid: bool,
}

#[test]
fn every_valid_envelope_opens_to_its_plaintext() {
    let keys: BTreeMap<_, _> =
        ["rsa2048", "rsa3072", "rsa4096", "rsa2048-openssl"].map(|id| (id, ring(vec![key(id)]))).into();
    let blobs: Vec<Blob> = table("blobs.json");
    assert!(blobs.len() >= 126);
    for blob in blobs {
        assert!(blob.valid);
        let opened = open(&keys[blob.key.as_str()], &blob.label, &blob.ciphertext);
        let expected = blob.plaintext.bytes();
        assert_eq!(expected.len(), blob.length, "{}", blob.id);
        assert!(opened.as_ref() == Ok(&expected), "{}: {:?}", blob.id, opened.err());
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct Invalid {
    id: String,
    keys: Vec<String>,
    label: String,
    label_text: Option<String>,
    reason: String,
    stage: String,
    reference: String,
    project: String,
    error: Option<String>,
    note: Option<String>,
    plaintext: Option<Plaintext>,
    ciphertext: String,
}

#[test]
fn every_invalid_envelope_is_refused_with_the_one_error() {
    let vectors: Vec<Invalid> = table("invalid.json");
    assert!(vectors.len() >= 135);
    for vector in vectors {
        let ring = ring(vector.keys.iter().map(|id| key(id)).collect());
        match open(&ring, &vector.label, &vector.ciphertext) {
            Err(error) => assert_eq!(error, "no key could decrypt secret", "{}", vector.id),
            Ok(opened) => {
                assert_eq!(vector.project, "either", "{} must not open: {}", vector.id, vector.reason);
                assert_eq!(opened, vector.plaintext.unwrap().bytes(), "{}", vector.id);
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct ThirdParty {
    id: String,
    writer: String,
    version: String,
    key: String,
    scope: String,
    namespace: Option<String>,
    name: Option<String>,
    label: String,
    label_text: Option<String>,
    plaintext: Plaintext,
    note: Option<String>,
    length: Option<usize>,
    ciphertext: String,
    valid: bool,
}

#[test]
fn what_other_writers_sealed_opens() {
    let vectors: Vec<ThirdParty> = table("third-party.json");
    assert!(vectors.len() >= 68);
    for vector in vectors {
        let (namespace, name) = (vector.namespace.unwrap_or_default(), vector.name.unwrap_or_default());
        let label = match vector.scope.as_str() {
            "strict" => Label::strict(&namespace, &name),
            "namespace-wide" => Label::namespace_wide(&namespace),
            "cluster-wide" => Label::cluster_wide(),
            other => panic!("{}: scope {other}", vector.id),
        };
        assert_eq!(label.as_bytes(), bytes_of(&vector.label), "{}", vector.id);
        let opened = open(&ring(vec![key(&vector.key)]), &vector.label, &vector.ciphertext);
        assert!(opened == Ok(vector.plaintext.bytes()), "{} by {}", vector.id, vector.writer);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct Index {
    keys: Vec<Key>,
    private_key_files: Vec<KeyFile>,
    certificate_files: Vec<CertificateFile>,
    /// For the recovery mode of kubeseal.
    backup_files: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct Key {
    id: String,
    bits: u32,
    exponent: Option<u32>,
    modulus_sha256: Option<String>,
    fingerprint: String,
    certificate_made_by: Option<String>,
    not_before: Option<Timestamp>,
    not_after: Option<Timestamp>,
    secret_name: Option<String>,
    note: Option<String>,
    files: BTreeMap<String, String>,
}

#[test]
fn every_key_has_its_size_name_and_validity_in_each_of_its_forms() {
    let index: Index = table("keys/index.json");
    for entry in index.keys {
        for form in ["pkcs1", "pkcs8"] {
            let Some(file) = entry.files.get(form) else {
                continue;
            };
            let key = PrivateKey::from_pem(&read(&format!("keys/{file}"))).unwrap();
            assert_eq!(key.public_key().bits(), entry.bits, "{file}");
            assert_eq!(key.public_key().fingerprint().to_string(), entry.fingerprint, "{file}");
            assert_eq!(key.check(), Ok(()), "{file}");
            let again = PrivateKey::from_pem(key.to_pkcs1_pem().as_bytes()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
        }
        let pem = read(&format!("keys/{}", entry.files["certificate"]));
        let certificate = Certificate::first_from_pem(&pem).unwrap();
        assert_eq!(certificate.rsa_public_key().unwrap().fingerprint().to_string(), entry.fingerprint);
        assert!(entry.not_before.is_none_or(|time| time == certificate.not_before()), "{}", entry.id);
        assert!(entry.not_after.is_none_or(|time| time == certificate.not_after()), "{}", entry.id);
        assert_eq!(certificate.to_pem().as_bytes(), pem, "{}", entry.id);
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct KeyFile {
    file: String,
    description: String,
    parses_as_rsa_key: bool,
    parse_error: Option<String>,
    fingerprint: Option<String>,
    contains_keys: Vec<String>,
    recovery: Option<String>,
    recovery_error: Option<String>,
    reference_opens_only: Option<String>,
    project: String,
    self_test: Option<SelfTest>,
    note: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct SelfTest {
    label: Option<String>,
    plaintext: Option<Plaintext>,
    ciphertext: Option<String>,
    reference_cannot_seal: Option<String>,
    reference_opens: Option<bool>,
}

#[test]
fn every_spelling_of_a_private_key_opens_or_is_refused_as_listed() {
    let index: Index = table("keys/index.json");
    let listed: BTreeSet<_> = index.private_key_files.iter().map(|entry| entry.file.clone()).collect();
    assert_eq!(files_in("private"), listed);
    for entry in index.private_key_files {
        let found = PrivateKey::all_from_pem(&read(&format!("keys/{}", entry.file)));
        // A key that was read may still be refused when it is imported; either way nothing opens.
        let usable: Vec<_> = found.keys.into_iter().filter(|key| key.check().is_ok()).collect();
        let names: Vec<_> = usable.iter().map(|key| key.public_key().fingerprint()).collect();
        match entry.project.as_str() {
            "fails" => assert!(names.is_empty(), "{} must not yield a key", entry.file),
            "opens" => {
                let expected: Vec<_> = if entry.contains_keys.is_empty() {
                    vec![entry.fingerprint.clone().unwrap()]
                } else {
                    entry.contains_keys.iter().map(|id| key(id).public_key().fingerprint().to_string()).collect()
                };
                let names: Vec<_> = names.iter().map(ToString::to_string).collect();
                assert_eq!(names, expected, "{}", entry.file);
            }
            "either" => {}
            other => panic!("{}: {other}", entry.file),
        }
        if let Some(SelfTest { label: Some(label), plaintext: Some(plaintext), ciphertext: Some(text), .. }) =
            &entry.self_test
        {
            let opened = open(&ring(usable), label, text);
            assert!(opened == Ok(plaintext.bytes()) || entry.project != "opens" && opened.is_err(), "{}", entry.file);
        }
    }
}

#[test]
fn a_key_of_1024_bits_names_the_build_that_takes_it() {
    let result = PrivateKey::from_pem(&read("keys/private/rsa1024.pem"));
    if MIN_BITS > 1024 {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("1024-bit") && error.contains("`rustcrypto`"), "{error}");
    } else {
        assert_eq!(result.unwrap().check(), Ok(()));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct CertificateFile {
    file: String,
    description: String,
    key_of_first_certificate: Option<String>,
    seal: String,
    seal_error: Option<String>,
    fingerprint: Option<String>,
    key_secret: String,
    key_secret_error: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    note: Option<String>,
}

#[test]
fn every_certificate_file_seals_or_is_refused_as_listed() {
    let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let index: Index = table("keys/index.json");
    let listed: BTreeSet<_> = index.certificate_files.iter().map(|entry| entry.file.clone()).collect();
    assert_eq!(files_in("certificates"), listed);
    for entry in index.certificate_files {
        let file = &entry.file;
        let parsed = Certificate::first_from_pem(&read(&format!("keys/{file}")));
        assert_eq!(parsed.is_ok(), entry.key_secret == "accepted", "{file}: {parsed:?}");
        let sealed = parsed.as_ref().map_err(ToString::to_string).and_then(|certificate| {
            // The last hours of the year 9999 lie outside our calendar and are clamped.
            let time = |text: String| text.parse().unwrap_or(Timestamp::MAX);
            assert!(entry.not_before.is_none_or(|text| time(text) == certificate.not_before()), "{file}");
            assert!(entry.not_after.is_none_or(|text| time(text) == certificate.not_after()), "{file}");
            let key = certificate.rsa_public_key().map_err(|error| error.to_string())?;
            certificate.check_not_expired(now).map_err(|error| error.to_string())?;
            let envelope = seal(key, &Label::cluster_wide(), b"value", &mut SystemRandom);
            Ok((key.fingerprint().to_string(), envelope.map_err(|error| error.to_string())?))
        });
        match (entry.seal.as_str(), sealed) {
            ("accepted", Ok((name, envelope))) => {
                assert_eq!(Some(name), entry.fingerprint, "{file}");
                let ring = ring(vec![key(&entry.key_of_first_certificate.unwrap())]);
                assert_eq!(open(&ring, "", &STANDARD.encode(envelope)).unwrap(), b"value", "{file}");
            }
            ("refused", Err(error)) => {
                // The words that scripts match; the rest of the reference's texts are its library's.
                for words in [
                    "expired certificate on March 4, 2021",
                    "any valid RSA or ECDSA certificates",
                    "expected RSA public key",
                ] {
                    let listed = entry.seal_error.as_ref().is_some_and(|text| text.contains(words));
                    assert!(!listed || error.contains(words), "{file}: {error}");
                }
            }
            (expected, result) => panic!("{file} must be {expected}: {:?}", result.map(|(name, _)| name)),
        }
    }
}

fn files_in(name: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder().join("keys").join(name)).unwrap();
    entries.map(|entry| format!("{name}/{}", entry.unwrap().file_name().to_str().unwrap())).collect()
}

/// wire-format.md appendix A: label and envelope; all but the last hold `bar`.
#[test]
fn the_published_vectors_open_under_their_own_label_only() {
    let key = PrivateKey::from_pem(include_bytes!("../../crypto/tests/data/appendix-a.key")).unwrap();
    assert_eq!(key.public_key().fingerprint().to_string(), "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k");
    let ring = ring(vec![key]);
    let vectors: Vec<(String, String, String)> = table("appendix-a.json");
    assert_eq!(vectors.len(), 5);
    for (label, envelope, plaintext) in &vectors {
        for (other, ..) in &vectors {
            let opened = open(&ring, &hex(other), envelope);
            let expected = if other == label {
                Ok(plaintext.clone().into_bytes())
            } else {
                Err("no key could decrypt secret".to_owned())
            };
            assert_eq!(opened, expected, "sealed under {label:?}, opened under {other:?}");
        }
    }
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
