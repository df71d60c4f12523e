//! Moves the SealedSecrets of a repository to the newest key, in place.

mod file;
mod group;
mod object;
mod progress;
mod summary;

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;
use sealed_secrets_crypto::{Fingerprint, KeyRing, PublicKey};
use sealed_secrets_flags::{Flag, Values};

use super::{Subcommand, flags};
use crate::age_file::Unlock;
use crate::args;
use crate::error::{Error, Result};
use crate::key_files;
use crate::output::HeldBack;
use crate::repository::{FileSettings, Found, SettingsFinder, Targets, Walk, walk};
use file::Outcome;
use progress::Progress;
use summary::Summary;

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    flags::with_connection(&[
        flags::FROM_KEYS,
        flags::IDENTITY,
        flags::PASSPHRASE_FILE,
        flags::CERT,
        flags::switch("via-controller", "have the controller decrypt and encrypt instead of private keys"),
        flags::switch("check", "change nothing and list what is stale; status 1 if anything is"),
        flags::switch("dry-run", "do everything but write"),
        flags::switch("all", "encrypt again what is not stale as well"),
        flags::text("to-cert", "certificate of another cluster; the results go to --write-to"),
        flags::text("write-to", "folder for the results with --to-cert; the files themselves stay as they are"),
        flags::RECORD_KEY,
        flags::OUTPUT,
    ])
});

pub(super) static REENCRYPT: Subcommand = Subcommand {
    name: "reencrypt",
    arguments: "[flags] PATH…",
    summary: "encrypt what an old key sealed again with the newest, in all files below a path",
    about: "\
Finds SealedSecrets in every .yaml, .yml and .json file below the paths and encrypts stale
items again, in place; everything else in the files stays byte for byte. An item is stale
unless it opens with the new key or, where that is not at hand, is recorded to be sealed
with it; an item whose key cannot be told counts as stale. Plaintext stays in memory.

Offline it takes a backup of the private keys (--from-keys) and the new certificate
(--cert, or the one that .kubeseal.yaml names). With --via-controller no key is needed.
--check needs neither, if the keys are recorded.

A file that fails is left alone and named at the end; the rest is done. Interrupted at any
point, every file is either old or new; only a kill that cannot be caught leaves hidden new
files beside some of them, which may be deleted. Templates that are no YAML are skipped and
named. A file of more than 32 MiB with a SealedSecret in it is refused.

--to-cert moves a repository to another cluster: the files stay as they are, and --write-to
gets those that hold SealedSecrets. Nothing there is ever written over, so that a second
run needs an empty folder.
",
    examples: &[
        ("After the controller made a new key:", "kubeseal reencrypt --via-controller deploy/"),
        ("Without a cluster:", "kubeseal reencrypt --from-keys backup.yaml --cert new.pem deploy/"),
        ("Is anything stale, in CI:", "kubeseal reencrypt --check --cert new.pem ."),
        (
            "For another cluster:",
            "kubeseal reencrypt --from-keys backup.yaml --to-cert other.pem --write-to ../other deploy/",
        ),
    ],
    statuses: &[
        (0, "done; with --check: nothing is stale"),
        (1, "a file failed or cannot be read; with --check: something is stale"),
        (2, "the arguments cannot be used"),
        (130, "interrupted by Ctrl-C; every file is either old or new"),
    ],
    flags: || &TABLE,
    run,
};

/// Stack of a thread, in bytes; only what is used takes memory.
const STACK: usize = 16 << 20;

/// Where decrypted values come from.
enum Means {
    /// Private keys; none for a check by the records alone.
    Keys(KeyRing),
    /// The controller decrypts and encrypts.
    Controller,
}

/// What to do with every file.
struct Job<'a> {
    values: &'a Values,
    means: Means,
    targets: Targets,
    namespace: Option<String>,
    check: bool,
    dry_run: bool,
    all: bool,
    write_to: Option<PathBuf>,
    /// Whether all files are sealed for the same key, whatever their settings.
    has_one_target: bool,
    signals: HeldBack,
    /// The key that opened an item last: a good guess for the next one, in whatever file.
    last: Mutex<Option<Fingerprint>>,
    /// What makes it useless to go on.
    fatal: OnceLock<Error>,
}

fn run(values: &Values) -> Result<()> {
    let mut job = job(values)?;
    let Walk { files, failures, warnings } = walk(values.positionals());
    let finder = SettingsFinder::default();
    let settings: Vec<Result<FileSettings>> = files.iter().map(|file| finder.of(&file.path)).collect();
    job.has_one_target = !settings.iter().any(|settings| job.is_chosen_by(settings));
    check_destinations(&job, &files)?;

    let work: Vec<(&Found, &Result<FileSettings>)> = files.iter().zip(&settings).collect();
    let progress = Progress::new(work.len());
    let pool = pool(&job)?;
    let size = match job.means {
        Means::Keys(_) => group::size(work.len(), pool.current_num_threads()),
        // What took an answer of a controller is not kept waiting.
        Means::Controller => 1,
    };
    let outcomes: Vec<Outcome> = pool.install(|| {
        let some = |files| group::process_all(&job, files, &progress);
        work.par_chunks(size).with_max_len(1).flat_map_iter(some).collect()
    });
    progress.end();
    let summary = Summary::new(&job, &files, outcomes, failures, warnings);
    let fatal = job.fatal.get().cloned();
    if fatal.is_none() || !summary.is_empty() {
        summary.print(flags::wants_json(values))?;
    }
    job.signals.deliver();
    if let Some(error) = fatal {
        return Err(error);
    }
    if summary.is_success() { Ok(()) } else { Err(Error::Reported) }
}

