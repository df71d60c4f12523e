//! New and changed SealedSecrets.

use sealed_secrets_tests::{condition, decoded, end_to_end, eventually, secret, without};
use serde_json::json;

/// Rows 37, 38, 39, 90, 133.
#[test]
fn a_new_sealed_secret_becomes_a_secret_that_it_owns() {
    end_to_end(|world| {
        world.controller().start();
        let password = world.plant();
        world.create(&world.sealed("db", &[("password", &password)]));

        let sealed = world.synced("db");
        let secret = world.secret("db").unwrap();
        assert_eq!(decoded(&secret)["password"], password);
        assert_eq!(
            secret["metadata"]["ownerReferences"],
            json!([{
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "db",
                "uid": sealed["metadata"]["uid"], "controller": true,
            }])
        );

        assert_eq!(sealed["status"]["observedGeneration"], 1);
        let synced = condition(&sealed, "Synced").unwrap();
        assert_eq!(sealed["status"]["conditions"][0], *synced, "the printer columns read the first condition");
        assert_eq!(synced["lastTransitionTime"], synced["lastUpdateTime"]);
        assert_eq!(synced.get("message"), None);
        assert_eq!(synced.get("reason"), None);

        let event = world.event("db", "Unsealed");
        assert_eq!(event["type"], "Normal");
        assert_eq!(event["message"], "SealedSecret unsealed successfully");
        assert_eq!(event["source"]["component"], "sealed-secrets");
        assert_eq!(event["reportingComponent"], "sealed-secrets");
        assert_eq!(event["involvedObject"]["uid"], sealed["metadata"]["uid"]);
        assert_eq!(event["involvedObject"]["apiVersion"], "bitnami.com/v1alpha1");
        assert_eq!(event["involvedObject"]["namespace"], world.namespace.as_str());
    });
}

/// Row 40.
#[test]
fn an_updated_sealed_secret_updates_its_secret() {
    end_to_end(|world| {
        world.controller().start();
        let (old, new) = (world.plant(), world.plant());
        let first = world.create_synced("db", &[("password", &old)]);
        world.wait_for_items("db", &[("password", &old)]);
        let first = condition(&first, "Synced").unwrap();

        wait_for_a_later_second(first["lastUpdateTime"].as_str().unwrap());
        world.set_spec("db", &world.sealed("db", &[("password", &new)])["spec"]);

        let sealed = world.synced("db");
        world.wait_for_items("db", &[("password", &new)]);
        assert_eq!(sealed["status"]["observedGeneration"], 2);
        let second = condition(&sealed, "Synced").unwrap();
        assert_eq!(second["lastTransitionTime"], first["lastTransitionTime"], "it was True all the time");
        assert_ne!(second["lastUpdateTime"], first["lastUpdateTime"]);
        eventually("the second generation has its event", || (world.event_count("db", "Unsealed") == 2).then_some(()));
    });
}

/// Row 41.
#[test]
fn a_renamed_item_is_renamed_in_the_secret() {
    end_to_end(|world| {
        world.controller().start();
        let value = world.plant();
        let mut spec = world.create_synced("db", &[("before", &value)])["spec"].take();
        let envelope = spec["encryptedData"]["before"].take();
        spec["encryptedData"] = json!({ "after": envelope });
        world.set_spec("db", &spec);
        world.wait_for_items("db", &[("after", &value)]);
    });
}

/// Row 42.
#[test]
fn an_item_sealed_alone_can_be_appended() {
    end_to_end(|world| {
        world.controller().start();
        let (first, second) = (world.plant(), world.plant());
        let mut spec = world.create_synced("db", &[("first", &first)])["spec"].take();
        let raw = world.kubeseal(&["--raw", "--namespace", &world.namespace, "--name", "db"], &second);
        assert_eq!(raw.code, Some(0), "{}", raw.stderr);
        spec["encryptedData"]["second"] = raw.stdout.trim_end().into();
        world.set_spec("db", &spec);
        world.wait_for_items("db", &[("first", &first), ("second", &second)]);
    });
}

/// Row 43.
#[test]
fn a_removed_item_leaves_the_secret() {
    end_to_end(|world| {
        world.controller().start();
        let (kept, removed) = (world.plant(), world.plant());
        let sealed = world.create_synced("db", &[("kept", &kept), ("removed", &removed)]);
        let spec = without(sealed, "/spec/encryptedData", "removed")["spec"].take();
        world.set_spec("db", &spec);
        world.wait_for_items("db", &[("kept", &kept)]);
    });
}

/// Row 141.
#[test]
fn of_twenty_quick_updates_the_last_one_stays() {
    end_to_end(|world| {
        world.controller().start();
        let values: Vec<String> = (0..21).map(|_| world.plant()).collect();
        let secrets: Vec<_> =
            values.iter().map(|value| secret(&world.namespace, "db", &[("password", value)])).collect();
        let sealed = world.seal_all(&secrets, &[]);
        world.create(&sealed[0]);
        for next in &sealed[1..] {
            world.set_spec("db", &next["spec"]);
        }
        world.wait_for_items("db", &[("password", &values[20])]);
        let settled = world.synced("db");
        assert_eq!(settled["status"]["observedGeneration"], 21);
        assert_eq!(world.items("db")["password"], values[20]);
    });
}

/// Times in a status are whole seconds, so that two of them differ only when a second has gone by.
fn wait_for_a_later_second(written: &str) {
    let written: jiff::Timestamp = written.parse().unwrap();
    eventually("the clock is past the second of the first sync", || {
        (jiff::Timestamp::now().as_second() > written.as_second()).then_some(())
    });
}
