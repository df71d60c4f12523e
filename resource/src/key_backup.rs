//! Key Secrets as a whole: what one holds, and the document that brings them back.

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, Fingerprint, KeyRing, PrivateKey, SealingKey};
use serde::Serialize;

use crate::decode::Rules;
use crate::document::{Node, NodeValue, read_stream};
use crate::key_file::parts;
use crate::key_secret::{ACTIVE, KEY_LABEL, KeySecretError, TLS_CERTIFICATE, TLS_PRIVATE_KEY, UNLABELLED_KEY};
use crate::secret::{self, Secret};

/// A key Secret, and what is known of its key.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    /// The Secret.
    pub secret: Secret,
    /// Its key, or why there is none. A certificate that is missing or damaged is no reason.
    pub key: Result<KeyFacts, KeySecretError>,
}

/// What is known of a key.
#[derive(Debug, Clone)]
pub struct KeyFacts {
    /// The key, with its certificate if that belongs to it.
    pub key: SealingKey,
    /// Why it is not published, if it is not: what is wrong with its certificate.
    pub certificate_problem: Option<String>,
}

impl KeyEntry {
    /// Looks into a Secret.
    #[must_use]
    pub fn of(secret: Secret) -> KeyEntry {
        let item = |name: &str| secret.string_data.get(name).or_else(|| secret.data.get(name));
        let bytes = |name: &str| item(name).map(|value| value.as_slice()).unwrap_or_default();
        let key = PrivateKey::from_pem(bytes(TLS_PRIVATE_KEY)).map_err(KeySecretError::Key).map(|private| {
            let age = secret.metadata.creation_timestamp.unwrap_or(Timestamp::UNIX_EPOCH);
            let (published, problem) = match Certificate::first_from_pem(bytes(TLS_CERTIFICATE)) {
                Err(error) => (None, Some(format!("{TLS_CERTIFICATE}: {error}"))),
                Ok(certificate) => {
                    let begin = certificate.not_before();
                    match SealingKey::new(private.clone(), certificate, begin) {
                        None => (None, Some(format!("{TLS_CERTIFICATE}: the certificate belongs to another key"))),
                        published => (published, None),
                    }
                }
            };
            let key = published.unwrap_or_else(|| SealingKey::unpublished(private, age));
            KeyFacts { key, certificate_problem: problem }
        });
        KeyEntry { secret, key }
    }

    /// The name of its key, if there is one.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.key.as_ref().ok().map(|facts| facts.key.fingerprint())
    }

    /// The certificate of its key, if it has one of its own.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.key.as_ref().ok().and_then(|facts| facts.key.certificate())
    }

    /// Whether controllers use the key.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.label() == ACTIVE || self.is_used_by_name()
    }

    /// Whether controllers use it whatever its label says.
    #[must_use]
    pub fn is_used_by_name(&self) -> bool {
        self.secret.metadata.name == UNLABELLED_KEY
    }

    /// The value of the key label; empty without one.
    #[must_use]
    pub fn label(&self) -> &str {
        self.secret.metadata.labels.get(KEY_LABEL).map_or("", String::as_str)
    }

    /// When the key was made: its certificate's first moment, else when its Secret was created, if that is known.
    #[must_use]
    pub fn made(&self) -> Option<Timestamp> {
        self.certificate().map(Certificate::not_before).or(self.secret.metadata.creation_timestamp)
    }

    /// The key that a controller with default settings seals with: the active one whose certificate began last.
    #[must_use]
    pub fn current<'a>(entries: impl IntoIterator<Item = &'a KeyEntry>) -> Option<Fingerprint> {
        let active = entries.into_iter().filter(|entry| entry.is_active());
        let keys = active.filter_map(|entry| entry.key.as_ref().ok()).map(|facts| facts.key.clone());
        KeyRing::new(keys.collect()).current().map(SealingKey::fingerprint)
    }
}

/// The Secrets of a backup.
#[derive(Debug, Clone, Default)]
pub struct KeyBackup {
    /// Every Secret with `tls.key`, in the order of the file.
    pub entries: Vec<KeyEntry>,
    /// What else is in the file, as `what: reason`.
    pub problems: Vec<String>,
}