fn job(values: &Values) -> Result<Job<'_>> {
    let misused = |message: &str| Err(REENCRYPT.misused(message));
    let (keys, via_controller, check) = (values.list("from-keys"), values.bool("via-controller"), values.bool("check"));
    let explicit_cert = values.source("cert") == sealed_secrets_flags::Source::CommandLine;
    let (to_cert, write_to) = (values.non_empty("to-cert"), values.non_empty("write-to"));
    match () {
        () if values.positionals().is_empty() => return misused("reencrypt needs a path, for example ."),
        () if to_cert.is_some() != write_to.is_some() => {
            return misused("--to-cert and --write-to go together");
        }
        () if via_controller && (to_cert.is_some() || explicit_cert) => {
            return misused("--via-controller encrypts with the controller's own key, not with another certificate");
        }
        () if via_controller && !keys.is_empty() => {
            return misused("give either private keys (--from-keys) or --via-controller");
        }
        () if explicit_cert && to_cert.is_some() => {
            return misused("give either --cert or --to-cert");
        }
        () if check && to_cert.is_some() => {
            return misused("--check looks at the files as they are; leave --to-cert away");
        }
        () if keys.is_empty() && !via_controller && !check => {
            return misused("private keys are needed (--from-keys), or a controller that has them (--via-controller)");
        }
        () => {}
    }
    let signals = HeldBack::start().map_err(|error| Error::file("handle", "signals", &error))?;
    let ring = if keys.is_empty() { KeyRing::default() } else { key_files::read(keys, &Unlock::of(values))? };
    Ok(Job {
        values,
        means: if via_controller { Means::Controller } else { Means::Keys(ring) },
        targets: match to_cert {
            Some(certificate) => Targets::only(certificate, values),
            None => Targets::new(values),
        },
        namespace: args::namespace(values),
        check,
        dry_run: values.bool("dry-run"),
        all: values.bool("all"),
        write_to: write_to.map(PathBuf::from),
        has_one_target: false,
        signals,
        last: Mutex::default(),
        fatal: OnceLock::new(),
    })
}

/// Two files of the same name below different paths would become one, and nothing that is read may be written over.
fn check_destinations(job: &Job<'_>, files: &[Found]) -> Result<()> {
    let Some(folder) = &job.write_to else { return Ok(()) };
    let sources: HashSet<PathBuf> = files.iter().filter_map(|found| fs::canonicalize(&found.path).ok()).collect();
    for found in files {
        let destination = folder.join(&found.below);
        if fs::canonicalize(&destination).is_ok_and(|real| sources.contains(&real)) {
            let message = format!("--write-to would write over {}, which is read", destination.display());
            return Err(REENCRYPT.misused(message));
        }
    }
    let mut names: Vec<_> = files.iter().map(|found| &found.below).collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::new(format!("two files would be written to {}", pair[0].display()))
            .hint("move one path at a time, each to a folder of its own")),
        None => Ok(()),
    }
}

/// Writing waits for the disk and a controller for the network, so there are more threads than cores.
fn pool(job: &Job<'_>) -> Result<rayon::ThreadPool> {
    let threads = match job.means {
        Means::Keys(_) => crate::parallel::cores() * 2,
        Means::Controller => 4,
    };
    // A thread that waits for its own items takes up another group of files meanwhile, which goes onto the same stack.
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK).build();
    built.map_err(|error| Error::new(format!("cannot start threads: {error}")))
}

impl Job<'_> {
    /// The key that a file's items should be sealed for. Where it is the same for all files, nothing can go on without it.
    ///
    /// # Errors
    /// When it cannot be had or used.
    fn target(&self, settings: &FileSettings) -> Result<PublicKey> {
        let key = match self.means {
            Means::Controller => self.targets.controller_key(settings),
            Means::Keys(_) => self.targets.key(settings),
        };
        if self.has_one_target
            && let Err(error) = &key
        {
            let _ = self.fatal.set(error.clone());
        }
        key
    }

    /// Whether the settings of a file say for whom it is sealed, or cannot be read.
    fn is_chosen_by(&self, settings: &Result<FileSettings>) -> bool {
        let Ok(FileSettings { settings, .. }) = settings else { return true };
        match self.means {
            Means::Controller => settings.controller.is_some(),
            Means::Keys(_) if self.targets.are_one() => false,
            Means::Keys(_) => settings.certificate.is_some() || settings.controller.is_some(),
        }
    }

    fn must_stop(&self) -> bool {
        self.signals.any_arrived() || self.fatal.get().is_some()
    }

    fn last(&self) -> Option<Fingerprint> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, key: Option<Fingerprint>) {
        if key.is_some() {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = key;
        }
    }
}
