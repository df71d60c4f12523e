//! Files that reach the disk together: one by one, each would wait for a commit of the file system of its own.

use std::path::{Path, PathBuf};

use super::Job;
use super::file::{Outcome, Step, process};
use crate::error::Result;
use crate::output::{Replacement, unchanged_meanwhile};
use crate::repository::{FileSettings, Found};

/// The most files that wait for each other. As many new files beside the old ones may each thread leave behind when the
/// program is killed.
const MOST_FILES: usize = 16;
/// Bytes after which no other file is waited for.
const MOST_BYTES: usize = 1 << 20;

/// New contents that lie beside their file and have not taken its place yet.
pub(super) struct Waiting {
    path: PathBuf,
    replacement: Replacement,
    size: usize,
    /// What the file must still hold, unless there is none yet.
    before: Option<Vec<u8>>,
}

/// How many of all files a thread takes up at once: so many that every thread gets some several times.
pub(super) fn size(files: usize, threads: usize) -> usize {
    (files / (threads * 8)).clamp(1, MOST_FILES)
}

/// Deals with some files, in their order.
pub(super) fn process_all(job: &Job<'_>, files: &[(&Found, &Result<FileSettings>)]) -> Vec<Outcome> {
    let (mut outcomes, mut steps, mut bytes) = (Vec::with_capacity(files.len()), Vec::new(), 0);
    for (found, settings) in files {
        let step = process(job, found, settings);
        bytes += step.waiting().map_or(0, |waiting| waiting.size);
        steps.push(step);
        if bytes >= MOST_BYTES {
            outcomes.extend(finish(job, std::mem::take(&mut steps)));
            bytes = 0;
        }
    }
    outcomes.extend(finish(job, steps));
    outcomes
}

fn finish(job: &Job<'_>, steps: Vec<Step>) -> Vec<Outcome> {
    steps.iter().filter_map(Step::waiting).for_each(|waiting| waiting.replacement.begin_sync());
    let synced: Vec<Result<()>> =
        steps.iter().map(|step| step.waiting().map_or(Ok(()), |waiting| waiting.replacement.sync())).collect();
    let settled = steps.into_iter().zip(synced).map(|(step, synced)| match step {
        Step::Settled(outcome) => outcome,
        Step::Written(outcome, waiting) => match synced.and_then(|()| waiting.take_place(job)) {
            Err(error) => Outcome::Failed(vec![error]),
            Ok(()) if job.signals.any_arrived() => Outcome::NotReached,
            Ok(()) => outcome,
        },
    });
    settled.collect()
}

impl Waiting {
    /// Writes the new contents of a file beside it.
    ///
    /// # Errors
    /// Whatever the system says; the file is unharmed then.
    pub(super) fn write(path: &Path, content: &[u8], before: Option<Vec<u8>>) -> Result<Waiting> {
        let replacement = Replacement::of_regular(path, content)?;
        Ok(Waiting { path: path.to_owned(), replacement, size: content.len(), before })
    }

    fn take_place(self, job: &Job<'_>) -> Result<()> {
        if let Some(before) = &self.before {
            unchanged_meanwhile(&self.path, before)?;
        }
        self.replacement.take_place(&job.signals)
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn no_thread_is_without_a_file_while_another_has_many() {
        for (files, threads, want) in [(0, 4, 1), (5, 4, 1), (31, 4, 1), (64, 4, 2), (1000, 4, 16), (100_000, 4, 16)] {
            assert_eq!(size(files, threads), want, "{files} files, {threads} threads");
        }
    }
}
