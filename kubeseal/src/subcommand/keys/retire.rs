//! Takes old keys out of use that nothing needs.

mod age;
mod files;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use sealed_secrets_crypto::Fingerprint;
use sealed_secrets_flags::{Flag, Kind, Values};
use sealed_secrets_resource::{KEY_LABEL, KeyEntry};
use serde_json::json;

use super::cluster::Cluster;
use super::table::columns;
use super::usage::{Usage, some};
use crate::cluster::Collection;
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::say;
use crate::subcommand::report::{count, name_of, print_json};
use crate::subcommand::{Subcommand, flags};

/// The label's value for keys that are out of use, as the reference's documentation has it.
const RETIRED: &str = "compromised";

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    super::with_connection(&[
        flags::text("older-than", "retire every key that was made so long ago, for example 400d or 9600h")
            .value_name("AGE"),
        Flag::new("in", Kind::Array, "look for uses in the files below this path as well (can be repeated)")
            .value_name("PATH")
            .no_env(),
        flags::switch("dry-run", "say what would be retired, and change nothing"),
        flags::OUTPUT,
    ])
});

pub(super) static RETIRE: Subcommand = Subcommand {
    name: "keys retire",
    arguments: "[flags] FINGERPRINT…",
    summary: "take old keys out of use that nothing needs",
    about: "\
Gives key Secrets the label that says that controllers shall not use them any more
(compromised); nothing is deleted, and the label active brings a key back.

Only keys are retired that nothing needs: no SealedSecret of the cluster by what the
controller noted in its status and kubeseal beside its items, and none in the files below
--in by the latter. What does not tell which key it needs may need any, so that nothing is
retired while there is such an object; kubeseal reencrypt makes them tell. The current key
is never retired, nor is the Secret sealed-secrets-key, which controllers use by its name.

A controller that does not watch its key Secrets uses a key until it is started again.
",
    examples: &[
        ("What could go:", "kubeseal keys retire --older-than 400d --in deploy/ --dry-run"),
        ("One key:", "kubeseal keys retire SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k --in deploy/"),
    ],
    statuses: &[
        (0, "done; with --older-than some keys may have been kept, which is said"),
        (1, "something went wrong, or a key that was named cannot be retired"),
        (2, "the arguments cannot be used"),
    ],
    flags: || &TABLE,
    run,
};

/// Which keys are meant.
enum Choice {
    Named(BTreeSet<Fingerprint>),
    OlderThan(SignedDuration),
}

/// What is to be done with a key.
struct Plan<'e> {
    entry: &'e KeyEntry,
    /// Why it stays.
    kept: Option<String>,
}

fn run(values: &Values) -> Result<()> {
    let choice = choice(values)?;
    let cluster = Cluster::connect(values)?;
    let entries = cluster.keys()?;
    if entries.is_empty() {
        return Err(cluster.no_keys());
    }
    if let Choice::Named(keys) = &choice
        && let Some(unknown) = keys.iter().find(|key| entries.iter().all(|entry| entry.fingerprint() != Some(**key)))
    {
        return Err(Error::new(format!("there is no key {unknown} in namespace {}", cluster.namespace()))
            .hint("kubeseal keys list shows the keys"));
    }
    // Without the controller the youngest certificate tells; both are kept if they differ.
    let published = cluster
        .published()
        .map_err(|error| error.or_hint("which key is current must be known before one is retired"))?;
    let current: Vec<Fingerprint> = KeyEntry::current(&entries).into_iter().chain([published]).collect();
    let mut usage = Usage::of(&cluster.sealed_secrets()?);
    files::add(&mut usage, values.list("in"));
    let now = Timestamp::now();
    let meant = entries.iter().filter(|entry| choice.means(entry, now));
    let mut plans: Vec<Plan<'_>> =
        meant.map(|entry| Plan { entry, kept: reason_to_keep(entry, &current, &usage) }).collect();
    let dry_run = values.bool("dry-run");
    let mut failed = false;
    for plan in plans.iter_mut().filter(|plan| plan.kept.is_none() && !dry_run) {
        // One that fails must not hide what became of the others.
        if let Err(error) = retire(&cluster, plan.entry) {
            plan.kept = Some(error.message());
            failed = true;
        }
    }
    print(&plans, cluster.namespace(), dry_run, flags::wants_json(values))?;
    if !usage.unknown.is_empty() {
        let names = some(usage.unknown.iter().map(String::as_str));
        say(&format!("note: {} do not tell which key they need: {names}", count(usage.unknown.len(), "object")));
    }
    let refused = failed || matches!(choice, Choice::Named(_)) && plans.iter().any(|plan| plan.kept.is_some());
    if refused { Err(Error::Reported) } else { Ok(()) }
}

