//! SealedSecrets that are deleted, and Secrets that do not depend on theirs.

use std::time::Duration;

use sealed_secrets_tests::{Object, Resource, World, end_to_end, eventually, never, secret};
use serde_json::json;

/// The test cluster's garbage collector needs about two seconds.
const LONG_AFTER: Duration = Duration::from_secs(6);
const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
const SKIP_OWNER: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";

/// Row 56.
#[test]
fn a_deleted_sealed_secret_takes_its_secret_along() {
    end_to_end(|world| {
        let controller = world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        delete(world);
        eventually("the Secret is collected", || world.secret("db").is_none().then_some(()));
        never("the Secret comes back", Duration::from_secs(2), || world.secret("db").is_some());
        let failures = controller.metrics().text.lines().filter(|line| line.contains("unseal_errors_total{")).count();
        assert_eq!(failures, 0, "the end of an object is no failure");
    });
}

/// Rows 57 and 58.
#[test]
fn without_owner_references_the_secret_outlives_the_sealed_secret() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        world.create(&unowned(world, &value, &json!({SKIP_OWNER: "true"})));
        world.synced("db");
        let made = world.wait_for_items("db", &[("foo", &value)]);
        assert_eq!(made["metadata"].get("ownerReferences"), None);
        delete(world);
        never("the Secret goes away", LONG_AFTER, || world.secret("db").is_none());
    });
}

/// Row 58: what was made unowned is a stranger's Secret from then on, unless it is marked managed.
#[test]
fn an_unowned_secret_is_not_updated_unless_it_is_managed() {
    end_to_end(|world| {
        world.controller().start();
        let (first, second) = (world.plant(), world.plant());
        world.create(&unowned(world, &first, &json!({SKIP_OWNER: "true"})));
        world.synced("db");
        world.set_spec("db", &unowned(world, &second, &json!({SKIP_OWNER: "true"}))["spec"]);
        world.failed_with("db", r#"failed update: Resource "db" already exists and is not managed by SealedSecret"#);
        assert_eq!(world.items("db")["foo"], first);
    });
}

/// Row 59.
#[test]
fn an_unowned_secret_that_is_managed_follows_its_sealed_secret() {
    end_to_end(|world| {
        world.controller().start();
        let annotations = json!({SKIP_OWNER: "true", MANAGED: "true"});
        let (first, second) = (world.plant(), world.plant());
        world.create(&unowned(world, &first, &annotations));
        world.synced("db");
        world.set_spec("db", &unowned(world, &second, &annotations)["spec"]);
        world.synced("db");
        let made = world.wait_for_items("db", &[("foo", &second)]);
        assert_eq!(made["metadata"].get("ownerReferences"), None);
        assert_eq!(made["metadata"]["annotations"], annotations);
    });
}

/// Row 61.
#[test]
fn a_sealed_secret_that_is_deleted_and_made_again_owns_its_secret_in_the_end() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let sealed = world.sealed("db", &[("foo", &value)]);
        world.create(&sealed);
        world.synced("db");
        delete(world);
        let again = world.create(&sealed);
        eventually("the Secret belongs to the new SealedSecret", || {
            let made = world.secret("db")?;
            (made["metadata"]["ownerReferences"][0]["uid"] == again["metadata"]["uid"]).then_some(())
        });
        world.synced("db");
        world.wait_for_items("db", &[("foo", &value)]);
    });
}

/// W24.
#[test]
fn a_sealed_secret_that_is_being_deleted_makes_no_secret() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = world.sealed("db", &[("foo", &world.plant())]);
        sealed["metadata"]["finalizers"] = json!(["test.example/hold"]);
        world.create(&sealed);
        world.synced("db");
        delete(world);
        world.api().delete(Resource::SECRET, &world.namespace, "db");
        never("the Secret comes back", Duration::from_secs(3), || world.secret("db").is_some());
        world.set_metadata("db", json!({"finalizers": null}));
        eventually("the SealedSecret is gone", || world.sealed_secret("db").is_none().then_some(()));
    });
}

fn delete(world: &World) {
    world.api().delete(Resource::SEALED, &world.namespace, "db");
}

/// A SealedSecret whose template has these annotations.
fn unowned(world: &World, value: &str, annotations: &Object) -> Object {
    let mut sealed = world.seal(&secret(&world.namespace, "db", &[("foo", value)]), &[]);
    sealed["spec"]["template"]["metadata"]["annotations"] = annotations.clone();
    sealed
}
