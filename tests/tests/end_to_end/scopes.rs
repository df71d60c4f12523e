//! Where a sealed value opens and where it does not.

use sealed_secrets_tests::{
    KeyPair, Object, Resource, World, condition_status, decoded, end_to_end, eventually, secret,
};
use serde_json::json;

const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";

/// Rows 63 to 68.
#[test]
fn a_value_opens_where_its_scope_allows_and_nowhere_else() {
    // Scope, whether a value moves to another name, whether it moves to another namespace.
    const SCOPES: [(&str, bool, bool); 3] =
        [("strict", false, false), ("namespace-wide", true, false), ("cluster-wide", true, true)];
    end_to_end(|world| {
        let elsewhere = world.another_namespace();
        world.controller().arg(&format!("--additional-namespaces={elsewhere}")).start();
        let mut expected = Vec::new();
        for (scope, moves_name, moves_namespace) in SCOPES {
            let value = world.plant();
            let sealed = world.seal(&secret(&world.namespace, scope, &[("foo", &value)]), &["--scope", scope]);
            for (other_name, other_namespace) in [(false, false), (false, true), (true, false), (true, true)] {
                let name = if other_name { format!("{scope}-moved") } else { scope.to_owned() };
                let namespace = if other_namespace { &elsewhere } else { &world.namespace };
                create_as(world, &sealed, namespace, &name);
                let opens = (!other_name || moves_name) && (!other_namespace || moves_namespace);
                expected.push((namespace.clone(), name, opens, value.clone()));
            }
        }
        for (namespace, name, opens, value) in expected {
            expect(world, &namespace, &name, opens, &value);
        }
    });
}

/// Row 62.
#[test]
fn a_value_sealed_for_another_key_does_not_open() {
    end_to_end(|world| {
        world.controller().start();
        let stranger = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&stranger.sealed_secret(&world.namespace, "db", "foo", &world.plant()));
        world.failed_with("db", "no key could decrypt secret (foo)");
        let event = world.event("db", "ErrUnsealFailed");
        assert_eq!(event["type"], "Warning");
        assert_eq!(event["message"], "Failed to unseal: no key could decrypt secret (foo)");
        assert_eq!(world.secret("db"), None);
    });
}

/// Rows 69, 71 and 72.
#[test]
fn only_the_exact_word_on_the_object_itself_widens_the_scope_and_correcting_it_is_enough() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let sealed = world.seal(&secret(&world.namespace, "db", &[("foo", &value)]), &["--scope", "cluster-wide"]);

        let mut wrong = sealed.clone();
        wrong["metadata"]["annotations"][CLUSTER_WIDE] = "false".into();
        world.create(&wrong);
        world.failed_with("db", "no key could decrypt secret (foo)");

        let mut in_template = sealed.clone();
        in_template["metadata"] = json!({"namespace": world.namespace, "name": "template"});
        in_template["spec"]["template"]["metadata"]["annotations"] = json!({CLUSTER_WIDE: "true"});
        world.create(&in_template);
        world.failed_with("template", "no key could decrypt secret (foo)");

        let corrected = world.set_metadata("db", json!({"annotations": {CLUSTER_WIDE: "true"}}));
        assert_eq!(corrected["metadata"]["generation"], 1, "the spec is as it was");
        world.synced("db");
        world.wait_for_items("db", &[("foo", &value)]);

        // And back: the object may no longer be opened, and the Secret that was made stays.
        world.set_metadata("db", json!({"annotations": {CLUSTER_WIDE: "TRUE"}}));
        world.failed_with("db", "no key could decrypt secret (foo)");
        assert_eq!(world.items("db")["foo"], value);
    });
}

/// Row 70.
#[test]
fn of_both_scope_annotations_cluster_wide_wins() {
    end_to_end(|world| {
        world.controller().start();
        let (wide, narrow) = (world.plant(), world.plant());
        for (scope, name, value) in [("cluster-wide", "wide", &wide), ("namespace-wide", "narrow", &narrow)] {
            let mut sealed = world.seal(&secret(&world.namespace, name, &[("foo", value)]), &["--scope", scope]);
            sealed["metadata"]["annotations"] = json!({CLUSTER_WIDE: "true", NAMESPACE_WIDE: "true"});
            world.create(&sealed);
        }
        world.synced("wide");
        world.wait_for_items("wide", &[("foo", &wide)]);
        world.failed_with("narrow", "no key could decrypt secret (foo)");
    });
}

fn create_as(world: &World, sealed: &Object, namespace: &str, name: &str) {
    let mut object = sealed.clone();
    object["metadata"]["namespace"] = namespace.into();
    object["metadata"]["name"] = name.into();
    world.create(&object);
}

fn expect(world: &World, namespace: &str, name: &str, opens: bool, value: &str) {
    let status = if opens { "True" } else { "False" };
    eventually(&format!("{namespace}/{name} has Synced={status}"), || {
        let sealed = world.api().get(Resource::SEALED, namespace, name)?;
        (condition_status(&sealed, "Synced") == status).then_some(())
    });
    let made = world.api().get(Resource::SECRET, namespace, name);
    match opens {
        true => assert_eq!(decoded(&made.unwrap())["foo"], value, "{namespace}/{name}"),
        false => {
            assert_eq!(made, None, "{namespace}/{name}");
            let query = format!("fieldSelector=involvedObject.name%3D{name}");
            eventually(&format!("{namespace}/{name} has its event"), || {
                let events = world.api().list(Resource::EVENT, namespace, &query);
                events.iter().any(|event| event["reason"] == "ErrUnsealFailed").then_some(())
            });
        }
    }
}
