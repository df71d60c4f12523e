//! One file: read, judged, changed.

use rayon::prelude::*;
use sealed_secrets_resource::{ApplyError, SealedFile};

use super::group::Draft;
use super::object::{ObjectOutcome, process as process_object};
use super::{Job, flags};
use crate::error::{Error, Result};
use crate::repository::{self, Contents, FileSettings, Found};

/// What came of a file.
pub(super) enum Outcome {
    /// It holds no SealedSecret.
    Irrelevant,
    /// Every object was dealt with, and the file is written if it has to be.
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

/// How far a file has come.
pub(super) enum Step {
    /// There is nothing more to do.
    Settled(Outcome),
    /// The outcome holds once this is written.
    Drafted(Outcome, Draft),
}

impl From<Outcome> for Step {
    fn from(outcome: Outcome) -> Step {
        Step::Settled(outcome)
    }
}

/// Reads and judges a file and makes its new contents.
pub(super) fn process(job: &Job<'_>, found: &Found, settings: &Result<FileSettings>) -> Step {
    if job.must_stop() {
        return Outcome::NotReached.into();
    }
    let text = match repository::read(&found.path, "SealedSecret") {
        Ok(Contents::Relevant(text)) => text,
        Ok(Contents::Irrelevant) => return Outcome::Irrelevant.into(),
        Err(error) => return Outcome::Failed(vec![error]).into(),
    };
    let name = found.path.to_string_lossy();
    let failed = |error: &ApplyError| Outcome::Failed(vec![Error::new(format!("{name}: {error}"))]);
    let file = match SealedFile::read_mixed(&text) {
        Ok(file) => file,
        Err(ApplyError::Read(_)) if repository::is_template(&text) => {
            return Outcome::Skipped("a template, no YAML before it is rendered".to_owned()).into();
        }
        Err(error) => return failed(&error).into(),
    };
    if file.objects().len() == 0 {
        return Outcome::Irrelevant.into();
    }
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return Outcome::WithoutTarget(error.clone()).into(),
    };
    let target = match job.target(settings) {
        Ok(target) => target,
        Err(_) if job.has_one_target => return Outcome::NotReached.into(),
        Err(error) => return Outcome::WithoutTarget(error).into(),
    };
    let record = flags::records_key(job.values, settings.settings.record_key);

    let objects: Vec<_> = file.objects().collect();
    let results: Vec<_> =
        objects.par_iter().map(|sealed| process_object(job, sealed, settings, &target, record)).collect();
    if job.must_stop() {
        return Outcome::NotReached.into();
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
        return Outcome::Failed(errors).into();
    }
    let changed = !changes.is_empty();
    if !job.check && (changed || job.write_to.is_some()) {
        let edited = match file.with_changes(&changes) {
            Ok(edited) => edited,
            Err(error) => return failed(&error).into(),
        };
        let draft = match &job.write_to {
            Some(folder) => Draft { path: folder.join(&found.below), content: edited.into(), before: None },
            None => Draft { path: found.path.clone(), content: edited.into(), before: Some(text) },
        };
        if !job.dry_run {
            return Step::Drafted(Outcome::Done { objects: outcomes, changed }, draft);
        }
        if let Err(error) = draft.check_absent() {
            return Outcome::Failed(vec![error]).into();
        }
    }
    Outcome::Done { objects: outcomes, changed }.into()
}
