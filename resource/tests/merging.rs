//! `--merge-into` (kubeseal-cli.md section 10.4): what changes in the file, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, KeyRing, PrivateKey, SealingKey, SystemRandom};
use sealed_secrets_resource::document::{Format, read_stream};
use sealed_secrets_resource::{
    MergeError, MergeOptions, Namespace, Rules, Scope, ScopeConflict, SealedSecret, Secret, UnsealOptions, annotation,
    merge, open_items, scope_of_new_items, seal_value,
};

const A: &str = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";

fn ring() -> KeyRing {
    let keys: [&[u8]; 2] = [include_bytes!("data/appendix-a.key"), include_bytes!("data/b.key")];
    let key = |pem: &[u8]| SealingKey::unpublished(PrivateKey::from_pem(pem).unwrap(), Timestamp::UNIX_EPOCH);
    KeyRing::new(keys.map(key).into())
}

fn options<'a>() -> MergeOptions<'a> {
    MergeOptions { scope: None, allow_empty: false, record_key: false, namespace: &|| None, format: None }
}

fn secrets(yaml: &str) -> Vec<Secret> {
    let documents = read_stream(yaml.as_bytes()).unwrap();
    documents.iter().map(|document| Secret::from_node(&document.root, Rules::Lenient).unwrap()).collect()
}

fn merged(target: &str, input: &str, options: &MergeOptions<'_>) -> Result<String, MergeError> {
    let certificate = Certificate::first_from_pem(include_bytes!("data/b.crt")).unwrap();
    let key = certificate.rsa_public_key().unwrap();
    merge(target.as_bytes(), secrets(input), key, options, &mut SystemRandom)
}

/// The values of a file's SealedSecret, opened.
fn opened(file: &str) -> BTreeMap<String, String> {
    let documents = read_stream(file.as_bytes()).unwrap();
    let sealed = SealedSecret::from_node(&documents[0].root, Rules::Strict).unwrap();
    let options = UnsealOptions { accept_deprecated_data: false, last: None };
    let items = open_items(&sealed, &ring(), &options).unwrap().items;
    items.into_iter().map(|(item, value)| (item, String::from_utf8(value.as_slice().to_vec()).unwrap())).collect()
}

