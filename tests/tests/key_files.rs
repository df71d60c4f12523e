//! Every key file and key backup of `tests/vectors/keys` as offline recovery reads it (wire-format.md section 10.2,
//! decision 24). The files are enumerated, so that a new one cannot be passed over.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sealed_secrets_resource::{KeyFile, KeyFileError};
use serde_json::Value;

fn read(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/keys").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn names_in(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/keys").join(folder);
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    std::fs::read_dir(path).unwrap().map(|entry| format!("{folder}/{}", name(entry))).collect()
}

struct Index {
    index: Value,
    fingerprints: BTreeMap<String, String>,
}

impl Index {
    fn load() -> Index {
        let index: Value = serde_json::from_slice(&read("index.json")).unwrap();
        let text = |key: &Value, field: &str| key[field].as_str().unwrap().to_owned();
        let keys = index["keys"].as_array().unwrap();
        let fingerprints = keys.iter().map(|key| (text(key, "id"), text(key, "fingerprint"))).collect();
        Index { index, fingerprints }
    }

    fn entries(&self, table: &str) -> &[Value] {
        self.index[table].as_array().unwrap()
    }

    /// The fingerprints of keys that are listed by id.
    fn of(&self, ids: &Value) -> BTreeSet<String> {
        ids.as_array().unwrap().iter().map(|id| self.fingerprints[id.as_str().unwrap()].clone()).collect()
    }
}

fn found(file: &Result<KeyFile, KeyFileError>) -> BTreeSet<String> {
    let keys = file.iter().flat_map(|file| &file.keys);
    keys.map(|key| key.fingerprint().to_string()).collect()
}

#[test]
fn every_private_key_file_opens_or_fails_as_listed() {
    let index = Index::load();
    let mut listed = BTreeSet::new();
    for entry in index.entries("private_key_files") {
        let name = entry["file"].as_str().unwrap();
        listed.insert(name.to_owned());
        let file = KeyFile::read(&read(name));
        match entry["project"].as_str().unwrap() {
            "opens" => {
                let own = entry["fingerprint"].as_str().map(str::to_owned).into_iter().collect();
                let expected = Some(index.of(&entry["contains_keys"])).filter(|keys| !keys.is_empty()).unwrap_or(own);
                assert_eq!(found(&file), expected, "{name}");
            }
            "fails" => assert!(file.is_err(), "{name} must not yield a key"),
            "either" => {}
            other => panic!("{name}: {other}"),
        }
        if let Err(error) = file {
            let message = error.to_string();
            assert!(message.len() > 10 && !message.contains("MII"), "{name}: {message}");
        }
    }
    assert_eq!(names_in("private"), listed);
}

#[test]
fn every_backup_yields_each_of_its_keys() {
    let index = Index::load();
    let mut listed = BTreeSet::new();
    for entry in index.entries("backup_files") {
        let name = entry["file"].as_str().unwrap();
        listed.insert(name.to_owned());
        let file = KeyFile::read(&read(name));
        let opens = &entry["project_opens"];
        if opens == "either" {
            continue;
        }
        let expected = index.of(opens);
        let found = found(&file);
        assert!(found.is_superset(&expected), "{name}: {:?}", file.err());
        assert_eq!(found.is_empty(), expected.is_empty(), "{name}");
    }
    assert_eq!(names_in("backups"), listed);
}

#[test]
fn large_backups_are_complete_and_their_keys_have_an_age() {
    for (name, count) in [("backups/list12.yaml", 12), ("backups/list60.yaml", 60)] {
        let file = KeyFile::read(&read(name)).unwrap();
        assert_eq!((file.keys.len(), file.skipped.len()), (count, 0), "{name}");
        assert!(file.keys.iter().all(|key| key.ordering_time().as_second() > 0), "{name}");
    }
}

#[test]
fn what_is_left_out_is_named_with_its_reason() {
    let skipped = |name: &str| {
        let file = KeyFile::read(&read(name)).unwrap();
        file.skipped.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(skipped("private/ec-then-rsa.pem"), ["private key is not an RSA key"]);
    let [foreign] = skipped("backups/list-with-foreign.yaml").try_into().unwrap();
    assert!(foreign.starts_with("Secret ") && foreign.contains("secret must contain a 'tls.key'"), "{foreign}");

    let refused = |name: &str| KeyFile::read(&read(name)).unwrap_err().to_string();
    for (name, words) in [
        ("backups/no-tls-key.yaml", "secret must contain a 'tls.key'"),
        ("backups/ec-key-secret.yaml", "private key is not an RSA key"),
        ("backups/empty-list.yaml", "its list is empty"),
        ("private/certificate-only.pem", "PEM blocks are something else"),
        ("private/public-key-only.pem", "PEM blocks are something else"),
        ("private/encrypted-pkcs8.pem", "encrypted"),
        ("private/encrypted-pkcs1.pem", "encrypted"),
        ("private/rsa512.pem", "512-bit"),
        ("private/empty.pem", "empty"),
        ("private/text.pem", "it is not PEM, and cannot be read as a key backup: line 1"),
    ] {
        let message = refused(name);
        assert!(message.contains(words), "{name}: {message}");
    }
}

/// Documents one after the other, one of them damaged or not a Secret at all.
#[test]
fn a_damaged_document_does_not_take_the_others_with_it() {
    let single = String::from_utf8(read("backups/single.yaml")).unwrap();
    let lines = single.lines().count();
    let file = KeyFile::read(format!("{single}---\nkind: Secret\ndata: [\n---\nkind: ConfigMap\n").as_bytes()).unwrap();
    assert_eq!(file.keys.len(), 1);
    let skipped: Vec<_> = file.skipped.iter().map(ToString::to_string).collect();
    let first = skipped[0].split(',').next().unwrap();
    let line: usize = first.trim_start_matches("line ").parse().unwrap();
    assert!((lines + 3..lines + 6).contains(&line), "{skipped:?}");
    assert_eq!(skipped[1], "Secret number 2: it is of kind \"ConfigMap\", not a Secret");

    let twice = KeyFile::read(format!("{single}---\n{single}").as_bytes()).unwrap();
    assert_eq!((twice.keys.len(), twice.skipped.len()), (1, 0), "the same key counts once");
}
