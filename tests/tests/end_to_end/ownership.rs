//! Secrets that were there before.

use sealed_secrets_tests::{Object, World, condition_status, decoded, end_to_end, secret};
use serde_json::{Value, json};

const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
const PATCH: &str = "sealedsecrets.bitnami.com/patch";

/// Rows 44, 46 and 50.
#[test]
fn a_secret_that_is_not_ours_is_never_touched() {
    let annotations = [
        json!({}),
        json!({MANAGED: "TRUE"}),
        json!({MANAGED: "false"}),
        json!({MANAGED: ""}),
        json!({PATCH: "TRUE"}),
        json!({PATCH: "1"}),
    ];
    end_to_end(|world| {
        world.controller().start();
        let before: Vec<Object> = annotations
            .iter()
            .enumerate()
            .map(|(index, annotations)| existing(world, &format!("db-{index}"), annotations))
            .collect();
        for (index, before) in before.iter().enumerate() {
            let name = format!("db-{index}");
            world.create(&world.sealed(&name, &[("foo", &world.plant())]));
            let text = format!(r#"Resource "{name}" already exists and is not managed by SealedSecret"#);
            world.failed_with(&name, &format!("failed update: {text}"));
            let event = world.event(&name, "ErrUpdateFailed");
            assert_eq!(event["message"], text);
            assert_eq!(event["type"], "Warning");
            assert_eq!(world.secret(&name).as_ref(), Some(before), "{:?}", annotations[index]);
        }
    });
}

/// Row 45.
#[test]
fn a_secret_marked_managed_is_taken_over_as_a_whole() {
    end_to_end(|world| {
        world.controller().start();
        existing(world, "db", &json!({MANAGED: "true", "note": "theirs"}));
        let value = world.plant();
        let mut plain = secret(&world.namespace, "db", &[("foo", &value)]);
        plain["metadata"]["labels"] = json!({"ours": "yes"});
        let sealed = world.create(&world.seal(&plain, &[]));

        let made = world.wait_for_items("db", &[("foo", &value)]);
        assert_eq!(made["metadata"]["labels"], json!({"ours": "yes"}));
        assert_eq!(made["metadata"].get("annotations"), None);
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], sealed["metadata"]["uid"]);
        world.synced("db");
        world.event("db", "Unsealed");
    });
}

/// Row 47.
#[test]
fn a_secret_marked_managed_and_patch_is_merged_and_owned() {
    end_to_end(|world| {
        world.controller().start();
        let theirs = existing(world, "db", &json!({MANAGED: "true", PATCH: "true"}));
        let (sealed, made) = merge_over(world, &theirs);
        assert_eq!(made["metadata"]["ownerReferences"][0]["uid"], sealed["metadata"]["uid"]);
    });
}

/// Row 48.
#[test]
fn a_secret_marked_patch_is_merged_and_not_owned() {
    end_to_end(|world| {
        world.controller().start();
        let theirs = existing(world, "db", &json!({PATCH: "true"}));
        let (_, made) = merge_over(world, &theirs);
        assert_eq!(made["metadata"].get("ownerReferences"), None);
    });
}

/// Row 49.
#[test]
fn a_secret_marked_patch_may_be_bare() {
    end_to_end(|world| {
        world.controller().start();
        world.create(&json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "db", "annotations": {PATCH: "true"}},
        }));
        let value = world.plant();
        let mut plain = secret(&world.namespace, "db", &[("foo", &value)]);
        plain["metadata"]["labels"] = json!({"ours": "yes"});
        world.create(&world.seal(&plain, &[]));
        world.synced("db");
        let made = world.wait_for_items("db", &[("foo", &value)]);
        assert_eq!(made["metadata"]["labels"], json!({"ours": "yes"}));
        assert_eq!(made["metadata"]["annotations"], json!({PATCH: "true"}));
    });
}

/// Section 6.5: what a merge added is replaced by the next merge, and what it no longer names stays.
#[test]
fn a_merged_item_that_leaves_the_sealed_secret_stays_in_the_secret() {
    end_to_end(|world| {
        world.controller().start();
        existing(world, "db", &json!({PATCH: "true"}));
        let (first, second) = (world.plant(), world.plant());
        world.create_synced("db", &[("one", &first), ("two", &second)]);
        let changed = world.plant();
        world.set_spec("db", &world.sealed("db", &[("one", &changed)])["spec"]);
        world.wait_for_items("db", &[("theirs", "kept"), ("foo", "old"), ("one", &changed), ("two", &second)]);
    });
}

/// Somebody else's Secret, with an item and a label of theirs and one each that a SealedSecret will bring too.
fn existing(world: &World, name: &str, annotations: &Value) -> Object {
    let mut theirs = secret(&world.namespace, name, &[("theirs", "kept"), ("foo", "old")]);
    theirs["metadata"]["labels"] = json!({"theirs": "kept", "both": "old"});
    theirs["metadata"]["annotations"] = annotations.clone();
    world.create(&theirs)
}

fn merge_over(world: &World, theirs: &Object) -> (Object, Object) {
    let value = world.plant();
    let mut plain = secret(&world.namespace, "db", &[("foo", &value)]);
    plain["metadata"]["labels"] = json!({"both": "new"});
    plain["metadata"]["annotations"] = json!({"ours": "yes"});
    world.create(&world.seal(&plain, &[]));
    let sealed = world.synced("db");
    let made = world.wait_for_items("db", &[("theirs", "kept"), ("foo", &value)]);
    assert_eq!(made["metadata"]["labels"], json!({"theirs": "kept", "both": "new"}));
    let mut annotations = theirs["metadata"]["annotations"].clone();
    annotations["ours"] = "yes".into();
    assert_eq!(made["metadata"]["annotations"], annotations);
    assert_eq!(made["metadata"]["uid"], theirs["metadata"]["uid"]);
    assert_eq!(decoded(&made).len(), 2);
    assert_eq!(condition_status(&sealed, "Synced"), "True");
    (sealed, made)
}
