//! Log records: form, streams, level, the certificate.

use sealed_secrets_tests::{Controller, Resource, end_to_end, secret, undecryptable};
use serde_json::{Value, json};

/// Row 127, W34.
#[test]
fn every_line_of_the_json_log_is_a_record() {
    end_to_end(|world| {
        let controller = world.controller().arg("--log-format=json").start();
        world.create_synced("db", &[("foo", &world.plant())]);
        world.create(&undecryptable("bad"));
        world.failed("bad");
        controller.wait_for_log("Error updating");
        let certificate = controller.certificate();
        assert_eq!(controller.terminate(), Some(0));

        let records = |text: &str| -> Vec<Value> {
            text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
        };
        let (quiet, loud) = (records(&controller.stdout()), records(&controller.stderr()));
        for record in quiet.iter().chain(&loud) {
            let time = record["time"].as_str().unwrap();
            assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
            assert_ne!(record["msg"].as_str().unwrap(), "");
        }
        assert!(quiet.iter().all(|record| ["DEBUG", "INFO"].contains(&record["level"].as_str().unwrap())));
        assert!(loud.iter().all(|record| ["WARN", "ERROR"].contains(&record["level"].as_str().unwrap())));
        assert!(!loud.is_empty(), "the failure is an ERROR");
        let made = quiet.iter().find(|record| record["msg"] == "Certificate generated").unwrap();
        assert_eq!(made["certificate"], certificate);
    });
}

/// Rows 128 and 130.
#[test]
fn the_text_log_has_its_streams_and_the_certificate() {
    end_to_end(|world| {
        let controller = world.controller().start();
        provoke_an_error(world, &controller);
        let (stdout, stderr) = (controller.stdout(), controller.stderr());
        assert!(stdout.lines().all(|line| line.starts_with("time=") && line.contains(" level=INFO msg=")), "{stdout}");
        assert!(stderr.lines().any(|line| line.contains(" level=ERROR msg=")), "{stderr}");
        assert!(!stderr.contains("level=INFO"), "{stderr}");
        assert!(stdout.lines().next().unwrap().contains("msg=\"Starting sealed-secrets controller\" version="));

        let line = stdout.lines().find(|line| line.contains("Certificate generated")).unwrap();
        let quoted = line.split_once("certificate=").unwrap().1;
        let text: String = serde_json::from_str(quoted).unwrap();
        assert_eq!(text, controller.certificate());
    });
}

/// Row 128.
#[test]
fn with_log_info_stdout_false_nothing_is_on_stdout() {
    end_to_end(|world| {
        let controller = world.controller().arg("--log-info-stdout=false").start();
        provoke_an_error(world, &controller);
        assert_eq!(controller.stdout(), "");
        assert!(controller.stderr().contains("level=INFO"));
        assert!(controller.stderr().contains("level=ERROR"));
    });
}

/// Row 129.
#[test]
fn with_log_level_error_only_errors_are_logged() {
    end_to_end(|world| {
        let controller = world.controller().arg("--log-level=error").start();
        provoke_an_error(world, &controller);
        assert_eq!(controller.stdout(), "");
        assert!(controller.stderr().lines().all(|line| line.contains(" level=ERROR ")), "{}", controller.stderr());
    });
}

/// Section 12, W42: one line per status write is for DEBUG.
#[test]
fn the_debug_log_tells_more() {
    const SUPPRESSED: &str = "update suppressed, no changes in spec";
    end_to_end(|world| {
        let ordinary = world.controller().start();
        world.create_synced("db", &[("foo", &world.plant())]);
        world.set_metadata("db", json!({"labels": {"seen": "true"}}));
        world.create_synced("later", &[("foo", &world.plant())]);
        assert!(!(ordinary.stdout() + &ordinary.stderr()).contains(SUPPRESSED));
        ordinary.terminate();

        let controller = world.controller().arg("--log-level=DEBUG").start();
        world.set_metadata("db", json!({"labels": {"seen": "again"}}));
        controller.wait_for_log(SUPPRESSED);
        assert!(controller.stdout().contains("level=DEBUG"));
    });
}

/// Section 12: at the lowest level there is, with everything going on that handles values. That none of them is in the log
/// is checked after every test; here it is also checked that the log holds nothing of the libraries below us, which quote
/// requests and answers at their lowest levels.
#[test]
fn the_lowest_level_shows_no_value_and_nothing_of_the_libraries() {
    end_to_end(|world| {
        let launch = world.controller().arg("--log-level=DEBUG-100").arg("--log-format=json");
        let controller = launch.variable("RUST_LOG", "trace").arg("--heal-drift").start();
        let sealed = world.create_synced("db", &[("foo", &world.plant())]);
        world.set_spec("db", &world.sealed("db", &[("foo", &world.plant()), ("bar", &world.plant())])["spec"]);
        world.synced("db");
        let patch = json!({"stringData": {"foo": world.plant()}});
        world.api().merge(Resource::SECRET, &world.namespace, "db", &patch);
        controller.wait_for_log("Secret was changed by somebody else");
        let plain = secret(&world.namespace, "posted", &[("foo", &world.plant())]);
        for body in [sealed.to_string(), plain.to_string(), format!("{{{}", world.plant())] {
            controller.post("/v1/verify", &body);
            controller.post("/v1/rotate", &body);
        }
        let mut broken = world.sealed("broken", &[("foo", &world.plant())]);
        broken["spec"]["template"]["metadata"]["labels"] = json!({"not a label": "x"});
        world.create(&broken);
        world.failed("broken");
        world.api().delete(Resource::SECRET, &world.namespace, "db");
        controller.signal("USR1");
        controller.next_certificate(&controller.certificate());

        let log = controller.stdout() + &controller.stderr();
        assert!(log.contains("\"level\":\"DEBUG\""));
        for library in ["hyper", "rustls", "kube_client", "kube::", "tower"] {
            assert!(!log.contains(library), "{library} has written to the log");
        }
    });
}

fn provoke_an_error(world: &sealed_secrets_tests::World, controller: &Controller) {
    world.create(&undecryptable("bad"));
    world.failed("bad");
    controller.wait_for_log("Error updating");
}
