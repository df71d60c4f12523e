//! Immutable Secrets.

use std::time::Duration;

use sealed_secrets_tests::{Object, Resource, World, condition_status, end_to_end, message, never, secret};

/// Rows 85 to 87.
#[test]
fn an_immutable_secret_is_made_once_refused_once_and_made_anew_after_deletion() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let (old, new) = (world.plant(), world.plant());
        world.create(&immutable(world, &old));
        world.synced("db");
        assert_eq!(world.secret("db").unwrap()["immutable"], true);
        world.event("db", "Unsealed");
        let before = controller.attempts();

        world.set_spec("db", &immutable(world, &new)["spec"]);
        let event = world.event_saying("db", "ErrUpdateFailed", "the target Secret is immutable");
        let begin = format!("Error updating {}/db: the target Secret is immutable.", world.namespace);
        assert!(event["message"].as_str().unwrap().starts_with(&begin), "{}", event["message"]);
        let sealed = world.failed("db");
        assert_eq!(sealed["status"]["observedGeneration"], 2);
        assert!(message(&sealed).ends_with("field is immutable when `immutable` is set"), "{}", message(&sealed));
        assert_eq!(condition_status(&sealed, "Stalled"), "True");
        never("it is tried again", Duration::from_secs(3), || {
            controller.attempts() != before + 1.0 || world.event_count("db", "ErrUpdateFailed") != 1
        });
        assert_eq!(world.items("db")["foo"], old);

        world.api().delete(Resource::SECRET, &world.namespace, "db");
        world.wait_for_items("db", &[("foo", &new)]);
        world.synced("db");
    });
}

/// Section 6.6.
#[test]
fn metadata_of_an_immutable_secret_can_be_changed() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = immutable(world, &world.plant());
        world.create(&sealed);
        world.synced("db");
        sealed["spec"]["template"]["metadata"]["labels"] = serde_json::json!({"app": "shop"});
        world.set_spec("db", &sealed["spec"]);
        world.synced("db");
        assert_eq!(world.secret("db").unwrap()["metadata"]["labels"]["app"], "shop");
    });
}

/// W20: a template that asks for it makes an existing Secret immutable.
#[test]
fn a_secret_becomes_immutable_when_the_template_says_so() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = world.sealed("db", &[("foo", &world.plant())]);
        world.create(&sealed);
        world.synced("db");
        sealed["spec"]["template"]["immutable"] = true.into();
        world.set_spec("db", &sealed["spec"]);
        world.synced("db");
        assert_eq!(world.secret("db").unwrap()["immutable"], true);
    });
}

/// W20: another type cannot be had without deleting the Secret, and no retry changes that.
#[test]
fn a_secret_of_another_type_is_refused_for_good() {
    end_to_end(|world| {
        world.controller().start();
        let mut sealed = world.sealed("db", &[("foo", &world.plant())]);
        world.create(&sealed);
        world.synced("db");
        sealed["spec"]["template"]["type"] = "example.com/other".into();
        world.set_spec("db", &sealed["spec"]);
        let failed = world.failed("db");
        assert!(message(&failed).contains("type"), "{}", message(&failed));
        assert_eq!(condition_status(&failed, "Stalled"), "True");
        world.event("db", "ErrUpdateFailed");
        assert_eq!(world.secret("db").unwrap()["type"], "Opaque");
    });
}

fn immutable(world: &World, value: &str) -> Object {
    let mut plain = secret(&world.namespace, "db", &[("foo", value)]);
    plain["immutable"] = true.into();
    let sealed = world.seal(&plain, &[]);
    assert_eq!(sealed["spec"]["template"]["immutable"], true);
    sealed
}
