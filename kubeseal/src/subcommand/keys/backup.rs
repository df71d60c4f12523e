//! All key Secrets in one file.

use std::sync::LazyLock;

use sealed_secrets_flags::{Flag, Kind, Values};
use sealed_secrets_resource::document::to_yaml;
use sealed_secrets_resource::{KeyEntry, backup_document};
use zeroize::Zeroizing;

use super::cluster::Cluster;
use super::verify;
use crate::age_file::Lock;
use crate::error::{Error, Result};
use crate::output::Output;
use crate::say;
use crate::subcommand::report::count;
use crate::subcommand::{Subcommand, flags};

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    super::with_connection(&[
        Flag::new("output-file", Kind::String, "write to this file, which only you may read then")
            .short('w')
            .value_name("FILE")
            .no_env(),
        Flag::new(
            "recipient",
            Kind::Array,
            "encrypt for this public key: age1…, \"ssh-ed25519 …\" or \"ssh-rsa …\" (can be repeated)",
        )
        .short('r')
        .value_name("KEY")
        .no_env(),
        flags::switch("passphrase", "encrypt with a passphrase, which is asked for on the terminal"),
        flags::PASSPHRASE_FILE,
        flags::IDENTITY,
        flags::switch("force", "show private keys on a terminal"),
        flags::text("verify", "check this backup against the cluster instead of writing one").value_name("FILE"),
        Flag::new("output", Kind::Choice(&["text", "json"]), "what --verify prints: text or json")
            .short('o')
            .default("text")
            .no_env(),
    ])
});

pub(super) static BACKUP: Subcommand = Subcommand {
    name: "keys backup",
    arguments: "[flags]",
    summary: "write all key Secrets to a file, encrypted or not, or check such a file",
    about: "\
Writes every key Secret of the controller's namespace, also those that are no longer used
and the unlabelled sealed-secrets-key of very old releases, as a List without what only the
API server may set. kubectl apply -f makes the Secrets of it again, kubeseal keys restore
does so without ever overwriting, and --recovery-unseal opens SealedSecrets with it.

With recipients or a passphrase the file is encrypted, in the format of the age tool; every
command that reads keys takes it as it is, with --identity or the passphrase.
--passphrase-file takes the passphrase from a file, for scripts.

--verify proves that a backup covers every key that the cluster has, that each of its keys
opens what it seals, and that it opens a sample of the cluster's SealedSecrets.
",
    examples: &[
        ("Encrypted for the holder of a key:", "kubeseal keys backup --recipient age1… -w keys.age"),
        ("Encrypted with a passphrase:", "kubeseal keys backup --passphrase -w keys.age"),
        ("Not encrypted:", "kubeseal keys backup -w keys.yaml"),
        ("Is the backup complete:", "kubeseal keys backup --verify keys.age --identity key.txt"),
    ],
    statuses: &[
        (0, "written; with --verify: the backup is complete and works"),
        (1, "something went wrong; with --verify: the backup lacks a key or does not open what it should"),
        (2, "the arguments cannot be used"),
    ],
    flags: || &TABLE,
    run,
};

fn run(values: &Values) -> Result<()> {
    BACKUP.takes_no(values.positionals().first())?;
    if let Some(file) = values.non_empty("verify") {
        return verify::run(file, values);
    }
    let file = values.non_empty("output-file");
    let lock = lock(values)?;
    let mut output = Output::prepare_private(file, "yaml")?;
    if lock.is_none() && output.is_terminal() && !values.bool("force") {
        return Err(Error::new("private keys are not shown on a terminal").hint(
            "write them to a file with -w, encrypt them with --recipient or --passphrase, or insist with --force",
        ));
    }
    let cluster = Cluster::connect(values)?;
    let entries = cluster.keys()?;
    if entries.is_empty() {
        return Err(cluster.no_keys());
    }
    let document = to_yaml(&backup_document(entries.iter().map(|entry| &entry.secret)));
    let document = Zeroizing::new(document.map_err(|error| Error::new(error.to_string()))?);
    match &lock {
        Some(lock) => output.write_bytes(&lock.encrypt(document.as_bytes())?)?,
        None => output.write_bytes(document.as_bytes())?,
    }
    output.commit()?;
    tell(&entries, cluster.namespace(), lock.is_some());
    Ok(())
}

/// Who shall be able to open the backup; nobody in particular without the flags.
fn lock(values: &Values) -> Result<Option<Lock>> {
    let recipients = values.list("recipient");
    let file = values.non_empty("passphrase-file");
    match (recipients, file, values.bool("passphrase")) {
        ([], None, false) => Ok(None),
        ([], None, true) => Lock::from_terminal().map(Some),
        ([], Some(file), _) => Lock::from_passphrase_file(file).map(Some),
        (recipients, None, false) => Lock::for_recipients(recipients).map(Some),
        _ => Err(BACKUP.misused("a file is encrypted either for recipients or with a passphrase")),
    }
}

fn tell(entries: &[KeyEntry], namespace: &str, encrypted: bool) {
    for entry in entries {
        if let Err(error) = &entry.key {
            let name = &entry.secret.metadata.name;
            say(&format!("warning: Secret {namespace}/{name} is in the backup, but holds no usable key: {error}"));
        }
    }
    let usable = entries.iter().filter(|entry| entry.key.is_ok()).count();
    let how = if encrypted { "encrypted" } else { "not encrypted: whoever reads it opens every SealedSecret" };
    say(&format!("backed up {} of namespace {namespace}, {how}", count(usable, "key")));
}
