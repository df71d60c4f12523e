//! Objects that cannot be opened, and their neighbours.

use sealed_secrets_tests::{Object, end_to_end, message, secret};
use serde_json::json;

/// Rows 73 and 74.
#[test]
fn every_item_that_fails_is_named_once_behind_its_reason() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let elsewhere = world.seal(&secret("elsewhere", "db", &[("a", &value), ("b", &value)]), &[]);
        let mut sealed = world.sealed("db", &[("good", &value)]);
        for item in ["a", "b"] {
            sealed["spec"]["encryptedData"][item] = elsewhere["spec"]["encryptedData"][item].clone();
        }
        sealed["spec"]["encryptedData"]["foo"] = "AgB?".into();
        world.create(&sealed);
        let text = "illegal base64 data at input byte 3 (foo)\nno key could decrypt secret (a, b)";
        world.failed_with("db", text);
        let event = world.event("db", "ErrUnsealFailed");
        assert_eq!(event["message"], format!("Failed to unseal: {text}"));
        assert_eq!(world.secret("db"), None, "an object is opened as a whole or not at all");
    });
}

/// Row 73.
#[test]
fn text_that_is_not_base64_is_named_and_not_called_undecryptable() {
    end_to_end(|world| {
        world.controller().start();
        world.create(&json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "db"},
            "spec": {"encryptedData": {"foo": "not base64"}},
        }));
        let failed = world.failed("db");
        assert!(message(&failed).contains("illegal base64 data at input byte 3 (foo)"), "{}", message(&failed));
        assert!(!message(&failed).contains("decrypt"), "{}", message(&failed));
    });
}

/// Section 5.5: an item that is no string counts as an empty one.
#[test]
fn an_item_that_is_no_text_fails_by_name() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = world.sealed("db", &[("good", &world.plant())]);
        sealed["spec"]["encryptedData"]["empty"] = "".into();
        world.create(&sealed);
        world.failed_with("db", "no key could decrypt secret (empty)");
    });
}

/// Row 104: in the first list as well as in the watch.
#[test]
fn a_malformed_object_does_not_keep_its_neighbours_waiting() {
    end_to_end(|world| {
        let first = world.controller().start();
        let values = [world.plant(), world.plant(), world.plant()];
        let sealed: Vec<Object> = ["before", "after", "last"]
            .iter()
            .zip(&values)
            .map(|(name, value)| world.sealed(name, &[("foo", value)]))
            .collect();
        let mut malformed = world.sealed("malformed", &[("foo", &world.plant())]);
        malformed["spec"]["template"]["metadata"]["creationTimestamp"] = "junk".into();

        first.kill();
        world.create(&malformed);
        world.create(&sealed[0]);
        world.controller().start();
        world.wait_for_items("before", &[("foo", &values[0])]);

        malformed["metadata"]["name"] = "malformed-too".into();
        world.create(&malformed);
        world.create(&sealed[1]);
        world.wait_for_items("after", &[("foo", &values[1])]);
        world.synced("after");

        for name in ["malformed", "malformed-too"] {
            let reported = world.failed(name);
            assert_ne!(message(&reported), "", "the object itself tells what is wrong with it");
            assert_eq!(world.secret(name), None);
        }
        world.create(&sealed[2]);
        world.synced("last");
    });
}
