//! What GitOps tools make of the statuses that the controller writes.
//!
//! The tools are Go programs, so this is done in two halves: here the statuses are compared with those recorded in
//! `tests/health/statuses.json`, there (`go test` in that folder) Argo CD's own rule and kstatus judge the recorded ones.
//! After a wanted change, `RECORD_STATUSES=1` writes the file anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sealed_secrets_tests::{Object, Resource, World, condition_status, end_to_end, eventually, secret, undecryptable};
use serde_json::{Value, json};

/// Row 145: every row of the table in section 9, and the states between two of them.
#[test]
fn the_statuses_are_those_that_gitops_tools_were_asked_about() {
    end_to_end(|world| {
        let mut seen: BTreeMap<&str, Object> = BTreeMap::new();
        let controller = world.controller().start();

        seen.insert("success", world.create_synced("success", &[("foo", &world.plant())]));

        world.create(&undecryptable("unopened"));
        seen.insert("unopened", settled(world, "unopened", "Stalled", "True"));

        world.create(&secret(&world.namespace, "refused", &[("theirs", "kept")]));
        world.create(&world.sealed("refused", &[("foo", &world.plant())]));
        seen.insert("refused", settled(world, "refused", "Stalled", "True"));

        let mut invalid = world.sealed("invalid", &[("foo", &world.plant())]);
        invalid["spec"]["template"]["metadata"]["labels"] = json!({"not a label": "x"});
        world.create(&invalid);
        seen.insert("invalid", settled(world, "invalid", "Stalled", "True"));

        let mut immutable = world.sealed("immutable", &[("foo", &world.plant())]);
        immutable["spec"]["template"]["immutable"] = true.into();
        world.create(&immutable);
        world.synced("immutable");
        immutable["spec"]["encryptedData"] =
            world.sealed("immutable", &[("foo", &world.plant())])["spec"]["encryptedData"].take();
        world.set_spec("immutable", &immutable["spec"]);
        seen.insert("immutable", settled(world, "immutable", "Stalled", "True"));

        let mut held = world.sealed("deleted", &[("foo", &world.plant())]);
        held["metadata"]["finalizers"] = json!(["test.example/hold"]);
        world.create(&held);
        world.synced("deleted");
        world.api().delete(Resource::SEALED, &world.namespace, "deleted");
        seen.insert("deleted", world.sealed_secret("deleted").unwrap());

        let changed = world.sealed("success", &[("foo", &world.plant())]);
        let late = world.sealed("quota", &[("foo", &world.plant())]);
        let busy: Vec<Object> = {
            let of = |index| secret(&world.namespace, &format!("busy-{index}"), &[("foo", &world.plant())]);
            world.seal_all(&(0..40).map(of).collect::<Vec<_>>(), &[])
        };
        for sealed in &busy {
            world.create(sealed);
        }
        for index in 0..busy.len() {
            world.synced(&format!("busy-{index}"));
        }
        controller.kill();

        // Between a change and the first look at it.
        world.set_spec("success", &changed["spec"]);
        seen.insert("ahead of a success", world.sealed_secret("success").unwrap());
        world.set_spec("unopened", &json!({"encryptedData": {"foo": "AAAB"}}));
        seen.insert("ahead of a failure", world.sealed_secret("unopened").unwrap());
        world.create(&undecryptable("new"));
        seen.insert("new", world.sealed_secret("new").unwrap());

        quota(world, "0");
        let slow = world.controller().arg("--kubeclient-qps=4").arg("--kubeclient-burst=4").start();
        for (index, sealed) in busy.iter().enumerate() {
            let mut spec = sealed["spec"].clone();
            spec["template"]["metadata"]["labels"] = json!({"changed": "true"});
            world.set_spec(&format!("busy-{index}"), &spec);
        }
        let pending = eventually("an object that waits says so", || {
            let found = (0..busy.len()).filter_map(|index| world.sealed_secret(&format!("busy-{index}")));
            found.into_iter().find(|found| condition_status(found, "Synced") == "Unknown")
        });
        seen.insert("pending", pending);
        slow.kill();

        world.controller().start();
        world.create(&late);
        seen.insert("out of quota", settled(world, "quota", "Synced", "False"));

        compare(world, &seen);
        world.set_metadata("deleted", json!({"finalizers": null}));
    });
}

/// Keeps new Secrets away. There is no quota controller to say what is used, so this says it.
fn quota(world: &World, count: &str) {
    let hard = json!({"count/secrets": count});
    let object =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-more"}, "spec": {"hard": hard}});
    world.api().create(Resource::QUOTA, &world.namespace, &object);
    let used = json!({"status": {"hard": hard, "used": hard}});
    world.api().merge(Resource::QUOTA, &world.namespace, "no-more/status", &used);
    eventually("the quota holds", || {
        let other = secret(&world.namespace, "other", &[("foo", "x")]);
        let created = world.api().try_create(Resource::SECRET, &world.namespace, &other);
        if created.is_ok() {
            world.api().delete(Resource::SECRET, &world.namespace, "other");
        }
        created.is_err().then_some(())
    });
}

fn settled(world: &World, name: &str, condition: &str, status: &str) -> Object {
    eventually(&format!("{name} has {condition}={status}"), || {
        world.sealed_secret(name).filter(|found| {
            condition_status(found, condition) == status
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
        })
    })
}

fn compare(world: &World, seen: &BTreeMap<&str, Object>) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("health/statuses.json");
    let seen: BTreeMap<&str, Object> = seen.iter().map(|(row, object)| (*row, plain(world, object))).collect();
    if std::env::var_os("RECORD_STATUSES").is_some() {
        std::fs::write(&file, format!("{:#}\n", json!(seen))).unwrap();
    }
    let recorded: BTreeMap<String, Object> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), recorded.keys().map(String::as_str).collect::<Vec<_>>());
    for (row, object) in seen {
        assert_eq!(object, recorded[row], "{row} is not as recorded in {}", file.display());
    }
}

/// What the tools look at, without what differs from run to run.
fn plain(world: &World, object: &Object) -> Object {
    let text = object.to_string().replace(&world.namespace, "NS");
    let mut object: Object = serde_json::from_str(&text).unwrap();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|field, _| ["namespace", "name", "generation", "deletionTimestamp"].contains(&field.as_str()));
    object.as_object_mut().unwrap().remove("spec");
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.retain(|field, _| ["observedGeneration", "conditions"].contains(&field.as_str()));
    }
    // Whichever it was.
    if object["metadata"]["name"].as_str().unwrap().starts_with("busy-") {
        object["metadata"]["name"] = "busy".into();
    }
    freeze(&mut object);
    object
}

/// Gives every time the same value.
fn freeze(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "2026-01-01T00:00:00Z".to_owned(),
        Value::Array(items) => items.iter_mut().for_each(freeze),
        Value::Object(fields) => fields.values_mut().for_each(freeze),
        _ => {}
    }
}