/// The lines that are only in the second text, ciphertexts shortened, and those only in the first.
fn difference(before: &str, after: &str) -> (Vec<String>, Vec<String>) {
    let only = |these: &str, others: &str| {
        let others: Vec<_> = others.split('\n').collect();
        let lines = these.split('\n').filter(|line| !others.contains(line));
        lines.map(|line| line.split("Ag").next().unwrap().split("AQ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    (only(after, before), only(before, after))
}

/// A file with one item of each name, sealed with the key of appendix A for `shop/db`.
fn target(layout: &str, scope: Scope) -> String {
    let key = PrivateKey::from_pem(include_bytes!("data/appendix-a.key")).unwrap();
    let label = scope.label("shop", "db");
    let item = |value: &str| seal_value(key.public_key(), &label, value.as_bytes(), &mut SystemRandom).unwrap();
    layout.replace("$user", &item("admin")).replace("$pass", &item("old"))
}

const YAML: &str = "# who owns this\r
apiVersion: bitnami.com/v1alpha1\r
kind: SealedSecret\r
metadata: {name: db, namespace: shop} # outer\r
spec:\r
    encryptedData:\r
        user: $user # the first\r
        pass: >-\r
            $pass\r
    template:\r
        metadata:\r
            labels:\r
                app: 'web'\r
        type: Opaque\r
    future: {x: 1}";

const INPUT: &str = "
metadata: {name: other, namespace: elsewhere, labels: {app: api, new: 'yes'}, annotations: {note: 'a: b'}}
type: kubernetes.io/tls
immutable: true
stringData: {pass: new, token: t0}
";

#[test]
fn only_what_the_merge_brings_changes_and_everything_opens() {
    let before = target(YAML, Scope::Strict);
    let after = merged(&before, INPUT, &options()).unwrap();
    let (added, gone) = difference(&before, &after);
    assert_eq!(
        added,
        [
            // The block stays one.
            "            ",
            "        token: ",
            "                app: 'api'\r",
            "                new: \"yes\"\r",
            "            annotations:\r",
            "                note: 'a: b'\r",
        ]
    );
    assert_eq!(gone, ["            ", "                app: 'web'\r"]);
    assert!(!after.replace("\r\n", "").contains('\n') && after.ends_with("future: {x: 1}"));
    let expected = [("pass", "new"), ("token", "t0"), ("user", "admin")];
    assert_eq!(opened(&after), expected.map(|(item, value)| (item.to_owned(), value.to_owned())).into());
}

#[test]
fn several_secrets_are_all_merged_and_the_last_of_equal_items_counts() {
    let before = target("kind: SealedSecret\nmetadata: {name: db, namespace: shop}\n", Scope::Strict);
    let after = merged(&before, "stringData: {a: 1, b: 2}\n---\nstringData: {b: 3}\n", &options()).unwrap();
    assert!(after.starts_with(&format!("{before}spec:\n  encryptedData:\n    a: ")), "{after}");
    assert_eq!(opened(&after), [("a", "1"), ("b", "3")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn json_stays_json_and_a_format_that_was_asked_for_is_written_anew() {
    let json = target(
        "{\n    \"kind\": \"SealedSecret\",\n    \"apiVersion\": \"bitnami.com/v1alpha1\",\n    \"metadata\": {\"name\": \"db\", \"namespace\": \"shop\"},\n    \
         \"spec\": {\"future\": {\"x\": 1}, \"encryptedData\": {}}\n}\n",
        Scope::Strict,
    );
    let after = merged(&json, "stringData: {k: v}", &options()).unwrap();
    assert_eq!(difference(&json, &after).0, ["    \"spec\": {\"future\": {\"x\": 1}, \"encryptedData\": {\"k\": \""]);
    // The same format asked for is no reason to write it anew.
    let same = merged(&json, "stringData: {k: v}", &MergeOptions { format: Some(Format::Json), ..options() }).unwrap();
    assert_eq!(same.len(), after.len());
    let yaml = merged(&json, "stringData: {k: v}", &MergeOptions { format: Some(Format::Yaml), ..options() }).unwrap();
    assert!(yaml.starts_with("---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"), "{yaml}");
    assert!(yaml.contains("  future:\n    x: 1\n"), "unknown fields stay: {yaml}");
    let back = merged(&yaml, "stringData: {l: w}", &MergeOptions { format: Some(Format::Json), ..options() }).unwrap();
    assert!(back.starts_with("{\n  \"kind\": \"SealedSecret\",\n  \"apiVersion\""), "{back}");
    assert_eq!(opened(&back).len(), 2);
}

#[test]
fn a_file_that_cannot_be_edited_in_place_is_written_anew_only_when_a_format_was_asked_for() {
    let before = "kind: SealedSecret\nmetadata: &m {name: db, namespace: shop, labels: {a: b}}\nspec: {template: {metadata: *m}}\n";
    let input = "{metadata: {labels: {c: d}}, stringData: {k: v}}";
    let error = merged(before, input, &options()).unwrap_err();
    assert!(error.to_string().contains("spec.template.metadata is an alias"), "{error}");
    let after = merged(before, input, &MergeOptions { format: Some(Format::Yaml), ..options() }).unwrap();
    assert!(after.contains("      labels:\n        a: b\n        c: d\n"), "{after}");
}

#[test]
fn the_scope_of_new_items_is_the_target_s() {
    use Scope::{ClusterWide, NamespaceWide, Strict};
    let annotated = |scope: Option<Scope>| {
        let mut annotations = BTreeMap::new();
        scope.unwrap_or_default().write_annotations(&mut annotations);
        annotations
    };
    // Target, flag, annotations of the input, the conflicting scope if any.
    let table = [
        (Strict, None, None, None),
        (ClusterWide, None, None, None),
        (ClusterWide, None, Some(ClusterWide), None),
        (ClusterWide, Some(ClusterWide), None, None),
        (ClusterWide, Some(ClusterWide), Some(NamespaceWide), None),
        (ClusterWide, Some(Strict), None, Some((Strict, true))),
        (ClusterWide, Some(NamespaceWide), Some(ClusterWide), Some((NamespaceWide, true))),
        (Strict, None, Some(ClusterWide), Some((ClusterWide, false))),
        (NamespaceWide, None, Some(ClusterWide), Some((ClusterWide, false))),
    ];
    for (target, flag, annotations, conflict) in table {
        let expected = conflict.map_or(Ok(target), |(asked, by_flag)| Err(ScopeConflict { target, asked, by_flag }));
        assert_eq!(scope_of_new_items(target, flag, &annotated(annotations)), expected);
    }
    let conflict = scope_of_new_items(ClusterWide, Some(Strict), &BTreeMap::new()).unwrap_err().to_string();
    assert_eq!(
        conflict,
        "the target's scope is cluster-wide, but --scope asks for strict: such an item could not be opened there"
    );
}

#[test]
fn a_plain_secret_opens_in_a_target_of_any_scope_and_leaves_its_template_alone() {
    for scope in Scope::ALL {
        let annotations =
            scope.annotation().map(|name| format!(", annotations: {{{name}: 'true'}}")).unwrap_or_default();
        let layout = format!(
            "kind: SealedSecret\nmetadata: {{name: db, namespace: shop{annotations}}}\nspec:\n  encryptedData:\n    a: $user\n"
        );
        let before = target(&layout, scope);
        let after = merged(&before, "stringData: {k: v}", &options()).unwrap();
        assert_eq!(difference(&before, &after), (vec!["    k: ".to_owned()], vec![]), "{scope}");
        assert_eq!(opened(&after).len(), 2);
        let asked = MergeOptions { scope: Some(scope), ..options() };
        let template = merged(&before, "stringData: {k: v}", &asked).unwrap().contains("template:");
        assert_eq!(template, scope != Scope::Strict, "--scope writes its annotation into the template as well");
    }
}

#[test]
fn the_record_of_keys_is_kept_right_and_begun_only_on_request() {
    let name = annotation::SEALED_WITH;
    let b = PrivateKey::from_pem(include_bytes!("data/b.key")).unwrap().public_key().fingerprint();
    let layout = |record: &str| {
        let text = format!(
            "kind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  annotations: {{note: x{record}}}\nspec:\n  encryptedData:\n    \
             user: $user\n    pass: $pass\n"
        );
        target(&text, Scope::Strict)
    };
    let record = |file: &str| {
        let documents = read_stream(file.as_bytes()).unwrap();
        let sealed = SealedSecret::from_node(&documents[0].root, Rules::Strict).unwrap();
        sealed.metadata.annotations.get(name).cloned()
    };
    let recording = MergeOptions { record_key: true, ..options() };
    let with_record = layout(&format!(", {name}: '{A}'"));
    let table = [
        (layout(""), "{k: v}", &options(), None),
        (layout(""), "{k: v}", &recording, Some(format!("k={b}"))),
        (layout(""), "{user: v, pass: w}", &recording, Some(b.to_string())),
        (with_record.clone(), "{k: v}", &options(), Some(format!("{A}; k={b}"))),
        (with_record.clone(), "{user: v, pass: w}", &options(), Some(b.to_string())),
        (with_record, "{user: v}", &options(), Some(format!("{A}; user={b}"))),
    ];
    for (before, items, options, expected) in table {
        let after = merged(&before, &format!("stringData: {items}"), options).unwrap();
        assert_eq!(record(&after), expected, "{items}");
        opened(&after);
    }
}

#[test]
fn other_targets_are_refused() {
    let good = "kind: SealedSecret\nmetadata: {name: db, namespace: shop}\n";
    let table = [
        ("", "the file is empty".to_owned()),
        ("# nothing\n---\n{}\n", "the file is empty".to_owned()),
        ("kind: Secret\nmetadata: {name: db}\n", r#"kind is "Secret", expected "SealedSecret""#.to_owned()),
        ("kind: List\nitems: []\n", r#"kind is "List", expected "SealedSecret""#.to_owned()),
        ("kind: SealedSecret\napiVersion: bitnami.com/v1\n", "\"bitnami.com/v1\"".to_owned()),
        ("kind: SealedSecret\nmetadata: {name: 5}\n", "metadata.name must be a string, found a number".to_owned()),
        ("kind: SealedSecret\nmetadata: {name: db}\nspec: {data: AAAA}\n", "deprecated form".to_owned()),
        ("{\"kind\": \"SealedSecret\"} x", "unexpected text".to_owned()),
        ("kind: [\n", "line 1".to_owned()),
        (&format!("{good}---\n{good}"), "line 4: the file holds a second object".to_owned()),
        (&format!("{good}spec: {{encryptedData: [a]}}\n"), "spec.encryptedData must be a map, found a list".to_owned()),
    ];
    for (target, words) in table {
        let error = merged(target, "stringData: {k: v}", &options()).unwrap_err().to_string();
        assert!(error.contains(&words), "{target}: {error}");
    }
    let elsewhere = || Some(Namespace { name: "elsewhere".to_owned(), explicit: true });
    let asked = MergeOptions { namespace: &elsewhere, ..options() };
    assert_eq!(
        merged(good, "stringData: {k: v}", &asked).unwrap_err().to_string(),
        r#"namespace mismatch: input secret is in namespace "shop" but "elsewhere" was specified"#
    );
    let empty = merged(good, "metadata: {name: x}", &options()).unwrap_err().to_string();
    assert!(empty.contains("secret.data is empty"), "{empty}");
    let untouched = merged(good, "metadata: {name: x}", &MergeOptions { allow_empty: true, ..options() }).unwrap();
    assert_eq!(untouched, good);
}
