//! `/v1/rotate`: the same object, sealed for the current key.

use sealed_secrets_resource::document::to_yaml;
use sealed_secrets_tests::{Controller, Launch, Object, Resource, World, end_to_end, eventually, secret};
use serde_json::{Value, json};

/// Rows 113 and 114.
#[test]
fn a_rotated_object_opens_with_the_current_key_alone_and_holds_the_same_values() {
    end_to_end(|world| {
        let controller = unlimited(world).arg("--watch-for-secrets").start();
        let (first, second) = (world.plant(), world.plant());
        let old = world.sealed("db", &[("foo", &first), ("bar", &second)]);
        let old_key = world.keys().swap_remove(0);
        let certificate = controller.certificate();
        controller.signal("USR1");
        controller.next_certificate(&certificate);

        let reply = controller.post("/v1/rotate", &to_yaml(&old).unwrap());
        assert_eq!((reply.status, reply.header("Content-Type")), (200, "application/json"));
        assert!(reply.body.starts_with(r#"{"metadata":{"name":"db","#), "{}", reply.body);
        assert!(!reply.body.contains('\n'), "one line");
        let rotated = with_kind(serde_json::from_str(&reply.body).unwrap());
        for item in ["foo", "bar"] {
            assert_ne!(rotated["spec"]["encryptedData"][item], old["spec"]["encryptedData"][item]);
        }

        world.api().delete(Resource::SECRET, &world.namespace, old_key["metadata"]["name"].as_str().unwrap());
        eventually("the old key is not used any more", || {
            (controller.post("/v1/verify", &old.to_string()).status == 409).then_some(())
        });
        assert_eq!(controller.post("/v1/rotate", &old.to_string()).status, 500);
        world.create(&rotated);
        world.wait_for_items("db", &[("foo", &first), ("bar", &second)]);
    });
}

/// Row 115: the attack is to have a published object widened by a template that nothing authenticates.
#[test]
fn the_scope_is_that_of_the_object_and_not_of_its_template() {
    const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let mut strict = world.sealed("db", &[("foo", &world.plant())]);
        strict["spec"]["template"]["metadata"]["annotations"] = json!({CLUSTER_WIDE: "true"});
        let back = rotate(&controller, &strict);
        assert_eq!(back["metadata"].get("annotations"), None);
        assert_eq!(back["spec"]["template"]["metadata"].get("annotations"), None);
        let mut elsewhere = with_kind(back.clone());
        elsewhere["metadata"]["name"] = "other".into();
        elsewhere["metadata"]["annotations"] = json!({CLUSTER_WIDE: "true"});
        assert_eq!(controller.post("/v1/verify", &elsewhere.to_string()).status, 409);
        assert_eq!(controller.post("/v1/verify", &with_kind(back).to_string()).status, 200);

        let plain = secret(&world.namespace, "wide", &[("foo", &world.plant())]);
        let mut wide = world.seal(&plain, &["--scope", "cluster-wide"]);
        let back = rotate(&controller, &wide);
        assert_eq!(back["metadata"]["annotations"], json!({CLUSTER_WIDE: "true"}));
        wide["metadata"].as_object_mut().unwrap().remove("annotations");
        assert_eq!(controller.post("/v1/rotate", &wide.to_string()).status, 500, "it does not open as a strict one");
    });
}

