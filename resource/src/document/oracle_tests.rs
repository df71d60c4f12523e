//! Comparisons with the living oracle, for which Go is needed: run by `tests/compare.sh`.

use serde_json::Value;

use super::grammar_tests::Grammar;
use super::{read_stream, to_yaml};
use crate::against_go::{self, Oracle};

/// What a document is, or why it is none.
fn ours(text: &str) -> Result<Value, String> {
    match &read_stream(text.as_bytes()).map_err(|problem| problem.to_string())?[..] {
        [] => Ok(Value::Object(serde_json::Map::new())),
        [document] => Ok(document.root.to_json()),
        documents => Err(format!("{} documents", documents.len())),
    }
}

fn theirs(oracle: &mut Oracle, text: &str) -> Result<Value, String> {
    let request = serde_json::to_string(text).unwrap();
    let answer: Value = serde_json::from_str(&oracle.sure_answer(&request).expect("an answer")).unwrap();
    match answer.get("error") {
        Some(problem) => Err(problem.as_str().unwrap().to_owned()),
        None => Ok(answer["value"].clone()),
    }
}

/// Whether they mean the same. Numbers do if they are the same to who counts in 64 bits of floating point: that is how Go
/// reads them, while we keep every digit.
fn are_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| are_alike(value, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| are_alike(one, other))
        }
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

/// What we read is written by us and read again by Go, too.
#[test]
#[ignore = "needs Go: tests/compare.sh"]
fn random_documents_are_read_as_go_reads_them_and_written_for_go() {
    let (count, seed) = (against_go::count(), against_go::seed());
    let (mut oracle, mut grammar) = (Oracle::start(), Grammar::new(seed));
    let (mut found, mut good) = (Vec::new(), 0);
    for _ in 0..count {
        let text = grammar.document();
        let ours = ours(&text);
        let mut check = |text: &str| match (theirs(&mut oracle, text), &ours) {
            (Ok(theirs), Ok(ours)) if are_alike(&theirs, ours) => true,
            (Err(_), Err(_)) => false,
            (theirs, ours) => {
                found.push(format!("{text:?}\n   go: {theirs:?}\n ours: {ours:?}"));
                false
            }
        };
        if check(&text) {
            good += 1;
            check(&to_yaml(ours.as_ref().unwrap()).unwrap());
        }
    }
    found.sort_by_key(String::len);
    let shown = found.iter().take(30).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "seed {seed}: {} of {count} documents differ ({good} alike):\n{shown}", found.len());
    assert!(good * 4 > count * 3, "only {good} of {count} documents are any");
}
