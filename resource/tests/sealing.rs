//! Secret → SealedSecret → Secret (wire-format.md sections 2 to 5), through the public interface.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::cell::Cell;
use std::sync::LazyLock;

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, KeyRing, PrivateKey, SealingKey, SystemRandom};
use sealed_secrets_resource::document::{read_stream, to_json_compact};
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{
    Namespace, Rules, SealError, SealOptions, SealedSecret, Secret, UnsealError, UnsealOptions, Unsealed, annotation,
    open_items, open_on, seal,
};
use serde_json::{Value, json};

static RING: LazyLock<KeyRing> = LazyLock::new(|| {
    let keys: [(&[u8], &[u8]); 2] = [
        (include_bytes!("data/appendix-a.key"), include_bytes!("data/appendix-a.crt")),
        (include_bytes!("data/b.key"), include_bytes!("data/b.crt")),
    ];
    let key = |(key, certificate): (&[u8], &[u8])| {
        let certificate = Certificate::first_from_pem(certificate).unwrap();
        SealingKey::new(PrivateKey::from_pem(key).unwrap(), certificate, Timestamp::UNIX_EPOCH).unwrap()
    };
    KeyRing::new(keys.map(key).into())
});

const UNSEAL: UnsealOptions = UnsealOptions { accept_deprecated_data: true, last: None };

fn secret(yaml: &str) -> Secret {
    let documents = read_stream(yaml.as_bytes()).unwrap();
    Secret::from_node(&documents[0].root, Rules::Lenient).unwrap()
}

fn options<'a>() -> SealOptions<'a> {
    SealOptions { scope: None, name: None, allow_empty: false, record_key: false, namespace: &|| None }
}

fn sealed(yaml: &str, options: &SealOptions<'_>) -> Result<SealedSecret, SealError> {
    let key = RING.current().unwrap().private_key().public_key();
    seal(secret(yaml), key, options, &mut SystemRandom)
}

fn unseal(sealed: &SealedSecret, ring: &KeyRing) -> Result<Unsealed, UnsealError> {
    unseal_on(sealed, ring, 1)
}

fn unseal_on(sealed: &SealedSecret, ring: &KeyRing, threads: usize) -> Result<Unsealed, UnsealError> {
    let (now, limits) = (Timestamp::UNIX_EPOCH, Limits::default());
    let environment = RenderEnvironment { now, random: &mut SystemRandom, limits, stop: &|| false };
    open_on(sealed, ring, &UNSEAL, threads)?.render(sealed, environment)
}

fn json_of(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

const DB: &str = "
metadata: {name: db, namespace: shop, labels: {app: web}}
type: Opaque
data: {user: YWRtaW4=, both: b2xk}
stringData: {pass: s3cret, both: new, port: 8080, debug: yes, ratio: 1.10}
";

#[test]
fn every_item_opens_again_and_text_wins_over_data() {
    let sealed = sealed(DB, &options()).unwrap();
    let opened = unseal(&sealed, &RING).unwrap();
    let data: Vec<_> = opened.secret.data.iter().map(|(item, value)| (item.as_str(), value.as_slice())).collect();
    let expected: [(&str, &[u8]); 6] = [
        ("both", b"new"),
        ("debug", b"true"),
        ("pass", b"s3cret"),
        ("port", b"8080"),
        ("ratio", b"1.1"),
        ("user", b"admin"),
    ];
    assert_eq!(data, expected);
    assert_eq!(opened.keys.into_iter().collect::<Vec<_>>(), [RING.current().unwrap().fingerprint()]);
}

#[test]
fn the_sealed_object_has_the_reference_s_shape_and_order() {
    let mut sealed = sealed(
        "{metadata: {name: db, namespace: shop, labels: {app: web}}, type: Opaque, data: {k: dg==}}",
        &options(),
    )
    .unwrap();
    sealed.spec.encrypted_data.insert("k".to_owned(), "AQ".to_owned());
    assert_eq!(
        to_json_compact(&sealed).unwrap(),
        r#"{"kind":"SealedSecret","apiVersion":"bitnami.com/v1alpha1","metadata":{"name":"db","namespace":"shop"},"spec":{"template":{"metadata":{"name":"db","namespace":"shop","labels":{"app":"web"}},"type":"Opaque"},"encryptedData":{"k":"AQ"}}}"#
    );
}

#[test]
fn what_the_server_manages_and_what_leaks_stays_behind() {
    let sealed = sealed(
        r#"
metadata:
  name: db
  namespace: shop
  uid: u
  resourceVersion: "7"
  generation: 3
  creationTimestamp: 2026-01-05T09:12:44Z
  selfLink: /x
  managedFields: [{manager: kubectl}]
  finalizers: [example.com/hold]
  ownerReferences: [{apiVersion: v1, kind: Pod, name: p, uid: u}]
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"data":{"k":"dg=="}}'
    kubecfg.ksonnet.io/last-applied-configuration: x
    keep: me
data: {k: dg==}
immutable: false
"#,
        &options(),
    )
    .unwrap();
    assert_eq!(
        json_of(&sealed.spec.template),
        json!({
            "metadata": {"name": "db", "namespace": "shop", "annotations": {"keep": "me"}, "finalizers": ["example.com/hold"]},
            "immutable": false,
        })
    );
    assert_eq!(json_of(&sealed.metadata), json!({"name": "db", "namespace": "shop"}));
}

