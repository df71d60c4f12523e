//! Ciphertexts in inputs and results.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use sealed_secrets_crypto::{Certificate, Hints, KeyRing, Label, PrivateKey, SealingKey, SystemRandom, seal, sha256};
use sealed_secrets_resource::{decode_base64, encode_base64};
use serde_json::Value;

use super::case::corpus;

/// Shortest text that is taken for a ciphertext.
const SHORTEST: usize = 360;
/// Values whose Base64 is longer are compared by their hash.
const LONGEST_SHOWN: usize = 400;

pub(crate) struct Envelopes {
    /// Ciphertexts of the input, and what they hold.
    known: BTreeMap<String, String>,
    /// Keys and labels that the case mentions.
    candidates: BTreeSet<(String, String)>,
    cache: RefCell<BTreeMap<String, Option<String>>>,
}

impl Envelopes {
    pub(crate) fn new(case: &Value) -> Envelopes {
        let text = case.to_string();
        let mut candidates = BTreeSet::new();
        for verb in ["{{seal:", "{{sealed:", "{{kept:"] {
            for (start, _) in text.match_indices(verb) {
                let mut parts = text[start + verb.len()..].splitn(3, ':');
                candidates.insert((parts.next().unwrap().to_owned(), parts.next().unwrap().to_owned()));
            }
        }
        for label in case["labels"].as_array().into_iter().flatten() {
            candidates.extend(["a", "b", "c"].map(|key| (key.to_owned(), label.as_str().unwrap().to_owned())));
        }
        Envelopes { known: BTreeMap::new(), candidates, cache: RefCell::default() }
    }

    /// A fresh ciphertext of `KEY:LABEL:BASE64`.
    pub(crate) fn seal(&mut self, what: &str) -> String {
        let mut parts = what.splitn(3, ':').map(str::to_owned);
        let (key, label, value) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let pem = fs::read(corpus().join(format!("keys/{key}.crt"))).unwrap();
        let certificate = Certificate::first_from_pem(&pem).unwrap();
        let (key, label) = (certificate.rsa_public_key().unwrap(), Label::from_bytes(label.into_bytes()));
        let sealed = seal(key, &label, &decode_base64(&value).unwrap(), &mut SystemRandom).unwrap();
        let text = encode_base64(&sealed);
        self.known.insert(text.clone(), what.to_owned());
        text
    }

    /// The text with a marker in place of every ciphertext.
    pub(crate) fn mark(&self, text: &str) -> String {
        let in_base64 = |letter: char| letter.is_ascii_alphanumeric() || letter == '+' || letter == '/';
        let mut result = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(in_base64) {
            result.push_str(&rest[..start]);
            rest = &rest[start..];
            let run = rest.find(|letter| !in_base64(letter)).unwrap_or(rest.len());
            let padding = rest[run..].bytes().take(2).take_while(|byte| *byte == b'=').count();
            let length = if run >= SHORTEST { run + padding } else { run };
            let word = &rest[..length];
            match (run >= SHORTEST).then(|| self.marker(word)).flatten() {
                Some(marker) => result.push_str(&marker),
                None => result.push_str(word),
            }
            rest = &rest[length..];
        }
        result + rest
    }

    fn marker(&self, text: &str) -> Option<String> {
        if let Some(what) = self.known.get(text) {
            return Some(format!("{{{{kept:{}}}}}", shortened(what)));
        }
        let mut cache = self.cache.borrow_mut();
        cache.entry(text.to_owned()).or_insert_with(|| self.opened(text)).clone()
    }

    fn opened(&self, text: &str) -> Option<String> {
        let envelope = decode_base64(text).ok()?;
        let size = usize::from(u16::from_be_bytes([*envelope.first()?, *envelope.get(1)?]));
        if ![256, 384, 512].contains(&size) || envelope.len() < 2 + size + 16 {
            return None;
        }
        for (key, label) in &self.candidates {
            let pem = fs::read(corpus().join(format!("keys/{key}.key"))).unwrap();
            let private = SealingKey::unpublished(PrivateKey::from_pem(&pem).unwrap(), jiff::Timestamp::UNIX_EPOCH);
            let tried = Label::from_bytes(label.clone().into_bytes());
            if let Ok(opened) = KeyRing::new(vec![private]).open(&tried, &envelope, &Hints::default()) {
                let value = encode_base64(opened.plaintext.as_bytes());
                return Some(format!("{{{{sealed:{}}}}}", shortened(&format!("{key}:{label}:{value}"))));
            }
        }
        Some(format!("{{{{unreadable:{}}}}}", envelope.len()))
    }
}

/// `KEY:LABEL:BASE64`, with a hash in place of a long value.
fn shortened(what: &str) -> String {
    let (place, value) = what.rsplit_once(':').unwrap();
    if value.len() <= LONGEST_SHOWN {
        return what.to_owned();
    }
    let bytes = decode_base64(value).unwrap();
    format!("{place}:len={},sha256={}", bytes.len(), hex(&sha256(&[&bytes])))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
