//! What monitoring sees.

use jiff::Timestamp;
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

/// Section 11, and our own: every family that a busy controller shows, and no other.
const FAMILIES: [(&str, &str); 29] = [
    ("process_cpu_seconds_total", "counter"),
    ("process_max_fds", "gauge"),
    ("process_network_receive_bytes_total", "counter"),
    ("process_network_transmit_bytes_total", "counter"),
    ("process_open_fds", "gauge"),
    ("process_resident_memory_bytes", "gauge"),
    ("process_start_time_seconds", "gauge"),
    ("process_virtual_memory_bytes", "gauge"),
    ("process_virtual_memory_max_bytes", "gauge"),
    ("promhttp_metric_handler_requests_in_flight", "gauge"),
    ("promhttp_metric_handler_requests_total", "counter"),
    ("sealed_secrets_controller_build_info", "gauge"),
    ("sealed_secrets_controller_condition_info", "gauge"),
    ("sealed_secrets_controller_decrypt_attempts_total", "counter"),
    ("sealed_secrets_controller_http_request_duration_seconds", "histogram"),
    ("sealed_secrets_controller_http_requests_total", "counter"),
    ("sealed_secrets_controller_key_current", "gauge"),
    ("sealed_secrets_controller_key_not_after_seconds", "gauge"),
    ("sealed_secrets_controller_key_renewal_due_seconds", "gauge"),
    ("sealed_secrets_controller_key_since_seconds", "gauge"),
    ("sealed_secrets_controller_leader", "gauge"),
    ("sealed_secrets_controller_queue_depth", "gauge"),
    ("sealed_secrets_controller_queue_oldest_seconds", "gauge"),
    ("sealed_secrets_controller_reconcile_duration_seconds", "histogram"),
    ("sealed_secrets_controller_sealed_secrets_by_key", "gauge"),
    ("sealed_secrets_controller_secret_drifts_total", "counter"),
    ("sealed_secrets_controller_unseal_errors_total", "counter"),
    ("sealed_secrets_controller_unseal_requests_total", "counter"),
    ("sealed_secrets_controller_unusable_keys", "gauge"),
];

/// The names are a promise to dashboards and alerts, and no label value comes from a message or a value.
#[test]
fn a_busy_controller_shows_exactly_the_documented_families() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let sealed = world.create_synced("db", &[("foo", &world.plant())]);
        world.create(&undecryptable("bad"));
        world.failed("bad");
        controller.post("/v1/verify", &sealed.to_string());
        let patch = json!({"stringData": {"foo": "by hand"}});
        world.api().merge(Resource::SECRET, &world.namespace, "db", &patch);
        world.event("db", "SecretDrifted");
        let text = eventually("all is counted", || {
            let text = controller.metrics().text;
            let all = ["condition_info{", "secret_drifts_total{", "sealed_secrets_by_key{", "unseal_errors_total{"];
            all.iter().all(|series| text.contains(series)).then_some(text)
        });
        let mut shown: Vec<(&str, &str)> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')).collect();
        shown.sort_unstable();
        assert_eq!(shown, FAMILIES);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let family = FAMILIES.iter().find(|(name, kind)| {
                let rest = line.strip_prefix(name).map(|rest| rest.split(['{', ' ']).next().unwrap_or_default());
                rest.is_some_and(|rest| {
                    rest.is_empty() || *kind == "histogram" && ["_bucket", "_sum", "_count"].contains(&rest)
                })
            });
            assert!(family.is_some(), "{line} belongs to no family");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line} has no value");
        }
        assert!(!text.contains("could decrypt"), "messages are no labels");
    });
}

/// Section 10.7.
#[test]
fn the_page_is_packed_for_who_takes_gzip() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let plain = controller.get_metrics("/metrics");
        assert_eq!(plain.header("Content-Encoding"), "");
        let (packed, bytes) = controller.get_metrics_packed();
        assert_eq!(packed.header("Content-Encoding"), "gzip");
        assert_eq!(packed.header("Content-Type"), plain.header("Content-Type"));
        assert_eq!(bytes[..2], [0x1f, 0x8b]);
        assert!(bytes.len() * 2 < plain.body.len(), "{} of {} bytes", bytes.len(), plain.body.len());
    });
}

/// W37: an object costs one operation with a private key for each item, however many keys there are.
#[test]
fn the_right_key_is_tried_first() {
    end_to_end(|world| {
        let controller = world.controller().arg("--key-renew-period=0").start();
        let trials = |result: &str| controller.metrics().own("decrypt_attempts_total", &[("result", result)]);
        world.create_synced("first", &[("a", &world.plant()), ("b", &world.plant())]);
        assert_eq!((trials("opened"), trials("failed")), (2.0, 0.0));
        let mut old = world.sealed("old", &[("a", &world.plant()), ("b", &world.plant()), ("c", &world.plant())]);
        for _ in 0..3 {
            let before = controller.certificate();
            controller.signal("USR1");
            controller.next_certificate(&before);
        }
        // Kubernetes dates objects to the second.
        let renewed = Timestamp::now().as_second();
        eventually("a second has gone by", || (Timestamp::now().as_second() > renewed).then_some(()));
        world.create_synced("new", &[("a", &world.plant()), ("b", &world.plant())]);
        assert_eq!((trials("opened"), trials("failed")), (4.0, 0.0), "the current key comes first");
        world.create(&old);
        world.synced("old");
        assert_eq!(trials("opened"), 7.0);
        assert!(trials("failed") <= 3.0, "what opened one item is tried first on the others");

        let failed = trials("failed");
        old["spec"]["template"]["metadata"]["labels"] = json!({"changed": "true"});
        world.set_spec("old", &old["spec"]);
        world.synced("old");
        assert_eq!((trials("opened"), trials("failed")), (10.0, failed), "and is remembered");
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

        // W33.
        world.set_metadata("good", json!({"labels": {"app.kubernetes.io/instance": "other"}}));
        eventually("its new label is shown", || (value("good", "Synced", "other") == Some(1.0)).then_some(()));
        assert_eq!(value("good", "Synced", "shop"), None, "and the old one is gone");

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
