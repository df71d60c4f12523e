//! Recovery key files and key backups (wire-format.md section 10, decision 24).

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, KeyError, PrivateKey, SealingKey};
use zeroize::Zeroizing;

use crate::base64_text::{self, IllegalBase64};
use crate::document::{Node, NodeValue, ReadError, read_stream};
use crate::key_secret::{TLS_CERTIFICATE, TLS_PRIVATE_KEY};

/// What a key file holds.
#[derive(Debug, Clone, Default)]
pub struct KeyFile {
    /// Every usable key, each once, in the order of the file. With the age that its certificate or its Secret has.
    pub keys: Vec<SealingKey>,
    /// What else looked like a key.
    pub skipped: Vec<Skipped>,
}

/// Something that yields no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The Secret, as `namespace/name` or its number in the file; none for a file of PEM blocks.
    pub secret: Option<String>,
    /// Why.
    pub reason: SkipReason,
}

/// Why something yields no key. Says nothing of its contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// A Secret without the item; the first words are the reference's, scripts match them.
    #[error("secret must contain a '{TLS_PRIVATE_KEY}' item")]
    NoItem,
    /// The item is not Base64 text.
    #[error("{TLS_PRIVATE_KEY}: {0}")]
    Base64(#[from] IllegalBase64),
    /// The item is no text at all.
    #[error("{TLS_PRIVATE_KEY} must be Base64 text, found a {0}")]
    NotText(&'static str),
    /// The key cannot be used.
    #[error("{0}")]
    Key(#[from] KeyError),
    /// An object of another kind.
    #[error("it is of kind {0:?}, not a Secret")]
    OtherKind(String),
    /// A part of the file that cannot be read.
    #[error("{0}")]
    Unreadable(ReadError),
}

/// A file without any usable key. The caller names the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// Nothing at all.
    #[error("the file is empty")]
    Empty,
    /// PEM blocks of other kinds.
    #[error("the file holds no private key: its PEM blocks are something else, or damaged")]
    OtherPem,
    /// Neither PEM nor a readable backup.
    #[error("the file holds no private key: it is not PEM, and cannot be read as a key backup: {0}")]
    Foreign(ReadError),
    /// A List without items.
    #[error("the file holds no private key: its list is empty")]
    EmptyList,
    /// Secrets or PEM blocks, none of them usable.
    #[error("the file holds no usable private key: {}", list(.0))]
    Unusable(Vec<Skipped>),
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.secret {
            Some(secret) => write!(f, "Secret {secret}: {}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}

fn list(skipped: &[Skipped]) -> String {
    skipped.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl KeyFile {
    /// Reads every private key of a file: a PEM file with any blocks around and between the keys, or a backup, which is
    /// a Secret, a List of Secrets (also `SecretList` and one without `kind`), or several of these as documents one after
    /// the other. Labels are not looked at, and `stringData` counts as well as `data`.
    ///
    /// # Errors
    /// [`KeyFileError`] when there is no usable key at all.
    pub fn read(input: &[u8]) -> Result<KeyFile, KeyFileError> {
        if input.iter().all(u8::is_ascii_whitespace) {
            return Err(KeyFileError::Empty);
        }
        let mut found = Finder::default();
        found.pem(input, input, None, None);
        if found.file.keys.is_empty() && found.file.skipped.is_empty() {
            if input.windows(BEGIN.len()).any(|bytes| bytes == BEGIN) {
                return Err(KeyFileError::OtherPem);
            }
            found.backup(input);
        }
        let Finder { file, secrets, lists, .. } = found;
        match () {
            () if !file.keys.is_empty() => Ok(file),
            () if secrets == 0 && lists > 0 => Err(KeyFileError::EmptyList),
            () => match file.skipped.as_slice() {
                [Skipped { reason: SkipReason::Unreadable(error), .. }] => Err(KeyFileError::Foreign(error.clone())),
                _ => Err(KeyFileError::Unusable(file.skipped)),
            },
        }
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";

#[derive(Default)]
struct Finder {
    file: KeyFile,
    known: HashSet<sealed_secrets_crypto::Fingerprint>,
    /// How many objects were looked at.
    secrets: usize,
    lists: usize,
}

impl Finder {
    /// Takes the keys of a PEM text; a certificate that belongs to one of them tells its age.
    fn pem(&mut self, keys: &[u8], certificates: &[u8], created: Option<Timestamp>, secret: Option<&str>) {
        let found = PrivateKey::all_from_pem(keys);
        if secret.is_some() && found.keys.is_empty() && found.skipped.is_empty() {
            self.skip(secret, [SkipReason::Key(KeyError::NoKey)]);
        }
        self.skip(secret, found.skipped.into_iter().map(SkipReason::Key));
        let certificate = if found.keys.is_empty() { None } else { Certificate::first_from_pem(certificates).ok() };
        for key in found.keys {
            let age = created.unwrap_or(Timestamp::UNIX_EPOCH);
            let published = certificate
                .as_ref()
                .and_then(|certificate| SealingKey::new(key.clone(), certificate.clone(), certificate.not_before()));
            let key = published.unwrap_or_else(|| SealingKey::unpublished(key, age));
            if self.known.insert(key.fingerprint()) {
                self.file.keys.push(key);
            }
        }
    }

    fn backup(&mut self, input: &[u8]) {
        match read_stream(input) {
            Ok(documents) => documents.iter().for_each(|document| self.object(&document.root)),
            // A damaged document must not take the others with it.
            Err(error) => match parts(input).as_slice() {
                [_] | [] => self.skip(None, [SkipReason::Unreadable(error)]),
                several => several.iter().for_each(|part| match read_stream(part) {
                    Ok(documents) => documents.iter().for_each(|document| self.object(&document.root)),
                    Err(error) => self.skip(None, [SkipReason::Unreadable(error)]),
                }),
            },
        }
    }

    /// A Secret, or a List of them; what has items and no kind is a List.
    fn object(&mut self, node: &Node) {
        let kind = node.get_any_case("kind").and_then(Node::to_text).unwrap_or_default();
        let items = node.get_any_case("items");
        if kind == "List" || kind == "SecretList" || (kind.is_empty() && items.is_some()) {
            self.lists += 1;
            if let Some(NodeValue::Sequence(items)) = items.map(|items| &items.value) {
                items.iter().for_each(|item| self.object(item));
            }
            return;
        }
        self.secrets += 1;
        let name = self.name_of(node);
        let key = match item(node, TLS_PRIVATE_KEY) {
            Ok(key) => key,
            // Whatever it calls itself, a key is a key; without one the kind tells more.
            Err(SkipReason::NoItem) if !matches!(&*kind, "" | "Secret") => {
                return self.skip(Some(&name), [SkipReason::OtherKind(kind.into_owned())]);
            }
            Err(reason) => return self.skip(Some(&name), [reason]),
        };
        let certificate = item(node, TLS_CERTIFICATE).unwrap_or_default();
        let created = node.get_any_case("metadata").and_then(|metadata| metadata.get_any_case("creationTimestamp"));
        let created = created.and_then(Node::to_text).and_then(|text| text.parse().ok());
        self.pem(&key, &certificate, created, Some(&name));
    }

    fn name_of(&self, node: &Node) -> String {
        let field = |name| {
            let value = node.get_any_case("metadata")?.get_any_case(name)?.to_text()?;
            Some(value.into_owned()).filter(|text| !text.is_empty())
        };
        match (field("namespace"), field("name")) {
            (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
            (None, Some(name)) => name,
            _ => format!("number {}", self.secrets),
        }
    }

    fn skip(&mut self, secret: Option<&str>, reasons: impl IntoIterator<Item = SkipReason>) {
        let skipped = |reason| Skipped { secret: secret.map(str::to_owned), reason };
        self.file.skipped.extend(reasons.into_iter().map(skipped));
    }
}

/// An item of a Secret.
fn item(secret: &Node, name: &str) -> Result<Zeroizing<Vec<u8>>, SkipReason> {
    let field = |field: &str| secret.get_any_case(field).and_then(|items| items.get(name));
    match (field("stringData"), field("data")) {
        (Some(Node { value: NodeValue::String(text), .. }), _) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        (_, Some(Node { value: NodeValue::String(text), .. })) => Ok(base64_text::decode(text)?),
        (_, None) | (_, Some(Node { value: NodeValue::Null, .. })) => Err(SkipReason::NoItem),
        (_, Some(other)) => Err(SkipReason::NotText(other.kind())),
    }
}

/// The documents of a file, each behind as many empty lines as stand before it, so that errors name the right line.
pub(crate) fn parts(input: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut parts: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    for (number, line) in input.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let marker = line.strip_prefix(b"---").is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace));
        if marker || parts.is_empty() {
            parts.push(Zeroizing::new(vec![b'\n'; number]));
        }
        if let Some(part) = parts.last_mut() {
            part.extend_from_slice(line);
        }
    }
    parts
}
