//! The conditions that GitOps tools read (section 9, decisions 28 and 29).

use std::time::{Duration, Instant};

use sealed_secrets_tests::{
    Object, World, condition, condition_status, end_to_end, eventually, never, secret, undecryptable,
};
use serde_json::json;

/// One row of the table in section 9: `Synced`, `Ready` with its reason, `Stalled`.
type Row = (&'static str, &'static str, &'static str, &'static str);

const SUCCESS: Row = ("True", "True", "Unsealed", "");
const UNOPENED: Row = ("False", "False", "ErrUnsealFailed", "True");
const REFUSED: Row = ("False", "False", "ErrUpdateFailed", "True");

/// Row 145.
#[test]
fn every_outcome_has_its_conditions() {
    end_to_end(|world| {
        world.controller().start();
        world.create_synced("success", &[("foo", &world.plant())]);
        check(world, "success", SUCCESS);

        world.create(&undecryptable("unopened"));
        check(world, "unopened", UNOPENED);

        world.create(&secret(&world.namespace, "refused", &[("theirs", "kept")]));
        world.create(&world.sealed("refused", &[("foo", &world.plant())]));
        check(world, "refused", REFUSED);

        let mut invalid = world.sealed("invalid", &[("foo", &world.plant())]);
        invalid["spec"]["template"]["metadata"]["labels"] = json!({"not a label": "x"});
        world.create(&invalid);
        check(world, "invalid", REFUSED);

        let mut wrong_type = world.sealed("type", &[("foo", &world.plant())]);
        wrong_type["spec"]["template"]["type"] = "kubernetes.io/tls".into();
        world.create(&wrong_type);
        check(world, "type", REFUSED);
    });
}

/// Row 145: `Stalled` is taken away, never set to False.
#[test]
fn a_repaired_object_loses_stalled() {
    end_to_end(|world| {
        let controller = world.controller().start();
        world.create(&undecryptable("db"));
        check(world, "db", UNOPENED);
        let series = [("name", "db"), ("condition", "Stalled")];
        eventually("the metric shows Stalled", || {
            (controller.metrics().own("condition_info", &series) == 1.0).then_some(())
        });

        world.set_spec("db", &world.sealed("db", &[("foo", &world.plant())])["spec"]);
        check(world, "db", SUCCESS);
        eventually("the metric of Stalled is gone", || {
            controller.metrics().value("sealed_secrets_controller_condition_info", &series).is_none().then_some(())
        });
    });
}

/// Row 146.
#[test]
fn synced_alone_is_written_on_demand_and_the_others_are_taken_away() {
    end_to_end(|world| {
        let first = world.controller().start();
        world.create_synced("good", &[("foo", &world.plant())]);
        world.create(&undecryptable("bad"));
        world.failed("bad");
        first.kill();

        world.controller().arg("--status-conditions=synced").start();
        world.create_synced("new", &[("foo", &world.plant())]);
        for name in ["good", "bad", "new"] {
            eventually(&format!("{name} shows Synced alone"), || {
                let found = world.sealed_secret(name)?;
                let conditions = found["status"]["conditions"].as_array()?.clone();
                (conditions.len() == 1 && conditions[0]["type"] == "Synced").then_some(())
            });
        }
        assert_eq!(condition_status(&world.sealed_secret("good").unwrap(), "Synced"), "True");
        assert_eq!(condition_status(&world.sealed_secret("bad").unwrap(), "Synced"), "False");
    });
}

