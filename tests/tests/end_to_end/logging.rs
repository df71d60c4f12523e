//! Log records: form, streams, level, the certificate.

use sealed_secrets_tests::{Controller, end_to_end, eventually, undecryptable};
use serde_json::Value;

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

/// Section 12, W42: what the log says at DEBUG holds no value either; that is checked after every test.
#[test]
fn the_debug_log_tells_more() {
    end_to_end(|world| {
        let controller = world.controller().arg("--log-level=DEBUG").start();
        world.create_synced("db", &[("foo", &world.plant())]);
        eventually("there are DEBUG records", || controller.stdout().contains("level=DEBUG").then_some(()));
    });
}

fn provoke_an_error(world: &sealed_secrets_tests::World, controller: &Controller) {
    world.create(&undecryptable("bad"));
    world.failed("bad");
    controller.wait_for_log("Error updating");
}
