//! What holds for every input: no panic, no leak, no loss.

use proptest::prelude::*;
use serde_json::{Number, Value};

use super::{read_object, read_stream, to_json_compact, to_json_pretty, to_yaml};

const PASSWORD: &str = "hunter2";

/// Uses every construct, and the password wherever text can stand.
const DOCUMENTS: [&str; 3] = [
    "# hunter2\n%YAML 1.1\n---\nkind: Secret\n&hunter2 hunter2: *hunter2\nstringData:\n  hunter2: |-\n    hunter2\n     hunter2\n  \
     b: >2\n    hunter2\n  c: \"hunter2\\u00e9\\x41 \\\n    hunter2\"\n  d: 'hunter2'\n  e: !!binary aHVudGVyMg==\n  f: !hunter2 hunter2\n  \
     ? [hunter2, {hunter2: hunter2}]\n  <<: [&a {hunter2: 1}, *a]\n  - hunter2\n...\n",
    "{\"hunter2\": \"hunter2\\n\\ud83d\\ude00\", \"a\": [1.5e3, true, null, {\"hunter2\": -0}], \"b\": {}}{\"hunter2\": 1,} # hunter2\n--- # c\n\
     hunter2: &hunter2 hunter2\nb: *hunter2\n",
    "a: &x\n  b: [hunter2, *x]\n---\n- hunter2\n---\nhunter2\n--- {hunter2: 08, <<: {a: .inf}}\n",
];

/// Pieces that mean something to the grammar, and some that only look like it.
const PIECES: [&str; 64] = [
    "a",
    "b",
    "0",
    "1",
    "_",
    ".",
    "-",
    "+",
    ":",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    "\r",
    "#",
    "'",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&",
    "*",
    "!",
    "|",
    ">",
    "%",
    "@",
    "`",
    "?",
    "yes",
    "no",
    "on",
    "n",
    "Y",
    "null",
    "~",
    "0x",
    "0o",
    "e",
    "inf",
    "=",
    "<<",
    "---",
    "...",
    "2024-01-01",
    "12:30",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\0",
    "\u{7f}",
    "é",
    "😀",
    "\u{a0}",
    "\\",
    "\u{fffe}",
    "- ",
    ": ",
    " #",
    "&hunter2 ",
    "*hunter2 ",
];

fn awkward_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&PIECES[..]), 0..7).prop_map(|pieces| pieces.concat())
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        // A float without a fraction is read as an integer.
        any::<f64>().prop_filter_map("no fraction", |float| {
            (float.fract() != 0.0).then(|| Number::from_f64(float).map(Value::from)).flatten()
        }),
        awkward_text().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(awkward_text(), inner, 0..5)
                .prop_map(|entries| entries.into_iter().collect::<Value>()),
        ]
    })
}

/// A document with pieces cut out, repeated and inserted.
fn damaged_document() -> impl Strategy<Value = Vec<u8>> {
    let wound = (any::<prop::sample::Index>(), 0..12_usize, awkward_text(), any::<bool>());
    (prop::sample::select(&DOCUMENTS[..]), prop::collection::vec(wound, 1..5)).prop_map(|(document, wounds)| {
        let mut bytes = document.as_bytes().to_vec();
        for (at, length, piece, truncate) in wounds {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece.into_bytes());
            if truncate && length == 0 {
                bytes.truncate(at);
            }
        }
        bytes
    })
}

fn check_input(input: &[u8]) -> Result<(), TestCaseError> {
    for error in [read_stream(input).err(), read_object(input).err()].into_iter().flatten() {
        let message = format!("{error} {error:?}");
        prop_assert!(!message.contains(PASSWORD), "{}", message);
        prop_assert!(error.position().line >= 1 && error.position().column >= 1);
    }
    for document in read_stream(input).unwrap_or_default() {
        prop_assert!(document.root.span.end <= input.len() && !document.root.span.is_empty());
        let shown = format!("{document:?}");
        prop_assert!(!shown.contains(PASSWORD));
        let written = to_yaml(&document.root.to_json());
        prop_assert!(written.is_ok());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_end_in_documents_or_an_error(input in prop::collection::vec(any::<u8>(), 0..200)) {
        check_input(&input)?;
    }

    #[test]
    fn awkward_text_ends_in_documents_or_an_error(input in prop::collection::vec(awkward_text(), 0..12)) {
        check_input(input.concat().as_bytes())?;
    }

    #[test]
    fn damaged_documents_end_in_documents_or_an_error_that_leaks_nothing(input in damaged_document()) {
        check_input(&input)?;
    }

    #[test]
    fn written_yaml_reads_back_as_the_same_value(value in any_value()) {
        let value = serde_json::json!({"value": value});
        let yaml = to_yaml(&value).unwrap();
        let root = read_object(yaml.as_bytes()).unwrap().unwrap().root;
        prop_assert_eq!(root.to_json(), value, "{}", yaml);
    }

    #[test]
    fn written_json_reads_back_as_the_same_value(value in any_value()) {
        let value = serde_json::json!({"value": value});
        for json in [to_json_pretty(&value).unwrap(), to_json_compact(&value).unwrap()] {
            let root = read_object(json.as_bytes()).unwrap().unwrap().root;
            prop_assert_eq!(root.to_json(), value.clone(), "{}", json);
        }
    }
}
