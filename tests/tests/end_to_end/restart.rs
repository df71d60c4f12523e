//! A restart costs reading, nothing else (design.md section 4).

use std::time::Duration;

use jiff::Timestamp;
use sealed_secrets_tests::{
    Call, Controller, Object, Resource, World, end_to_end, eventually, never, secret, undecryptable,
};
use serde_json::json;

/// Long enough for a start to look at everything several times.
const AFTER_THE_START: Duration = Duration::from_secs(4);

/// Rows 134 and 144.
#[test]
fn a_restart_writes_nothing_and_reads_no_secret() {
    end_to_end(|world| {
        let first = world.controller().start();
        prepare(world);
        world.create(&undecryptable("bad"));
        world.failed("bad");
        world.event("bad", "ErrUnsealFailed");
        eventually("the fast retries are over", || (first.attempts() >= 6.0 + NAMES.len() as f64).then_some(()));
        assert_eq!(first.terminate(), Some(0));
        let before = snapshot(world);

        let (second, started) = restart(world);
        eventually("the object that fails was tried again", || (second.attempts() >= 6.0).then_some(()));
        never("anything is written", AFTER_THE_START, || snapshot(world) != before);
        assert_eq!(second.attempts(), 6.0, "objects in sync are not opened");
        // Not even what would have changed nothing.
        assert_eq!(world.writes_since(started), []);
        let read = world.calls().into_iter().filter(|call| call.received >= started && call.resource == "secrets");
        let read: Vec<Call> = read.filter(|call| NAMES.contains(&call.name.as_str())).collect();
        assert_eq!(read, [], "Secrets of objects in sync are not read");
        // And it works.
        world.create_synced("new", &[("foo", &world.plant())]);
    });
}

/// The same after `kill -9`, which leaves no time to tidy up.
#[test]
fn a_restart_after_a_crash_writes_nothing() {
    end_to_end(|world| {
        let first = world.controller().start();
        prepare(world);
        first.kill();
        let before = snapshot(world);
        let (_, started) = restart(world);
        never("anything is written", AFTER_THE_START, || snapshot(world) != before);
        assert_eq!(world.writes_since(started), []);
    });
}

/// What changed while nobody looked is done at the start, and only that.
#[test]
fn changes_made_during_the_downtime_are_caught_up() {
    end_to_end(|world| {
        let first = world.controller().start();
        prepare(world);
        let sealed = world.sealed("a", &[("foo", &world.plant())]);
        let created = world.sealed("created", &[("foo", &world.plant())]);
        first.kill();

        let untouched = world.secret("b").unwrap();
        world.set_spec("a", &sealed["spec"]);
        world.create(&created);
        world.api().delete(Resource::SECRET, &world.namespace, "c");
        // Another version with the same content.
        for label in [json!("foreign"), json!(null)] {
            let patch = json!({"metadata": {"labels": {"foreign": label}}});
            world.api().merge(Resource::SECRET, &world.namespace, "d", &patch);
        }
        let moved = world.secret("d").unwrap();
        let events = world.event_count("d", "Unsealed");
        let (_, _) = restart(world);

        let updated = world.synced("a");
        assert_eq!(updated["status"]["observedGeneration"], 2);
        world.synced("created");
        eventually("the deleted Secret is there again", || world.secret("c"));
        // Compared once and remembered, without an event and without touching the Secret.
        let version = &moved["metadata"]["resourceVersion"];
        eventually("the status knows the version of the Secret that somebody touched", || {
            (world.sealed_secret("d")?["status"]["secret"]["resourceVersion"] == *version).then_some(())
        });
        assert_eq!(world.secret("d").unwrap(), moved);
        assert_eq!(world.event_count("d", "Unsealed"), events);
        assert_eq!(world.secret("b").unwrap(), untouched);
    });
}

/// Without the stored status the objects are opened and compared, and still nothing is written.
#[test]
fn without_stored_status_a_restart_compares_and_writes_nothing() {
    end_to_end(|world| {
        let launch = || world.controller().arg("--update-status=false");
        let first = launch().start();
        for name in NAMES {
            world.create(&world.sealed(name, &[("foo", &world.plant())]));
            world.event(name, "Unsealed");
        }
        first.kill();
        let before = snapshot(world);
        let started = Timestamp::now();
        let second = launch().start();
        eventually("every object was opened", || (second.attempts() >= NAMES.len() as f64).then_some(()));
        never("anything is written", AFTER_THE_START, || snapshot(world) != before);
        assert_eq!(world.writes_since(started), []);
    });
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Objects in sync, of every kind of type, with their events counted.
fn prepare(world: &World) {
    for name in NAMES {
        let mut plain = secret(&world.namespace, name, &[("foo", &world.plant())]);
        match name {
            "a" => plain["type"] = "Opaque".into(),
            "b" => plain["type"] = "example.com/own".into(),
            _ => {}
        }
        world.create(&world.seal(&plain, &[]));
        world.synced(name);
        world.event(name, "Unsealed");
    }
}

/// Versions of everything that a restart could write, and the counts of events.
fn snapshot(world: &World) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for resource in [Resource::SECRET, Resource::SEALED, Resource::EVENT] {
        for object in world.api().list(resource, &world.namespace, "") {
            let text = |pointer: &str| object.pointer(pointer).map(Object::to_string).unwrap_or_default();
            found.push((
                format!("{} {}", text("/metadata/uid"), text("/metadata/name")),
                format!("{} {}", text("/metadata/resourceVersion"), text("/count")),
            ));
        }
    }
    found.sort();
    found
}

fn restart(world: &World) -> (std::sync::Arc<Controller>, Timestamp) {
    let started = Timestamp::now();
    (world.controller().start(), started)
}
