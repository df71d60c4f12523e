//! What a Secret looks like: type, labels, annotations.

use sealed_secrets_tests::{Resource, end_to_end, secret};
use serde_json::json;

/// Row 75.
#[test]
fn the_type_of_the_template_is_the_type_of_the_secret() {
    end_to_end(|world| {
        world.controller().start();
        let config = format!(r#"{{"auths":{{"registry.test":{{"auth":"{}"}}}}}}"#, world.plant());
        let mut plain = secret(&world.namespace, "pull", &[(".dockerconfigjson", &config)]);
        plain["type"] = "kubernetes.io/dockerconfigjson".into();
        let sealed = world.seal(&plain, &[]);
        assert_eq!(sealed["spec"]["template"]["type"], "kubernetes.io/dockerconfigjson");
        world.create(&sealed);
        world.synced("pull");
        let made = world.wait_for_items("pull", &[(".dockerconfigjson", &config)]);
        assert_eq!(made["type"], "kubernetes.io/dockerconfigjson");
    });
}

/// Row 76.
#[test]
fn without_a_type_the_secret_is_opaque_and_written_once() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let mut sealed = world.sealed("db", &[("password", &value)]);
        if let Some(template) = sealed["spec"]["template"].as_object_mut() {
            template.remove("type");
        }
        world.create(&sealed);
        world.synced("db");
        let made = world.wait_for_items("db", &[("password", &value)]);
        assert_eq!(made["type"], "Opaque");
        let writes = world.calls().into_iter().filter(|call| call.resource == "secrets" && call.name == "db");
        let updates = writes.filter(|call| call.verb == "update").count();
        assert_eq!(updates, 0, "an absent type is no difference (W21)");
    });
}

/// Row 77.
#[test]
fn the_template_gives_labels_and_annotations_and_the_sealed_secret_does_not() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let mut plain = secret(&world.namespace, "db", &[("password", &value)]);
        plain["metadata"]["labels"] = json!({"app": "shop"});
        plain["metadata"]["annotations"] = json!({"owner": "team-a"});
        let mut sealed = world.seal(&plain, &[]);
        sealed["metadata"]["labels"] = json!({"of": "the-sealed-secret"});
        sealed["metadata"]["annotations"] = json!({"note": "for the sealed secret"});
        world.create(&sealed);
        world.synced("db");
        let made = world.wait_for_items("db", &[("password", &value)]);
        assert_eq!(made["metadata"]["labels"], json!({"app": "shop"}));
        assert_eq!(made["metadata"]["annotations"], json!({"owner": "team-a"}));

        world.api().set(
            Resource::SEALED,
            &world.namespace,
            "db",
            "/spec/template/metadata/labels",
            &json!({"app": "shop", "tier": "data"}),
        );
        world.synced("db");
        assert_eq!(world.secret("db").unwrap()["metadata"]["labels"], json!({"app": "shop", "tier": "data"}));
    });
}

/// Wire format 5.1: an object with nothing to decrypt is legal.
#[test]
fn a_sealed_secret_without_items_makes_an_empty_secret() {
    end_to_end(|world| {
        world.controller().start();
        world.create(&json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "empty"},
            "spec": {"encryptedData": {}},
        }));
        world.synced("empty");
        assert!(world.secret("empty").is_some());
        assert!(world.items("empty").is_empty());
    });
}
