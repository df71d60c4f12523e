//! What Go's reader and writer do, recorded, and how ours compare.
//!
//! The files under `go/` were made with sigs.k8s.io/yaml 1.6.0 on yaml.v2 2.4.2, the pair in the reference:
//! `scalars.jsonl` by reading each scalar as value and as key of a `map[string]string`, `documents.jsonl` by
//! `YAMLToJSON` (`null` where it refuses), `strings.jsonl` by reading back what [`to_yaml`] wrote. `ours` and
//! `our_key` stand where decision 22 wants the text as written instead of a rounded one.

use serde_json::{Value, json};

use super::{NodeValue, read_object, read_stream, to_yaml};

fn rows(file: &str) -> Vec<Value> {
    file.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(row: &'a Value, field: &str) -> Option<&'a str> {
    row[field].as_str()
}

#[test]
fn scalars_become_the_text_that_go_makes_of_them_unless_digits_would_be_lost() {
    for row in rows(include_str!("go/scalars.jsonl")) {
        let written = text(&row, "written").unwrap();
        let root = read_stream(format!("k: {written}\n").as_bytes()).unwrap().remove(0).root;
        let found = root.get("k").unwrap().to_text().unwrap();
        let expected = text(&row, "ours").or(text(&row, "go"));
        assert_eq!(Some(found.as_ref()), expected, "{written}");
        assert!(text(&row, "ours").is_none_or(|ours| ours == written), "{written}");
    }
}

#[test]
fn keys_are_converted_as_values_are() {
    for row in rows(include_str!("go/scalars.jsonl")) {
        let written = text(&row, "written").unwrap();
        let Some(expected) = text(&row, "our_key").or(text(&row, "go_key")) else { continue };
        let root = read_stream(format!("? {written}\n: v\n").as_bytes()).unwrap().remove(0).root;
        assert_eq!(root.to_json(), json!({expected: "v"}), "{written}");
    }
}

#[test]
fn integers_beyond_63_bits_can_be_keys_although_go_refuses_them() {
    let root = read_object(b"18446744073709551615: v\n").unwrap().unwrap().root;
    assert_eq!(root.to_json(), json!({"18446744073709551615": "v"}));
}

#[test]
fn documents_mean_what_they_mean_to_go() {
    for row in rows(include_str!("go/documents.jsonl")) {
        let yaml = text(&row, "yaml").unwrap();
        let found = read_stream(yaml.as_bytes());
        if row["json"].is_null() {
            assert!(found.is_err(), "{yaml:?}");
        } else {
            let found: Vec<Value> = found.unwrap().iter().map(|document| document.root.to_json()).collect();
            assert_eq!(found, [row["json"].clone()], "{yaml:?}");
        }
    }
}

#[test]
fn strings_are_written_as_go_was_seen_to_read_them() {
    for row in rows(include_str!("go/strings.jsonl")) {
        let value = json!({"k": row["text"]});
        assert_eq!(to_yaml(&value).unwrap(), row["yaml"].as_str().unwrap(), "{value}");
    }
}

#[test]
fn awkward_strings_come_back_as_strings_from_every_place() {
    for row in rows(include_str!("go/strings.jsonl")) {
        let string = text(&row, "text").unwrap();
        let value = json!({"k": string, "l": [string, [string], {"k": string}], "m": {string: {string: string}}});
        let root = read_object(to_yaml(&value).unwrap().as_bytes()).unwrap().unwrap().root;
        assert_eq!(root.to_json(), value);
        let NodeValue::String(_) = root.get("k").unwrap().value else { panic!("{string:?} is no string") };
    }
}
