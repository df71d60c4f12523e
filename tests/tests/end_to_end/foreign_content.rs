//! What the controller must not even know.

use sealed_secrets_tests::{end_to_end, eventually, secret};

/// W39: of Secrets in the watched namespaces only the metadata is asked for, so that what they hold is never in memory.
#[test]
fn the_content_of_other_secrets_never_reaches_the_process() {
    end_to_end(|world| {
        let (before, after) = (world.plant(), world.plant());
        world.create(&secret(&world.namespace, "there-before-the-start", &[("foo", &before)]));
        let controller = world.controller().start();
        world.create(&secret(&world.namespace, "made-after-the-start", &[("foo", &after)]));
        eventually("both Secrets are known", || {
            let names = ["there-before-the-start", "made-after-the-start"];
            controller.occurrences_in_memory(&names).iter().all(|count| *count > 0).then_some(())
        });
        let encoded = [&before, &after].map(|value| sealed_secrets_tests::base64(value));
        // The end of the text depends on what follows it.
        let texts = [before.as_str(), &after, &encoded[0][..20], &encoded[1][..20]];
        assert_eq!(controller.occurrences_in_memory(&texts), [0; 4]);
    });
}
