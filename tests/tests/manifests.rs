//! Every whole manifest of `tests/vectors/sealedsecrets`: what it unseals to, offline and in the controller.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealed_secrets_crypto::{KeyRing, PrivateKey, SealingKey, SystemRandom};
use sealed_secrets_resource::document::read_stream;
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{Rules, SealedSecret, Secret, UnsealError, UnsealOptions, unseal};
use serde::Deserialize;
use serde_json::Value;

/// The uid that the reference's controller was given when its results were recorded.
const CONTROLLER_UID: &str = "3d0f2c6e-0000-4000-8000-000000000001";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct Manifest {
    id: String,
    file: String,
    description: String,
    keys: Vec<String>,
    reference_offline: Expected,
    controller: Controller,
    project: String,
    second_document: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Controller {
    Words(String),
    Differs(Expected),
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
#[allow(dead_code, reason = "read so that an unknown field fails")]
struct Expected {
    secret: Option<String>,
    error: Vec<String>,
    text: String,
    items: Vec<String>,
}

enum Failure {
    Items(Vec<String>, String),
    Other(String),
}

#[test]
fn every_manifest_unseals_or_fails_as_listed() {
    let index: Vec<Manifest> = serde_json::from_slice(&read("index.json")).unwrap();
    assert!(index.len() >= 209);
    let mut templates = 0;
    for manifest in &index {
        let input = read(&manifest.file);
        let keys = manifest.keys.iter().map(|id| {
            let pem = read(&format!("../keys/{id}/key.pkcs1.pem"));
            SealingKey::unpublished(PrivateKey::from_pem(&pem).unwrap(), Timestamp::UNIX_EPOCH)
        });
        let ring = KeyRing::new(keys.collect());
        let result = unseal_all(&input, &ring, None);
        templates += usize::from(has_templates(&input));
        check_offline(manifest, result);
        match &manifest.controller {
            Controller::Differs(expected) => {
                compare(&manifest.id, expected, unseal_all(&input, &ring, Some(CONTROLLER_UID)));
            }
            Controller::Words(words) => {
                let known = ["same as offline", "same error", "not applicable"];
                assert!(known.iter().any(|start| words.starts_with(start)), "{}: {words:?}", manifest.id);
            }
        }
    }
    assert!(templates >= 39, "only {templates} objects have spec.template.data");
    let listed: BTreeSet<_> = index.iter().map(|manifest| manifest.file.clone()).collect();
    let present = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let present: BTreeSet<_> = present
        .filter(|entry| entry.path().is_file() && entry.file_name() != "index.json")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(present, listed);
}

fn check_offline(manifest: &Manifest, result: Result<Vec<Secret>, Failure>) {
    let (id, project) = (&manifest.id, manifest.project.as_str());
    match (project, &manifest.controller) {
        ("as reference_offline", _) => compare(id, &manifest.reference_offline, result),
        // Legacy data opens offline as well; the object of a file has no uid, so it owns nothing.
        ("as controller" | "either: as controller, or the item moved to data", Controller::Differs(expected)) => {
            compare(id, expected, result);
        }
        ("error", _) => assert!(result.is_err(), "{id} must be refused"),
        ("both documents unsealed", _) => {
            let secrets = result.unwrap_or_else(|failure| panic!("{id}: {}", failure.text()));
            let expected = [&manifest.reference_offline.secret, &manifest.second_document];
            assert_eq!(secrets.len(), 2, "{id}");
            for (secret, file) in secrets.iter().zip(expected) {
                assert_eq!(
                    normalised(serde_json::to_value(secret).unwrap()),
                    expected_secret(file.as_ref().unwrap()),
                    "{id}"
                );
            }
        }
        (text, _) if text.starts_with("either") => {
            // A clear error, or whatever the reference makes of it, or no less than that.
            let Ok(secrets) = result else { return };
            let items = |secret: &Secret| secret.data.len();
            match &manifest.reference_offline.secret {
                _ if text.contains("both unsealed") => assert_eq!(secrets.len(), 2, "{id}"),
                _ if text.contains("both documents read") => {
                    assert_eq!(secrets.iter().map(items).collect::<Vec<_>>(), [1], "{id}")
                }
                Some(file) => {
                    let first = serde_json::to_value(secrets.first().unwrap()).unwrap();
                    assert_eq!(normalised(first), expected_secret(file), "{id}");
                }
                None => assert!(text.contains("opens"), "{id}: {text}"),
            }
        }
        (other, _) => panic!("{id}: unknown verdict {other:?}"),
    }
}

fn compare(id: &str, expected: &Expected, result: Result<Vec<Secret>, Failure>) {
    match (&expected.secret, result) {
        (Some(file), Ok(secrets)) => {
            assert_eq!(secrets.len(), 1, "{id}");
            let secret = normalised(serde_json::to_value(&secrets[0]).unwrap());
            assert_eq!(without_folding(secret), without_folding(expected_secret(file)), "{id}");
        }
        (None, Err(failure)) => {
            let text = failure.text();
            for (class, words) in [
                ("cannot-decrypt", "no key could decrypt secret"),
                ("bad-base64", "illegal base64 data at input byte"),
                ("template", "template: "),
                ("legacy-refused", "using deprecated 'data' field"),
                ("legacy-conflict", "at the same time"),
            ] {
                assert_eq!(expected.error.iter().any(|listed| listed == class), text.contains(words), "{id}: {text}");
            }
            if let Failure::Items(items, _) = failure {
                if !expected.items.is_empty() {
                    assert_eq!(items, expected.items, "{id}");
                }
                // Sorted, the texts are the same, offsets included.
                assert_eq!(sorted_groups(&text), sorted_groups(&expected.text), "{id}");
            }
        }
        (Some(_), Err(failure)) => panic!("{id} must open: {}", failure.text()),
        (None, Ok(_)) => panic!("{id} must fail with {}", expected.text),
    }
}

fn has_templates(input: &[u8]) -> bool {
    let documents = read_stream(input).unwrap_or_default();
    let template = documents.first().and_then(|document| document.root.get("spec")?.get("template")?.get("data"));
    template.is_some_and(|data| data.kind() == "map")
}

/// Names and groups come in random order from the reference. Of a template's error the place counts, and not the function's
/// own words; its recursion ends at another bound.
fn sorted_groups(text: &str) -> BTreeSet<(String, BTreeSet<String>)> {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    text.lines()
        .map(|line| {
            let (message, names) = line.rsplit_once(" (").unwrap_or((line, ""));
            let message = message.replace("exceeded maximum template depth (100000)", "the nesting is too deep");
            let calling = message.find(": error calling ").map(|at| at + ": error calling ".len());
            let end = calling.and_then(|at| Some(at + message[at..].find(": ")?)).unwrap_or(message.len());
            let names = names.trim_end_matches(')').split(", ").map(str::to_owned).collect();
            (message[..end].to_owned(), names)
        })
        .collect()
}

fn unseal_all(input: &[u8], ring: &KeyRing, uid: Option<&str>) -> Result<Vec<Secret>, Failure> {
    let documents = read_stream(input).map_err(|error| Failure::Other(error.to_string()))?;
    if documents.is_empty() {
        return Err(Failure::Other("no document".to_owned()));
    }
    documents
        .iter()
        .map(|document| {
            let decoded = SealedSecret::check_type(&document.root, false)
                .and_then(|()| SealedSecret::from_node(&document.root, Rules::Strict));
            let mut sealed = decoded.map_err(|error| Failure::Other(error.to_string()))?;
            if let Some(uid) = uid {
                uid.clone_into(&mut sealed.metadata.uid);
            }
            let options = UnsealOptions { accept_deprecated_data: true, last: None };
            let environment = RenderEnvironment {
                now: Timestamp::UNIX_EPOCH,
                random: &mut SystemRandom,
                limits: Limits::default(),
                stop: &|| false,
            };
            unseal(&sealed, ring, &options, environment).map(|unsealed| unsealed.secret).map_err(|error| match &error {
                UnsealError::Items(items) => {
                    Failure::Items(items.items().map(str::to_owned).collect(), error.in_full())
                }
                _ => Failure::Other(error.to_string()),
            })
        })
        .collect()
}

impl Failure {
    fn text(&self) -> String {
        match self {
            Failure::Items(_, text) | Failure::Other(text) => text.clone(),
        }
    }
}

fn expected_secret(file: &str) -> Value {
    normalised(serde_json::from_slice(&read(file)).unwrap())
}

/// The steps that the vectors' README lists before a comparison.
fn normalised(mut secret: Value) -> Value {
    let object = secret.as_object_mut().unwrap();
    if let Some(items) = object.get_mut("data").and_then(Value::as_object_mut) {
        for value in items.values_mut().filter(|value| value.is_null()) {
            *value = Value::String(String::new());
        }
    }
    let is_empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    let metadata = object.entry("metadata").or_insert_with(|| Value::Object(serde_json::Map::new()));
    let metadata = metadata.as_object_mut().unwrap();
    let has_uid = |owner: &Value| owner["uid"] != "" && owner["uid"] != CONTROLLER_UID;
    if let Some(owners) = metadata.get_mut("ownerReferences").and_then(Value::as_array_mut) {
        owners.retain(has_uid);
    }
    metadata.retain(|_, value| !is_empty(value) && value.as_array().is_none_or(|list| !list.is_empty()));
    object.retain(|name, value| name == "metadata" || !is_empty(value));
    secret
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/sealedsecrets")
}

/// The controller's results were recorded by way of YAML, which ate the spaces around a line separator; the API server
/// sends JSON, which does not.
fn without_folding(mut secret: Value) -> Value {
    if let Some(Value::String(note)) = secret.pointer_mut("/metadata/annotations/note") {
        *note = note.replace(" \u{2028} ", "\u{2028}");
    }
    secret
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}
