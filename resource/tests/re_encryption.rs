//! Re-encryption (wire-format.md section 11.2, decision 13), and its result in a file.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use sealed_secrets_crypto::{Certificate, KeyRing, Label, PrivateKey, PublicKey, SealingKey, SystemRandom};
use sealed_secrets_resource::document::read_stream;
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{
    ReEncryptError, Rules, SealedFile, SealedSecret, UnsealOptions, annotation, open_items, re_encrypt, seal_value,
    unseal,
};
use serde_json::{Value, json};

const OPTIONS: UnsealOptions = UnsealOptions { accept_deprecated_data: true, last: None };

fn key(pem: &[u8], certificate: &[u8], second: i64) -> SealingKey {
    let certificate = Certificate::first_from_pem(certificate).unwrap();
    SealingKey::new(PrivateKey::from_pem(pem).unwrap(), certificate, Timestamp::from_second(second).unwrap()).unwrap()
}

static OLD: LazyLock<SealingKey> =
    LazyLock::new(|| key(include_bytes!("data/appendix-a.key"), include_bytes!("data/appendix-a.crt"), 1));
static NEW: LazyLock<SealingKey> = LazyLock::new(|| key(include_bytes!("data/b.key"), include_bytes!("data/b.crt"), 2));

fn old() -> &'static PublicKey {
    OLD.private_key().public_key()
}

fn both() -> KeyRing {
    KeyRing::new(vec![OLD.clone(), NEW.clone()])
}

fn item(label: &Label, value: &str) -> String {
    seal_value(old(), label, value.as_bytes(), &mut SystemRandom).unwrap()
}

fn shop_db() -> Label {
    Label::strict("shop", "db")
}

fn object(value: &Value) -> SealedSecret {
    SealedSecret::from_json(value).unwrap()
}

fn rotated(value: &Value) -> SealedSecret {
    re_encrypt(&object(value), &both(), &OPTIONS, &mut SystemRandom).unwrap()
}

/// What the new key alone opens.
fn values(sealed: &SealedSecret) -> BTreeMap<String, String> {
    let items = open_items(sealed, &KeyRing::new(vec![NEW.clone()]), &OPTIONS).unwrap().items;
    items.into_iter().map(|(item, value)| (item, String::from_utf8(value.as_slice().to_vec()).unwrap())).collect()
}

