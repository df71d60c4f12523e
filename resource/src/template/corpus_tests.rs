//! The recorded answers of Go's own engine, case by case. `tests/templates` holds them and the program that records.

#![allow(clippy::disallowed_methods)] // Reads the recorded cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::*;
use crate::decode_base64;

/// A line of a corpus file; the Go program says what the fields mean.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Case {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) entry: String,
    pub(super) template: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data64: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing)]
    pub(super) output: Option<String>,
    #[serde(skip_serializing)]
    pub(super) output64: Option<String>,
    #[serde(skip_serializing)]
    pub(super) error: Option<String>,
    #[serde(skip_serializing)]
    pub(super) bound: bool,
}

pub(super) type Items = BTreeMap<String, SecretBytes>;

/// Bytes that count up.
#[derive(Default)]
pub(super) struct Counting(u8);

impl Random for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), sealed_secrets_crypto::RandomError> {
        // Every byte has its turn, so that whoever rejects some comes to an end.
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

pub(super) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/templates/corpus")
}

/// The items that templates see unless a case brings its own.
pub(super) fn usual_items() -> Items {
    let text = std::fs::read(corpus().join("data.json")).unwrap();
    decoded(&serde_json::from_slice(&text).unwrap())
}

fn decoded(items: &BTreeMap<String, String>) -> Items {
    items.iter().map(|(name, value)| (name.clone(), SecretBytes::from(decode_base64(value).unwrap()))).collect()
}

impl Case {
    pub(super) fn items(&self, usual: &Items) -> Items {
        if self.data.is_none() && self.data64.is_none() {
            return usual.clone();
        }
        let mut items = decoded(&self.data64.clone().unwrap_or_default());
        for (name, value) in self.data.iter().flatten() {
            items.insert(name.clone(), SecretBytes::from(value.clone().into_bytes()));
        }
        items
    }

    /// What Go made of it.
    pub(super) fn expected(&self) -> Outcome {
        match (&self.output, &self.output64, &self.error) {
            (Some(text), None, None) => Outcome::Output(text.clone().into_bytes()),
            (None, Some(text), None) => Outcome::Output(decode_base64(text).unwrap().to_vec()),
            (None, None, Some(text)) => Outcome::Error(comparable(text)),
            _ => panic!("no recorded answer: {self:?}"),
        }
    }

    /// What ours makes of it.
    pub(super) fn ours(&self, usual: &Items) -> Outcome {
        let entry = if self.entry.is_empty() { "t" } else { &self.entry };
        rendered(entry, &self.template, &self.items(usual), Limits::default())
    }
}

/// Renders the template of an entry `t`.
pub(super) fn outcome(template: &str, items: &Items, limits: Limits) -> Outcome {
    rendered("t", template, items, limits)
}

fn rendered(entry: &str, template: &str, items: &Items, limits: Limits) -> Outcome {
    let templates = BTreeMap::from([(entry.to_owned(), template.to_owned())]);
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    let environment = RenderEnvironment { now, random: &mut Counting::default(), limits, stop: &|| false };
    match render_all(&templates, items, environment) {
        Ok(outputs) => Outcome::Output(outputs[entry].as_slice().to_vec()),
        Err(errors) => match errors[entry].kind() {
            ErrorKind::Limit(limit) => Outcome::Limit(limit),
            _ => Outcome::Error(comparable(&errors[entry].in_full().to_string())),
        },
    }
}

/// What came of a template.
#[derive(PartialEq, Eq)]
pub(super) enum Outcome {
    Output(Vec<u8>),
    Error(String),
    Limit(Limit),
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Output(bytes) => write!(f, "output {}", print::quote::quoted(bytes)),
            Outcome::Error(text) => write!(f, "error {text}"),
            Outcome::Limit(limit) => write!(f, "limit: {limit}"),
        }
    }
}

/// The text of an error up to `error calling f`; what follows are the function's own words.
pub(super) fn comparable(text: &str) -> String {
    const CALLING: &str = ": error calling ";
    // `range` quotes what it cannot iterate over: ours stops somewhere.
    const LONG: usize = 10_000;
    // Bytes that are no text: Go's JSON shows one sign for each, Rust one for several.
    let mut shown: Vec<char> = text.chars().collect();
    shown.dedup_by(|next, before| *next == char::REPLACEMENT_CHARACTER && before == next);
    let shown: String = shown.into_iter().collect();
    let text = &shown[..shown.floor_char_boundary(LONG)];
    let Some(at) = text.find(CALLING) else { return text.to_owned() };
    let name = at + CALLING.len();
    let end = text[name..].find(": ").map_or(text.len(), |end| name + end);
    text[..end].to_owned()
}

#[test]
fn every_recorded_case_gives_what_go_gave() {
    let usual = usual_items();
    let (mut count, mut failures) = (0, Vec::new());
    for file in std::fs::read_dir(corpus()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            let case: Case = serde_json::from_str(line).unwrap();
            count += 1;
            let ours = case.ours(&usual);
            let (agrees, expected) = match case.bound {
                true => (matches!(ours, Outcome::Limit(_)), "a bound".to_owned()),
                false => (ours == case.expected(), format!("{:?}", case.expected())),
            };
            if !agrees {
                let place = format!("{name}:{}", number + 1);
                failures.push(format!("{place} {}\n   go: {expected}\n ours: {ours:?}", case.template));
            }
        }
    }
    let shown = failures.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} cases differ:\n{shown}", failures.len());
}
