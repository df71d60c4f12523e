//! The harness itself: what it promises to notice after every test, it does notice.

use sealed_secrets_tests::{Resource, end_to_end, eventually};
use serde_json::json;

#[test]
#[should_panic(expected = "belongs into Secrets alone")]
fn plain_text_in_an_annotation_is_noticed() {
    end_to_end(|world| {
        let mut sealed = sealed_secrets_tests::undecryptable("db");
        sealed["metadata"]["annotations"] = json!({"note": format!("the password is {}", world.plant())});
        world.create(&sealed);
    });
}

#[test]
#[should_panic(expected = "belongs into Secrets alone")]
fn plain_text_in_base64_in_an_annotation_is_noticed() {
    end_to_end(|world| {
        let mut sealed = sealed_secrets_tests::undecryptable("db");
        let text = format!("the password is {}", world.plant());
        sealed["metadata"]["annotations"] = json!({"note": sealed_secrets_tests::base64(&text)});
        world.create(&sealed);
    });
}

#[test]
#[should_panic(expected = "the controller was refused")]
fn a_call_without_permission_is_noticed() {
    end_to_end(|world| {
        world.controller().start();
        let name = format!("sealed-secrets-controller-{}", world.namespace);
        world.api().delete(Resource::CLUSTER_ROLE_BINDING, "", &name);
        // Until the API server goes by that, the calls for a few of these are still allowed.
        eventually("a call is refused", || {
            world.create(&json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"generateName": "db-"},
                "spec": {"encryptedData": {}},
            }));
            world.calls().iter().any(|call| call.code == 403).then_some(())
        });
    });
}

#[test]
#[should_panic(expected = "ended by itself")]
fn a_controller_that_ends_is_noticed() {
    end_to_end(|world| {
        let controller = world.controller().start();
        controller.signal("KILL");
        eventually("it is gone", || (!controller.is_running()).then_some(()));
    });
}
