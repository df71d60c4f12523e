//! Whatever a document looks like: an edit does what it should and touches nothing else.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "editing_properties/document.rs"]
mod document;

use proptest::prelude::*;
use sealed_secrets_resource::document::edit::{Changes, Edited, NewValue, Step, edit};
use sealed_secrets_resource::document::read_stream;
use serde_json::{Map, Value};

use document::{Choices, Generated, damage, generate};

const VALUES: [&str; 14] = [
    "new",
    "AgB+/x==",
    "yes",
    "12",
    "1_000",
    "",
    "a: b",
    "p, q",
    "it's",
    "\"",
    "x #y",
    "{{ .v }}",
    "é\u{2028}",
    "l1\nl2\n",
];
const NEW_KEYS: [&str; 6] = ["token", "on", "a.b/c", "x y", "0", "- "];

/// One change along random keys, made both in a copy of the value and in the list of changes. Whether it removes; only
/// what was there `before`, because a key that is set and removed need not leave an empty map.
fn random_change(choices: &mut Choices, value: &mut Value, changes: &mut Changes, before: Option<&Value>) -> bool {
    let mut path: Vec<Step> = Vec::new();
    let (mut value, mut before) = (value, before);
    loop {
        match value {
            Value::Array(items) if !items.is_empty() => {
                let index = choices.below(items.len());
                path.push(Step::from(index));
                value = &mut items[index];
                before = before.and_then(|before| before.get(index));
                if !value.is_object() && !value.is_array() {
                    return false;
                }
            }
            Value::Object(map) => {
                let keys: Vec<String> = map.keys().cloned().collect();
                let known = !keys.is_empty() && !choices.one_in(4);
                let key =
                    if known { keys[choices.below(keys.len())].clone() } else { choices.pick(&NEW_KEYS).to_owned() };
                path.push(Step::from(key.as_str()));
                let inside = map.get(&key);
                before = before.and_then(|before| before.get(&key));
                let is_container = inside.is_some_and(|inside| inside.is_object() || inside.is_array());
                let enters_null = inside.is_none_or(Value::is_null) && path.len() < 4 && choices.one_in(3);
                if is_container && (!choices.one_in(8) || inside.is_some_and(Value::is_array)) {
                    value = map.get_mut(&key).unwrap();
                } else if before.is_some() && (path.len() > 1 || map.len() > 1) && (is_container || choices.one_in(3)) {
                    // A document without any entry is none.
                    changes.remove(&path);
                    map.shift_remove(&key);
                    return true;
                } else if enters_null {
                    value = map.entry(key).or_insert(Value::Null);
                    *value = Value::Object(Map::new());
                } else if is_container {
                    return false;
                } else {
                    let new = choices.pick(&VALUES);
                    let flag = choices.one_in(10);
                    changes.set(&path, if flag { NewValue::Bool(true) } else { NewValue::from(new) });
                    map.insert(key, if flag { Value::Bool(true) } else { Value::from(new) });
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// The text without these spans.
fn without<'a>(text: &str, spans: impl Iterator<Item = &'a std::ops::Range<usize>>) -> String {
    let (mut rest, mut at) = (String::new(), 0);
    for span in spans {
        rest.push_str(&text[at..span.start]);
        at = span.end;
    }
    rest + &text[at..]
}

fn check(bytes: Vec<u8>, damaged: bool) -> Result<(), TestCaseError> {
    let mut choices = Choices::new(bytes);
    let Generated { mut text, mut comments, unusual } = generate(&mut choices);
    if damaged {
        text = damage(&text, &mut choices);
        comments.clear();
    }
    let documents = match read_stream(text.as_bytes()) {
        Ok(documents) if !documents.is_empty() => documents,
        _ if damaged => return Ok(()),
        Ok(_) => return Err(TestCaseError::fail(format!("no document\n{text}"))),
        Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}"))),
    };
    let mut intended: Vec<Value> = documents.iter().map(|document| document.root.to_json()).collect();
    let number = choices.below(intended.len());
    let (mut changes, mut removes) = (Changes::default(), false);
    let before = intended[number].clone();
    let count = choices.below(4);
    for index in 0..=count {
        let before = (index == count).then_some(&before);
        removes |= random_change(&mut choices, &mut intended[number], &mut changes, before);
    }
    let shown = format!("{text}\n=== document {number}\n{changes:?}\n=== from {before}");
    let Edited { text: new, replaced } = match edit(text.as_bytes(), &[(number, changes)]) {
        Ok(edited) => edited,
        Err(error) => {
            let excused = damaged || unusual || (removes && !comments.is_empty());
            prop_assert!((damaged || error.is_about_style()) && excused, "{error}\n{shown}");
            return Ok(());
        }
    };
    let shown = format!("{shown}\n=== became\n{new}");
    let found: Vec<Value> =
        read_stream(new.as_bytes()).unwrap().iter().map(|document| document.root.to_json()).collect();
    prop_assert_eq!(&found, &intended, "{}", shown);
    let untouched = without(&text, replaced.iter().map(|(old, _)| old));
    prop_assert_eq!(untouched, without(&new, replaced.iter().map(|(_, new)| new)), "{}", shown);
    if before == intended[number] {
        prop_assert_eq!(&text, &new);
    }
    // What is left behind a removed last entry may be an empty line.
    prop_assert!(removes || text.ends_with('\n') == new.ends_with('\n'), "final newline\n{shown}");
    let lone = |text: &str| text.replace("\r\n", "").contains('\n');
    prop_assert!(damaged || !text.contains("\r\n") || !lone(&new), "line ends\n{shown}");
    for comment in comments.iter().filter(|_| !removes) {
        prop_assert!(new.contains(comment), "{comment} is gone\n{shown}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_changes_what_it_should_and_not_a_byte_more(bytes in prop::collection::vec(any::<u8>(), 20..400)) {
        check(bytes, false)?;
    }

    #[test]
    fn an_edit_of_a_damaged_document_is_right_or_an_error(bytes in prop::collection::vec(any::<u8>(), 20..400)) {
        check(bytes, true)?;
    }
}
