//! Brings the key Secrets of a backup back.

mod pickup;

use std::sync::LazyLock;
use std::time::Duration;

use sealed_secrets_flags::{Flag, Kind, Values};
use sealed_secrets_resource::{ACTIVE, KEY_LABEL, KeyBackup, KeyEntry, KeyFile, Secret, portable};
use serde_json::json;

use super::cluster::Cluster;
use super::is_given;
use super::table::columns;
use crate::age_file::Unlock;
use crate::cluster::Collection;
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::say;
use crate::subcommand::report::{count, name_of, print_json};
use crate::subcommand::{Subcommand, flags};
use pickup::PickUp;

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    super::with_connection(&[
        flags::IDENTITY,
        flags::PASSPHRASE_FILE,
        flags::switch("dry-run", "say what would be created, and create nothing"),
        Flag::new("wait", Kind::Duration, "how long to wait for the controller to use the keys")
            .default("20s")
            .no_env(),
        flags::OUTPUT,
    ])
});

pub(super) static RESTORE: Subcommand = Subcommand {
    name: "keys restore",
    arguments: "[flags] FILE",
    summary: "create the key Secrets of a backup that the cluster does not have",
    about: "\
Creates the key Secrets of a backup that are missing in the cluster, in the namespace that
the backup says unless --controller-namespace is given. Nothing is ever overwritten: a key
that is there under any name is left as it is, and so is a Secret that has the name of one
of the backup, but another key.

Then it asks the controller to open something that only these keys open, and says whether
it does. A controller that does not watch its key Secrets reads them when it is started.
",
    examples: &[
        ("What would happen:", "kubeseal keys restore --dry-run keys.yaml"),
        ("From an encrypted backup:", "kubeseal keys restore --identity key.txt keys.age"),
    ],
    statuses: &[
        (0, "every key of the backup is in the cluster, and the controller uses those that are active"),
        (1, "a key could not be restored, or the file cannot be read"),
        (2, "the arguments cannot be used"),
        (3, "every key is in the cluster, but the controller does not use them, or cannot be asked"),
    ],
    flags: || &TABLE,
    run,
};

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Created,
    WouldCreate,
    /// As this Secret, and whether controllers use it.
    Exists(String, bool),
    Refused(String),
}

struct Done<'b> {
    entry: &'b KeyEntry,
    namespace: String,
    fate: Fate,
}

fn run(values: &Values) -> Result<()> {
    let [file] = values.positionals() else {
        return Err(RESTORE.misused("restore needs the name of a backup"));
    };
    let backup = read(file, &Unlock::of(values))?;
    let mut cluster = Cluster::connect(values)?;
    let dry_run = values.bool("dry-run");
    let explicit = is_given(values, "controller-namespace");
    let namespace_of = |entry: &KeyEntry| match entry.secret.metadata.namespace.as_str() {
        name if !explicit && !name.is_empty() => name.to_owned(),
        _ => cluster.namespace().to_owned(),
    };
    let mut namespaces: Vec<String> = backup.entries.iter().map(namespace_of).collect();
    namespaces.sort();
    namespaces.dedup();
    let mut done = Vec::new();
    for namespace in &namespaces {
        let present = cluster.keys_of(namespace)?;
        for entry in backup.entries.iter().filter(|entry| namespace_of(entry) == *namespace) {
            let fate = restore(&cluster, namespace, entry, &present, dry_run)?;
            done.push(Done { entry, namespace: namespace.clone(), fate });
        }
    }
    if let [namespace] = namespaces.as_slice() {
        cluster.access.controller_namespace.clone_from(namespace);
    }
    let active = done.iter().filter(|one| matches!(one.fate, Fate::Created | Fate::Exists(_, true)));
    let active = active.filter(|one| restored_label(&one.entry.secret) == ACTIVE).map(|one| one.entry);
    let wait = values.duration("wait").to_std().unwrap_or(Duration::ZERO);
    let picked_up = match dry_run {
        true => PickUp::NotAsked,
        false => pickup::ask(&cluster.access, &active.collect::<Vec<_>>(), wait),
    };
    print(&done, &picked_up, flags::wants_json(values))?;
    picked_up.explain(&cluster.access);
    let refused = done.iter().any(|one| matches!(one.fate, Fate::Refused(_)));
    match picked_up {
        _ if refused || !backup.problems.is_empty() => Err(Error::Reported),
        PickUp::Uses | PickUp::NotAsked => Ok(()),
        PickUp::Lacks(_) | PickUp::Unknown(_) => Err(Error::Status(3)),
    }
}

