//! The likely cause, told where people look for it and nowhere else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sealed_secrets_tests::{KeyPair, Object, World, condition, end_to_end, secret};
use serde_json::json;

const MESSAGE: &str = "no key could decrypt secret (foo)";

/// Section 9: `Synced` and the event keep the reference's words; `Ready`, `Stalled` and the log go on with the cause.
#[test]
fn an_object_that_was_sealed_for_another_place_says_for_which() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let mut renamed = world.sealed("old", &[("foo", &world.plant())]);
        renamed["metadata"]["name"] = "new".into();
        world.create(&renamed);
        explained(world, "new", &format!("it was sealed for namespace {} and name old", world.namespace));
        let event = world.event("new", "ErrUnsealFailed");
        assert_eq!(event["message"], format!("Failed to unseal: {MESSAGE}"));
        controller.wait_for_log(&format!("cause=\"it was sealed for namespace {} and name old", world.namespace));

        let mut bare =
            world.seal(&secret(&world.namespace, "wide", &[("foo", &world.plant())]), &["--scope", "cluster-wide"]);
        bare["metadata"].as_object_mut().unwrap().remove("annotations");
        world.create(&bare);
        let lacks = "it was sealed cluster-wide, and lacks the annotation sealedsecrets.bitnami.com/cluster-wide";
        explained(world, "wide", lacks);

        let labels = json!({"annotations": {"sealedsecrets.bitnami.com/cluster-wide": "true"}});
        world.set_metadata("wide", labels);
        assert_eq!(condition(&world.synced("wide"), "Stalled"), None, "and goes when it was put right");
    });
}

/// The issue of a restored cluster whose keys were not restored.
#[test]
fn a_key_that_is_not_held_and_damaged_data_are_told_apart() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let foreign = KeyPair::valid_from("2024-01-01T00:00:00Z");
        let mut unheld = foreign.sealed_secret(&world.namespace, "unheld", "foo", &world.plant());
        let recorded = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3M";
        unheld["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/sealed-with": recorded});
        world.create(&unheld);
        explained(world, "unheld", &format!("it was sealed with key {recorded}, which this controller does not hold"));

        world.create(&foreign.sealed_secret(&world.namespace, "unknown", "foo", &world.plant()));
        explained(world, "unknown", "it may have been sealed for another one, for another cluster");

        let mut corrupt = world.sealed("corrupt", &[("foo", &world.plant())]);
        let envelope = corrupt["spec"]["encryptedData"]["foo"].as_str().unwrap();
        let mut bytes = STANDARD.decode(envelope).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        corrupt["spec"]["encryptedData"]["foo"] = STANDARD.encode(bytes).into();
        assert_eq!(
            controller.post("/v1/verify", &corrupt.to_string()).status,
            409,
            "and requests learn nothing of that"
        );
        world.create(&corrupt);
        explained(
            world,
            "corrupt",
            "item foo is corrupt: the key fits and the content was changed after it was sealed",
        );

        world.create(&sealed_secrets_tests::undecryptable("damaged"));
        explained(world, "damaged", "item foo is damaged");

        let mut typed = world.sealed("typed", &[("foo", &world.plant())]);
        typed["spec"]["encryptedData"]["foo"] = "$$$".into();
        world.create(&typed);
        let message = "illegal base64 data at input byte 0 (foo)";
        explained_after(world, "typed", message, "; the value of item foo was changed by hand");
    });
}

fn explained(world: &World, name: &str, cause: &str) -> Object {
    explained_after(world, name, MESSAGE, cause)
}

fn explained_after(world: &World, name: &str, message: &str, cause: &str) -> Object {
    let sealed = world.failed_with(name, message);
    for kind in ["Ready", "Stalled"] {
        let told = condition(&sealed, kind).unwrap()["message"].as_str().unwrap();
        assert!(told.starts_with(message) && told.contains(cause), "{kind}: {told}");
    }
    sealed
}
