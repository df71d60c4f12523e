//! Sealing keys: seeing, backing up, restoring, renewing and retiring them.

mod backup;
mod cluster;
mod list;
mod renew;
mod restore;
mod retire;
mod table;
mod usage;
mod verify;

use sealed_secrets_flags::{Flag, Kind, Source, Values};

use super::{Subcommand, flags};
use crate::error::Result;

/// What stands behind `keys`, by name.
pub(super) static ACTIONS: &[&Subcommand] =
    &[&backup::BACKUP, &list::LIST, &renew::RENEW, &restore::RESTORE, &retire::RETIRE];

pub(super) static KEYS: Subcommand = Subcommand {
    name: "keys",
    arguments: "backup|list|renew|restore|retire",
    summary: "see, back up, restore, renew and retire the sealing keys of a cluster",
    about: "\
Works on the sealing keys of a cluster, as the permissions of the kubeconfig's user allow.
Each of the words has its own --help:

  backup   write all key Secrets to a file, encrypted or not, or check such a file
  list     show every key, and how many SealedSecrets use it
  renew    have the controller make a new key now
  restore  create the key Secrets of a backup that the cluster does not have
  retire   take old keys out of use that nothing needs
",
    examples: &[
        ("What keys there are:", "kubeseal keys list"),
        ("An encrypted backup:", "kubeseal keys backup --recipient age1… -w keys.age"),
    ],
    statuses: &[(0, "done"), (1, "something went wrong"), (2, "the arguments cannot be used")],
    flags: || &[],
    run,
};

fn run(values: &Values) -> Result<()> {
    Err(KEYS.misused(match values.positionals() {
        [] => "keys needs to be told what to do: backup, list, renew, restore or retire".to_owned(),
        [word, ..] => format!("keys does not know {word:?}; it knows backup, list, renew, restore and retire"),
    }))
}

/// The flags of an action and those that say where the controller is.
fn with_connection(own: &[Flag]) -> Vec<Flag> {
    // `-n` is understood everywhere, but who expects it to choose the keys shall read which flag does.
    let help = "not used here: keys are where --controller-namespace says";
    let in_place = |flag: Flag| match flag.name() {
        "namespace" => Flag::new("namespace", Kind::String, help).short('n').heading(flag.group()),
        _ => flag,
    };
    flags::with_connection(own).into_iter().map(in_place).collect()
}

/// Whether the flag itself says it, or its variable.
fn is_given(values: &Values, flag: &str) -> bool {
    values.source(flag) != Source::Default
}
