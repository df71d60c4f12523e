//! Secrets of ours that somebody else changes (decision 16).

use std::time::Duration;

use sealed_secrets_tests::{Controller, Object, Resource, World, base64, decoded, end_to_end, eventually, never};
use serde_json::{Value, json};

/// W23, section 8: told once per change, by kind and key; nothing is written and `Synced` stays as it is.
#[test]
fn a_change_by_somebody_else_is_reported_and_left_alone() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let sealed = world.create_synced("db", &[("foo", &world.plant()), ("bar", "kept")]);
        change(world, &json!({"data": {"foo": base64("theirs")}}));
        let event = world.event("db", "SecretDrifted");
        assert_eq!(event["type"], "Warning");
        assert_eq!(event["message"], "Secret was changed by somebody else: data (foo)");
        assert_eq!(event["involvedObject"]["uid"], sealed["metadata"]["uid"]);
        assert_eq!(event["source"]["component"], "sealed-secrets");
        counted(world, &controller, 1.0);

        change(world, &json!({"data": {"bar": null}}));
        world.event_saying("db", "SecretDrifted", "data (bar, foo)");
        counted(world, &controller, 2.0);
        never("it is put back", Duration::from_secs(2), || decoded(&world.secret("db").unwrap())["foo"] != "theirs");
        assert_eq!(world.synced("db")["status"], sealed["status"], "and the status says what it said");
        assert_eq!(controller.attempts(), 1.0, "a look is no attempt");
        assert_eq!(world.event_count("db", "SecretDrifted"), 2);
    });
}

/// Labels and annotations of others are no drift.
#[test]
fn what_others_only_add_is_not_reported() {
    end_to_end(|world| {
        let controller = world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        change(world, &json!({"metadata": {"labels": {"theirs": "x"}, "annotations": {"theirs": "x"}}}));
        never("it is reported", Duration::from_secs(2), || !world.events("db", "SecretDrifted").is_empty());
        // Our own write is no drift either.
        let new = world.plant();
        world.set_spec("db", &world.sealed("db", &[("foo", &new)])["spec"]);
        world.wait_for_items("db", &[("foo", &new)]);
        world.synced("db");
        never("it is reported", Duration::from_secs(1), || !world.events("db", "SecretDrifted").is_empty());
        counted(world, &controller, 0.0);
    });
}

/// A Secret that is not controlled by the SealedSecret is its owner's.
#[test]
fn secrets_that_are_only_patched_are_not_reported() {
    end_to_end(|world| {
        world.controller().start();
        let mut theirs = sealed_secrets_tests::secret(&world.namespace, "db", &[("theirs", "kept")]);
        theirs["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/patch": "true"});
        world.create(&theirs);
        world.create_synced("db", &[("foo", &world.plant())]);
        change(world, &json!({"data": {"foo": base64("changed")}}));
        never("it is reported", Duration::from_secs(2), || !world.events("db", "SecretDrifted").is_empty());
    });
}

/// Decision 16: `--heal-drift`.
#[test]
fn with_heal_drift_the_change_is_put_right_after_it_was_reported() {
    end_to_end(|world| {
        let controller = world.controller().arg("--heal-drift").start();
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        for (count, patch) in
            [(1.0, json!({"data": {"foo": base64("theirs")}})), (2.0, json!({"data": {"more": base64("theirs")}}))]
        {
            change(world, &patch);
            counted(world, &controller, count);
            world.wait_for_items("db", &[("foo", &value)]);
        }
        world.event_saying("db", "SecretDrifted", "data (more)");
        world.synced("db");
    });
}

/// With the reference's definition of SealedSecrets and without statuses the memory of the process is enough.
#[test]
fn without_statuses_changes_are_noticed_as_well() {
    end_to_end(|world| {
        let controller = world.controller().arg("--update-status=false").start();
        let value = world.plant();
        world.create(&world.sealed("db", &[("foo", &value)]));
        world.wait_for_items("db", &[("foo", &value)]);
        world.event("db", "Unsealed");
        change(world, &json!({"data": {"foo": base64("theirs")}}));
        counted(world, &controller, 1.0);
    });
}

fn change(world: &World, patch: &Value) -> Object {
    world.api().merge(Resource::SECRET, &world.namespace, "db", patch)
}

fn counted(world: &World, controller: &Controller, count: f64) {
    eventually(&format!("{count} changes are counted"), || {
        let counted = controller.metrics().own("secret_drifts_total", &[("namespace", &world.namespace)]);
        (counted == count).then_some(())
    });
}
