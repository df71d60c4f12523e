//! Every sealing key, and who uses it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use sealed_secrets_crypto::{Fingerprint, SealingKey};
use sealed_secrets_flags::{Flag, Values};
use sealed_secrets_resource::{KeyBackup, KeyEntry, KeyFile};
use serde_json::{Value, json};

use super::cluster::{Cluster, sort};
use super::table::columns;
use super::usage::Usage;
use crate::age_file::Unlock;
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::say;
use crate::subcommand::report::{count, name_of, print_json};
use crate::subcommand::{Subcommand, flags};

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    super::with_connection(&[flags::FROM_KEYS, flags::IDENTITY, flags::PASSPHRASE_FILE, flags::OUTPUT])
});

pub(super) static LIST: Subcommand = Subcommand {
    name: "keys list",
    arguments: "[flags]",
    summary: "show every sealing key, and how many SealedSecrets use it",
    about: "\
Shows the sealing keys of a cluster or of backups: the key Secret, the fingerprint, when it
was created, how long its certificate is valid, whether controllers use it, and which is
current, that is, sealed with. USED BY counts SealedSecrets of all namespaces, by what the
controller noted in their status and kubeseal beside their items; how many of them tell
nothing is said. From a file nothing is known of uses.
",
    examples: &[
        ("The keys of the cluster:", "kubeseal keys list"),
        ("The keys of an encrypted backup:", "kubeseal keys list --from-keys keys.age --identity key.txt"),
    ],
    statuses: &[
        (0, "done"),
        (1, "something went wrong, there are no keys, or one of them cannot be used"),
        (2, "the arguments cannot be used"),
    ],
    flags: || &TABLE,
    run,
};

/// What is listed.
struct Listing {
    rows: Vec<Row>,
    usage: Option<Usage>,
}

/// One key, or one thing that should be one.
struct Row {
    name: String,
    key: Option<Fingerprint>,
    bits: Option<u32>,
    created: Option<Timestamp>,
    validity: Option<(Timestamp, Timestamp)>,
    label: String,
    active: bool,
    current: bool,
    problem: Option<String>,
}

fn run(values: &Values) -> Result<()> {
    LIST.takes_no(values.positionals().first())?;
    let listing = match values.list("from-keys") {
        [] => of_cluster(&Cluster::connect(values)?)?,
        files => of_files(files, &Unlock::of(values))?,
    };
    if flags::wants_json(values) {
        print_json(&listing.as_json())?;
    } else {
        write_stdout(listing.as_text().as_bytes())?;
        listing.notes().iter().for_each(|note| say(note));
    }
    // A key without a usable certificate still opens.
    if listing.rows.iter().any(|row| row.key.is_none()) { Err(Error::Reported) } else { Ok(()) }
}

fn of_cluster(cluster: &Cluster) -> Result<Listing> {
    let entries = cluster.keys()?;
    if entries.is_empty() {
        return Err(cluster.no_keys());
    }
    let current = match cluster.published() {
        Ok(published) => Some(published),
        Err(error) => {
            say(&format!("note: {}; current is the key with the youngest certificate", error.message()));
            KeyEntry::current(&entries)
        }
    };
    let usage = cluster.sealed_secrets().map(|sealed| Usage::of(&sealed));
    let usage = usage.map_err(|error| say(&format!("note: nothing is known of uses: {}", error.message()))).ok();
    Ok(Listing { rows: entries.iter().map(|entry| Row::of(entry, current)).collect(), usage })
}

fn of_files(files: &[String], unlock: &Unlock) -> Result<Listing> {
    let mut rows = Vec::new();
    for name in files {
        let content = unlock.read(name)?;
        let mut backup = KeyBackup::read(&content);
        if backup.entries.is_empty() {
            // Also says what a file is that holds no key at all.
            let file = KeyFile::read(&content).map_err(|error| Error::new(format!("{name}: {error}")))?;
            rows.extend(file.keys.iter().map(|key| Row::without_secret(name, key)));
            continue;
        }
        backup.problems.iter().for_each(|problem| say(&format!("warning: {name}: left out: {problem}")));
        sort(&mut backup.entries);
        let current = KeyEntry::current(&backup.entries);
        rows.extend(backup.entries.iter().map(|entry| Row::of(entry, current)));
    }
    Ok(Listing { rows, usage: None })
}

