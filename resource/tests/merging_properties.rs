//! Whatever a SealedSecret file looks like: a merge brings its items and leaves every other byte.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "merging_properties/target.rs"]
mod target;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use proptest::prelude::*;
use sealed_secrets_crypto::{Certificate, KeyRing, PrivateKey, SealingKey, SystemRandom};
use sealed_secrets_resource::document::{Format, read_stream};
use sealed_secrets_resource::{
    MergeError, MergeOptions, Rules, SealedSecret, Secret, UnsealOptions, merge, open_items,
};
use serde_json::Value;

use target::{Choices, Target, generate};

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let keys: [&[u8]; 2] = [include_bytes!("data/appendix-a.key"), include_bytes!("data/b.key")];
    KeyRing::new(
        keys.map(|pem| SealingKey::unpublished(PrivateKey::from_pem(pem).unwrap(), Timestamp::UNIX_EPOCH)).into(),
    )
});

/// What is merged: items that are there and items that are not, labels and annotations too.
fn secret(choices: &mut Choices) -> (Secret, Vec<String>) {
    const NAMES: [&str; 7] = ["user", "password", "on", "1_000", "tls.key", "a b", "y"];
    let first = choices.below(NAMES.len());
    let names: Vec<String> =
        (0..=choices.below(3)).map(|index| NAMES[(first + index) % NAMES.len()].to_owned()).collect();
    let items: String = names.iter().map(|name| format!("'{name}': 'new {name}', ")).collect();
    let labels = if choices.one_in(2) { "labels: {app: api, 'on': 'yes'}, " } else { "" };
    let annotations = if choices.one_in(2) { "annotations: {note: 'a: b # c'}, " } else { "" };
    let text = format!("metadata: {{{labels}{annotations}name: other}}\nstringData: {{{items}}}\n");
    let documents = read_stream(text.as_bytes()).unwrap();
    (Secret::from_node(&documents[0].root, Rules::Lenient).unwrap(), names)
}

fn opened(sealed: &SealedSecret) -> BTreeMap<String, String> {
    let options = UnsealOptions { accept_deprecated_data: false, last: None };
    let items = open_items(sealed, &RING, &options).unwrap().items;
    items.into_iter().map(|(item, value)| (item, String::from_utf8(value.as_slice().to_vec()).unwrap())).collect()
}

/// The object without what a merge may change.
fn rest(mut object: Value) -> Value {
    if let Some(spec) = object["spec"].as_object_mut() {
        spec.shift_remove("encryptedData");
        let template = spec.get_mut("template").and_then(Value::as_object_mut);
        if let Some(metadata) =
            template.and_then(|template| template.get_mut("metadata")).and_then(Value::as_object_mut)
        {
            metadata.shift_remove("labels");
            metadata.shift_remove("annotations");
        }
    }
    // Maps that were made to hold something.
    for pointer in ["/spec/template/metadata", "/spec/template", "/spec"] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let empty = |value: &Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
        if object.pointer(pointer).is_some_and(empty)
            && let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut)
        {
            map.shift_remove(name);
        }
    }
    object
}

fn check(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let mut choices = Choices::new(bytes);
    let Target { text, items, kept, comments, scope, unusual } = generate(&mut choices);
    let (secret, names) = secret(&mut choices);
    let certificate = Certificate::first_from_pem(include_bytes!("data/b.crt")).unwrap();
    let options =
        MergeOptions { scope: None, allow_empty: false, record_key: false, namespace: &|| None, format: None };
    let merged = merge(
        text.as_bytes(),
        vec![secret.clone()],
        certificate.rsa_public_key().unwrap(),
        &options,
        &mut SystemRandom,
    );
    let new = match merged {
        Ok(new) => new,
        Err(MergeError::Edit(error)) if error.is_about_style() && unusual => return Ok(()),
        Err(error) => return Err(TestCaseError::fail(format!("{error}\n{text}"))),
    };
    let shown = format!("{text}\n=== with {names:?} became\n{new}");
    let (before, after) = (read_stream(text.as_bytes()).unwrap(), read_stream(new.as_bytes()).unwrap());
    prop_assert_eq!(after.len(), 1, "{}", shown);
    prop_assert_eq!(after[0].format, before[0].format, "{}", shown);

    // The meaning: every item opens, old ones to what they were, and the rest says what it said.
    let (old, sealed) =
        [&before, &after].map(|documents| SealedSecret::from_node(&documents[0].root, Rules::Strict).unwrap()).into();
    prop_assert_eq!(sealed.scope(), scope);
    let mut wanted = items;
    wanted.extend(names.iter().map(|name| (name.clone(), format!("new {name}"))));
    prop_assert_eq!(opened(&sealed), wanted, "{}", shown);
    prop_assert_eq!(rest(before[0].root.to_json()), rest(after[0].root.to_json()), "{}", shown);
    let together = |old: &BTreeMap<String, String>, new: &BTreeMap<String, String>| {
        let mut all = old.clone();
        all.extend(new.clone());
        all
    };
    let (of_old, of_new) = (&old.spec.template.metadata, &sealed.spec.template.metadata);
    prop_assert_eq!(&of_new.labels, &together(&of_old.labels, &secret.metadata.labels), "{}", shown);
    prop_assert_eq!(&of_new.annotations, &together(&of_old.annotations, &secret.metadata.annotations), "{}", shown);

    // The text: what was not touched stands there as it stood, in the order in which it stood.
    let mut at = 0;
    for piece in kept.iter().filter(|(item, _)| !names.contains(item)).map(|(_, piece)| piece).chain(&comments) {
        prop_assert!(new.contains(piece), "{piece:?} is gone\n{shown}");
    }
    for comment in &comments {
        at += new[at..].find(comment.as_str()).unwrap_or_else(|| panic!("{comment} moved\n{shown}")) + comment.len();
    }
    prop_assert_eq!(text.ends_with('\n'), new.ends_with('\n'), "final newline\n{}", shown);
    let carriage_returns = text.contains("\r\n");
    prop_assert!(!carriage_returns || !new.replace("\r\n", "").contains('\n'), "line ends\n{shown}");
    prop_assert!(carriage_returns || !new.contains('\r'), "line ends\n{shown}");
    if before[0].format == Format::Json {
        prop_assert!(serde_json::from_str::<Value>(&new).is_ok(), "{shown}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_brings_its_items_and_leaves_every_other_byte(bytes in prop::collection::vec(any::<u8>(), 20..120)) {
        check(bytes)?;
    }
}