impl KeyBackup {
    /// Reads the Secrets of a backup in any of the forms that [`KeyFile`](crate::KeyFile) takes, but for PEM: keys
    /// without a Secret cannot be told apart by name.
    #[must_use]
    pub fn read(input: &[u8]) -> KeyBackup {
        let mut backup = KeyBackup::default();
        match read_stream(input) {
            Ok(documents) => documents.iter().for_each(|document| backup.object(&document.root)),
            // A damaged document must not take the others with it.
            Err(error) => match parts(input).as_slice() {
                [] | [_] => backup.problems.push(format!("the file: {error}")),
                several => several.iter().for_each(|part| match read_stream(part) {
                    Ok(documents) => documents.iter().for_each(|document| backup.object(&document.root)),
                    Err(error) => backup.problems.push(format!("a document: {error}")),
                }),
            },
        }
        backup
    }

    fn object(&mut self, node: &Node) {
        let kind = node.get_any_case("kind").and_then(Node::to_text).unwrap_or_default();
        let items = node.get_any_case("items");
        if kind == "List" || kind == "SecretList" || (kind.is_empty() && items.is_some()) {
            if let Some(NodeValue::Sequence(items)) = items.map(|items| &items.value) {
                items.iter().for_each(|item| self.object(item));
            }
            return;
        }
        let line = node.position.line;
        if !matches!(&*kind, "" | secret::KIND) {
            return self.problems.push(format!("line {line}: it is of kind {kind:?}, not a Secret"));
        }
        match Secret::from_node(node, Rules::Lenient) {
            Err(error) => self.problems.push(error.to_string()),
            Ok(secret) if !holds_a_key(&secret) => {
                let name = &secret.metadata.name;
                self.problems.push(format!("line {line}: Secret {name} has no item {TLS_PRIVATE_KEY}"));
            }
            Ok(secret) => self.entries.push(KeyEntry::of(secret)),
        }
    }
}

fn holds_a_key(secret: &Secret) -> bool {
    secret.data.contains_key(TLS_PRIVATE_KEY) || secret.string_data.contains_key(TLS_PRIVATE_KEY)
}

/// The document that `kubectl apply` makes these Secrets of again: a List of them without what only the API server may
/// set, and without what ties them to other objects of the cluster they come from.
#[must_use]
pub fn backup_document<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> impl Serialize {
    List { api_version: "v1", kind: "List", items: secrets.into_iter().map(portable).collect() }
}

