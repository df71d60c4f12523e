//! Many objects at once.

use sealed_secrets_tests::{Call, Object, Resource, World, condition_status, decoded, end_to_end, eventually, secret};
use serde_json::json;

const MANY: usize = 100;

#[test]
fn a_burst_of_a_hundred_objects_is_synced() {
    end_to_end(|world| {
        world.controller().start();
        let (sealed, values) = burst(world);
        for object in &sealed {
            world.create(object);
        }
        expect_all(world, &values);
    });
}

#[test]
fn a_burst_that_is_cut_off_by_a_crash_is_finished_by_the_next_start() {
    end_to_end(|world| {
        let sealing = world.controller().start();
        let (sealed, values) = burst(world);
        sealing.terminate();
        for object in &sealed {
            world.create(object);
        }
        // Slow enough to be met in the middle.
        let first = world.controller().arg("--kubeclient-qps=10").arg("--kubeclient-burst=1").start();
        let made = || world.api().list(Resource::SECRET, &world.namespace, "").len();
        eventually("some Secrets are there", || (made() > MANY / 10).then_some(()));
        first.kill();
        assert!(made() < MANY, "it was not killed in the middle");

        world.controller().start();
        expect_all(world, &values);
    });
}

/// Row 98: somebody else keeps writing the Secret, so that ours come too late again and again.
#[test]
fn a_busy_writer_beside_us_does_not_win() {
    end_to_end(|world| {
        world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        let values = [world.plant(), world.plant(), world.plant()];
        let secrets = values.each_ref().map(|value| secret(&world.namespace, "db", &[("foo", value)]));
        let sealed = world.seal_all(&secrets, &[]);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for count in 0..200 {
                    let patch = json!({"metadata": {"annotations": {"count": count.to_string()}}});
                    world.api().merge(Resource::SECRET, &world.namespace, "db", &patch);
                }
            });
            while !writer.is_finished() {
                for next in &sealed {
                    world.set_spec("db", &next["spec"]);
                }
            }
        });
        let late = |call: &Call| call.verb == "update" && call.resource == "secrets" && call.code == 409;
        assert!(world.calls().iter().any(late), "ours never came too late");
        world.wait_for_items("db", &[("foo", &values[2])]);
        world.synced("db");
        world.wait_for_items("db", &[("foo", &values[2])]);
    });
}

/// As many sealed objects, and the value in each.
fn burst(world: &World) -> (Vec<Object>, Vec<(String, String)>) {
    let values: Vec<(String, String)> = (0..MANY).map(|index| (format!("db-{index}"), world.plant())).collect();
    let secrets: Vec<Object> =
        values.iter().map(|(name, value)| secret(&world.namespace, name, &[("foo", value)])).collect();
    (world.seal_all(&secrets, &[]), values)
}

fn expect_all(world: &World, values: &[(String, String)]) {
    eventually("every object is synced", || {
        let sealed = world.api().list(Resource::SEALED, &world.namespace, "");
        let synced = sealed.iter().filter(|object| condition_status(object, "Synced") == "True").count();
        (synced == values.len()).then_some(())
    });
    let secrets = world.api().list(Resource::SECRET, &world.namespace, "");
    for (name, value) in values {
        let made = secrets.iter().find(|found| found["metadata"]["name"] == name.as_str());
        assert_eq!(&decoded(made.unwrap_or_else(|| panic!("{name} is missing")))["foo"], value, "{name}");
    }
}
