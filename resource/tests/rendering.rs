//! `spec.template.data` on the way to a Secret (wire-format.md sections 5 and 6), through the public interface.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::LazyLock;

use jiff::Timestamp;
use sealed_secrets_crypto::{KeyRing, Label, PrivateKey, SealingKey, SystemRandom};
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{
    SealedSecret, UnsealError, UnsealOptions, Unsealed, encode_base64, open_items, seal_value, unseal,
};
use serde_json::{Value, json};

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let key = PrivateKey::from_pem(include_bytes!("data/b.key")).unwrap();
    KeyRing::new(vec![SealingKey::unpublished(key, Timestamp::UNIX_EPOCH)])
});

const UNSEAL: UnsealOptions = UnsealOptions { accept_deprecated_data: true, last: None };

fn item(value: &[u8]) -> String {
    let key = RING.keys()[0].private_key().public_key();
    seal_value(key, &Label::strict("shop", "db"), value, &mut SystemRandom).unwrap()
}

/// An object with sealed items and a template, `spec.template.data` as given.
fn object(items: &[(&str, &[u8])], templates: Value) -> SealedSecret {
    let items: serde_json::Map<String, Value> =
        items.iter().map(|(name, value)| ((*name).to_owned(), item(value).into())).collect();
    SealedSecret::from_json(&json!({
        "metadata": {"namespace": "shop", "name": "db"},
        "spec": {
            "encryptedData": items,
            "template": {"type": "example.com/t", "metadata": {"labels": {"app": "web"}}, "data": templates},
        },
    }))
    .unwrap()
}

fn unsealed(sealed: &SealedSecret) -> Result<Unsealed, UnsealError> {
    let (now, limits) = ("2026-11-22T06:13:45Z".parse().unwrap(), Limits::default());
    unseal(sealed, &RING, &UNSEAL, RenderEnvironment { now, random: &mut SystemRandom, limits, stop: &|| false })
}

fn data(sealed: &SealedSecret) -> Vec<(String, Vec<u8>)> {
    let data = unsealed(sealed).unwrap().secret.data;
    data.into_iter().map(|(name, value)| (name, value.as_slice().to_vec())).collect()
}

fn pairs(expected: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect()
}

#[test]
fn entries_are_rendered_over_decrypted_items_and_see_nothing_else() {
    let sealed = object(
        &[("foo", b"bar"), ("password", b"hunter2'\"="), ("my.key", b"dotted")],
        json!({
            "config": "secret {{ index . \"foo\" }} !",
            "json": "{{ toJson .password }}",
            "dots": "{{ index . \"my.key\" }}",
            "missing": "{{ .nosuch }}|{{ index . \"nosuch\" }}|{{ .config }}|{{ .metadata }}",
            "block": "a: {{ .foo }}\n",
            // Later in order and rendered all the same from what was decrypted.
            "foo": "over {{ .foo }}",
            "zoo": "{{ .foo }}",
        }),
    );
    let expected: [(&str, &[u8]); 9] = [
        ("block", b"a: bar\n"),
        ("config", b"secret bar !"),
        ("dots", b"dotted"),
        ("foo", b"over bar"),
        ("json", br#""hunter2'\"=""#),
        ("missing", b"<no value>||<no value>|<no value>"),
        ("my.key", b"dotted"),
        ("password", b"hunter2'\"="),
        ("zoo", b"bar"),
    ];
    assert_eq!(data(&sealed), pairs(&expected));
    let secret = unsealed(&sealed).unwrap().secret;
    assert_eq!(secret.r#type, "example.com/t");
    assert_eq!(secret.metadata.labels.into_iter().collect::<Vec<_>>(), [("app".to_owned(), "web".to_owned())]);
}

#[test]
fn bytes_that_are_no_text_pass_through_unchanged() {
    let bytes: Vec<u8> = (0..=255).collect();
    let sealed = object(&[("raw", &bytes)], json!({"copy": "{{ .raw }}", "coded": "{{ .raw | b64enc }}"}));
    let coded = encode_base64(&bytes);
    assert_eq!(data(&sealed), pairs(&[("coded", coded.as_bytes()), ("copy", &bytes), ("raw", &bytes)]));
}

#[test]
fn an_object_of_templates_alone_needs_no_key_and_no_data_is_fine() {
    let mut sealed = object(&[], json!({"foo": "bar"}));
    assert_eq!(data(&sealed), pairs(&[("foo", b"bar")]));
    let environment = RenderEnvironment {
        now: Timestamp::UNIX_EPOCH,
        random: &mut SystemRandom,
        limits: Limits::default(),
        stop: &|| false,
    };
    assert!(unseal(&sealed, &KeyRing::default(), &UNSEAL, environment).is_ok());
    sealed.spec.template.data.clear();
    assert_eq!(data(&sealed), []);
    assert_eq!(data(&object(&[("a", b"1")], Value::Null)), pairs(&[("a", b"1")]));
    assert_eq!(data(&object(&[("a", b"1")], json!({}))), pairs(&[("a", b"1")]));
}

#[test]
fn the_deprecated_form_renders_nothing() {
    let whole = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"db"},"data":{"k":"dg=="}}"#;
    let sealed = SealedSecret::from_json(&json!({
        "metadata": {"namespace": "shop", "name": "db"},
        "spec": {"data": item(whole.as_bytes()), "encryptedData": {}, "template": {"data": {"k": "{{ fail \"x\" }}"}}},
    }))
    .unwrap();
    assert_eq!(data(&sealed), pairs(&[("k", b"v")]));
}

