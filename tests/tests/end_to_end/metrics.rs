//! What monitoring sees.

use sealed_secrets_tests::{Resource, end_to_end, eventually, secret, undecryptable};
use serde_json::json;

/// Row 123, decision 15.
#[test]
fn metrics_are_on_their_own_listener_and_start_at_zero() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let page = controller.get_metrics("/metrics");
        assert_eq!(page.status, 200);
        assert!(
            page.header("Content-Type").starts_with("text/plain; version=0.0.4"),
            "{}",
            page.header("Content-Type")
        );
        assert_eq!(controller.get("/metrics").status, 404);
        assert_eq!(controller.get_metrics("/healthz").status, 404);

        let metrics = controller.metrics();
        assert_eq!(metrics.value("sealed_secrets_controller_unseal_requests_total", &[]), Some(0.0));
        assert_eq!(metrics.value("sealed_secrets_controller_build_info", &[]), Some(1.0));
        for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"] {
            assert!(metrics.value(name, &[]).is_some_and(|value| value > 0.0), "{name}");
        }
        assert!(metrics.value("process_cpu_seconds_total", &[]).is_some());
        assert!(!metrics.text.contains("unseal_errors_total{"), "series appear on first use");
    });
}

/// Row 124.
#[test]
fn failures_are_counted_by_reason_and_namespace() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let count = |reason: &str| {
            let labels = [("reason", reason), ("namespace", world.namespace.as_str())];
            controller.metrics().own("unseal_errors_total", &labels)
        };
        world.create_synced("good", &[("foo", &world.plant())]);
        assert_eq!(controller.attempts(), 1.0);

        world.create(&undecryptable("bad"));
        eventually("a failure to open is counted", || (count("unseal") >= 1.0).then_some(()));
        assert_eq!(count("unmanaged"), 0.0);

        world.create(&secret(&world.namespace, "theirs", &[("foo", "kept")]));
        world.create(&world.sealed("theirs", &[("foo", &world.plant())]));
        eventually("a refusal is counted", || (count("unmanaged") >= 1.0).then_some(()));

        let mut invalid = world.sealed("invalid", &[("foo", &world.plant())]);
        invalid["spec"]["template"]["metadata"]["labels"] = json!({"not a label": "x"});
        world.create(&invalid);
        eventually("a failed write is counted", || (count("update") >= 1.0).then_some(()));
    });
}

/// Row 125.
#[test]
fn conditions_are_shown_per_object_until_it_is_deleted() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let value = |name: &str, condition: &str, instance: &str| {
            let labels = [
                ("namespace", world.namespace.as_str()),
                ("name", name),
                ("condition", condition),
                ("ss_app_kubernetes_io_instance", instance),
            ];
            controller.metrics().value("sealed_secrets_controller_condition_info", &labels)
        };
        let mut good = world.sealed("good", &[("foo", &world.plant())]);
        good["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "shop"});
        world.create(&good);
        eventually("the good one is shown", || (value("good", "Synced", "shop") == Some(1.0)).then_some(()));
        assert_eq!(value("good", "Ready", "shop"), Some(1.0));
        assert_eq!(value("good", "Stalled", "shop"), None, "a healthy object has no series of −1");

        world.create(&undecryptable("bad"));
        eventually("the bad one is shown", || (value("bad", "Synced", "") == Some(-1.0)).then_some(()));
        assert_eq!(value("bad", "Ready", ""), Some(-1.0));
        assert_eq!(value("bad", "Stalled", ""), Some(1.0));

        for name in ["good", "bad"] {
            world.api().delete(Resource::SEALED, &world.namespace, name);
            eventually("its series are gone", || {
                (!controller.metrics().text.contains(&format!("name=\"{name}\""))).then_some(())
            });
        }
    });
}

/// Row 126.
#[test]
fn http_requests_are_counted_by_path_code_and_method() {
    end_to_end(|world| {
        let controller = world.controller().arg("--rate-limit=1000").start();
        let count = |path: &str, code: &str, method: &str| {
            controller.metrics().own("http_requests_total", &[("path", path), ("code", code), ("method", method)])
        };
        controller.certificate();
        // The harness asks for nothing else before that.
        assert_eq!(count("/v1/cert.pem", "200", "get"), 1.0);

        let mut renamed = world.sealed("db", &[("foo", &world.plant())]);
        renamed["metadata"]["name"] = "other".into();
        assert_eq!(controller.post("/v1/verify", &renamed.to_string()).status, 409);
        assert_eq!(controller.post("/v1/verify", "{").status, 500);
        controller.request(http::Method::from_bytes(b"BREW").unwrap(), "/v1/verify", &[], "{").unwrap();
        assert_eq!(count("/v1/verify", "409", "post"), 1.0);
        assert_eq!(count("/v1/verify", "500", "post"), 1.0);
        assert_eq!(count("/v1/verify", "500", "unknown"), 1.0);
        let labels = [("path", "/v1/verify"), ("method", "post")];
        assert_eq!(controller.metrics().own("http_request_duration_seconds_count", &labels), 2.0);

        controller.get("/healthz");
        controller.get("/nothing");
        let text = controller.metrics().text;
        assert!(!text.contains("path=\"/healthz\"") && !text.contains("nothing"), "only the three paths are counted");
    });
}

/// The metrics that the reference does not have: keys, their use, the queue and the time that attempts take.
#[test]
fn keys_queue_and_attempts_are_shown() {
    end_to_end(|world| {
        let controller = world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        let used = world.sealed_secret("db").unwrap()["status"]["sealedWith"][0].as_str().unwrap().to_owned();
        let of = |name: &str, label: (&str, &str)| {
            controller.metrics().value(&format!("sealed_secrets_controller_{name}"), &[label])
        };
        let fingerprint = ("fingerprint", used.as_str());
        assert_eq!(of("key_current", fingerprint), Some(1.0));
        assert!(of("key_not_after_seconds", fingerprint) > of("key_since_seconds", fingerprint));
        eventually("its use is counted", || (of("sealed_secrets_by_key", fingerprint) == Some(1.0)).then_some(()));
        for class in ["changed", "first-seen", "retry", "look"] {
            assert_eq!(of("queue_depth", ("class", class)), Some(0.0), "{class}");
        }
        eventually("the attempt is counted", || {
            (controller.metrics().own("reconcile_duration_seconds_count", &[]) == 1.0).then_some(())
        });

        let old = controller.certificate();
        controller.signal("USR1");
        controller.next_certificate(&old);
        assert_eq!(of("key_current", fingerprint), Some(0.0));
    });
}