/// Rows 116 and 139.
#[test]
fn what_cannot_be_rotated_is_refused_without_a_word() {
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let good = world.sealed("db", &[("foo", &world.plant())]);
        let mut renamed = good.clone();
        renamed["metadata"]["name"] = "other".into();
        let mut half = good.clone();
        half["spec"]["encryptedData"]["bar"] = "AAAA".into();
        let mut kindless = secret(&world.namespace, "db", &[("foo", &world.plant())]);
        kindless.as_object_mut().unwrap().remove("kind");
        let yaml = to_yaml(&good).unwrap();
        let refused = [
            renamed.to_string(),
            half.to_string(),
            kindless.to_string(),
            String::new(),
            "garbage".to_owned(),
            "{".to_owned(),
            format!("{good}\n{good}"),
        ];
        for body in refused {
            let reply = controller.post("/v1/rotate", &body);
            assert_eq!((reply.status, reply.body.as_str()), (500, ""), "{body}");
            assert_eq!(reply.header("Content-Type"), "");
        }
        assert_eq!(controller.post("/v1/rotate", &format!("{yaml}---\n")).status, 200, "the first document counts");
        controller.wait_for_log("Error rotating secret");
        let count = |code: &str| {
            let labels = [("path", "/v1/rotate"), ("code", code), ("method", "post")];
            controller.metrics().own("http_requests_total", &labels)
        };
        assert_eq!((count("200"), count("500")), (1.0, 7.0));
    });
}

/// Rows 117 to 120 (W25): a live object, as `kubectl get -o json` shows it, comes back as a manifest.
#[test]
fn a_live_object_comes_back_as_a_manifest_with_its_template_as_it_was() {
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let value = world.plant();
        let mut sealed = world.sealed("db", &[("foo", &value)]);
        sealed["metadata"]["labels"] = json!({"app": "shop"});
        sealed["metadata"]["annotations"] = json!({
            "note": "kept", "kubectl.kubernetes.io/last-applied-configuration": "{}",
        });
        let template = json!({
            "metadata": {"labels": {"a": "b"}, "annotations": {"sealedsecrets.bitnami.com/managed": "true"}},
            "type": "example.com/x",
            "immutable": true,
        });
        sealed["spec"]["template"] = template.clone();
        world.create(&sealed);
        let live = world.synced("db");
        assert!(live["metadata"]["uid"].is_string());

        let mut back = rotate(&controller, &live);
        assert_eq!(
            back["metadata"],
            json!({
                "name": "db", "namespace": world.namespace, "labels": {"app": "shop"}, "annotations": {"note": "kept"},
            })
        );
        assert_eq!(back["spec"]["template"], template);
        assert_eq!(back.get("status"), None);

        // A template with text to render is not rendered here.
        back["spec"]["template"]["data"] = json!({"probe": "{{ fail .foo }}"});
        let again = rotate(&controller, &with_kind(back.clone()));
        assert_eq!(again["spec"]["template"], back["spec"]["template"]);
        let items: Vec<_> = again["spec"]["encryptedData"].as_object().unwrap().keys().collect();
        assert_eq!(items, ["foo"]);

        world.api().delete(Resource::SEALED, &world.namespace, "db");
        world.api().delete(Resource::SECRET, &world.namespace, "db");
        world.create(&with_kind(rotate(&controller, &live)));
        world.wait_for_items("db", &[("foo", &value)]);
    });
}

/// Section 10.4: one limit each, so that verifying does not use up rotating.
#[test]
fn rotate_and_verify_have_a_limit_each() {
    end_to_end(|world| {
        let controller = world.controller().arg("--rate-limit-burst=0").arg("--rate-limit=1").start();
        eventually("both are answered and then refused", || {
            let asked = ["/v1/verify", "/v1/rotate", "/v1/rotate"].map(|path| controller.post(path, "x").status);
            (asked == [500, 500, 429]).then_some(())
        });
    });
}

fn rotate(controller: &Controller, object: &Object) -> Value {
    let reply = controller.post("/v1/rotate", &object.to_string());
    assert_eq!(reply.status, 200);
    serde_json::from_str(&reply.body).unwrap()
}

fn with_kind(mut object: Value) -> Object {
    object["kind"] = "SealedSecret".into();
    object["apiVersion"] = "bitnami.com/v1alpha1".into();
    object
}

fn unlimited(world: &World) -> Launch<'_> {
    world.controller().arg("--rate-limit=1000").arg("--rate-limit-burst=1000")
}
