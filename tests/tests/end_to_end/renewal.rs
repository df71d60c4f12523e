//! New keys: by the calendar, at start, on demand.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, ToSpan};
use sealed_secrets_crypto::Certificate;
use sealed_secrets_tests::{KeyPair, Object, World, end_to_end, eventually, never};

/// Rows 21 and 26.
#[test]
fn keys_are_renewed_every_period_and_old_ones_keep_opening() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=3s").start();
        let first = controller.certificate();
        let value = world.plant();
        let sealed = world.sealed("db", &[("foo", &value)]);
        let second = controller.next_certificate(&first);
        let third = controller.next_certificate(&second);
        let begin = |text: &str| Certificate::first_from_pem(text.as_bytes()).unwrap().not_before();
        let apart = begin(&third).duration_since(begin(&second));
        assert!(apart >= SignedDuration::from_secs(2), "{apart:?}");

        world.create(&sealed);
        world.wait_for_items("db", &[("foo", &value)]);
        world.synced("db");
    });
}

/// Row 22.
#[test]
fn a_stale_key_is_renewed_at_start() {
    end_to_end(|world| {
        let stale = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&stale.secret("stale"));
        let controller = world.controller().start();
        let fresh = controller.next_certificate(&stale.certificate);
        assert_eq!(world.keys().len(), 2);
        never("another key is made", Duration::from_secs(2), || controller.certificate() != fresh);
    });
}

/// Row 23.
#[test]
fn a_nearly_stale_key_is_renewed_when_its_period_is_over() {
    end_to_end(|world| {
        let now = Timestamp::now();
        let aging = KeyPair::valid_from(&(now - 1.hour() + 4.seconds()).to_string());
        world.create(&aging.secret("aging"));
        let controller = world.controller().arg("--key-renew-period=1h").start();
        let fresh = controller.next_certificate(&aging.certificate);
        let made = Certificate::first_from_pem(fresh.as_bytes()).unwrap().not_before();
        assert!(made.as_second() >= now.as_second() + 3, "not before it was due: {made} {now}");
    });
}

/// Rows 24 and 25, and 106 for a renewal.
#[test]
fn with_period_zero_keys_are_made_on_demand_alone() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=0").start();
        let first = controller.certificate();
        let value = world.plant();
        let sealed = world.sealed("old", &[("foo", &value)]);
        never("a key is made", Duration::from_secs(3), || world.keys().len() != 1);

        controller.signal("USR1");
        let second = controller.next_certificate(&first);
        assert_eq!(world.keys().len(), 2);
        let new = world.sealed("new", &[("foo", &value)]);
        for object in [&sealed, &new] {
            world.create(object);
        }
        for name in ["old", "new"] {
            world.wait_for_items(name, &[("foo", &value)]);
        }
        never("more keys are made", Duration::from_secs(2), || controller.certificate() != second);
    });
}

/// Rows 19 and 20.
#[test]
fn a_key_older_than_the_cutoff_time_is_replaced_at_start() {
    end_to_end(|world| {
        let key = KeyPair::valid_from("2024-06-01T00:00:00Z");
        world.create(&key.secret("old"));
        let start = |cutoff: &str| {
            world.controller().arg("--key-renew-period=0").arg(&format!("--key-cutoff-time={cutoff}")).start()
        };
        let earlier = start("Fri, 31 May 2024 23:59:59 +0000");
        assert_eq!(earlier.certificate(), key.certificate);
        assert_eq!(world.keys().len(), 1);
        earlier.kill();

        let later = start("Sat, 01 Jun 2024 02:00:01 +0200");
        let made = later.next_certificate(&key.certificate);
        assert_eq!(world.keys().len(), 2);
        later.kill();

        let again = start("Sat, 01 Jun 2024 02:00:01 +0200");
        assert_eq!(again.certificate(), made);
        assert_eq!(world.keys().len(), 2, "the new key is younger than the cutoff");
    });
}