fn read(file: &str, unlock: &Unlock) -> Result<KeyBackup> {
    let content = unlock.read(file)?;
    let backup = KeyBackup::read(&content);
    if backup.entries.is_empty() {
        // Says what a file is that holds no key at all.
        let keys = KeyFile::read(&content).map_err(|error| Error::new(format!("{file}: {error}")))?;
        let bare = count(keys.keys.len(), "key");
        return Err(Error::new(format!("{file}: the file holds {bare}, but no Secret to restore")).hint(
            "kubectl create secret tls makes a Secret of a key and its certificate; the label of sealing keys makes it one",
        ));
    }
    backup.problems.iter().for_each(|problem| say(&format!("error: {file}: left out: {problem}")));
    Ok(backup)
}

/// The label that a restored Secret has: that of the backup; what had none is meant to be used.
fn restored_label(secret: &Secret) -> &str {
    secret.metadata.labels.get(KEY_LABEL).map_or(ACTIVE, String::as_str)
}

fn restore(cluster: &Cluster, namespace: &str, entry: &KeyEntry, present: &[KeyEntry], dry_run: bool) -> Result<Fate> {
    let key = match &entry.key {
        Ok(facts) => facts.key.fingerprint(),
        Err(error) => return Ok(Fate::Refused(error.to_string())),
    };
    let name = &entry.secret.metadata.name;
    if name.is_empty() {
        return Ok(Fate::Refused("the Secret has no name".to_owned()));
    }
    if let Some(known) = present.iter().find(|known| known.fingerprint() == Some(key)) {
        let known_name = &known.secret.metadata.name;
        if known.is_active() != (restored_label(&entry.secret) == ACTIVE) {
            say(&format!(
                "note: Secret {namespace}/{known_name} is labelled {:?} in the cluster and {:?} in the backup; it stays as it is",
                known.label(),
                restored_label(&entry.secret)
            ));
        }
        return Ok(Fate::Exists(known_name.clone(), known.is_active()));
    }
    let taken = || Fate::Refused("a Secret of this name with something else in it is there".to_owned());
    if present.iter().any(|known| known.secret.metadata.name == *name) {
        return Ok(taken());
    }
    if dry_run {
        return Ok(Fate::WouldCreate);
    }
    let mut secret = portable(&entry.secret);
    let label = restored_label(&secret).to_owned();
    let metadata = &mut secret.metadata;
    metadata.labels.insert(KEY_LABEL.to_owned(), label);
    namespace.clone_into(&mut metadata.namespace);
    match cluster.objects.create(Collection::Secrets(namespace), &secret) {
        Ok(true) => Ok(Fate::Created),
        Ok(false) => Ok(taken()),
        Err(error) => Ok(Fate::Refused(error.message())),
    }
}

impl Fate {
    fn word(&self) -> &'static str {
        match self {
            Fate::Created => "created",
            Fate::WouldCreate => "would create",
            Fate::Exists(..) => "exists",
            Fate::Refused(_) => "refused",
        }
    }

    fn detail(&self, name: &str) -> String {
        match self {
            Fate::Created | Fate::WouldCreate => String::new(),
            Fate::Exists(known, _) if known == name => String::new(),
            Fate::Exists(known, _) => format!("as {known}"),
            Fate::Refused(reason) => reason.clone(),
        }
    }
}

fn print(done: &[Done<'_>], picked_up: &PickUp, as_json: bool) -> Result<()> {
    let key = |one: &Done<'_>| one.entry.fingerprint().map(|key| key.to_string());
    if as_json {
        let keys = done.iter().map(|one| {
            let name = &one.entry.secret.metadata.name;
            json!({"namespace": one.namespace, "name": name, "fingerprint": key(one),
                "result": one.fate.word(), "detail": one.fate.detail(name)})
        });
        return print_json(&json!({"keys": keys.collect::<Vec<_>>(), "controller": picked_up.word()}));
    }
    let rows = done.iter().map(|one| {
        let name = &one.entry.secret.metadata.name;
        vec![
            one.fate.word().to_owned(),
            name_of(&one.namespace, name),
            key(one).unwrap_or_else(|| "no key".to_owned()),
            one.fate.detail(name),
        ]
    });
    write_stdout(columns(&rows.collect::<Vec<_>>()).as_bytes())
}
