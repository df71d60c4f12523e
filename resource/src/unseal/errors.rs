//! Why a SealedSecret cannot be unsealed, in two lengths: one that anybody may read, one for the owner of the values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::template::{ErrorKind, RenderError, RenderErrors};

/// Why a SealedSecret cannot be unsealed. The text goes to status, events and logs: it names items, never values, and
/// not why a key did not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnsealError {
    /// Items that did not open and templates that could not be rendered.
    #[error("{0}")]
    Items(ItemErrors),
    /// No key opens the deprecated whole-object form.
    #[error("no key could decrypt secret")]
    NoKey,
    /// The deprecated form is switched off.
    #[error("using deprecated 'data' field, use 'encryptedData' or flip the feature flag")]
    DeprecatedData,
    /// Both forms at once.
    #[error("cannot use the field 'encryptedData' and the deprecated field 'data' at the same time")]
    BothForms,
    /// What the deprecated form holds is no Secret.
    #[error("the deprecated 'data' field does not hold a Secret")]
    NotASecret,
}

impl UnsealError {
    /// The whole text, with the words of template functions: they may quote decrypted values. For those who hold the keys
    /// themselves, never for logs, events or status.
    #[must_use]
    pub fn in_full(&self) -> String {
        match self {
            UnsealError::Items(errors) => errors.in_full(),
            error => error.to_string(),
        }
    }

    /// Whether there is something that no key opened.
    #[must_use]
    pub fn is_unopened(&self) -> bool {
        match self {
            UnsealError::Items(errors) => errors.items().next().is_some(),
            error => *error == UnsealError::NoKey,
        }
    }

    /// Whether another key could help: something is of the form that keys open, and none of these does.
    #[must_use]
    pub fn lacks_key(&self) -> bool {
        match self {
            UnsealError::Items(errors) => errors.lacks_key,
            error => *error == UnsealError::NoKey,
        }
    }

    /// The templates that could not be rendered.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &RenderError)> {
        let errors = match self {
            UnsealError::Items(errors) => Some(errors),
            _ => None,
        };
        errors.into_iter().flat_map(ItemErrors::entries)
    }

    /// Whether a template went past a bound: another try costs as much again and ends the same way.
    #[must_use]
    pub fn is_past_a_bound(&self) -> bool {
        self.entries().any(|(_, error)| matches!(error.kind(), ErrorKind::Limit(_)))
    }
}

/// Why an item did not open: what is no Base64 is missing for the templates, what no key opens is empty.
pub(super) enum Unopened {
    NotBase64(String),
    NoKey(String),
}

/// Failed items and entries, grouped by message as the reference does; sorted, where the reference's order is random.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemErrors {
    /// Names of items by message.
    items: BTreeMap<String, BTreeSet<String>>,
    /// Whether one of them is of the right form.
    lacks_key: bool,
    /// Templates by name of the entry.
    entries: RenderErrors,
}

/// Failed templates that a message tells one by one. The text goes into a status, which has to fit into an object.
const ENTRIES_SHOWN: usize = 20;

/// Bytes of the message of one of them. A template can hold a name of any length.
const BYTES_SHOWN: usize = 2_000;

impl ItemErrors {
    pub(super) fn add_item(&mut self, item: &str, unopened: Unopened) {
        self.lacks_key |= matches!(unopened, Unopened::NoKey(_));
        let (Unopened::NotBase64(message) | Unopened::NoKey(message)) = unopened;
        self.items.entry(message).or_default().insert(item.to_owned());
    }

    pub(super) fn add_entries(&mut self, errors: RenderErrors) {
        self.entries.extend(errors);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && self.entries.is_empty()
    }

    /// Names of the items that did not open.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.items.values().flatten().map(String::as_str)
    }

    /// Templates that could not be rendered, by the name of their entry.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &RenderError)> {
        self.entries.iter().map(|(entry, error)| (entry.as_str(), error))
    }

    fn in_full(&self) -> String {
        self.groups(usize::MAX, |error| error.in_full().to_string())
    }

    /// `message (item, item)`, groups separated by a newline.
    fn groups(&self, entries: usize, text: impl Fn(&RenderError) -> String) -> String {
        let mut groups: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for (message, items) in &self.items {
            groups.entry(message.clone()).or_default().extend(items.iter().map(String::as_str));
        }
        for (entry, error) in self.entries().take(entries) {
            groups.entry(text(error)).or_default().insert(entry);
        }
        let line = |(message, names): (String, BTreeSet<&str>)| {
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            format!("{message} ({names})")
        };
        groups.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for ItemErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.groups(ENTRIES_SHOWN, |error| shortened(error.to_string())))?;
        match self.entries.len().saturating_sub(ENTRIES_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\nand {more} more templates"),
        }
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > BYTES_SHOWN {
        text.truncate(text.floor_char_boundary(BYTES_SHOWN));
        text.push_str("...");
    }
    text
}
