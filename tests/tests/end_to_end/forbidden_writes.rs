//! Refusals that are not for good: a quota, a namespace that goes away.

use std::time::Duration;

use sealed_secrets_tests::{Resource, condition, condition_status, end_to_end, eventually, message, secret};
use serde_json::json;

/// Section 9: a 403 from admission may pass by itself, so it is no case for a person, and it is tried again.
#[test]
fn a_quota_that_is_used_up_is_told_and_waited_out() {
    end_to_end(|world| {
        let controller = world.controller().arg("--max-unseal-retries=1").start();
        let value = world.plant();
        let sealed = world.sealed("db", &[("foo", &value)]);
        let quota = json!({
            "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-more"},
            "spec": {"hard": {"count/secrets": "0"}},
        });
        world.api().create(Resource::QUOTA, &world.namespace, &quota);
        // There is no quota controller to say what is used.
        let used = json!({"status": {"hard": {"count/secrets": "0"}, "used": {"count/secrets": "0"}}});
        world.api().merge(Resource::QUOTA, &world.namespace, "no-more/status", &used);
        eventually("the quota holds", || {
            let other = secret(&world.namespace, "other", &[("foo", "x")]);
            let refused = world.api().try_create(Resource::SECRET, &world.namespace, &other).is_err();
            if !refused {
                world.api().delete(Resource::SECRET, &world.namespace, "other");
            }
            refused.then_some(())
        });
        world.create(&sealed);
        let failed = world.failed("db");
        assert!(message(&failed).contains("exceeded quota"), "{}", message(&failed));
        assert_eq!(condition_status(&failed, "Ready"), "False");
        assert_eq!(condition(&failed, "Stalled"), None);
        world.event_saying("db", "ErrUpdateFailed", "exceeded quota");

        world.api().delete(Resource::QUOTA, &world.namespace, "no-more");
        world.wait_for_items("db", &[("foo", &value)]);
        world.synced("db");
        assert!(controller.attempts() >= 2.0);
    });
}

/// Deleting a namespace is nobody's failure: no event, no error in the log, no alarm by the metric.
#[test]
fn a_namespace_that_is_deleted_goes_quietly() {
    end_to_end(|world| {
        let elsewhere = world.another_namespace();
        let controller = world.controller().arg(&format!("--additional-namespaces={elsewhere}")).start();
        let names: Vec<String> = (0..30).map(|index| format!("db-{index}")).collect();
        let secrets: Vec<_> = names.iter().map(|name| secret(&elsewhere, name, &[("foo", &world.plant())])).collect();
        for sealed in world.seal_all(&secrets, &[]) {
            world.create(&sealed);
        }
        let synced = |name: &String| {
            let found = world.api().get(Resource::SEALED, &elsewhere, name);
            found.is_some_and(|found| condition_status(&found, "Synced") == "True")
        };
        eventually("all are synced", || names.iter().all(synced).then_some(()));
        let before = controller.stderr();

        world.api().delete(Resource::NAMESPACE, "", &elsewhere);
        eventually("the namespace is gone", || {
            world.api().get(Resource::NAMESPACE, "", &elsewhere).is_none().then_some(())
        });
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(controller.stderr(), before, "nothing is said");
        let text = controller.metrics().text;
        assert!(!text.lines().any(|line| line.contains("unseal_errors_total{") && line.contains(&elsewhere)), "{text}");
        assert!(!text.contains("condition_info{"), "nothing of it is shown any more");
    });
}
