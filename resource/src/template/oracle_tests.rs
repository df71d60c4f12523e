//! Comparisons with the living oracle, for which Go is needed: run by `tests/compare.sh`.

use super::corpus_tests::{Case, Outcome, usual_items};
use super::grammar_tests::Grammar;
use crate::against_go::{self, Oracle};

/// Go's answer.
fn answer(oracle: &mut Oracle, case: &Case, is_sure: bool) -> Option<Outcome> {
    let request = serde_json::to_string(case).unwrap();
    let answer = if is_sure { oracle.sure_answer(&request) } else { oracle.answer(&request) };
    Some(serde_json::from_str::<Case>(&answer?).unwrap().expected())
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
        let ours = case.ours(&usual);
        // What never ends in Go either is past a bound of ours.
        let theirs = answer(&mut oracle, &case, !matches!(ours, Outcome::Limit(_)));
        good += u64::from(matches!(theirs, Some(Outcome::Output(_))));
        match (theirs, ours) {
            (_, Outcome::Limit(_)) => bounded += 1,
            (Some(theirs), ours) if theirs == ours => {}
            (theirs, ours) => found.push(format!("{}\n   go: {theirs:?}\n ours: {ours:?}", case.template)),
        }
    }
    (found, bounded, good)
}

/// Compares as many templates as asked for and returns how many gave output.
fn compare(count: u64, write: impl Fn(&mut Grammar) -> String) -> u64 {
    let seed = against_go::seed();
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
#[ignore = "needs Go: tests/compare.sh"]
fn random_templates_give_what_go_gives() {
    let count = against_go::count();
    let good = compare(count, Grammar::template);
    assert!(good * 3 > count, "only {good} of {count} templates gave output");
}

#[test]
#[ignore = "needs Go: tests/compare.sh"]
fn damaged_templates_give_what_go_gives() {
    let count = against_go::count() / 2;
    let good = compare(count, Grammar::damaged_template);
    assert!(good * 4 < count, "{good} of {count} damaged templates gave output");
}
