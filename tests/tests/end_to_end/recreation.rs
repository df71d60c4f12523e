//! Secrets that somebody deletes by hand.

use std::time::Duration;

use sealed_secrets_tests::{Object, Resource, World, decoded, end_to_end, eventually, never, secret};
use serde_json::json;

/// Far above the time that a recreation takes.
const LONG_AFTER: Duration = Duration::from_secs(3);
const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
const PATCH: &str = "sealedsecrets.bitnami.com/patch";

/// Row 51.
#[test]
fn a_deleted_secret_of_ours_comes_back() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let sealed = world.create_synced("db", &[("foo", &value)]);
        let old = world.secret("db").unwrap();
        delete_secret(world);
        let new = recreated(world, &old);
        assert_eq!(decoded(&new)["foo"], value);
        assert_eq!(new["metadata"]["ownerReferences"][0]["uid"], sealed["metadata"]["uid"]);
        world.synced("db");
    });
}

/// Row 52.
#[test]
fn a_deleted_secret_marked_managed_comes_back_owned() {
    end_to_end(|world| {
        world.controller().start();
        let sealed = world.create_synced("db", &[("foo", &world.plant())]);
        let old = disown(world, &json!({MANAGED: "true"}));
        delete_secret(world);
        let new = recreated(world, &old);
        assert_eq!(new["metadata"]["ownerReferences"][0]["uid"], sealed["metadata"]["uid"]);
    });
}

/// Rows 53 and 54.
#[test]
fn a_deleted_secret_that_is_not_ours_stays_away() {
    end_to_end(|world| {
        world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        disown(world, &json!({}));
        delete_secret(world);
        never("the disowned Secret comes back", LONG_AFTER, || world.secret("db").is_some());

        let mut patched = secret(&world.namespace, "patched", &[("theirs", "kept")]);
        patched["metadata"]["annotations"] = json!({PATCH: "true"});
        world.create(&patched);
        world.create_synced("patched", &[("foo", &world.plant())]);
        world.api().delete(Resource::SECRET, &world.namespace, "patched");
        never("the patched Secret comes back", LONG_AFTER, || world.secret("patched").is_some());
    });
}

/// Row 53, decision 14.
#[test]
fn deleting_the_secret_that_is_in_the_way_lets_ours_through() {
    end_to_end(|world| {
        world.controller().start();
        world.create(&secret(&world.namespace, "db", &[("theirs", "kept")]));
        let value = world.plant();
        world.create(&world.sealed("db", &[("foo", &value)]));
        world.failed("db");
        delete_secret(world);
        world.wait_for_items("db", &[("foo", &value)]);
        world.synced("db");
    });
}

/// Row 55.
#[test]
fn with_skip_recreate_secrets_are_not_watched_and_stay_away() {
    end_to_end(|world| {
        world.controller().arg("--skip-recreate").start();
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        delete_secret(world);
        never("the deleted Secret comes back", LONG_AFTER, || world.secret("db").is_some());

        let new = world.plant();
        world.set_spec("db", &world.sealed("db", &[("foo", &new)])["spec"]);
        world.wait_for_items("db", &[("foo", &new)]);

        let foreign: Vec<_> = world
            .calls()
            .into_iter()
            .filter(|call| call.resource == "secrets" && ["list", "watch"].contains(&call.verb.as_str()))
            .filter(|call| !call.query.contains("sealed-secrets-key"))
            .collect();
        assert!(foreign.is_empty(), "Secrets other than keys were listed: {foreign:?}");
    });
}

/// Takes our mark from the Secret, as a person with an editor would, and gives it these annotations.
fn disown(world: &World, annotations: &Object) -> Object {
    let patch = json!({"metadata": {"ownerReferences": null, "annotations": annotations}});
    let changed = world.api().merge(Resource::SECRET, &world.namespace, "db", &patch);
    assert_eq!(changed["metadata"].get("ownerReferences"), None);
    changed
}

fn delete_secret(world: &World) {
    world.api().delete(Resource::SECRET, &world.namespace, "db");
}

fn recreated(world: &World, old: &Object) -> Object {
    eventually("the Secret is there again", || {
        world.secret("db").filter(|new| new["metadata"]["uid"] != old["metadata"]["uid"])
    })
}