/// A Secret as another cluster takes it: without what belongs to the one where it was.
#[must_use]
pub fn portable(secret: &Secret) -> Secret {
    let mut secret = secret.clone();
    let metadata = &mut secret.metadata;
    metadata.strip_server_fields();
    metadata.strip_last_applied();
    metadata.generate_name.clear();
    metadata.owner_references.clear();
    metadata.finalizers.clear();
    secret
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    api_version: &'static str,
    kind: &'static str,
    items: Vec<Secret>,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::document::{to_json_compact, to_yaml};
    use crate::metadata::{ObjectMeta, OwnerReference};
    use crate::{KeyFile, SecretBytes};

    const A: (&[u8], &[u8]) = (
        include_bytes!("../../crypto/tests/data/appendix-a.key"),
        include_bytes!("../../crypto/tests/data/appendix-a.crt"),
    );
    const B: (&[u8], &[u8]) =
        (include_bytes!("../../crypto/tests/data/b.key"), include_bytes!("../../crypto/tests/data/b.crt"));

    fn secret(name: &str, label: &str, (key, certificate): (&[u8], &[u8])) -> Secret {
        let value = |bytes: &[u8]| SecretBytes::from(bytes.to_vec());
        Secret {
            kind: "Secret".to_owned(),
            api_version: "v1".to_owned(),
            metadata: ObjectMeta {
                name: name.to_owned(),
                namespace: "kube-system".to_owned(),
                labels: BTreeMap::from([(KEY_LABEL.to_owned(), label.to_owned())]),
                ..ObjectMeta::default()
            },
            data: BTreeMap::from([
                (TLS_PRIVATE_KEY.to_owned(), value(key)),
                (TLS_CERTIFICATE.to_owned(), value(certificate)),
            ]),
            r#type: "kubernetes.io/tls".to_owned(),
            ..Secret::default()
        }
    }

    #[test]
    fn a_backup_holds_nothing_of_the_server_and_reads_back() {
        let plain = secret("one", ACTIVE, A);
        let mut dressed = plain.clone();
        dressed.metadata = ObjectMeta {
            uid: "u".to_owned(),
            resource_version: "7".to_owned(),
            generate_name: "one-".to_owned(),
            generation: Some(2),
            creation_timestamp: Some(Timestamp::UNIX_EPOCH),
            owner_references: vec![OwnerReference::default()],
            finalizers: vec!["f".to_owned()],
            ..dressed.metadata
        };
        for annotation in crate::annotation::LAST_APPLIED {
            dressed.metadata.annotations.insert(annotation.to_owned(), "{}".to_owned());
        }
        for text in [
            to_yaml(&backup_document([&dressed, &secret("two", "compromised", B)])).unwrap(),
            to_json_compact(&backup_document([&dressed, &secret("two", "compromised", B)])).unwrap(),
        ] {
            let backup = KeyBackup::read(text.as_bytes());
            assert_eq!(backup.problems, [""; 0]);
            assert_eq!(backup.entries[0].secret, plain);
            assert_eq!(backup.entries[1].label(), "compromised");
            assert_eq!(KeyFile::read(text.as_bytes()).unwrap().keys.len(), 2, "recovery reads it");
        }
    }

    #[test]
    fn what_is_wrong_with_a_key_is_told_apart_from_its_certificate() {
        for (pair, usable, published) in [
            (A, true, true),
            ((A.0, B.1), true, false),
            ((A.0, b"garbage".as_slice()), true, false),
            ((A.1, A.1), false, false),
            ((b"garbage".as_slice(), A.1), false, false),
        ] {
            let entry = KeyEntry::of(secret("x", ACTIVE, pair));
            assert_eq!((entry.key.is_ok(), entry.certificate().is_some()), (usable, published), "{:?}", entry.key);
            let told = entry.key.is_ok_and(|facts| facts.certificate_problem.is_some());
            assert_eq!(told, usable && !published);
        }
    }

    #[test]
    fn only_an_active_key_with_its_certificate_is_current() {
        let entries =
            |labels: [&str; 2]| [KeyEntry::of(secret("a", labels[0], A)), KeyEntry::of(secret("b", labels[1], B))];
        let both = entries([ACTIVE, ACTIVE]);
        assert_eq!(both[0].made(), both[1].made(), "of equal age the first counts");
        assert_eq!(KeyEntry::current(&both), both[0].fingerprint());
        let only_a = entries([ACTIVE, "compromised"]);
        assert_eq!(KeyEntry::current(&only_a), only_a[0].fingerprint());
        assert_eq!(KeyEntry::current(&entries(["", "x"])), None);
        let mut by_name = secret(UNLABELLED_KEY, "", A);
        by_name.metadata.labels.clear();
        let by_name = KeyEntry::of(by_name);
        assert!(by_name.is_active());
        assert_eq!(KeyEntry::current([&by_name]), by_name.fingerprint());
    }

    #[test]
    fn one_damaged_document_leaves_the_others() {
        let good = to_yaml(&backup_document([&secret("good", ACTIVE, A)])).unwrap();
        let text = format!(
            "{good}---\nkind: Secret\n  metadata: [\n---\nkind: ConfigMap\n---\nkind: Secret\nmetadata: {{name: e}}\n"
        );
        let backup = KeyBackup::read(text.as_bytes());
        assert_eq!(backup.entries.len(), 1);
        assert_eq!(backup.problems.len(), 3, "{:?}", backup.problems);
    }
}
