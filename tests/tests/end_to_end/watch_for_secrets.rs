//! Key Secrets that come and go while the controller runs.

use std::time::Duration;

use sealed_secrets_tests::{Controller, KeyPair, Object, Resource, World, end_to_end, eventually, key_secret, never};
use serde_json::json;

/// Rows 29, 33 and 36.
#[test]
fn a_key_that_arrives_is_used_at_once_and_mends_what_failed_for_its_lack() {
    end_to_end(|world| {
        let controller = world.controller().arg("--watch-for-secrets").start();
        let own = controller.certificate();
        let (older, newer) = (KeyPair::valid_from("2020-01-01T00:00:00Z"), KeyPair::valid_from("2040-01-01T00:00:00Z"));
        let (first, second) = (world.plant(), world.plant());
        world.create(&older.sealed_secret(&world.namespace, "older", "foo", &first));
        world.failed_with("older", "no key could decrypt secret (foo)");

        world.create(&older.secret("older-key"));
        let mended = world.synced("older");
        assert_eq!(mended["metadata"]["generation"], 1, "nobody touched it");
        world.wait_for_items("older", &[("foo", &first)]);
        assert_eq!(controller.certificate(), own, "an older key does not become current");

        world.create(&newer.secret("newer-key"));
        assert_eq!(controller.next_certificate(&own), newer.certificate);
        world.create_synced("newer", &[("foo", &second)]);
    });
}

/// Row 34.
#[test]
fn without_the_watch_a_key_is_unknown_until_a_restart() {
    end_to_end(|world| {
        let first = world.controller().arg("--leader-elect=false").start();
        let own = first.certificate();
        let brought = KeyPair::valid_from("2040-01-01T00:00:00Z");
        world.create(&brought.secret("brought"));
        let value = world.plant();
        world.create(&brought.sealed_secret(&world.namespace, "db", "foo", &value));
        world.failed_with("db", "no key could decrypt secret (foo)");
        never("the key is published", Duration::from_secs(3), || first.certificate() != own);
        first.kill();

        let second = world.controller().start();
        assert_eq!(second.certificate(), brought.certificate);
        world.synced("db");
        world.wait_for_items("db", &[("foo", &value)]);
    });
}

/// Row 35.
#[test]
fn a_key_that_is_deleted_or_relabelled_is_no_longer_used() {
    end_to_end(|world| {
        let controller = world.controller().arg("--watch-for-secrets").start();
        let own = controller.certificate();
        let keys = [KeyPair::valid_from("2040-01-01T00:00:00Z"), KeyPair::valid_from("2041-01-01T00:00:00Z")];
        world.create(&keys[0].secret("first"));
        controller.next_certificate(&own);
        world.create(&keys[1].secret("second"));
        assert_eq!(controller.next_certificate(&keys[0].certificate), keys[1].certificate);

        let label = json!({"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "compromised"}}});
        world.api().merge(Resource::SECRET, &world.namespace, "second", &label);
        assert_eq!(controller.next_certificate(&keys[1].certificate), keys[0].certificate);
        world.api().delete(Resource::SECRET, &world.namespace, "first");
        assert_eq!(controller.next_certificate(&keys[0].certificate), own);

        for (index, key) in keys.iter().enumerate() {
            let name = format!("db-{index}");
            world.create(&key.sealed_secret(&world.namespace, &name, "foo", &world.plant()));
            world.failed_with(&name, "no key could decrypt secret (foo)");
        }
    });
}

/// W10 and W11: what fails as before is no new error, and what no key can mend is left alone.
#[test]
fn a_key_that_arrives_and_mends_nothing_counts_no_error_anew() {
    end_to_end(|world| {
        let controller = world.controller().arg("--watch-for-secrets").start();
        let lost = KeyPair::valid_from("2020-01-01T00:00:00Z");
        world.create(&lost.sealed_secret(&world.namespace, "keyless", "foo", &world.plant()));
        let mut broken = world.sealed("broken", &[("foo", &world.plant())]);
        broken["spec"]["template"]["data"] = json!({"bar": "{{ fail"});
        world.create(&broken);
        for name in ["keyless", "broken"] {
            world.failed(name);
        }
        let count = || {
            let labels = [("reason", "unseal"), ("namespace", world.namespace.as_str())];
            (controller.attempts(), controller.metrics().own("unseal_errors_total", &labels))
        };
        eventually("the fast retries are over", || (count() == (12.0, 12.0)).then_some(()));
        world.create(&KeyPair::valid_from("2021-01-01T00:00:00Z").secret("of-no-use"));
        eventually("what lacks a key is looked at again", || (count() == (13.0, 12.0)).then_some(()));
        never("more", Duration::from_secs(1), || count() != (13.0, 12.0));
        world.create(&lost.secret("found"));
        world.synced("keyless");
        assert_eq!(count(), (14.0, 12.0));
    });
}

/// W7 and W12: without a usable key one is made as at start, also where renewal is off.
#[test]
fn when_the_last_key_goes_a_new_one_is_made_at_once() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=0").start();
        let first = controller.certificate();
        let label = json!({"metadata": {"labels": {"sealedsecrets.bitnami.com/sealed-secrets-key": "compromised"}}});
        world.api().merge(Resource::SECRET, &world.namespace, &only_key(world), &label);
        let second = made_instead(&controller, &first);
        world.create_synced("db", &[("foo", &world.plant())]);

        world.api().delete(Resource::SECRET, &world.namespace, &only_key(world));
        made_instead(&controller, &second);
        only_key(world);
        assert_eq!(controller.stderr().matches("the last key that could be published is gone").count(), 2);
    });
}