#[test]
fn items_move_to_the_current_key_and_the_rest_stays() {
    let (user, pass) = (item(&shop_db(), "admin"), item(&shop_db(), "s3cret"));
    let template = json!({
        "metadata": {"name": "db", "namespace": "shop", "labels": {"app": "web"}, "annotations": {"note": "x"}},
        "type": "example.com/x", "immutable": true, "data": {"conf": "{{ fail .user }}"},
    });
    let mut given = json!({
        "kind": "SealedSecret", "apiVersion": "bitnami.com/v1alpha1",
        "metadata": {
            "name": "db", "namespace": "shop", "labels": {"outer": "l"}, "finalizers": ["f"],
            "annotations": {"wave": "1", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "uid": "u", "resourceVersion": "7", "generation": 3, "creationTimestamp": "2026-01-05T09:12:44Z",
            "managedFields": [{"manager": "kubectl"}],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u"}],
        },
        "spec": {"template": template, "encryptedData": {"user": user, "pass": pass}},
        "status": {"observedGeneration": 3},
    });
    let result = rotated(&given);
    let expected = [("pass", "s3cret"), ("user", "admin")].map(|(item, value)| (item.to_owned(), value.to_owned()));
    assert_eq!(values(&result), expected.into());
    let shown = serde_json::to_value(&result).unwrap();
    assert_eq!(
        shown["metadata"],
        json!({"name": "db", "namespace": "shop", "labels": {"outer": "l"}, "annotations": {"wave": "1"}, "finalizers": ["f"]})
    );
    assert_eq!(shown["spec"]["template"], template);
    assert!(shown.get("status").is_none());
    // Always, also when the current key has sealed it already.
    given["spec"]["encryptedData"] = shown["spec"]["encryptedData"].clone();
    assert_ne!(rotated(&given).spec.encrypted_data["user"], result.spec.encrypted_data["user"]);
}

#[test]
fn the_scope_is_that_of_the_metadata_and_never_of_the_template() {
    let (cluster, namespace) = (annotation::CLUSTER_WIDE, annotation::NAMESPACE_WIDE);
    // Outer annotations, template annotations before and after, label.
    let table = [
        (json!({}), json!({cluster: "true", "n": "x"}), json!({"n": "x"}), shop_db()),
        (json!({}), json!({namespace: "true", cluster: "false"}), Value::Null, shop_db()),
        (json!({cluster: "true"}), json!({}), json!({cluster: "true"}), Label::cluster_wide()),
        (
            json!({namespace: "true"}),
            json!({cluster: "true"}),
            json!({namespace: "true"}),
            Label::namespace_wide("shop"),
        ),
        (
            json!({cluster: "true", namespace: "true"}),
            json!({namespace: "true"}),
            json!({cluster: "true"}),
            Label::cluster_wide(),
        ),
    ];
    for (outer, before, after, label) in table {
        let result = rotated(&json!({
            "metadata": {"name": "db", "namespace": "shop", "annotations": outer},
            "spec": {"template": {"metadata": {"annotations": before}}, "encryptedData": {"k": item(&label, "v")}},
        }));
        let shown = serde_json::to_value(&result).unwrap();
        assert_eq!(shown["spec"]["template"]["metadata"]["annotations"], after);
        assert_eq!(values(&result)["k"], "v");
    }
}

#[test]
fn the_record_follows_the_key_where_there_is_one() {
    let mut given = json!({"metadata": {"name": "db", "namespace": "shop"}, "spec": {"encryptedData": {"k": item(&shop_db(), "v")}}});
    assert!(rotated(&given).metadata.annotations.is_empty());
    given["metadata"]["annotations"] = json!({annotation::SEALED_WITH: format!("{}; k=x", old().fingerprint())});
    assert_eq!(rotated(&given).metadata.annotations[annotation::SEALED_WITH], NEW.fingerprint().to_string());
}

#[test]
fn failures_give_no_result() {
    let good = json!({"metadata": {"name": "db", "namespace": "shop"}, "spec": {"encryptedData": {"k": item(&shop_db(), "v"), "bad": "AAAA"}}});
    let failed = |value: &Value, ring: &KeyRing| {
        re_encrypt(&object(value), ring, &OPTIONS, &mut SystemRandom).unwrap_err().to_string()
    };
    assert_eq!(failed(&good, &both()), "no key could decrypt secret (bad)");
    let unpublished = SealingKey::unpublished(OLD.private_key().clone(), Timestamp::UNIX_EPOCH);
    assert_eq!(failed(&good, &KeyRing::new(vec![unpublished])), ReEncryptError::NoCurrentKey.to_string());
    assert_eq!(failed(&json!({"metadata": {"name": "db"}}), &both()), "secret must declare a namespace");
    assert_eq!(failed(&json!({"metadata": {"namespace": "shop"}}), &both()), "missing metadata.name in input Secret");
}

fn legacy() -> String {
    let secret = r#"{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x","labels":{"app":"web"},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},"data":{"k":"dg=="},"type":"Opaque"}"#;
    item(&shop_db(), secret)
}

#[test]
fn the_deprecated_form_becomes_items() {
    let given =
        json!({"metadata": {"name": "db", "namespace": "shop", "labels": {"l": "m"}}, "spec": {"data": legacy()}});
    let result = rotated(&given);
    assert_eq!(values(&result)["k"], "v");
    let shown = serde_json::to_value(&result).unwrap();
    assert_eq!(shown["metadata"], given["metadata"]);
    assert_eq!(
        shown["spec"]["template"],
        json!({"metadata": {"name": "db", "namespace": "shop", "labels": {"app": "web"}}, "type": "Opaque"})
    );
    let off = UnsealOptions { accept_deprecated_data: false, last: None };
    assert!(re_encrypt(&object(&given), &both(), &off, &mut SystemRandom).is_err());
}

/// Re-encrypts every object of a file and puts the answers back, after changing them.
fn in_place(file: &str, change: impl Fn(&mut SealedSecret)) -> Result<String, String> {
    let read = SealedFile::read(file.as_bytes()).map_err(|error| error.to_string())?;
    let answer = |sealed| {
        let mut answer = re_encrypt(sealed, &both(), &OPTIONS, &mut SystemRandom).unwrap();
        change(&mut answer);
        answer
    };
    let answers: Vec<_> = read.objects().map(answer).collect();
    read.with_answers(&answers).map_err(|error| error.to_string())
}

fn objects(file: &str) -> Vec<SealedSecret> {
    SealedFile::read(file.as_bytes()).unwrap().objects().cloned().collect()
}

#[test]
fn only_ciphertexts_change_in_every_document_and_list_of_a_file() {
    let sealed = || item(&shop_db(), "v");
    let file = format!(
        "# a\nkind: SealedSecret\nMetadata: {{name: db, namespace: shop}}\nspec:\n  ENCRYPTEDDATA:\n    k: {} # why\n  template: {{data: {{t: '{{{{ .k }}}}'}}}}\n\
         ---\n# nothing\n---\nkind: List\nitems:\n- metadata: {{name: db, namespace: shop, creationTimestamp: null}}\n  spec:\n    encryptedData: {{k: '{}', l: {}}}\n- kind: SealedSecretList\n  \
         items: [{{metadata: {{name: db, namespace: shop}}}}]\n---\n{{\"metadata\": {{\"name\": \"db\", \"namespace\": \"shop\"}},\n \"spec\": {{\"encryptedData\": {{\"k\": \"{}\"}}}}}}",
        sealed(),
        sealed(),
        sealed(),
        sealed()
    );
    let after = in_place(&file, |_| {}).unwrap();
    let mut expected = file.clone();
    for (before, after) in objects(&file).iter().zip(objects(&after)) {
        for (item, ciphertext) in &before.spec.encrypted_data {
            expected = expected.replace(ciphertext, &after.spec.encrypted_data[item]);
        }
        assert!(values(&after).values().all(|value| value == "v"));
    }
    assert_eq!(objects(&after).len(), 4);
    assert_eq!(after, expected);
    assert_ne!(after, file);
}

#[test]
fn the_record_in_a_file_becomes_the_answer_s_or_goes() {
    let name = annotation::SEALED_WITH;
    let file = format!(
        "metadata:\n  name: db\n  namespace: shop\n  annotations:\n    {name}: {}\n    note: x\nspec:\n  encryptedData:\n    k: {}\n",
        old().fingerprint(),
        item(&shop_db(), "v")
    );
    let after = in_place(&file, |_| {}).unwrap();
    assert!(after.contains(&format!("    {name}: {}\n", NEW.fingerprint())), "{after}");
    let forgotten = in_place(&file, |answer| answer.metadata.annotations.clear()).unwrap();
    assert!(forgotten.contains("  annotations:\n    note: x\nspec:"), "{forgotten}");
}

#[test]
fn a_deprecated_object_is_converted_in_its_place() {
    let file = format!("# c\nmetadata: {{name: db, namespace: shop}} # d\nspec:\n  data: {}\n", legacy());
    let after = in_place(&file, |_| {}).unwrap();
    assert!(
        after.starts_with("# c\nmetadata: {name: db, namespace: shop} # d\nspec:\n  encryptedData:\n    k: AQ"),
        "{after}"
    );
    assert!(after.ends_with("  template:\n    metadata:\n      name: db\n      namespace: shop\n      labels:\n        app: web\n    type: Opaque\n"), "{after}");
    assert_eq!(values(&objects(&after)[0])["k"], "v");
    let (now, limits) = (Timestamp::UNIX_EPOCH, Limits::default());
    let environment = RenderEnvironment { now, random: &mut SystemRandom, limits, stop: &|| false };
    let unsealed = unseal(&objects(&after)[0], &both(), &OPTIONS, environment).unwrap().secret;
    assert_eq!(unsealed.metadata.labels["app"], "web");
}

#[test]
fn answers_that_do_not_fit_change_nothing() {
    let file = format!(
        "metadata: {{name: db, namespace: shop}}\nspec: {{encryptedData: {{k: {}}}, template: {{data: {{k: x}}}}}}\n",
        item(&shop_db(), "v")
    );
    type Change = fn(&mut SealedSecret);
    let table: [(Change, &str); 4] = [
        (|answer| "other".clone_into(&mut answer.metadata.name), "it has another name or namespace"),
        (|answer| answer.spec.encrypted_data.clear(), "it lacks item k"),
        (|answer| answer.spec.template.data.clear(), "item k is also a template"),
        (
            |answer| drop(answer.metadata.annotations.insert(annotation::CLUSTER_WIDE.to_owned(), "true".to_owned())),
            "its scope is cluster-wide and not strict",
        ),
    ];
    for (change, words) in table {
        let error = in_place(&file, change).unwrap_err();
        assert!(error.starts_with("line 1: the answer for db does not fit") && error.contains(words), "{error}");
    }
    let read = SealedFile::read(file.as_bytes()).unwrap();
    assert!(read.with_answers(&[]).unwrap_err().to_string().contains("it is missing"));
    for (input, words) in
        [("kind: Secret\n", "\"Secret\""), ("kind: List\nitems: [{kind: Pod}]\n", "\"Pod\""), ("a: [", "line 1")]
    {
        assert!(SealedFile::read(input.as_bytes()).unwrap_err().to_string().contains(words));
    }
    assert_eq!(read_stream(file.as_bytes()).unwrap().len(), 1);
    assert_eq!(
        SealedSecret::from_node(&read_stream(file.as_bytes()).unwrap()[0].root, Rules::Strict).unwrap(),
        objects(&file)[0]
    );
}