#[test]
fn the_scope_comes_from_the_flag_or_else_from_the_annotations() {
    let (cluster, namespace) = (annotation::CLUSTER_WIDE, annotation::NAMESPACE_WIDE);
    let both = format!(
        "{{metadata: {{name: db, namespace: shop, annotations: {{{cluster}: 'true', {namespace}: 'true'}}}}, data: {{k: dg==}}}}"
    );
    let plain = "{metadata: {name: db, namespace: shop}, data: {k: dg==}}";
    // Input, flag, outer annotations, template annotations.
    let table = [
        (plain, None, json!(null), json!(null)),
        (plain, Some("cluster-wide"), json!({cluster: "true"}), json!({cluster: "true"})),
        (plain, Some("namespace-wide"), json!({namespace: "true"}), json!({namespace: "true"})),
        (&both, None, json!({cluster: "true"}), json!({cluster: "true", namespace: "true"})),
        (&both, Some("namespace-wide"), json!({namespace: "true"}), json!({namespace: "true"})),
        (&both, Some("strict"), json!(null), json!(null)),
    ];
    for (input, flag, outer, template) in table {
        let scope = flag.map(|word| word.parse().unwrap());
        let sealed = sealed(input, &SealOptions { scope, ..options() }).unwrap();
        assert_eq!(json_of(&sealed)["metadata"]["annotations"], outer, "{flag:?}");
        assert_eq!(json_of(&sealed)["spec"]["template"]["metadata"]["annotations"], template, "{flag:?}");
        assert!(open_items(&sealed, &RING, &UNSEAL).is_ok());
    }
}

#[test]
fn each_scope_opens_where_it_may_and_nowhere_else() {
    // Scope, new namespace, new name, opens.
    let table = [
        ("strict", "shop", "db", true),
        ("strict", "shop", "other", false),
        ("strict", "other", "db", false),
        ("namespace-wide", "shop", "other", true),
        ("namespace-wide", "other", "db", false),
        ("cluster-wide", "other", "other", true),
    ];
    for (scope, namespace, name, opens) in table {
        let scope = Some(scope.parse().unwrap());
        let mut sealed = sealed(DB, &SealOptions { scope, ..options() }).unwrap();
        namespace.clone_into(&mut sealed.metadata.namespace);
        name.clone_into(&mut sealed.metadata.name);
        assert_eq!(open_items(&sealed, &RING, &UNSEAL).is_ok(), opens, "{scope:?} {namespace}/{name}");
        sealed.metadata.annotations.insert(annotation::CLUSTER_WIDE.to_owned(), "true".to_owned());
        let is_cluster_wide = scope == Some("cluster-wide".parse().unwrap());
        assert_eq!(open_items(&sealed, &RING, &UNSEAL).is_ok(), is_cluster_wide, "widened afterwards");
    }
}