/// W28: kubeseal refuses an expired certificate, so none may be served, whatever the period says.
#[test]
fn a_certificate_that_ends_before_the_period_is_replaced_before_it_ends() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=1h").arg("--key-ttl=10s").start();
        let first = controller.certificate();
        let second = controller.next_certificate(&first);
        let end = Certificate::first_from_pem(first.as_bytes()).unwrap().not_after();
        assert!(Timestamp::now() < end, "the first one ended at {end}");
        let begin = Certificate::first_from_pem(second.as_bytes()).unwrap().not_before();
        assert!(end.duration_since(begin) <= SignedDuration::from_secs(2), "renewed much too early, at {begin}");
    });
}

/// W9: a renewal never disturbs what is being opened.
#[test]
fn renewals_in_the_middle_of_a_storm_of_requests_disturb_none_of_them() {
    end_to_end(|world| {
        let launch = world.controller().arg("--key-renew-period=0");
        let controller = launch.arg("--rate-limit=100000").arg("--rate-limit-burst=100000").start();
        let sealed = world.sealed("db", &[("foo", &world.plant())]).to_string();
        std::thread::scope(|scope| {
            let storms: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let begin = world.keys().len();
                        while world.keys().len() < begin.max(1) + 4 {
                            assert_eq!(controller.post("/v1/verify", &sealed).status, 200);
                        }
                    })
                })
                .collect();
            while !storms.iter().all(|storm| storm.is_finished()) {
                let before = controller.certificate();
                controller.signal("USR1");
                controller.next_certificate(&before);
            }
            for storm in storms {
                storm.join().unwrap();
            }
        });
    });
}

/// Row 6.
#[test]
fn the_old_name_of_the_renewal_period_still_works() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=0").arg("--rotate-period=2s").start();
        let notice = "Flag --rotate-period has been deprecated, please use key-renew-period instead";
        assert!(controller.stderr().lines().any(|line| line == notice), "{}", controller.stderr());
        controller.next_certificate(&controller.certificate());
    });
}

/// Section 4.5: what is logged about a new key, and that the Secret is there before the certificate is served.
#[test]
fn a_renewal_is_logged_with_the_name_of_its_secret() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=0").start();
        let first = controller.certificate();
        let old = name_of_key(world, |_| true);
        controller.signal("USR1");
        controller.next_certificate(&first);
        let new = name_of_key(world, |name| name != old);
        eventually("the log names both Secrets", || {
            let log = controller.stdout();
            let written: Vec<&str> = log.lines().filter(|line| line.contains("New key written")).collect();
            (written.len() == 2 && written[0].contains(&old) && written[1].contains(&new)).then_some(())
        });
        assert_eq!(controller.stdout().lines().filter(|line| line.contains("Certificate generated")).count(), 2);
    });
}

fn name_of_key(world: &World, wanted: impl Fn(&str) -> bool) -> String {
    let name = |key: &Object| key["metadata"]["name"].as_str().unwrap().to_owned();
    world.keys().iter().map(name).find(|name| wanted(name)).unwrap()
}

/// Two releases in one namespace share the keys: who is later finds that the key was renewed.
#[test]
fn releases_that_share_keys_do_not_renew_twice() {
    end_to_end(|world| {
        let now = Timestamp::now();
        let aging = KeyPair::valid_from(&(now - 1.hour() + 4.seconds()).to_string());
        world.create(&aging.secret("aging"));
        let launch = |period: &str| world.controller().arg("--leader-elect=false").arg(period).start();
        let (first, second) = (launch("--key-renew-period=1h"), launch("--key-renew-period=3604s"));
        let fresh = first.next_certificate(&aging.certificate);
        assert_eq!(second.next_certificate(&aging.certificate), fresh, "found when its own time had come");
        never("another key is made", Duration::from_secs(3), || world.keys().len() > 2);
    });
}
