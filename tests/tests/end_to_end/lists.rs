//! How the controller learns what is there.

use sealed_secrets_tests::{end_to_end, secret};

/// Design.md section 4: over the watch, object by object; the objects of a start are never a list in memory.
#[test]
fn first_lists_come_over_the_watch() {
    end_to_end(|world| {
        world.create(&secret(&world.namespace, "foreign", &[("foo", "x")]));
        world.controller().arg("--watch-for-secrets").start();
        world.create_synced("db", &[("foo", &world.plant())]);
        let calls = world.calls();
        let of = |verb: &str, resource: &str| {
            calls.iter().filter(|call| call.verb == verb && call.resource == resource).collect::<Vec<_>>()
        };
        assert!(of("list", "sealedsecrets").is_empty(), "{:?}", of("list", "sealedsecrets"));
        let secrets = of("list", "secrets");
        assert!(secrets.iter().all(|call| call.query.contains("labelSelector=")), "only keys are listed: {secrets:?}");
        for resource in ["sealedsecrets", "secrets"] {
            let streamed =
                of("watch", resource).iter().filter(|call| call.query.contains("sendInitialEvents=true")).count();
            // Keys and all Secrets are two watches.
            assert_eq!(streamed, if resource == "secrets" { 2 } else { 1 }, "{resource}");
        }
    });
}