fn choice(values: &Values) -> Result<Choice> {
    match (values.positionals(), values.non_empty("older-than")) {
        ([], None) => Err(RETIRE.misused("retire needs fingerprints, or --older-than")),
        ([], Some(text)) => match age::parse(text) {
            Some(age) => Ok(Choice::OlderThan(age)),
            None => Err(RETIRE.misused(format!("{text:?} is no age; 400d, 60w and 9600h are"))),
        },
        (_, Some(_)) => Err(RETIRE.misused("give either fingerprints or --older-than")),
        (names, None) => {
            let parse = |name: &String| {
                name.parse::<Fingerprint>()
                    .map_err(|error| RETIRE.misused(format!("{name:?} is no fingerprint: {error}")))
            };
            names.iter().map(parse).collect::<Result<_>>().map(Choice::Named)
        }
    }
}

impl Choice {
    fn means(&self, entry: &KeyEntry, now: Timestamp) -> bool {
        let Some(key) = entry.fingerprint() else { return false };
        match self {
            Choice::Named(keys) => keys.contains(&key),
            Choice::OlderThan(age) => {
                entry.is_active() && entry.made().is_some_and(|made| now.duration_since(made) > *age)
            }
        }
    }
}

/// Why a key must not be retired, if it must not.
fn reason_to_keep(entry: &KeyEntry, current: &[Fingerprint], usage: &Usage) -> Option<String> {
    let key = entry.fingerprint()?;
    if entry.is_used_by_name() {
        return Some("controllers use it by its name, whatever its label says".to_owned());
    }
    if current.contains(&key) {
        return Some("it is current".to_owned());
    }
    if !entry.is_active() {
        return Some(format!("it is out of use already, its label says {:?}", entry.label()));
    }
    let users = usage.users(key);
    match users.len() {
        0 if usage.unknown.is_empty() => None,
        0 => Some(format!("{} may need it", count(usage.unknown.len(), "object"))),
        _ => Some(format!("needed by {}", some(users))),
    }
}

fn retire(cluster: &Cluster, entry: &KeyEntry) -> Result<()> {
    let metadata = &entry.secret.metadata;
    // Refused if the Secret has changed since it was looked at.
    let version = &metadata.resource_version;
    let patch = json!({"metadata": {"resourceVersion": version, "labels": {KEY_LABEL: RETIRED}}});
    cluster.objects.patch(Collection::Secrets(cluster.namespace()), &metadata.name, &patch).map(drop)
}

fn print(plans: &[Plan<'_>], namespace: &str, dry_run: bool, as_json: bool) -> Result<()> {
    let word = |plan: &Plan<'_>| match (&plan.kept, dry_run) {
        (Some(_), _) => "kept",
        (None, true) => "would retire",
        (None, false) => "retired",
    };
    let key = |plan: &Plan<'_>| plan.entry.fingerprint().map(|key| key.to_string());
    if as_json {
        let keys = plans.iter().map(|plan| {
            json!({"namespace": namespace, "name": plan.entry.secret.metadata.name, "fingerprint": key(plan),
                "result": word(plan), "detail": plan.kept})
        });
        return print_json(&keys.collect());
    }
    if plans.is_empty() {
        return write_stdout(b"there is no key of that age in use\n");
    }
    let rows = plans.iter().map(|plan| {
        vec![
            word(plan).to_owned(),
            name_of(namespace, &plan.entry.secret.metadata.name),
            key(plan).unwrap_or_default(),
            plan.kept.clone().unwrap_or_default(),
        ]
    });
    write_stdout(columns(&rows.collect::<Vec<_>>()).as_bytes())
}
