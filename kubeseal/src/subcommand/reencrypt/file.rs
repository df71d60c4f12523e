//! One file: read, judged, changed, written.

use std::fs;
use std::path::Path;

use rayon::prelude::*;
use sealed_secrets_resource::{ApplyError, SealedFile};

use super::object::{ObjectOutcome, process as process_object};
use super::{Job, flags};
use crate::error::{Error, Result};
use crate::output::{replace_one_of_many, unchanged_meanwhile};
use crate::repository::{self, Contents, FileSettings, Found};

/// What came of a file.
pub(super) enum Outcome {
    /// It holds no SealedSecret.
    Irrelevant,
    /// Every object was dealt with, and the file was written if it had to be.
    Done { objects: Vec<ObjectOutcome>, changed: bool },
    /// It is not for this program.
    Skipped(String),
    /// It is as it was, because of this.
    Failed(Vec<Error>),
    /// It is as it was, because it cannot be told for whom to seal it.
    WithoutTarget(Error),
    /// The run was ended before.
    NotReached,
}

impl Outcome {
    pub(super) fn is_changed(&self) -> bool {
        matches!(self, Outcome::Done { changed: true, .. })
    }
}

pub(super) fn process(job: &Job<'_>, found: &Found, settings: &Result<FileSettings>) -> Outcome {
    if job.must_stop() {
        return Outcome::NotReached;
    }
    let text = match repository::read(&found.path, "SealedSecret") {
        Ok(Contents::Relevant(text)) => text,
        Ok(Contents::Irrelevant) => return Outcome::Irrelevant,
        Err(error) => return Outcome::Failed(vec![error]),
    };
    let name = found.path.to_string_lossy();
    let failed = |error: &ApplyError| Outcome::Failed(vec![Error::new(format!("{name}: {error}"))]);
    let file = match SealedFile::read_mixed(&text) {
        Ok(file) => file,
        Err(ApplyError::Read(_)) if repository::is_template(&text) => {
            return Outcome::Skipped("a template, no YAML before it is rendered".to_owned());
        }
        Err(error) => return failed(&error),
    };
    if file.objects().len() == 0 {
        return Outcome::Irrelevant;
    }
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return Outcome::WithoutTarget(error.clone()),
    };
    let target = match job.target(settings) {
        Ok(target) => target,
        Err(_) if job.has_one_target => return Outcome::NotReached,
        Err(error) => return Outcome::WithoutTarget(error),
    };
    let record = flags::records_key(job.values, settings.settings.record_key);

    let objects: Vec<_> = file.objects().collect();
    let results: Vec<_> =
        objects.par_iter().map(|sealed| process_object(job, sealed, settings, &target, record)).collect();
    if job.must_stop() {
        return Outcome::NotReached;
    }
    let (mut outcomes, mut changes, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (index, result) in results.into_iter().enumerate() {
        match result {
            Ok((mut outcome, change)) => {
                outcome.line = file.line_of(index);
                changes.extend(change.map(|change| (index, change)));
                outcomes.push(outcome);
            }
            Err(found) => {
                let place = format!("{name}:{}: ", file.line_of(index));
                errors.extend(found.into_iter().map(|error| error.prefix(&place)));
            }
        }
    }
    if !errors.is_empty() {
        return Outcome::Failed(errors);
    }
    let changed = !changes.is_empty();
    if !job.check && (changed || job.write_to.is_some()) {
        let edited = match file.with_changes(&changes) {
            Ok(edited) => edited,
            Err(error) => return failed(&error),
        };
        let written = match &job.write_to {
            Some(folder) => write_anew(job, &folder.join(&found.below), edited.as_bytes()),
            None if job.dry_run => Ok(()),
            None => unchanged_meanwhile(&found.path, &text)
                .and_then(|()| replace_one_of_many(&found.path, edited.as_bytes(), &job.signals)),
        };
        if let Err(error) = written {
            return Outcome::Failed(vec![error]);
        }
        if job.signals.any_arrived() {
            return Outcome::NotReached;
        }
    }
    Outcome::Done { objects: outcomes, changed }
}

/// Writes a file that is not there yet.
fn write_anew(job: &Job<'_>, destination: &Path, content: &[u8]) -> Result<()> {
    if fs::symlink_metadata(destination).is_ok() {
        return Err(Error::new(format!("{}: the file is there already", destination.display()))
            .hint("move it away, or choose another folder with --write-to"));
    }
    if job.dry_run {
        return Ok(());
    }
    if let Some(parent) = destination.parent() {
        fs::create_dir_all(parent).map_err(|error| Error::file("create", &parent.to_string_lossy(), &error))?;
    }
    replace_one_of_many(destination, content, &job.signals)
}
