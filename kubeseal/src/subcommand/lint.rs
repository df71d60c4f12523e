//! Checks the SealedSecrets of a repository without cluster and without keys.

use std::path::Path;

use rayon::prelude::*;
use sealed_secrets_flags::{Flag, Values};
use sealed_secrets_resource::lint::{Expectations, Finding, Rule, Severity, lint};
use serde_json::{Value, json};

use super::report::{Failures, count, print_json};
use super::{Subcommand, flags};
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::repository::{self, Contents, FileSettings, Found, SettingsFinder, Targets, walk};
use crate::say;

const STRICT: Flag = flags::switch("strict", "let warnings count as errors");

pub(super) static LINT: Subcommand = Subcommand {
    name: "lint",
    arguments: "[flags] PATH…",
    summary: "check the SealedSecrets of a repository, without cluster and keys",
    about: "\
Checks every .yaml, .yml and .json file below the paths: structure, Base64, lengths of what
is sealed, name and namespace as the scope needs them, scope annotations, the record of
the keys, and plaintext Secrets that were left beside. .kubeseal.yaml says for which
certificate, scope and namespace a path is. That something opens is never claimed: only
private keys can tell. Templates that are no YAML are skipped and named; a file of more
than 32 MiB with a Secret or SealedSecret in it is refused.
",
    examples: &[
        ("In CI:", "kubeseal lint ."),
        ("For a script:", "kubeseal lint --output json deploy/ | jq '.findings[].rule'"),
    ],
    statuses: &[
        (0, "no error was found"),
        (1, "an error was found (with --strict: or a warning), or something cannot be read"),
        (2, "the arguments cannot be used"),
    ],
    flags: || &[STRICT, flags::OUTPUT],
    run,
};

/// What came of a file.
enum Checked {
    Irrelevant,
    /// It has so many SealedSecrets or Secrets, or something to say.
    Findings(Vec<Finding>),
    Skipped(&'static str),
    Failed(Error),
    /// It cannot be told what is expected of it.
    WithoutTarget(Error),
}

fn run(values: &Values) -> Result<()> {
    if values.positionals().is_empty() {
        return Err(LINT.misused("lint needs a path, for example ."));
    }
    let walked = walk(values.positionals());
    let finder = SettingsFinder::default();
    let settings: Vec<Result<FileSettings>> = walked.files.iter().map(|file| finder.of(&file.path)).collect();
    let targets = Targets::from_settings();
    let jobs: Vec<(&Found, &Result<FileSettings>)> = walked.files.iter().zip(&settings).collect();
    let results: Vec<Checked> = jobs.par_iter().map(|(file, settings)| check(&file.path, settings, &targets)).collect();

    let mut summary = Summary { skipped: walked.warnings, ..Summary::default() };
    walked.failures.into_iter().for_each(|failure| summary.failures.add(Error::new(failure)));
    for ((file, _), checked) in jobs.iter().zip(results) {
        let path = file.path.display().to_string();
        match checked {
            Checked::Irrelevant => {}
            Checked::Findings(found) => {
                summary.files += 1;
                summary.findings.extend(found.into_iter().map(|finding| (path.clone(), finding)));
            }
            Checked::Skipped(reason) => summary.skipped.push(format!("{path}: {reason}")),
            Checked::Failed(error) => summary.failures.add(error),
            Checked::WithoutTarget(error) => summary.failures.add_shared(&file.path, error),
        }
    }
    summary.print(flags::wants_json(values))?;
    let least = if values.bool("strict") { Severity::Warning } else { Severity::Error };
    let found = summary.findings.iter().any(|(_, finding)| finding.rule.severity() >= least);
    if found || summary.failures.count() > 0 { Err(Error::Reported) } else { Ok(()) }
}

fn check(path: &Path, settings: &Result<FileSettings>, targets: &Targets) -> Checked {
    // A SealedSecret's kind holds this word as well.
    let text = match repository::read(path, "Secret") {
        Ok(Contents::Relevant(text)) => text,
        Ok(Contents::Irrelevant) => return Checked::Irrelevant,
        Err(error) => return Checked::Failed(error),
    };
    let settings = match settings {
        Ok(settings) => settings,
        Err(error) => return Checked::WithoutTarget(error.clone()),
    };
    let key = match targets.offline_key(settings) {
        Ok(key) => key,
        Err(error) => return Checked::WithoutTarget(error),
    };
    let expected = Expectations {
        key: key.as_ref(),
        scope: settings.settings.scope,
        namespace: settings.settings.namespace.as_deref(),
        record_key: settings.settings.record_key.unwrap_or(false),
        ignored: &settings.settings.ignore,
    };
    let findings = lint(&text, &expected);
    if findings.iter().any(|finding| finding.rule == Rule::Unreadable) && repository::is_template(&text) {
        return Checked::Skipped("a template, no YAML before it is rendered");
    }
    Checked::Findings(findings)
}

#[derive(Default)]
struct Summary {
    files: usize,
    findings: Vec<(String, Finding)>,
    skipped: Vec<String>,
    failures: Failures,
}

impl Summary {
    fn print(&self, json: bool) -> Result<()> {
        if json {
            let findings = self.findings.iter().map(|(path, finding)| {
                let mut value = finding_as_json(finding);
                value["file"] = path.as_str().into();
                value
            });
            return print_json(&json!({
                "findings": findings.collect::<Vec<_>>(),
                "skipped": self.skipped,
                "failed": self.failures.errors().map(|error| error.message()).collect::<Vec<_>>(),
            }));
        }
        let lines = self.findings.iter().map(|(path, finding)| {
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{path}{line}: {finding}\n")
        });
        write_stdout(lines.collect::<String>().as_bytes())?;
        for skipped in &self.skipped {
            say(&format!("skipped: {skipped}"));
        }
        for failure in self.failures.errors() {
            say(&failure.to_string());
        }
        let of = |severity| self.findings.iter().filter(|(_, finding)| finding.rule.severity() == severity).count();
        say(&format!(
            "{} with Secrets or SealedSecrets: {}, {}",
            count(self.files, "file"),
            count(of(Severity::Error) + self.failures.count(), "error"),
            count(of(Severity::Warning), "warning")
        ));
        Ok(())
    }
}

/// A finding for scripts.
pub(super) fn finding_as_json(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule.name(),
        "severity": finding.rule.severity().to_string(),
        "line": finding.line,
        "object": finding.object,
        "item": finding.item,
        "message": finding.message,
    })
}