#[test]
fn both_kinds_of_failures_are_told_at_once_and_nothing_is_made() {
    let mut sealed = object(
        &[("good", b"1")],
        json!({
            "unclosed": "{{ .good",
            "failing": "\n  {{ fail .good }}",
            // What no key opens counts as empty, what is no Base64 as missing.
            "empty": "{{ .closed | upper }}",
            "absent": "{{ .damaged | upper }}",
            "fine": "{{ .good }}",
        }),
    );
    sealed.spec.encrypted_data.insert("closed".to_owned(), "AAAA".to_owned());
    sealed.spec.encrypted_data.insert("damaged".to_owned(), "A?".to_owned());
    let error = unsealed(&sealed).unwrap_err();
    assert_eq!(
        error.to_string(),
        "illegal base64 data at input byte 1 (damaged)\n\
         no key could decrypt secret (closed)\n\
         template: absent:1:14: executing \"absent\" at <upper>: invalid value; expected string (absent)\n\
         template: failing:2:5: executing \"failing\" at <fail .good>: error calling fail (failing)\n\
         template: unclosed:1: unclosed action (unclosed)"
    );
    assert!(error.is_unopened() && error.lacks_key() && !error.is_past_a_bound());
    assert_eq!(error.entries().map(|(entry, _)| entry).collect::<Vec<_>>(), ["absent", "failing", "unclosed"]);
    assert!(open_items(&sealed, &RING, &UNSEAL).is_err());

    sealed.spec.encrypted_data.remove("closed");
    let error = unsealed(&sealed).unwrap_err();
    assert!(error.is_unopened() && !error.lacks_key(), "a key does not help: {error}");
}

#[test]
fn what_a_function_says_is_for_the_owner_of_the_values_alone() {
    let password = b"hunter2-never-shown";
    for template in [
        "{{ fail .password }}",
        "{{ mustToDate \"2006\" .password }}",
        "{{ urlParse (print \":\" .password) }}",
        "{{ semverCompare \"1\" .password }}",
        "{{ mustDateModify .password (toDate \"2006\" \"2024\") }}",
        "{{ range .password }}{{ end }}",
    ] {
        let sealed = object(&[("password", password)], json!({"e": template}));
        let error = unsealed(&sealed).unwrap_err();
        assert!(!error.is_unopened());
        let quotes = ["fail", "range"].iter().any(|word| template.contains(word));
        assert_eq!(error.in_full().contains("hunter2"), quotes, "{template} {}", error.in_full());
        for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains("template: e:1:"), "{shown}");
        }
        assert_eq!(open_items(&sealed, &RING, &UNSEAL).unwrap().items.len(), 1, "without rendering it opens");
    }
}

#[test]
fn a_template_past_its_bounds_is_told_apart() {
    let error = unsealed(&object(&[], json!({"e": "{{ range 1000000000 }}{{ end }}", "f": "x"}))).unwrap_err();
    assert!(error.is_past_a_bound());
    assert_eq!(
        error.to_string().lines().next().unwrap(),
        "template: e:1:9: executing \"e\" at <{{range 1000000000}}{{end}}>: the template takes too many steps (e)"
    );
}

#[test]
fn entries_that_another_rendering_would_change_are_named() {
    let sealed = object(
        &[("user", b"u")],
        json!({"random": "{{ randAlphaNum 9 }}", "day": "{{ if .user }}x{{ else }}{{ now }}{{ end }}", "fixed": "{{ .user }}"}),
    );
    let unsealed = unsealed(&sealed).unwrap();
    assert_eq!(unsealed.volatile.into_iter().collect::<Vec<_>>(), ["day", "random"]);
}

#[test]
fn the_message_of_many_or_enormous_templates_still_fits_into_a_status() {
    let many: serde_json::Map<String, Value> = (0..500).map(|n| (format!("e{n:03}"), "{{".into())).collect();
    let text = unsealed(&object(&[], many.into())).unwrap_err().to_string();
    assert_eq!((text.lines().count(), text.lines().last()), (21, Some("and 480 more templates")));
    let long = format!("{{{{ {} }}}}", "é".repeat(100_000));
    let text = unsealed(&object(&[], json!({"e": long}))).unwrap_err().to_string();
    assert!(text.len() < 3_000 && text.ends_with("... (e)"), "{} bytes", text.len());
}
