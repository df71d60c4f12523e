//! One file: read, judged, changed, written.

use std::fs;

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
    /// The run was ended before.
    NotReached,
}

impl Outcome {
    pub(super) fn is_changed(&self) -> bool {
        matches!(self, Outcome::Done { changed: true, .. })
    }
}

pub(super) fn process(job: &Job<'_>, found: &Found, settings: &FileSettings) -> Outcome {
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
    let Some(target) = job.target(settings) else { return Outcome::NotReached };
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
        if !job.dry_run
            && let Err(error) = write(job, found, &text, edited.as_bytes())
        {
            return Outcome::Failed(vec![error]);
        }
        if job.signals.any_arrived() {
            return Outcome::NotReached;
        }
    }
    Outcome::Done { objects: outcomes, changed }
}

fn write(job: &Job<'_>, found: &Found, before: &[u8], content: &[u8]) -> Result<()> {
    let Some(folder) = &job.write_to else {
        unchanged_meanwhile(&found.path, before)?;
        return replace_one_of_many(&found.path, content, &job.signals);
    };
    let destination = folder.join(&found.below);
    if let Some(parent) = destination.parent() {
        fs::create_dir_all(parent).map_err(|error| Error::file("create", &parent.to_string_lossy(), &error))?;
    }
    replace_one_of_many(&destination, content, &job.signals)
}
