//! Which of several keys is published.

use sealed_secrets_tests::{KeyPair, World, end_to_end, eventually};

/// Rows 27 and 28.
#[test]
fn keys_are_ranked_by_validity_or_by_age_of_their_secret() {
    end_to_end(|world| {
        let newer_certificate = KeyPair::valid_from("2024-06-01T00:00:00Z");
        let older_certificate = KeyPair::valid_from("2024-01-01T00:00:00Z");
        create_one_after_the_other(world, &newer_certificate, &older_certificate);

        let first = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(first.certificate(), newer_certificate.certificate);
        first.kill();

        let by_secret = "--key-order-priority=SecretCreationTimestamp";
        let second = world.controller().arg("--key-renew-period=0").arg(by_secret).start();
        assert_eq!(second.certificate(), older_certificate.certificate);
        // Both keys open, whichever is published.
        let value = world.plant();
        world.create(&newer_certificate.sealed_secret(&world.namespace, "db", "foo", &value));
        world.wait_for_items("db", &[("foo", &value)]);
        assert_eq!(world.keys().len(), 2, "no key was made");
    });
}

/// Row 29.
#[test]
fn of_two_keys_of_the_same_time_the_older_secret_stays_current() {
    end_to_end(|world| {
        let (first, second) =
            (KeyPair::valid_from("2024-01-01T00:00:00Z"), KeyPair::valid_from("2024-01-01T00:00:00Z"));
        create_one_after_the_other(world, &first, &second);
        let controller = world.controller().arg("--key-renew-period=0").start();
        assert_eq!(controller.certificate(), first.certificate);
    });
}

/// Section 4.4: a certificate that is not valid yet is published all the same, and stays so when a key is made.
#[test]
fn a_certificate_of_the_future_is_published_until_its_time() {
    end_to_end(|world| {
        let future = KeyPair::valid_from("2040-01-01T00:00:00Z");
        world.create(&future.secret("future"));
        let controller = world.controller().start();
        assert_eq!(controller.certificate(), future.certificate);
        controller.signal("USR1");
        controller.wait_for_log("the certificate in use has a later time than the new key and stays in use");
        assert_eq!(controller.certificate(), future.certificate);
        assert_eq!(world.keys().len(), 2);
        world.create_synced("db", &[("foo", &world.plant())]);
        let value = world.plant();
        world.create(&future.sealed_secret(&world.namespace, "direct", "foo", &value));
        world.wait_for_items("direct", &[("foo", &value)]);
    });
}

/// The second Secret is younger by its creation time, which counts whole seconds, and first by name.
fn create_one_after_the_other(world: &World, first: &KeyPair, second: &KeyPair) {
    let made = world.create(&first.secret("z-first"));
    let made: jiff::Timestamp = made["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    eventually("the second of the first Secret is over", || {
        (jiff::Timestamp::now().as_second() > made.as_second()).then_some(())
    });
    world.create(&second.secret("a-second"));
}
