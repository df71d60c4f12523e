//! What a run came to, for people and for scripts.

use std::path::PathBuf;

use sealed_secrets_resource::SealedWith;
use serde_json::{Value, json};

use super::Job;
use super::file::Outcome;
use super::object::ObjectOutcome;
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::repository::Found;
use crate::say;
use crate::subcommand::report::{Failures, count, name_of, print_json};

pub(super) struct Summary {
    files: Vec<(PathBuf, Outcome)>,
    failures: Failures,
    /// Files that an interrupted run did not come to.
    not_reached: usize,
    skipped: Vec<String>,
    check: bool,
    dry_run: bool,
}

impl Summary {
    pub(super) fn new(
        job: &Job<'_>,
        files: &[Found],
        outcomes: Vec<Outcome>,
        failures: Vec<String>,
        skipped: Vec<String>,
    ) -> Summary {
        let mut summary = Summary {
            files: Vec::new(),
            failures: Failures::default(),
            not_reached: 0,
            skipped,
            check: job.check,
            dry_run: job.dry_run,
        };
        failures.into_iter().for_each(|failure| summary.failures.add(Error::new(failure)));
        for (found, outcome) in files.iter().zip(outcomes) {
            match outcome {
                Outcome::Failed(errors) => errors.into_iter().for_each(|error| summary.failures.add(error)),
                Outcome::WithoutTarget(error) => summary.failures.add_shared(&found.path, error),
                Outcome::Skipped(reason) => summary.skipped.push(format!("{}: {reason}", found.path.display())),
                Outcome::Irrelevant => {}
                Outcome::NotReached => summary.not_reached += 1,
                outcome @ Outcome::Done { .. } => {
                    summary.files.push((found.path.clone(), outcome));
                }
            }
        }
        let templated = summary.objects().filter_map(|(path, object)| {
            let name = name_of(&object.namespace, &object.name);
            Some(format!("{}:{}: {name}: {}", path.display(), object.line, object.skipped?))
        });
        let templated: Vec<String> = templated.collect();
        summary.skipped.extend(templated);
        summary
    }

    /// Whether nothing was done and nothing is to be said.
    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.failures.count() == 0 && self.skipped.is_empty()
    }

    /// Whether everything is as it was asked for.
    pub(super) fn is_success(&self) -> bool {
        self.failures.count() == 0 && !(self.check && self.count_items(|item| item.before.stale) > 0)
    }

    pub(super) fn print(&self, json: bool) -> Result<()> {
        if json {
            return print_json(&self.as_json());
        }
        let mut text = String::new();
        for (path, object) in self.objects() {
            let place = format!("{}:{}: {}", path.display(), object.line, name_of(&object.namespace, &object.name));
            if self.check {
                for item in object.items.iter().filter(|item| item.before.stale) {
                    text.push_str(&format!("{place}: item {} is stale: {}\n", item.name, item.before.key));
                }
                continue;
            }
            let renewed: Vec<&str> =
                object.items.iter().filter(|item| item.renewed).map(|item| item.name.as_str()).collect();
            let words = if self.dry_run { "would encrypt" } else { "encrypted" };
            match (renewed.is_empty(), object.recorded) {
                (false, _) => text.push_str(&format!("{place}: {words} {} again\n", renewed.join(", "))),
                (true, true) => {
                    let words = if self.dry_run { "would record" } else { "recorded" };
                    text.push_str(&format!("{place}: {words} the key\n"));
                }
                (true, false) => {}
            }
        }
        write_stdout(text.as_bytes())?;
        for skipped in &self.skipped {
            say(&format!("skipped: {skipped}"));
        }
        for failure in self.failures.errors() {
            say(&failure.to_string());
        }
        say(&self.last_line());
        Ok(())
    }

    fn objects(&self) -> impl Iterator<Item = (&PathBuf, &ObjectOutcome)> {
        self.files.iter().flat_map(|(path, outcome)| {
            let objects = if let Outcome::Done { objects, .. } = outcome { objects.as_slice() } else { &[] };
            objects.iter().map(move |object| (path, object))
        })
    }

    fn count_items(&self, which: impl Fn(&super::object::ItemOutcome) -> bool) -> usize {
        self.objects().flat_map(|(_, object)| &object.items).filter(|item| which(item)).count()
    }

    fn last_line(&self) -> String {
        let all = count(self.count_items(|_| true), "item");
        let stale = self.count_items(|item| item.before.stale);
        let renewed = self.count_items(|item| item.renewed);
        let what = match (self.check, self.dry_run) {
            (true, _) => format!("{stale} stale"),
            (false, true) => format!("{renewed} to encrypt again, nothing was written"),
            (false, false) => format!("{renewed} encrypted again"),
        };
        let mut line = format!("{} with {all}: {what}", count(self.files.len(), "file"));
        // A record can be wrong, after a merge by hand for example; only a key can tell.
        let believed = self.count_items(|item| matches!(item.before.key, SealedWith::Recorded(_)));
        if self.check && believed > 0 {
            line.push_str(&format!("; {believed} judged by their record alone"));
        }
        if self.failures.count() > 0 {
            line.push_str(&format!("; {}", count(self.failures.count(), "failure")));
        }
        if self.not_reached > 0 {
            line.push_str(&format!("; ended before {}", count(self.not_reached, "more file")));
        }
        line
    }

    fn as_json(&self) -> Value {
        let objects = self.objects().map(|(path, object)| {
            let items = object.items.iter().map(|item| {
                json!({
                    "name": item.name,
                    "stale": item.before.stale,
                    "reason": item.before.key.to_string(),
                    "key": item.before.key.fingerprint().map(|key| key.to_string()),
                    "encryptedAgain": item.renewed && !self.dry_run,
                })
            });
            json!({
                "file": path.to_string_lossy(),
                "line": object.line,
                "namespace": object.namespace,
                "name": object.name,
                "items": items.collect::<Vec<_>>(),
            })
        });
        json!({
            "objects": objects.collect::<Vec<_>>(),
            "skipped": self.skipped,
            "failed": self.failures.errors().map(|error| error.message()).collect::<Vec<_>>(),
        })
    }
}
