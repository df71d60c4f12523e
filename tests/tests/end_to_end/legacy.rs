//! The deprecated field `spec.data`: one envelope around a whole Secret.

use sealed_secrets_tests::{Controller, Object, World, end_to_end, message, sealed_value};
use serde_json::json;

/// Row 88, wire format section 8.
#[test]
fn a_whole_secret_in_one_envelope_opens() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let value = world.plant();
        world.create(&legacy(world, &controller, "old", &value));
        world.synced("old");
        let made = world.wait_for_items("old", &[("foo", &value)]);
        assert_eq!(made["type"], "example.com/old");
        assert_eq!(made["metadata"]["labels"], json!({"from": "the-envelope"}));
        assert_eq!(made["metadata"]["ownerReferences"][0]["name"], "old");
    });
}

/// Row 88.
#[test]
fn the_deprecated_form_can_be_refused() {
    end_to_end(|world| {
        let controller = world.controller().arg("--accept-deprecated-v1-data=false").start();
        let mut sealed = legacy(world, &controller, "old", &world.plant());
        let refusal = "using deprecated 'data' field, use 'encryptedData' or flip the feature flag";
        world.create(&sealed);
        world.failed_with("old", refusal);
        world.event_saying("old", "ErrUnsealFailed", refusal);

        sealed["metadata"]["name"] = "both".into();
        sealed["spec"]["encryptedData"] =
            world.sealed("both", &[("foo", &world.plant())])["spec"]["encryptedData"].take();
        world.create(&sealed);
        world.failed_with("both", refusal);
        assert_eq!(world.secret("old"), None);
        assert_eq!(world.secret("both"), None);
    });
}

/// Row 89.
#[test]
fn both_forms_at_the_same_time_are_refused() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let mut sealed = legacy(world, &controller, "both", &world.plant());
        sealed["spec"]["encryptedData"] =
            world.sealed("both", &[("foo", &world.plant())])["spec"]["encryptedData"].take();
        world.create(&sealed);
        let failed = world.failed("both");
        assert!(message(&failed).contains("at the same time"), "{}", message(&failed));
        assert_eq!(world.secret("both"), None);
    });
}

/// What clients of the first releases wrote.
fn legacy(world: &World, controller: &Controller, name: &str, value: &str) -> Object {
    let whole = json!({
        "kind": "Secret", "apiVersion": "v1",
        "metadata": {"name": name, "namespace": world.namespace, "labels": {"from": "the-envelope"}},
        "data": {"foo": sealed_secrets_tests::base64(value)},
        "type": "example.com/old",
    });
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": world.namespace},
        "spec": {
            "data": sealed_value(&controller.certificate(), &world.namespace, name, &whole.to_string()),
            "encryptedData": {},
        },
    })
}
