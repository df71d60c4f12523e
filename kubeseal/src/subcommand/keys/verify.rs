//! Whether a backup is worth its name.

use std::collections::BTreeSet;

use sealed_secrets_crypto::{Fingerprint, KeyRing};
use sealed_secrets_flags::Values;
use sealed_secrets_resource::{KeyFile, SealedItem, SealedSecret, open_item};
use serde_json::json;

use super::cluster::Cluster;
use super::usage::some;
use crate::age_file::Unlock;
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::say;
use crate::subcommand::flags;
use crate::subcommand::report::{count, display_name, print_json};

/// How many SealedSecrets are opened.
const SAMPLE: usize = 20;
/// How many are tried for that. A cluster can have several controllers, each with keys of its own.
const MOST_TRIES: usize = 200;

/// What came out.
struct Findings {
    keys: usize,
    /// Keys of the cluster, as `namespace/name fingerprint`, that the backup lacks.
    missing: Vec<String>,
    /// Keys of the backup that do not open what they seal.
    broken: Vec<Fingerprint>,
    opened: usize,
    /// SealedSecrets that the keys of the cluster open and the backup does not.
    closed: Vec<String>,
}

pub(super) fn run(file: &str, values: &Values) -> Result<()> {
    let content = Unlock::of(values).read(file)?;
    let backup = KeyFile::read(&content).map_err(|error| Error::new(format!("{file}: {error}")))?;
    for skipped in &backup.skipped {
        say(&format!("warning: {file}: left out: {skipped}"));
    }
    let cluster = Cluster::connect(values)?;
    let findings = look(&cluster, KeyRing::new(backup.keys))?;
    if flags::wants_json(values) {
        print_json(&json!({
            "keys": findings.keys,
            "missing": findings.missing,
            "broken": findings.broken.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "opened": findings.opened,
            "notOpened": findings.closed,
            "complete": findings.is_good(),
        }))?;
    } else {
        findings.print(file)?;
    }
    if findings.is_good() { Ok(()) } else { Err(Error::Reported) }
}

fn look(cluster: &Cluster, ring: KeyRing) -> Result<Findings> {
    let entries = cluster.keys()?;
    if entries.is_empty() {
        return Err(cluster.no_keys());
    }
    let mut findings =
        Findings { keys: ring.len(), missing: Vec::new(), broken: Vec::new(), opened: 0, closed: Vec::new() };
    for entry in &entries {
        let name = format!("{}/{}", cluster.namespace(), entry.secret.metadata.name);
        match entry.fingerprint() {
            Some(key) if ring.get(key).is_none() => findings.missing.push(format!("{name} {key}")),
            Some(_) => {}
            None => say(&format!("warning: Secret {name} of the cluster holds no usable key")),
        }
    }
    let broken = ring.keys().iter().filter(|key| key.private_key().check().is_err());
    findings.broken = broken.map(sealed_secrets_crypto::SealingKey::fingerprint).collect();
    let of_cluster = entries.iter().filter_map(|entry| entry.key.as_ref().ok()).map(|facts| facts.key.clone());
    let of_cluster = KeyRing::new(of_cluster.collect());
    for sealed in candidates(&cluster.sealed_secrets()?).into_iter().take(MOST_TRIES) {
        if findings.opened + findings.closed.len() == SAMPLE {
            break;
        }
        if opens(sealed, &ring) {
            findings.opened += 1;
        } else if opens(sealed, &of_cluster) {
            findings.closed.push(display_name(&sealed.metadata));
        }
        // What neither opens belongs to another controller.
    }
    Ok(findings)
}

/// The objects that a controller opens, beginning with such as differ in the keys that they need.
fn candidates(sealed_secrets: &[SealedSecret]) -> Vec<&SealedSecret> {
    let is_synced = |sealed: &&SealedSecret| {
        let mut conditions = sealed.status.iter().flat_map(|status| &status.conditions);
        !sealed.spec.encrypted_data.is_empty() && conditions.any(|one| one.r#type == "Synced" && one.status == "True")
    };
    let keys = |sealed: &SealedSecret| sealed.status.as_ref().map(|status| status.sealed_with.clone());
    let mut seen = BTreeSet::new();
    let (mut first, more): (Vec<_>, Vec<_>) =
        sealed_secrets.iter().filter(is_synced).partition(|sealed| seen.insert(keys(sealed)));
    first.extend(more);
    first
}

fn opens(sealed: &SealedSecret, ring: &KeyRing) -> bool {
    let (label, recorded) = (sealed.label(), sealed.recorded_keys());
    let from_status = sealed.status.iter().flat_map(|status| &status.sealed_with);
    let mut last = from_status.filter_map(|text| text.parse().ok()).next();
    sealed.spec.encrypted_data.iter().all(|(item, text)| {
        let item = SealedItem { label: &label, text, recorded: recorded.of(item) };
        let opened = open_item(&item, ring, last);
        last = opened.as_ref().map(|opened| opened.key).or(last);
        opened.is_some()
    })
}

impl Findings {
    fn is_good(&self) -> bool {
        self.missing.is_empty() && self.broken.is_empty() && self.closed.is_empty()
    }

    fn print(&self, file: &str) -> Result<()> {
        let mut text = String::new();
        for missing in &self.missing {
            text.push_str(&format!("missing  {missing}\n"));
        }
        for broken in &self.broken {
            text.push_str(&format!("broken   {broken}: it does not open what it seals\n"));
        }
        if !self.closed.is_empty() {
            let names = some(self.closed.iter().map(String::as_str));
            text.push_str(&format!("closed   the keys of the cluster open these, the backup does not: {names}\n"));
        }
        let sample = match self.opened {
            0 => "there was no SealedSecret to try".to_owned(),
            opened => format!("it opens {} of the cluster", count(opened, "SealedSecret")),
        };
        let verdict = if self.is_good() { "covers every key of the cluster" } else { "is not good enough" };
        text.push_str(&format!("{file}: the backup with {} {verdict}; {sample}\n", count(self.keys, "key")));
        write_stdout(text.as_bytes())
    }
}
