//! Holds `CHECKLIST.md` to what there is: rows of the specification on one side, tests on the other.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The rows with what stands behind each.
fn checklist() -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string(here().join("CHECKLIST.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |")?.split_once(" | "));
    let rows = rows.filter(|(row, _)| *row != "Row");
    let tests = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.map(|(row, cell)| (row.to_owned(), tests(cell))).collect()
}

/// The names of the golden cases, and the rows that each says it is about.
fn golden_cases() -> BTreeMap<String, BTreeSet<String>> {
    let mut cases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in fs::read_dir(here().join("golden/cases")).unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let mut name = String::new();
        for line in text.lines() {
            if let Some(found) = line.strip_prefix("- name: ") {
                found.clone_into(&mut name);
                cases.insert(name.clone(), BTreeSet::new());
            } else if let Some(about) = line.strip_prefix("  spec: ") {
                cases.get_mut(&name).unwrap().extend(rows_in(about.trim_matches('\'')));
            }
        }
    }
    cases
}

/// `12.66 E16 decision 5 8` are four rows. What else stands there names a section.
fn rows_in(about: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut prefix = "";
    for word in about.split_whitespace() {
        let number = word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        match word {
            "WF" | "decision" => prefix = word,
            _ if prefix == "decision" && number && !word.contains('.') => rows.push(format!("decision {word}")),
            _ if prefix == "WF" => {
                rows.extend(word.starts_with("13.").then(|| format!("WF {word}")));
                prefix = "";
            }
            _ if word.starts_with("12.") || word.starts_with("13.") || word.starts_with('E') => {
                rows.push(word.to_owned());
                prefix = "";
            }
            _ => prefix = "",
        }
    }
    rows
}

/// Every row that there has to be, in order.
fn rows() -> Vec<String> {
    let numbered = |prefix: &str, last: u32| (1..=last).map(|n| format!("{prefix}{n}")).collect::<Vec<_>>();
    let decisions = [5, 6, 7, 8, 9, 10, 11, 12, 20, 22, 23, 24, 25, 26, 27, 33, 34, 35];
    [
        numbered("12.", 145),
        numbered("13.", 22),
        numbered("WF 13.", 11),
        numbered("E", 34),
        decisions.map(|n| format!("decision {n}")).to_vec(),
    ]
    .concat()
}

fn is_a_test(path: &str, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(here().join("../..").join(path)) else { return false };
    let Some(start) = text.find(&format!("fn {name}(")) else { return false };
    // The attribute stands right above the function.
    let above = text[..start].rsplit("\n\n").next().unwrap_or_default();
    above.contains("#[test]") && !above.contains("#[ignore")
}

#[test]
fn every_row_of_the_specification_is_there_once_with_a_test() {
    let list = checklist();
    let names: Vec<&str> = list.iter().map(|(row, _)| row.as_str()).collect();
    assert_eq!(names, rows());
    let empty: Vec<_> = list.iter().filter(|(_, tests)| tests.is_empty()).map(|(row, _)| row).collect();
    assert!(empty.is_empty(), "nothing proves {empty:?}");
}

#[test]
fn every_test_that_is_named_exists() {
    let golden = golden_cases();
    assert!(golden.len() > 450, "only {} cases were found", golden.len());
    for (row, tests) in checklist() {
        for test in tests {
            let exists = match (test.split_once("::"), test.split_once('/')) {
                (Some((path, name)), _) => is_a_test(path, name),
                (None, Some(("golden", name))) => golden.contains_key(name),
                (None, Some(("cmd", name))) => here().join(format!("cmd/{name}.toml")).is_file(),
                _ => false,
            };
            assert!(exists, "{row}: there is no {test}");
        }
    }
    assert!(
        !is_a_test("kubeseal/tests/checklist.rs", "is_a_test") && !is_a_test("kubeseal/tests/checklist.rs", "no_such")
    );
}

#[test]
fn every_golden_case_stands_behind_the_rows_that_it_is_about() {
    let list: BTreeMap<_, _> = checklist().into_iter().collect();
    for (name, rows) in golden_cases() {
        for row in rows {
            let listed = list.get(&row).is_some_and(|tests| tests.contains(&format!("golden/{name}")));
            assert!(listed, "{name} is missing behind {row}");
        }
    }
    assert_eq!(rows_in("WF 10.2 E27 decision 24"), ["E27", "decision 24"]);
    assert_eq!(rows_in("decision 6 9"), ["decision 6", "decision 9"]);
    assert_eq!(rows_in("10.4 decision 5 decision 8"), ["decision 5", "decision 8"]);
    assert_eq!(rows_in("WF 13.5 12.87 12.89"), ["WF 13.5", "12.87", "12.89"]);
}
