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

/// The second Secret is younger by its creation time, which counts whole seconds, and first by name.
fn create_one_after_the_other(world: &World, first: &KeyPair, second: &KeyPair) {
    let made = world.create(&first.secret("z-first"));
    let made: jiff::Timestamp = made["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
    eventually("the second of the first Secret is over", || {
        (jiff::Timestamp::now().as_second() > made.as_second()).then_some(())
    });
    world.create(&second.secret("a-second"));
}