impl Row {
    fn of(entry: &KeyEntry, current: Option<Fingerprint>) -> Row {
        let metadata = &entry.secret.metadata;
        let problem = match &entry.key {
            Err(error) => Some(error.to_string()),
            Ok(facts) => facts.certificate_problem.clone(),
        };
        Row {
            name: name_of(&metadata.namespace, &metadata.name),
            key: entry.fingerprint(),
            bits: entry.key.as_ref().ok().map(|facts| facts.key.private_key().public_key().bits()),
            created: metadata.creation_timestamp,
            validity: entry.certificate().map(|one| (one.not_before(), one.not_after())),
            label: entry.label().to_owned(),
            active: entry.is_active(),
            current: current.is_some() && entry.fingerprint() == current,
            problem,
        }
    }

    fn without_secret(file: &str, key: &SealingKey) -> Row {
        Row {
            name: file.to_owned(),
            key: Some(key.fingerprint()),
            bits: Some(key.private_key().public_key().bits()),
            created: None,
            validity: key.certificate().map(|one| (one.not_before(), one.not_after())),
            label: String::new(),
            active: false,
            current: false,
            problem: None,
        }
    }

    fn state(&self) -> &str {
        match self.label.as_str() {
            _ if self.key.is_none() => "unusable",
            _ if self.current => "current",
            _ if self.active => sealed_secrets_resource::ACTIVE,
            "" => "no label",
            label => label,
        }
    }
}

impl Listing {
    fn users(&self, row: &Row) -> Option<usize> {
        self.usage.as_ref().zip(row.key).map(|(usage, key)| usage.users(key).len())
    }

    fn unknown(&self) -> usize {
        self.usage.as_ref().map_or(0, |usage| usage.unknown.len())
    }

    fn as_text(&self) -> String {
        let head = ["NAME", "FINGERPRINT", "CREATED", "NOT BEFORE", "NOT AFTER", "STATE", "USED BY"];
        let time = |time: Option<Timestamp>| time.map_or_else(|| "unknown".to_owned(), |time| time.to_string());
        let rows = self.rows.iter().map(|row| {
            let users = match self.users(row) {
                None => "unknown".to_owned(),
                Some(users) if self.unknown() > 0 => format!("{users} or more"),
                Some(users) => users.to_string(),
            };
            vec![
                row.name.clone(),
                row.key.map_or_else(|| "none".to_owned(), |key| key.to_string()),
                time(row.created),
                time(row.validity.map(|(begin, _)| begin)),
                time(row.validity.map(|(_, end)| end)),
                row.state().to_owned(),
                users,
            ]
        });
        let rows: Vec<_> = std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect();
        columns(&rows)
    }

    /// What does not fit into columns.
    fn notes(&self) -> Vec<String> {
        let problems = self.rows.iter().filter_map(|row| Some((row, row.problem.as_ref()?)));
        let mut notes: Vec<String> =
            problems.map(|(row, problem)| format!("warning: Secret {}: {problem}", row.name)).collect();
        let Some(usage) = &self.usage else { return notes };
        if !usage.unknown.is_empty() {
            let (unknown, total) = (usage.unknown.len(), count(usage.total, "SealedSecret"));
            notes.push(format!("note: {unknown} of {total} do not tell which key they need"));
        }
        let known: BTreeSet<Fingerprint> = self.rows.iter().filter_map(|row| row.key).collect();
        for (key, users) in usage.missing(&known) {
            notes.push(format!("warning: {} {key}, which is not here", needed_by(users)));
        }
        notes
    }

    fn as_json(&self) -> Value {
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let keys = self.rows.iter().map(|row| {
            json!({
                "name": row.name,
                "fingerprint": row.key.map(|key| key.to_string()),
                "bits": row.bits,
                "created": time(row.created),
                "notBefore": time(row.validity.map(|(begin, _)| begin)),
                "notAfter": time(row.validity.map(|(_, end)| end)),
                "label": row.label,
                "active": row.active,
                "current": row.current,
                "usedBy": self.users(row),
                "problem": row.problem,
            })
        });
        let sealed = self.usage.as_ref().map(|usage| json!({"total": usage.total, "unknownKey": usage.unknown.len()}));
        json!({"keys": keys.collect::<Vec<_>>(), "sealedSecrets": sealed})
    }
}

fn needed_by(users: usize) -> String {
    if users == 1 { "1 SealedSecret needs".to_owned() } else { format!("{users} SealedSecrets need") }
}