/// Name of the one Secret with the label.
fn only_key(world: &World) -> String {
    let [key]: [Object; 1] = world.keys().try_into().unwrap();
    key["metadata"]["name"].as_str().unwrap().to_owned()
}

/// The certificate of the key that is made when that of `old` is gone; until then there is none.
fn made_instead(controller: &Controller, old: &str) -> String {
    eventually("a new key is published", || {
        let reply = controller.get("/v1/cert.pem");
        (reply.status == 200 && reply.body != old).then_some(reply.body)
    })
}

/// Rows 32 and 33: a bad key Secret at run time, and one that is replaced by a good one.
#[test]
fn a_malformed_key_that_arrives_is_reported_and_passed_over() {
    end_to_end(|world| {
        let controller = world.controller().arg("--watch-for-secrets").start();
        let own = controller.certificate();
        world.create(&key_secret("brought", "garbage", "garbage"));
        controller.wait_for_log("brought");
        let good = KeyPair::valid_from("2040-01-01T00:00:00Z");
        let content = json!({"stringData": {"tls.key": good.private_pem(), "tls.crt": good.certificate}});
        world.api().merge(Resource::SECRET, &world.namespace, "brought", &content);
        assert_eq!(controller.next_certificate(&own), good.certificate);
        world.create_synced("db", &[("foo", &world.plant())]);
    });
}

/// Section 4.10: the watch asks for key Secrets alone, and only in the controller's own namespace.
#[test]
fn the_watch_for_keys_is_narrow() {
    end_to_end(|world| {
        let elsewhere = world.another_namespace();
        world
            .controller()
            .arg("--watch-for-secrets")
            .arg("--skip-recreate")
            .arg(&format!("--additional-namespaces={elsewhere}"))
            .start();
        world.create_synced("db", &[("foo", &world.plant())]);
        let watches = eventually("the watch has begun", || {
            let calls = world.calls().into_iter().filter(|call| call.resource == "secrets" && call.verb == "watch");
            Some(calls.collect::<Vec<_>>()).filter(|calls| !calls.is_empty())
        });
        // W40: one for all namespaces. The next one of it begins most of a minute later.
        assert_eq!(watches.len(), 1, "{watches:?}");
        for call in watches {
            assert_eq!(call.namespace, world.namespace);
            assert!(call.query.contains("sealed-secrets-key"), "{}", call.query);
        }
    });
}
