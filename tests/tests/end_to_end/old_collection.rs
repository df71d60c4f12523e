//! `--old-gc-behavior`: the controller itself deletes the Secrets of deleted SealedSecrets.

use std::time::Duration;

use jiff::Timestamp;
use sealed_secrets_tests::{Launch, Object, Resource, World, end_to_end, eventually, never};
use serde_json::json;

/// Longer than the deletion takes.
const LONG: Duration = Duration::from_secs(3);
const SKIP_OWNER: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";

/// Row 60.
#[test]
fn the_secret_of_a_deleted_sealed_secret_is_deleted_by_the_controller() {
    end_to_end(|world| {
        old(world).start();
        world.create_synced("db", &[("foo", &world.plant())]);
        // Held, so that the garbage collector of this cluster cannot be faster.
        hold(world, &json!(["test.example/hold"]));
        world.api().delete(Resource::SEALED, &world.namespace, "db");
        eventually("the controller deletes the Secret", || deletions(world).pop());
        hold(world, &json!(null));
        eventually("the Secret is gone", || world.secret("db").is_none().then_some(()));
    });
}

/// W19: only what is ours.
#[test]
fn a_secret_that_is_not_controlled_stays() {
    end_to_end(|world| {
        old(world).start();
        let mut sealed = world.sealed("db", &[("foo", &world.plant())]);
        sealed["spec"]["template"]["metadata"]["annotations"] = json!({SKIP_OWNER: "true"});
        world.create(&sealed);
        world.synced("db");
        world.api().delete(Resource::SEALED, &world.namespace, "db");
        never("the Secret goes away", LONG, || world.secret("db").is_none());
        assert_eq!(deletions(world), []);
    });
}

/// W19: an object that the selector no longer picks is not a deleted one.
#[test]
fn a_deselected_sealed_secret_keeps_its_secret() {
    end_to_end(|world| {
        old(world).arg("--label-selector=picked=yes").start();
        let mut sealed = world.sealed("db", &[("foo", &world.plant())]);
        sealed["metadata"]["labels"] = json!({"picked": "yes"});
        world.create(&sealed);
        world.synced("db");
        world.event("db", "Unsealed");
        let changed = Timestamp::now();
        world.set_metadata("db", json!({"labels": {"picked": "no"}}));
        never("the Secret goes away", LONG, || world.secret("db").is_none());
        assert_eq!(world.writes_since(changed), []);
    });
}

fn old(world: &World) -> Launch<'_> {
    world.controller().arg("--old-gc-behavior")
}

fn hold(world: &World, finalizers: &Object) {
    let patch = json!({"metadata": {"finalizers": finalizers}});
    world.api().merge(Resource::SECRET, &world.namespace, "db", &patch);
}

fn deletions(world: &World) -> Vec<sealed_secrets_tests::Call> {
    let calls = world.calls().into_iter();
    calls.filter(|call| call.verb == "delete" && call.resource == "secrets" && call.name == "db").collect()
}
