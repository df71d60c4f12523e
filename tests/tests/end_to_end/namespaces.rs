//! Where the controller looks.

use std::time::Duration;

use sealed_secrets_tests::{
    Fault, KeyPair, Object, Proxy, Resource, Rule, World, condition_status, end_to_end, eventually, never, secret,
};
use serde_json::json;

/// What is not looked at stays like this for long.
const LONG: Duration = Duration::from_secs(3);

/// Rows 99 and 102.
#[test]
fn without_all_namespaces_only_the_own_one_is_served() {
    end_to_end(|world| {
        let elsewhere = world.another_namespace();
        world.controller().start();
        let there = create_in(world, &elsewhere, "db");
        create_in(world, &world.namespace, "db");
        wait_synced(world, &world.namespace, "db");
        never("the other namespace is served", LONG, || is_touched(world, &there));
    });
}

/// Rows 100 and 101.
#[test]
fn additional_namespaces_are_served_and_a_missing_one_is_reported() {
    end_to_end(|world| {
        let (a, b, c) = (world.another_namespace(), world.another_namespace(), world.another_namespace());
        let list = format!("--additional-namespaces={a},no-such-namespace,{b},{a},{}", world.namespace);
        let controller = world.controller().arg("--all-namespaces=true").arg(&list).start();
        controller.wait_for_log("no-such-namespace");
        assert!(controller.stderr().contains("namespace doesn't exist"), "{}", controller.stderr());

        let unserved = create_in(world, &c, "db");
        for namespace in [&world.namespace, &a, &b] {
            create_in(world, namespace, "db");
            wait_synced(world, namespace, "db");
            assert!(world.api().get(Resource::SECRET, namespace, "db").is_some(), "{namespace}");
        }
        never("a namespace that is not named is served", LONG, || is_touched(world, &unserved));

        // Recreation works in all of them.
        world.api().delete(Resource::SECRET, &b, "db");
        eventually("the Secret is there again", || world.api().get(Resource::SECRET, &b, "db"));
        let wide = world
            .calls()
            .into_iter()
            .filter(|call| call.namespace.is_empty() && ["secrets", "sealedsecrets"].contains(&call.resource.as_str()));
        assert_eq!(wide.count(), 0, "nothing is asked of the whole cluster");
    });
}

/// W40: they are begun side by side. The first that is named does not even answer.
#[test]
fn a_namespace_that_does_not_answer_keeps_no_other_waiting() {
    end_to_end(|world| {
        let (a, b) = (world.another_namespace(), world.another_namespace());
        let pair = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&pair.secret("key"));
        for namespace in [&a, &b, &world.namespace] {
            world.create(&pair.sealed_secret(namespace, "db", "foo", &world.plant()));
        }
        let proxy = Proxy::start();
        for resource in ["secrets", "sealedsecrets"] {
            let lists = format!("/namespaces/{a}/{resource}?");
            proxy.add(Rule::on(&lists, Fault::Delay(Duration::from_secs(600))));
        }
        let named = format!("--additional-namespaces={a},{b}");
        world.controller().arg("--all-namespaces=true").arg(&named).through(&proxy).spawn();
        for namespace in [&b, &world.namespace] {
            wait_synced(world, namespace, "db");
        }
        assert!(world.api().get(Resource::SECRET, &a, "db").is_none(), "its lists did answer");
        proxy.heal();
        proxy.cut();
        wait_synced(world, &a, "db");
    });
}

/// Row 103, W19: the selector is for SealedSecrets, in every namespace, and not for their Secrets.
#[test]
fn a_label_selector_picks_among_the_objects_of_all_namespaces() {
    end_to_end(|world| {
        let elsewhere = world.another_namespace();
        let mine = format!("test={}", world.namespace);
        world.controller().arg("--all-namespaces=true").arg(&format!("--label-selector={mine}")).start();
        let create = |namespace: &str, name: &str, label: Option<&str>| {
            let mut sealed = world.seal(&secret(namespace, name, &[("foo", &world.plant())]), &[]);
            if let Some(label) = label {
                sealed["metadata"]["labels"] = json!({ "test": label });
            }
            world.create(&sealed)
        };
        for namespace in [&world.namespace, &elsewhere] {
            create(namespace, "picked", Some(&world.namespace));
            wait_synced(world, namespace, "picked");
        }
        let others = [
            create(&world.namespace, "unlabelled", None),
            create(&world.namespace, "other", Some("x")),
            create(&elsewhere, "unlabelled", None),
        ];
        never("another object is served", LONG, || others.iter().any(|other| is_touched(world, other)));

        world.api().delete(Resource::SECRET, &elsewhere, "picked");
        eventually("the Secret without the label is there again", || {
            world.api().get(Resource::SECRET, &elsewhere, "picked")
        });

        // An object that is given the label is new to the controller.
        world.set_metadata("unlabelled", json!({"labels": {"test": world.namespace}}));
        wait_synced(world, &world.namespace, "unlabelled");
    });
}

fn create_in(world: &World, namespace: &str, name: &str) -> Object {
    world.create(&world.seal(&secret(namespace, name, &[("foo", &world.plant())]), &[]))
}

fn wait_synced(world: &World, namespace: &str, name: &str) {
    eventually(&format!("{namespace}/{name} is synced"), || {
        let sealed = world.api().get(Resource::SEALED, namespace, name)?;
        (condition_status(&sealed, "Synced") == "True").then_some(())
    });
}

/// Whether anything was done for an object: a Secret, a status, an event.
fn is_touched(world: &World, sealed: &Object) -> bool {
    let (namespace, name) =
        (sealed["metadata"]["namespace"].as_str().unwrap(), sealed["metadata"]["name"].as_str().unwrap());
    let query = format!("fieldSelector=involvedObject.name%3D{name}");
    world.api().get(Resource::SECRET, namespace, name).is_some()
        || world.api().get(Resource::SEALED, namespace, name).unwrap().get("status").is_some()
        || !world.api().list(Resource::EVENT, namespace, &query).is_empty()
}