/// Row 147, decision 29: what waits does not claim to be synced.
#[test]
fn a_changed_object_that_has_to_wait_is_not_called_synced() {
    end_to_end(|world| {
        let fast = world.controller().start();
        let secrets = |count: usize, value: &str| -> Vec<Object> {
            let of = |index| secret(&world.namespace, &format!("db-{index}"), &[("foo", value)]);
            world.seal_all(&(0..count).map(of).collect::<Vec<_>>(), &[])
        };
        let (old, new) = (world.plant(), world.plant());
        let (old, new) = (secrets(40, &old), secrets(40, &new));
        for sealed in &old {
            world.create(sealed);
        }
        for index in 0..40 {
            world.synced(&format!("db-{index}"));
        }
        fast.kill();

        // Slow enough that forty changed objects keep the last of them waiting for long.
        world.controller().arg("--kubeclient-qps=4").arg("--kubeclient-burst=4").start();
        for (index, sealed) in new.iter().enumerate() {
            world.set_spec(&format!("db-{index}"), &sealed["spec"]);
        }
        let pending = eventually("an object that waits says so", || {
            (0..40)
                .map(|index| world.sealed_secret(&format!("db-{index}")).unwrap())
                .find(|found| condition_status(found, "Synced") == "Unknown")
        });
        assert_eq!(pending["status"]["observedGeneration"], 1);
        assert_eq!(condition_status(&pending, "Ready"), "False");
        assert_eq!(condition(&pending, "Ready").unwrap()["reason"], "Pending");
        assert_eq!(condition(&pending, "Stalled"), None);
        assert_eq!(condition(&pending, "Synced").unwrap().get("message"), None);
    });
}

/// Decision 29: nothing is written for an object whose attempt ends soon.
#[test]
fn an_object_that_is_done_at_once_is_never_pending() {
    end_to_end(|world| {
        world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        world.set_spec("db", &world.sealed("db", &[("foo", &world.plant())])["spec"]);
        world.synced("db");
        let writes = || world.calls().into_iter().filter(|call| call.resource == "sealedsecrets/status").count();
        never("a third status is written", Duration::from_secs(2), || writes() > 2);
    });
}

/// Decision 29: of several changes, each of which is done at once, none makes the next one look late.
#[test]
fn quick_changes_one_after_another_are_never_pending() {
    const QUICK: Duration = Duration::from_millis(800);
    end_to_end(|world| {
        world.controller().start();
        let specs = [world.sealed("db", &[("foo", &world.plant())]), world.sealed("db", &[("foo", &world.plant())])];
        world.create(&specs[0]);
        eventually("three seconds of changes are each done at once", || {
            let before = world.synced("db");
            let began = Instant::now();
            let mut slowest = Duration::ZERO;
            for spec in specs.iter().cycle() {
                let changed = Instant::now();
                world.set_spec("db", &spec["spec"]);
                let after = world.synced("db");
                slowest = slowest.max(changed.elapsed());
                if began.elapsed() > Duration::from_secs(3) {
                    let moved = condition(&after, "Synced").unwrap()["lastTransitionTime"]
                        != condition(&before, "Synced").unwrap()["lastTransitionTime"];
                    assert!(!moved || slowest > QUICK, "it was True all the time: {after}");
                    return (slowest <= QUICK).then_some(());
                }
            }
            None
        });
    });
}

fn check(world: &World, name: &str, (synced, ready, reason, stalled): Row) {
    let found = eventually(&format!("{name} has Synced={synced}, Ready={ready}, Stalled={stalled}"), || {
        world.sealed_secret(name).filter(|found| {
            condition_status(found, "Synced") == synced
                && condition_status(found, "Ready") == ready
                && condition_status(found, "Stalled") == stalled
                && found["status"]["observedGeneration"] == found["metadata"]["generation"]
        })
    });
    assert_eq!(found["status"]["conditions"][0]["type"], "Synced", "{name}");
    assert_eq!(condition(&found, "Synced").unwrap().get("reason"), None, "{name}");
    assert_eq!(condition(&found, "Ready").unwrap()["reason"], reason, "{name}");
    let said = condition(&found, "Synced").unwrap()["message"].as_str().unwrap_or_default();
    for longer in ["Ready", "Stalled"] {
        let Some(longer) = condition(&found, longer) else { continue };
        let message = longer["message"].as_str().unwrap_or_default();
        assert!(message.starts_with(said), "{name}: {message:?} goes on from {said:?}");
        if synced == "False" {
            assert!(message.len() > said.len(), "{name}: {message:?} says what to do");
        }
        assert_ne!(longer["lastTransitionTime"].as_str().unwrap_or_default(), "", "{name}");
    }
    if !stalled.is_empty() {
        assert_eq!(condition(&found, "Stalled").unwrap()["reason"], reason, "{name}");
    }
}
