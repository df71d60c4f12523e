//! Files that are written together: one by one, each would wait for the disk alone.

use std::fs;
use std::path::PathBuf;

use super::Job;
use super::file::{Outcome, Step, process};
use super::progress::Progress;
use crate::error::{Error, Result};
use crate::output::{HeldBack, Replacement, unchanged_meanwhile};
use crate::repository::{FileSettings, Found};

/// The most files of a group, and the most that all threads may have open. When the program is killed, as many new files may
/// be left beside the old ones.
const MOST_FILES: usize = 16;
const MOST_OPEN: usize = 128;
/// Bytes after which a group is written, however few files it has.
const MOST_BYTES: usize = 1 << 20;

/// New contents of a file.
pub(super) struct Draft {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
    /// What the file must still hold; `None` if there must not be one yet.
    pub(super) before: Option<Vec<u8>>,
}

/// How many of all files a thread takes up at once: so many that every thread gets some several times.
pub(super) fn size(files: usize, threads: usize) -> usize {
    (files / (threads * 8)).clamp(1, (MOST_OPEN / threads).clamp(1, MOST_FILES))
}

/// Deals with some files, in their order.
pub(super) fn process_all(
    job: &Job<'_>,
    files: &[(&Found, &Result<FileSettings>)],
    progress: &Progress,
) -> Vec<Outcome> {
    let (mut outcomes, mut steps, mut bytes) = (Vec::with_capacity(files.len()), Vec::new(), 0);
    for (found, settings) in files {
        let step = process(job, found, settings);
        let (Step::Settled(outcome) | Step::Drafted(outcome, _)) = &step;
        progress.step(outcome.is_changed());
        if let Step::Drafted(_, draft) = &step {
            bytes += draft.content.len();
        }
        steps.push(step);
        if bytes >= MOST_BYTES {
            outcomes.extend(write(&job.signals, std::mem::take(&mut steps)));
            bytes = 0;
        }
    }
    outcomes.extend(write(&job.signals, steps));
    outcomes
}

/// Writes all drafts beside their files, waits for the disk and has them take their places. One that fails does not keep
/// the others from it.
fn write(signals: &HeldBack, steps: Vec<Step>) -> Vec<Outcome> {
    let mut written: Vec<(Outcome, Option<(Draft, Replacement)>)> = Vec::with_capacity(steps.len());
    for step in steps {
        written.push(match step {
            Step::Settled(outcome) => (outcome, None),
            Step::Drafted(..) if signals.any_arrived() => (Outcome::NotReached, None),
            Step::Drafted(outcome, draft) => match draft.write() {
                Ok(replacement) => (outcome, Some((draft, replacement))),
                Err(error) => (Outcome::Failed(vec![error]), None),
            },
        });
    }
    let new = written.iter().filter_map(|(_, new)| new.as_ref());
    new.for_each(|(_, replacement)| replacement.begin_sync());
    // What is interrupted is not needed on the disk.
    for (outcome, new) in written.iter_mut().take_while(|_| !signals.any_arrived()) {
        if let Some(Err(error)) = new.as_ref().map(|(_, replacement)| replacement.sync()) {
            (*outcome, *new) = (Outcome::Failed(vec![error]), None);
        }
    }
    let settled = written.into_iter().map(|(outcome, new)| match new {
        None => outcome,
        Some((draft, replacement)) => match draft.take_place(replacement, signals) {
            Ok(true) => outcome,
            Ok(false) => Outcome::NotReached,
            Err(error) => Outcome::Failed(vec![error]),
        },
    });
    settled.collect()
}

impl Draft {
    /// A new file must not take the place of another.
    ///
    /// # Errors
    /// When it would.
    pub(super) fn check_absent(&self) -> Result<()> {
        if self.before.is_some() || fs::symlink_metadata(&self.path).is_err() {
            return Ok(());
        }
        Err(Error::new(format!("{}: the file is there already", self.path.display()))
            .hint("move it away, or choose another folder with --write-to"))
    }

    /// Writes it beside its place.
    ///
    /// # Errors
    /// Whatever the system says; nothing has changed then.
    fn write(&self) -> Result<Replacement> {
        if self.before.is_some() {
            return Replacement::of_regular(&self.path, &self.content);
        }
        self.check_absent()?;
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(|error| Error::file("create", &parent.to_string_lossy(), &error))?;
        }
        Replacement::anew(&self.path, &self.content)
    }

    /// Whether it did; an interrupted run leaves everything as it is.
    fn take_place(&self, replacement: Replacement, signals: &HeldBack) -> Result<bool> {
        match &self.before {
            Some(before) => unchanged_meanwhile(&self.path, before)?,
            None => self.check_absent()?,
        }
        replacement.take_place(signals)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_gets_some_files_and_all_together_hold_few_open() {
        for (files, threads, want) in [
            (0, 4, 1),
            (5, 4, 1),
            (31, 4, 1),
            (64, 4, 2),
            (1000, 4, 16),
            (100_000, 4, 16),
            (100_000, 20, 6),
            (100_000, 128, 1),
            (100_000, 512, 1),
        ] {
            assert_eq!(size(files, threads), want, "{files} files, {threads} threads");
        }
    }

    #[test]
    fn a_file_that_fails_keeps_no_other_of_its_group_from_being_written() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        let draft = |name: &str, before: Option<&str>| {
            let before = before.map(|text| text.as_bytes().to_vec());
            let outcome = Outcome::Done { objects: Vec::new(), changed: true };
            Step::Drafted(outcome, Draft { path: path(name), content: b"new".to_vec(), before })
        };
        for name in ["first", "changed", "last", "taken"] {
            fs::write(path(name), "old").unwrap();
        }
        let steps = vec![
            draft("first", Some("old")),
            draft("changed", Some("as it was read")),
            Outcome::Irrelevant.into(),
            draft("gone/away", Some("old")),
            draft("taken", None),
            draft("folder/anew", None),
            draft("last", Some("old")),
        ];
        let outcomes = write(&HeldBack::start().unwrap(), steps);
        let words = outcomes.iter().map(|outcome| match outcome {
            Outcome::Done { .. } => "done".to_owned(),
            Outcome::Failed(errors) => errors[0].to_string().lines().next().unwrap().to_owned(),
            _ => "other".to_owned(),
        });
        let wants = [
            "done",
            "changed: the file was changed while it was worked on",
            "other",
            "gone/away: no such file or directory",
            "taken: the file is there already",
            "done",
            "done",
        ];
        for (word, want) in words.zip(wants) {
            assert!(word.ends_with(want), "{word} {want}");
        }
        for (name, want) in
            [("first", "new"), ("changed", "old"), ("taken", "old"), ("folder/anew", "new"), ("last", "new")]
        {
            assert_eq!(fs::read_to_string(path(name)).unwrap(), want, "{name}");
        }
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 5, "no new file is left");
    }
}