#[test]
fn the_namespace_is_looked_up_only_where_it_binds() {
    let lookups = Cell::new(0);
    let namespace = || {
        lookups.set(lookups.get() + 1);
        Some(Namespace { name: "context".to_owned(), explicit: false })
    };
    let explicit = || Some(Namespace { name: "asked".to_owned(), explicit: true });
    let without = "{metadata: {name: db}, data: {k: dg==}}";
    let within = "{metadata: {name: db, namespace: shop}, data: {k: dg==}}";
    let placed = |yaml: &str, options: &SealOptions<'_>| sealed(yaml, options).map(|sealed| sealed.metadata.namespace);

    assert_eq!(placed(without, &options()), Err(SealError::MissingNamespace));
    assert_eq!(placed(without, &SealOptions { namespace: &namespace, ..options() }).unwrap(), "context");
    assert_eq!(placed(within, &SealOptions { namespace: &namespace, ..options() }).unwrap(), "shop");
    assert_eq!(placed(without, &SealOptions { namespace: &explicit, ..options() }).unwrap(), "asked");
    assert_eq!(
        placed(within, &SealOptions { namespace: &explicit, ..options() }).unwrap_err().to_string(),
        r#"namespace mismatch: input secret is in namespace "shop" but "asked" was specified"#
    );
    let before = lookups.get();
    let cluster_wide = SealOptions { scope: Some("cluster-wide".parse().unwrap()), namespace: &namespace, ..options() };
    assert_eq!(placed(without, &cluster_wide).unwrap(), "");
    assert_eq!(placed(within, &cluster_wide).unwrap(), "shop");
    assert_eq!(lookups.get(), before);
}

#[test]
fn refusals_have_the_words_that_scripts_match() {
    let empty = sealed("{metadata: {name: db, namespace: shop}}", &options()).unwrap_err().to_string();
    assert!(empty.contains("secret.data is empty") && empty.contains("--allow-empty-data"), "{empty}");
    let nameless = sealed("{metadata: {generateName: db-, namespace: shop}, data: {k: dg==}}", &options());
    assert_eq!(nameless.unwrap_err().to_string(), "missing metadata.name in input Secret");
    let allowed = sealed("{metadata: {name: db, namespace: shop}}", &SealOptions { allow_empty: true, ..options() });
    assert_eq!(json_of(&allowed.unwrap())["spec"]["encryptedData"], json!({}));
}

#[test]
fn the_recorded_key_is_written_on_request_and_finds_its_key() {
    let plain = sealed(DB, &options()).unwrap();
    assert_eq!(plain.recorded_keys().of("user"), None);
    let recorded = sealed(DB, &SealOptions { record_key: true, ..options() }).unwrap();
    assert_eq!(recorded.recorded_keys().of("user"), Some(RING.current().unwrap().fingerprint()));
    assert!(!recorded.spec.template.metadata.annotations.contains_key(annotation::SEALED_WITH));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data: String = (0..7).map(|index| format!("  item-{index}: value {index}\n")).collect();
    let yaml = format!("metadata: {{name: n, namespace: ns}}\nstringData:\n{data}");
    let good = sealed(&yaml, &options()).unwrap();
    let mut bad = good.clone();
    for (item, text) in [("item-0", "AAAA"), ("item-4", "?"), ("item-6", "AAAA")] {
        bad.spec.encrypted_data.insert(item.to_owned(), text.to_owned());
    }
    let one = unseal(&good, &RING).unwrap();
    let failure = unseal(&bad, &RING).unwrap_err();
    assert_eq!(one.secret.data.len(), 7);
    for threads in [0, 2, 3, 6, 7, 100] {
        let many = unseal_on(&good, &RING, threads).unwrap();
        assert_eq!((&many.secret.data, &many.keys), (&one.secret.data, &one.keys), "{threads}");
        assert_eq!(unseal_on(&bad, &RING, threads).unwrap_err(), failure, "{threads}");
        let mut single = good.clone();
        single.spec.encrypted_data.retain(|item, _| item == "item-3");
        assert_eq!(unseal_on(&single, &RING, threads).unwrap().secret.data.len(), 1);
        single.spec.encrypted_data.clear();
        assert!(unseal_on(&single, &RING, threads).unwrap().secret.data.is_empty());
    }
}

#[test]
fn failures_are_grouped_and_sorted_and_carry_no_value() {
    let mut sealed = sealed(DB, &options()).unwrap();
    for (item, text) in [("z", "AAAA"), ("a", ""), ("bad", "a b"), ("m", "!!!!")] {
        sealed.spec.encrypted_data.insert(item.to_owned(), text.to_owned());
    }
    let error = unseal(&sealed, &RING).unwrap_err();
    assert_eq!(
        error.to_string(),
        "illegal base64 data at input byte 0 (m)\nillegal base64 data at input byte 1 (bad)\nno key could decrypt secret (a, z)"
    );
    let error = unseal(&sealed, &KeyRing::default()).unwrap_err().to_string();
    assert!(error.ends_with("no key could decrypt secret (a, both, debug, pass, port, ratio, user, z)"), "{error}");
}

