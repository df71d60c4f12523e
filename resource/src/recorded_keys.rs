//! Which key sealed which item, as recorded beside the items.

use std::collections::BTreeMap;
use std::fmt;

use sealed_secrets_crypto::Fingerprint;

/// The value of the `sealed-with` annotation: the fingerprint for all items, then exceptions, such as
/// `SHA256:abc…; password=SHA256:def…` (design.md section 5). A hint only: whatever is unreadable is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedKeys {
    all: Option<Fingerprint>,
    exceptions: BTreeMap<String, Fingerprint>,
}

impl RecordedKeys {
    /// One key for every item.
    #[must_use]
    pub fn all(fingerprint: Fingerprint) -> RecordedKeys {
        RecordedKeys { all: Some(fingerprint), exceptions: BTreeMap::new() }
    }

    /// Reads the annotation.
    #[must_use]
    pub fn parse(text: &str) -> RecordedKeys {
        let mut recorded = RecordedKeys::default();
        for part in text.split(';').map(str::trim) {
            // Neither Base64 without padding nor `SHA256:` holds an equals sign; an item name may.
            match part.rsplit_once('=') {
                None => recorded.all = recorded.all.or(part.parse().ok()),
                Some((item, fingerprint)) => {
                    if let Ok(fingerprint) = fingerprint.parse() {
                        recorded.exceptions.insert(item.to_owned(), fingerprint);
                    }
                }
            }
        }
        recorded
    }

    /// The record for an object with these items, `None` where the key of an item is not known.
    ///
    /// Named for all is the key of most items, the one named so before on a tie; but none while any is unknown, so that
    /// nothing is recorded that nobody knows.
    #[must_use]
    pub fn of_items(items: &BTreeMap<String, Option<Fingerprint>>, before: &RecordedKeys) -> RecordedKeys {
        let mut counts = BTreeMap::new();
        for key in items.values() {
            *counts.entry(*key).or_insert(0_usize) += 1;
        }
        let usual = counts.iter().max_by_key(|(key, count)| (**count, **key == before.all));
        let all = usual.and_then(|(key, _)| *key).filter(|_| !counts.contains_key(&None));
        let exceptions = items.iter().filter_map(|(item, key)| Some((item.clone(), (*key)?)));
        RecordedKeys { all, exceptions: exceptions.filter(|(_, key)| Some(*key) != all).collect() }
    }

    /// What is wrong with the text of an annotation on an object with these items.
    #[must_use]
    pub fn problems<'i>(&self, text: &str, items: impl Iterator<Item = &'i str>) -> Vec<String> {
        let mut problems = Vec::new();
        let readable = |part: &str| {
            let fingerprint = part.rsplit_once('=').map_or(part, |(_, fingerprint)| fingerprint);
            fingerprint.parse::<Fingerprint>().is_ok()
        };
        if !text.split(';').map(str::trim).all(readable) {
            problems.push("has a part that is no fingerprint".to_owned());
        }
        let items: Vec<&str> = items.collect();
        let unknown = self.exceptions.keys().filter(|item| !items.contains(&item.as_str()));
        problems.extend(unknown.map(|item| format!("names item {item}, which is not there")));
        problems
    }

    /// The key recorded for an item.
    #[must_use]
    pub fn of(&self, item: &str) -> Option<Fingerprint> {
        self.exceptions.get(item).copied().or(self.all)
    }
}

impl fmt::Display for RecordedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all.iter().map(ToString::to_string);
        let exceptions = self.exceptions.iter().map(|(item, fingerprint)| format!("{item}={fingerprint}"));
        f.write_str(&all.chain(exceptions).collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";
    const B: &str = "SHA256:f8gTXjO+stWO5k/7r4FTwNEmsDTovyLTzajvCubDVOU";

    #[test]
    fn the_annotation_reads_back_and_damage_only_loses_the_hint() {
        let text = format!("{A}; a=b={B}; x={B}");
        let recorded = RecordedKeys::parse(&text);
        assert_eq!(recorded.to_string(), text);
        assert_eq!(recorded.of("x"), B.parse().ok());
        assert_eq!(recorded.of("a=b"), B.parse().ok());
        assert_eq!(recorded.of("y"), A.parse().ok());
        assert_eq!(RecordedKeys::parse("rubbish; x=SHA256:short;;="), RecordedKeys::default());
        assert_eq!(RecordedKeys::default().to_string(), "");
    }

    #[test]
    fn the_record_of_an_object_names_its_usual_key_and_nothing_unknown() {
        let record = |items: &[(&str, &str)], before: &str| {
            let items = items.iter().map(|(item, key)| ((*item).to_owned(), key.parse().ok()));
            RecordedKeys::of_items(&items.collect(), &RecordedKeys::parse(before)).to_string()
        };
        assert_eq!(record(&[("x", A), ("y", A), ("z", B)], B), format!("{A}; z={B}"));
        assert_eq!(record(&[("x", A), ("y", B)], A), format!("{A}; y={B}"));
        assert_eq!(record(&[("x", A), ("y", B)], B), format!("{B}; x={A}"));
        assert_eq!(record(&[("x", B), ("y", B)], A), B);
        assert_eq!(record(&[("x", "?"), ("y", B)], ""), format!("y={B}"));
        assert_eq!(record(&[("x", "?")], ""), "");
    }
}
