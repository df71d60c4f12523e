//! When a status is written and when it is not.

use std::time::Duration;

use sealed_secrets_tests::{
    KeyPair, Resource, condition, condition_status, end_to_end, eventually, never, sealed_value, undecryptable,
};
use serde_json::json;

/// Longer than all fast retries of one object together.
const AFTER_THE_RETRIES: Duration = Duration::from_secs(3);

/// Row 91.
#[test]
fn a_synced_object_that_fails_says_why_and_since_when() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let synced = world.create_synced("db", &[("foo", &value)]);
        let before = condition(&synced, "Synced").unwrap().clone();
        let written: jiff::Timestamp = before["lastTransitionTime"].as_str().unwrap().parse().unwrap();
        eventually("a second has gone by", || (jiff::Timestamp::now().as_second() > written.as_second()).then_some(()));

        world.set_spec("db", &json!({"encryptedData": {"foo": "AAAA"}}));
        let failed = world.failed_with("db", "no key could decrypt secret (foo)");
        let after = condition(&failed, "Synced").unwrap();
        assert_ne!(after["lastTransitionTime"], before["lastTransitionTime"]);
        assert_eq!(after["lastTransitionTime"], after["lastUpdateTime"]);
        assert_eq!(failed["status"]["observedGeneration"], 2);
        assert_eq!(world.items("db")["foo"], value, "the Secret stays as it was");
    });
}

/// Rows 92 and 97, W10.
#[test]
fn a_failing_object_is_tried_six_times_and_reported_once() {
    end_to_end(|world| {
        let controller = world.controller().start();
        world.create(&undecryptable("db"));
        let failed = world.failed("db");
        eventually("the fast retries are over", || (controller.attempts() >= 6.0).then_some(()));
        world.event("db", "ErrUnsealFailed");
        never("it is tried, written or reported again", AFTER_THE_RETRIES, || {
            controller.attempts() != 6.0
                || world.sealed_secret("db").unwrap()["metadata"]["resourceVersion"]
                    != failed["metadata"]["resourceVersion"]
                || world.event_count("db", "ErrUnsealFailed") != 1
        });
        let errors = [("reason", "unseal"), ("namespace", world.namespace.as_str())];
        assert!(controller.metrics().own("unseal_errors_total", &errors) >= 1.0);
    });
}

/// Row 97.
#[test]
fn without_retries_a_failing_object_is_tried_once() {
    end_to_end(|world| {
        let controller = world.controller().arg("--max-unseal-retries=0").start();
        world.create(&undecryptable("db"));
        world.failed("db");
        never("it is tried again", AFTER_THE_RETRIES, || controller.attempts() != 1.0);
    });
}

/// Row 93: the same generation fails in another way.
#[test]
fn another_reason_of_failure_is_written_although_the_status_stays_false() {
    end_to_end(|world| {
        world.controller().arg("--watch-for-secrets").start();
        let (first, second) =
            (KeyPair::valid_from("2020-01-01T00:00:00Z"), KeyPair::valid_from("2021-01-01T00:00:00Z"));
        let values = [world.plant(), world.plant()];
        let seal = |key: &KeyPair, value: &str| sealed_value(&key.certificate, &world.namespace, "db", value);
        world.create(&json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db"},
            "spec": {"encryptedData": {"a": seal(&first, &values[0]), "b": seal(&second, &values[1])}},
        }));
        world.failed_with("db", "no key could decrypt secret (a, b)");
        world.create(&first.secret("first-key"));
        let failed = world.failed_with("db", "no key could decrypt secret (b)");
        assert_eq!(failed["metadata"]["generation"], 1);
        world.create(&second.secret("second-key"));
        world.synced("db");
        world.wait_for_items("db", &[("a", &values[0]), ("b", &values[1])]);
    });
}

/// Row 94.
#[test]
fn without_status_updates_the_secret_is_made_all_the_same() {
    end_to_end(|world| {
        world.controller().arg("--update-status=false").start();
        let value = world.plant();
        world.create(&world.sealed("db", &[("foo", &value)]));
        world.wait_for_items("db", &[("foo", &value)]);
        world.event("db", "Unsealed");
        world.create(&undecryptable("bad"));
        world.event("bad", "ErrUnsealFailed");
        never("a status is written", AFTER_THE_RETRIES, || {
            ["db", "bad"].iter().any(|name| world.sealed_secret(name).unwrap().get("status").is_some())
        });
        let writes = world.calls().into_iter().filter(|call| call.resource == "sealedsecrets/status").count();
        assert_eq!(writes, 0);
    });
}

/// Row 95.
#[test]
fn conditions_of_others_are_kept_behind_ours() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = world.create_synced("db", &[("foo", &world.plant())]);
        let foreign = json!({"type": "Backed-Up", "status": "True", "reason": "Nightly",
            "lastUpdateTime": "2026-01-01T00:00:00Z", "lastTransitionTime": "2026-01-01T00:00:00Z"});
        sealed["status"]["conditions"].as_array_mut().unwrap().insert(0, foreign.clone());
        world.api().merge(Resource::SEALED, &world.namespace, "db/status", &json!({"status": sealed["status"]}));

        let value = world.plant();
        world.set_spec("db", &world.sealed("db", &[("foo", &value)])["spec"]);
        world.wait_for_items("db", &[("foo", &value)]);
        let sealed = eventually("the second generation is synced", || {
            world.sealed_secret("db").filter(|found| found["status"]["observedGeneration"] == 2)
        });
        assert_eq!(condition(&sealed, "Backed-Up"), Some(&foreign));
        assert_eq!(sealed["status"]["conditions"][0]["type"], "Synced");
        assert_eq!(condition_status(&sealed, "Synced"), "True");
    });
}

/// Row 96.
#[test]
fn changes_beside_the_spec_are_no_work() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let mut sealed = world.create_synced("db", &[("foo", &world.plant())]);
        world.event("db", "Unsealed");
        let before = controller.attempts();
        let secret = world.secret("db").unwrap();

        world.set_metadata("db", json!({"labels": {"new": "label"}, "annotations": {"new": "annotation"}}));
        let foreign = json!({"type": "Seen", "status": "True"});
        sealed["status"]["conditions"].as_array_mut().unwrap().push(foreign);
        world.api().merge(Resource::SEALED, &world.namespace, "db/status", &json!({"status": sealed["status"]}));

        never("it is worked on", AFTER_THE_RETRIES, || {
            controller.attempts() != before || world.event_count("db", "Unsealed") != 1
        });
        assert_eq!(world.secret("db").unwrap(), secret);
    });
}