#[test]
fn only_an_object_of_the_cluster_owns_its_secret_and_only_unless_told_otherwise() {
    let mut sealed = sealed(DB, &options()).unwrap();
    let owners =
        |sealed: &SealedSecret| json_of(&unseal(sealed, &RING).unwrap().secret)["metadata"]["ownerReferences"].clone();
    assert_eq!(owners(&sealed), json!(null));
    "u-1".clone_into(&mut sealed.metadata.uid);
    let expected = json!([{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db", "uid": "u-1", "controller": true}]);
    assert_eq!(owners(&sealed), expected);
    let annotations = &mut sealed.spec.template.metadata.annotations;
    annotations.insert(annotation::SKIP_SET_OWNER_REFERENCES.to_owned(), "TRUE".to_owned());
    assert_eq!(owners(&sealed), expected);
    let annotations = &mut sealed.spec.template.metadata.annotations;
    annotations.insert(annotation::SKIP_SET_OWNER_REFERENCES.to_owned(), "true".to_owned());
    assert_eq!(owners(&sealed), json!(null));
}

#[test]
fn type_errors_name_the_field_and_its_line_and_not_the_value() {
    let read = |yaml: &str, rules| {
        let documents = read_stream(yaml.as_bytes()).unwrap();
        Secret::from_node(&documents[0].root, rules).unwrap_err().to_string()
    };
    assert_eq!(
        read("metadata: {name: x}\ndata:\n  k: 12345", Rules::Lenient),
        "line 3: data.k must be a Base64 string; quote it, or move it to stringData, found a number"
    );
    assert_eq!(
        read("data: {k: 'hunter2!'}", Rules::Lenient),
        "line 1: data.k holds illegal base64 data at input byte 7"
    );
    assert_eq!(
        read("stringData: {k: [hunter2]}", Rules::Lenient),
        "line 1: stringData.k must be a string, found a list"
    );
    assert_eq!(
        read("metadata: {labels: {a: true}}", Rules::Strict),
        "line 1: metadata.labels.a must be a string, found a boolean"
    );
    assert_eq!(read("data: hunter2", Rules::Strict), "line 1: data must be a map, found a string");
}

#[test]
fn field_names_match_in_any_case_for_people_and_exactly_otherwise() {
    let documents = read_stream(b"Metadata: {NAME: db}\nSTRINGDATA: {k: v}").unwrap();
    let lenient = Secret::from_node(&documents[0].root, Rules::Lenient).unwrap();
    assert_eq!((lenient.metadata.name.as_str(), lenient.string_data.len()), ("db", 1));
    assert_eq!(Secret::from_node(&documents[0].root, Rules::Strict).unwrap().metadata.name, "");
}

#[test]
fn odd_encrypted_data_spoils_only_itself() {
    let object = |encrypted: Value| json!({"metadata": {"name": "a"}, "spec": {"encryptedData": encrypted}});
    let items = |encrypted: Value| SealedSecret::from_json(&object(encrypted)).unwrap().spec.encrypted_data;
    assert!(items(json!(null)).is_empty() && items(json!("text")).is_empty() && items(json!([1])).is_empty());
    let mixed = items(json!({"good": "AQ", "number": 1, "null": null, "map": {}}));
    assert_eq!(mixed.values().map(String::as_str).collect::<Vec<_>>(), ["AQ", "", "", ""]);
    let junk = json!({"metadata": {"name": "a"}, "spec": {"template": {"metadata": {"creationTimestamp": "junk"}}}});
    let error = SealedSecret::from_json(&junk).unwrap_err().to_string();
    assert_eq!(error, "spec.template.metadata.creationTimestamp must be an RFC 3339 time, found a string");
}

#[test]
fn debug_output_of_a_secret_holds_no_value() {
    let text = format!("{:?}", secret(DB));
    assert!(text.contains("redacted") && !text.contains("s3cret") && !text.contains("admin"), "{text}");
}
