//! The controller as a Pod would run it: in-cluster configuration, its own account, the published roles.

use std::time::Duration;

use sealed_secrets_tests::{Resource, end_to_end, eventually, eventually_within, secret};
use serde_json::json;

/// Rows 102 and 132; that no call is refused is checked after every test.
#[test]
fn everything_works_with_the_files_of_a_service_account() {
    end_to_end(|world| {
        let controller = world.controller().in_pod().arg("--watch-for-secrets").start();
        assert_eq!(world.keys().len(), 1, "the key is in the namespace of the account");
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        world.event("db", "Unsealed");

        let new = world.plant();
        world.set_spec("db", &world.sealed("db", &[("foo", &new)])["spec"]);
        world.wait_for_items("db", &[("foo", &new)]);
        world.api().delete(Resource::SECRET, &world.namespace, "db");
        world.wait_for_items("db", &[("foo", &new)]);
        controller.signal("USR1");
        controller.next_certificate(&controller.certificate());
        assert_eq!(controller.terminate(), Some(0));
    });
}

/// Row 148: clusters replace mounted tokens every hour, and the old ones end.
#[test]
fn a_token_that_was_replaced_is_used_within_about_a_minute() {
    end_to_end(|world| {
        let tie = world.create(&secret(&world.namespace, "tie", &[("what", "the first token hangs on")]));
        let old = world.replace_token(Some(&tie));
        world.controller().in_pod().start();
        world.create_synced("before", &[("foo", &world.plant())]);
        let value = world.plant();
        let after = world.sealed("after", &[("foo", &value)]);

        world.replace_token(None);
        world.api().delete(Resource::SECRET, &world.namespace, "tie");
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": old}});
        eventually("the old token is refused", || {
            let answer = world.api().create(Resource::TOKEN_REVIEW, "", &review);
            (answer["status"]["authenticated"] != true).then_some(())
        });
        world.create(&after);
        eventually_within(Duration::from_secs(90), "work goes on", || {
            (world.items("after").get("foo") == Some(&value)).then_some(())
        });
        world.synced("after");
    });
}

/// Section 3.3: the calls of an ordinary life, none beyond the published verbs.
#[test]
fn only_the_published_verbs_are_used() {
    const ALLOWED: [(&str, &[&str]); 7] = [
        ("sealedsecrets", &["get", "list", "watch"]),
        ("sealedsecrets/status", &["update"]),
        ("secrets", &["get", "list", "watch", "create", "update"]),
        ("events", &["create", "patch"]),
        ("namespaces", &["get"]),
        ("selfsubjectaccessreviews", &["create"]),
        ("leases", &["get", "create", "update"]),
    ];
    end_to_end(|world| {
        let elsewhere = world.another_namespace();
        world.controller().arg(&format!("--additional-namespaces={elsewhere}")).start();
        world.create_synced("db", &[("foo", &world.plant())]);
        world.set_spec("db", &json!({"encryptedData": {"foo": "AAAA"}}));
        world.failed("db");
        world.set_spec("db", &world.sealed("db", &[("foo", &world.plant())])["spec"]);
        world.synced("db");
        world.api().delete(Resource::SEALED, &world.namespace, "db");

        let calls = world.calls();
        for wanted in ["sealedsecrets/status", "events", "secrets", "namespaces"] {
            assert!(calls.iter().any(|call| call.resource == wanted), "the audit log shows {wanted}");
        }
        for call in calls.iter().filter(|call| !call.resource.is_empty()) {
            let verbs = ALLOWED.iter().find(|(resource, _)| *resource == call.resource).map(|(_, verbs)| *verbs);
            assert!(verbs.unwrap_or_default().contains(&call.verb.as_str()), "{call:?}");
        }
    });
}
