//! Results in a form that can be compared.

use std::collections::BTreeMap;

use sealed_secrets_crypto::sha256;
use sealed_secrets_resource::document::read_stream;
use serde_json::{Value, json};

use super::case::{Entry, Outcome};
use super::envelope::{Envelopes, hex};

pub(crate) struct Views<'a> {
    pub(crate) outcome: &'a Outcome,
    pub(crate) envelopes: &'a Envelopes,
    /// Paths that are left out of the comparison.
    pub(crate) drop: Vec<Vec<String>>,
}

impl Views<'_> {
    /// Text without what differs from run to run.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.replace(&self.outcome.directory.display().to_string(), "{{dir}}");
        if let Some(servers) = &self.outcome.servers {
            let url = servers.url();
            text = text.replace(url, "{{mock}}").replace(url.split_once("//").unwrap().1, "{{mockhost}}");
        }
        text.replace("\r\n", "\n")
    }

    /// Cleaned text with markers for ciphertexts.
    pub(crate) fn text(&self, bytes: &[u8]) -> String {
        self.clean(&self.envelopes.mark(&String::from_utf8_lossy(bytes)))
    }

    /// Bytes as `kind`, or as what they look like.
    pub(crate) fn bytes(&self, bytes: &[u8], kind: Option<&str>) -> Value {
        if bytes.is_empty() {
            return json!({"kind": "empty"});
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return json!({"kind": "bytes", "sha256": hex(&sha256(&[bytes])), "len": bytes.len()});
        };
        let plain = || json!({"kind": "text", "text": self.text(bytes)});
        match kind.unwrap_or_else(|| look(text)) {
            "json" => match self.json(text) {
                Some(text) => json!({"kind": "json", "text": text}),
                None => plain(),
            },
            "data" => json!({"kind": "data", "docs": self.documents(text)}),
            "yaml" => json!({"kind": "yaml", "marked": text.starts_with("---\n"), "docs": self.documents(text)}),
            _ => plain(),
        }
    }

    fn json(&self, text: &str) -> Option<String> {
        let documents: Vec<Value> =
            serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()?;
        let text = if self.drop.is_empty() {
            text.to_owned()
        } else {
            let pretty =
                |document: Value| serde_json::to_string_pretty(&self.without_dropped(document)).unwrap() + "\n";
            documents.into_iter().map(pretty).collect()
        };
        Some(self.text(text.as_bytes()))
    }

    fn documents(&self, text: &str) -> Value {
        match read_stream(text.as_bytes()) {
            Ok(documents) => {
                documents.iter().map(|document| self.walk(self.without_dropped(document.root.to_json()))).collect()
            }
            Err(error) => format!("cannot be read: {error}").into(),
        }
    }

    /// Markers in every string.
    pub(crate) fn walk(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.envelopes.mark(&text).into(),
            Value::Array(list) => list.into_iter().map(|value| self.walk(value)).collect(),
            Value::Object(map) => map.into_iter().map(|(key, value)| (key, self.walk(value))).collect(),
            other => other,
        }
    }

    fn without_dropped(&self, mut document: Value) -> Value {
        for path in &self.drop {
            let (last, before) = path.split_last().unwrap();
            let parent = before.iter().try_fold(&mut document, |value, step| value.get_mut(step));
            if let Some(Value::Object(map)) = parent {
                map.shift_remove(last);
            }
        }
        document
    }

    pub(crate) fn entry(&self, entry: Option<&Entry>, kind: Option<&str>) -> Value {
        match entry {
            None => json!({"kind": "absent"}),
            Some(Entry::Link(to)) => json!({"kind": "symlink", "to": self.clean(to)}),
            Some(Entry::Directory { mode }) => json!({"kind": "directory", "mode": mode}),
            Some(Entry::File { mode, content }) => {
                let mut view = self.bytes(content, kind);
                view["mode"] = mode.as_str().into();
                view
            }
        }
    }

    /// What a file holds, with markers; through one symbolic link.
    pub(crate) fn content(&self, name: &str) -> String {
        let after: &BTreeMap<String, Entry> = &self.outcome.after;
        match after.get(name) {
            Some(Entry::Link(to)) => match after.get(to) {
                Some(Entry::File { content, .. }) => self.text(content),
                _ => String::new(),
            },
            Some(Entry::File { content, .. }) => self.text(content),
            _ => String::new(),
        }
    }
}

fn look(text: &str) -> &'static str {
    let first_word = text.split_once(':').filter(|(word, rest)| {
        word.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && word.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
            && rest.starts_with([' ', '\n'])
    });
    if text.trim_start().starts_with('{') {
        "json"
    } else if text.starts_with("---\n") || first_word.is_some() {
        "yaml"
    } else {
        "text"
    }
}
