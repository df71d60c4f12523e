//! Which SealedSecrets need which key.

use std::collections::{BTreeMap, BTreeSet};

use sealed_secrets_crypto::Fingerprint;
use sealed_secrets_resource::{KeyUse, SealedSecret, keys_of_object};

use crate::subcommand::report::display_name;

/// Who needs what.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// By key, the names of those that are known to need it.
    users: BTreeMap<Fingerprint, BTreeSet<String>>,
    /// Those of which it is not known, at least not for all items.
    pub(super) unknown: BTreeSet<String>,
    /// How many were looked at.
    pub(super) total: usize,
}

impl Usage {
    /// Of the objects of a cluster.
    pub(super) fn of(sealed_secrets: &[SealedSecret]) -> Usage {
        let mut usage = Usage::default();
        for sealed in sealed_secrets {
            usage.add(display_name(&sealed.metadata), keys_of_object(sealed));
        }
        usage
    }

    /// Counts one more user.
    pub(super) fn add(&mut self, name: String, used: KeyUse) {
        self.total += 1;
        for key in used.keys {
            self.users.entry(key).or_default().insert(name.clone());
        }
        if !used.complete {
            self.unknown.insert(name);
        }
    }

    /// Counts something that cannot be looked into.
    pub(super) fn add_unknown(&mut self, name: String) {
        self.add(name, KeyUse::default());
    }

    /// Those that are known to need the key.
    pub(super) fn users(&self, key: Fingerprint) -> impl ExactSizeIterator<Item = &str> {
        static NOBODY: BTreeSet<String> = BTreeSet::new();
        self.users.get(&key).unwrap_or(&NOBODY).iter().map(String::as_str)
    }

    /// Keys that are needed and not among these, with the number of those that need them.
    pub(super) fn missing(&self, known: &BTreeSet<Fingerprint>) -> Vec<(Fingerprint, usize)> {
        let missing = self.users.iter().filter(|(key, _)| !known.contains(key));
        missing.map(|(key, users)| (*key, users.len())).collect()
    }
}

/// Some of the names, and how many more there are.
pub(super) fn some<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 3;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(some(["a", "b", "c"].into_iter()), "a, b, c");
        assert_eq!(some(["a", "b", "c", "d", "e"].into_iter()), "a, b, c and 2 more");
    }
}
