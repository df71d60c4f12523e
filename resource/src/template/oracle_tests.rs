//! Comparisons with the living oracle, for which Go is needed: run by `tests/templates/compare.sh`.

#![allow(clippy::disallowed_methods)] // Talks to the oracle's process, whose path the script gives.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::corpus_tests::{Case, Outcome, usual_items};
use super::grammar_tests::Grammar;

/// How often Go is asked again for a template that ours has an answer to.
const TRIES: usize = 3;

/// The Go program, answering one case after the other.
struct Oracle {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Oracle {
        let program = std::env::var("TEMPLATE_ORACLE").expect("TEMPLATE_ORACLE names the program of tests/templates");
        let mut process = Command::new(program)
            .arg("serve")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let requests = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Oracle { process, requests, answers }
    }

    /// Go's answer; `None` when it ran out of time, memory or stack, and a new process took the old one's place.
    fn answer(&mut self, case: &Case) -> Option<Outcome> {
        let mut request = serde_json::to_string(case).unwrap();
        request.push('\n');
        self.requests.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        if answer.is_empty() {
            *self = Oracle::start();
            return None;
        }
        Some(serde_json::from_str::<Case>(&answer).unwrap().expected())
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Compares, and returns the differences, how many templates went past a bound of ours and how many gave output.
fn differences(templates: impl Iterator<Item = String>) -> (Vec<String>, u64, u64) {
    let (mut oracle, usual) = (Oracle::start(), usual_items());
    let data64 = usual.iter().map(|(name, value)| (name.clone(), crate::encode_base64(value.as_slice()))).collect();
    let mut case = Case { data64: Some(data64), ..Case::default() };
    let (mut found, mut bounded, mut good) = (Vec::new(), 0, 0);
    // By other verbs than those for text, `printf` shows the fields of a time; one is an address.
    let shows_address =
        |template: &String| template.contains("printf") && (template.contains("Date") || template.contains("date"));
    for template in templates.filter(|template| !shows_address(template)) {
        case.template = template;
        let (mut theirs, ours) = (oracle.answer(&case), case.ours(&usual));
        // A machine that is busy elsewhere makes Go miss its time as well; what never ends is past a bound of ours.
        for _ in 0..TRIES {
            if theirs.is_none() && !matches!(ours, Outcome::Limit(_)) {
                theirs = oracle.answer(&case);
            }
        }
        good += u64::from(matches!(theirs, Some(Outcome::Output(_))));
        match (theirs, ours) {
            (_, Outcome::Limit(_)) => bounded += 1,
            (Some(theirs), ours) if theirs == ours => {}
            (theirs, ours) => found.push(format!("{}\n   go: {theirs:?}\n ours: {ours:?}", case.template)),
        }
    }
    (found, bounded, good)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Compares as many templates as asked for and returns how many gave output.
fn compare(count: u64, write: impl Fn(&mut Grammar) -> String) -> u64 {
    let seed = setting("TEMPLATE_SEED", 1);
    let mut grammar = Grammar::new(seed);
    let (found, bounded, good) = differences((0..count).map(|_| write(&mut grammar)));
    let shown = found.iter().take(40).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(
        found.is_empty(),
        "seed {seed}: {} of {count} templates differ ({good} gave output):\n{shown}",
        found.len()
    );
    assert!(bounded * 100 < count, "{bounded} of {count} templates went past a bound");
    good
}

#[test]
#[ignore = "needs Go: tests/templates/compare.sh"]
fn random_templates_give_what_go_gives() {
    let count = setting("TEMPLATE_COUNT", 20_000);
    let good = compare(count, Grammar::template);
    assert!(good * 3 > count, "only {good} of {count} templates gave output");
}

#[test]
#[ignore = "needs Go: tests/templates/compare.sh"]
fn damaged_templates_give_what_go_gives() {
    let count = setting("TEMPLATE_COUNT", 20_000) / 2;
    let good = compare(count, Grammar::damaged_template);
    assert!(good * 4 < count, "{good} of {count} damaged templates gave output");
}
