//! Flags, variables, exit codes, signals.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use sealed_secrets_tests::{end_to_end, run_controller};

/// The flags of the reference (section 1.2), without the hidden one.
const FLAGS: [&str; 30] = [
    "accept-deprecated-v1-data",
    "additional-namespaces",
    "all-namespaces",
    "key-cutoff-time",
    "key-order-priority",
    "key-prefix",
    "key-renew-period",
    "key-size",
    "key-ttl",
    "kubeclient-burst",
    "kubeclient-qps",
    "label-selector",
    "listen-addr",
    "listen-metrics-addr",
    "log-format",
    "log-info-stdout",
    "log-level",
    "max-unseal-retries",
    "my-cn",
    "old-gc-behavior",
    "privatekey-annotations",
    "privatekey-labels",
    "rate-limit",
    "rate-limit-burst",
    "read-timeout",
    "skip-recreate",
    "update-status",
    "version",
    "watch-for-secrets",
    "write-timeout",
];

/// Row 1.
#[test]
fn the_version_needs_no_cluster() {
    for (args, variables) in [(&["--version"][..], &[][..]), (&[][..], &[("SEALED_SECRETS_VERSION", "true")][..])] {
        let shown = run_controller(args, variables);
        assert_eq!(shown.code, Some(0), "{}", shown.stderr);
        let version =
            shown.stdout.strip_prefix("controller version: ").and_then(|rest| rest.strip_suffix('\n')).unwrap();
        assert!(!version.is_empty() && !version.contains(char::is_whitespace), "{version:?}");
    }
}

/// Row 2, section 1.1.
#[test]
fn a_bad_command_line_is_refused_with_usage_and_reason() {
    for (args, reason) in [
        (&["--nope"][..], "unknown flag: --nope"),
        (&["--key-size"], "flag needs an argument: --key-size"),
        (&["--key-size=big"], "invalid argument \"big\" for \"--key-size\" flag: "),
        (&["--key-ttl=30d"], "invalid argument \"30d\" for \"--key-ttl\" flag: "),
        (&["--=x"], "bad flag syntax: --=x"),
    ] {
        let refused = run_controller(args, &[]);
        assert_eq!(refused.code, Some(2), "{args:?}");
        assert_eq!(refused.stdout, "", "{args:?}");
        assert!(refused.stderr.contains(reason), "{args:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("Usage of "), "{args:?}: {}", refused.stderr);
    }
}

/// Row 3.
#[test]
fn help_lists_every_flag_but_the_hidden_one() {
    for word in ["--help", "-h"] {
        let shown = run_controller(&[word], &[]);
        assert_eq!(shown.code, Some(0));
        assert_eq!(shown.stdout, "");
        for flag in FLAGS {
            assert!(shown.stderr.contains(&format!("--{flag} ")), "--{flag} is missing in {}", shown.stderr);
        }
        assert!(!shown.stderr.contains("rotate-period"), "{}", shown.stderr);
    }
}

/// Rows 4 and 5.
#[test]
fn the_environment_sets_flags_and_the_command_line_wins() {
    end_to_end(|world| {
        let first = world.controller().variable("SEALED_SECRETS_KEY_PREFIX", "from-environment").start();
        assert!(name_of_the_newest_key(world).starts_with("from-environment"));
        first.terminate();
        world
            .controller()
            .variable("SEALED_SECRETS_KEY_PREFIX", "from-environment")
            .variable("SEALED_SECRETS_LISTEN_ADDR", "256.0.0.1:1")
            .arg("--key-prefix=from-arguments")
            .arg("--key-cutoff-time=Mon, 01 Jan 2035 00:00:00 +0000")
            .start();
        assert!(name_of_the_newest_key(world).starts_with("from-arguments"));
    });
}

/// Rows 7, 8, 9 and 138, W28, W31, W35, decision 26: refused before anything is written.
#[test]
fn bad_settings_end_the_start_before_a_key_is_made() {
    let long = format!("--key-prefix={}", "a".repeat(246));
    let cases: [(&str, i32, &str); 17] = [
        ("--key-prefix=Upper", 2, "key-prefix"),
        ("--key-prefix=under_score", 2, "key-prefix"),
        (&long, 2, "key-prefix"),
        ("--key-cutoff-time=2024-01-01", 2, "key-cutoff-time"),
        ("--key-cutoff-time=Mon, 14 Oct 2024 21:45:30 GMT", 2, "key-cutoff-time"),
        ("--label-selector=!!", 2, "label-selector"),
        ("--key-size=1024", 2, "key-size"),
        ("--key-renew-period=-1s", 2, "key-renew-period"),
        ("--privatekey-labels=x", 2, "privatekey-labels"),
        ("--privatekey-annotations=x", 2, "privatekey-annotations"),
        ("--privatekey-labels=a b=c", 2, "privatekey-labels"),
        ("--privatekey-annotations=a b=c", 2, "privatekey-annotations"),
        ("--leader-elect-lease-name=A_B", 2, "leader-elect-lease-name"),
        ("--additional-namespaces=a,,b", 2, "additional-namespaces"),
        ("--additional-namespaces=..", 2, "additional-namespaces"),
        ("--rate-limit=-1", 1, "rate-limit"),
        ("--rate-limit-burst=-1", 1, "rate-limit-burst"),
    ];
    end_to_end(|world| {
        for (arg, code, named) in cases {
            let refused = world.controller().arg(arg).run();
            assert_eq!(refused.code, Some(code), "{arg}: {}", refused.stderr);
            assert!(refused.stderr.contains(named), "{arg}: {}", refused.stderr);
        }
        let from_environment = world.controller().variable("SEALED_SECRETS_KEY_RENEW_PERIOD", "30d").run();
        assert_eq!(from_environment.code, Some(2), "{}", from_environment.stderr);
        assert!(from_environment.stderr.contains("SEALED_SECRETS_KEY_RENEW_PERIOD"), "{}", from_environment.stderr);
        assert!(world.keys().is_empty());
    });
}

/// Row 10.
#[test]
fn without_a_way_to_the_api_server_the_start_fails_with_a_reason() {
    let nowhere = run_controller(&[], &[]);
    assert_eq!(nowhere.code, Some(2));
    assert!(nowhere.stderr.contains("KUBERNETES_SERVICE_HOST"), "{}", nowhere.stderr);

    let service = [("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("KUBERNETES_SERVICE_PORT", "9")];
    let no_token = run_controller(&[], &service);
    assert_eq!(no_token.code, Some(2));
    assert!(no_token.stderr.contains("/var/run/secrets/kubernetes.io/serviceaccount/token"), "{}", no_token.stderr);
}

/// Section 2, step 7: keys that cannot be read end the start.
#[test]
fn an_account_without_rights_ends_the_start() {
    end_to_end(|world| {
        let stranger = world.kubeconfig_of_anybody();
        let refused = run_controller(
            &["--listen-addr=127.0.0.1:0", "--listen-metrics-addr=127.0.0.1:0"],
            &[("KUBECONFIG", stranger.to_str().unwrap()), ("POD_NAMESPACE", &world.namespace)],
        );
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        assert!(refused.stderr.contains("forbidden"), "{}", refused.stderr);
    });
}

/// Row 131, W32.
#[test]
fn it_ends_in_order_when_asked_to() {
    end_to_end(|world| {
        for signal in ["TERM", "INT"] {
            let controller = world.controller().start();
            world.create_synced(&format!("db-{}", signal.to_lowercase()), &[("foo", &world.plant())]);
            let asked = Instant::now();
            assert_eq!(controller.end_by(signal), Some(0));
            assert!(asked.elapsed() < Duration::from_secs(10), "{:?}", asked.elapsed());
            assert!(controller.request(http::Method::GET, "/healthz", &[], "").is_none());
            assert!(!controller.stderr().contains("panicked"));
        }
    });
}

/// Row 131: clients that never finish what they began do not keep it from ending.
#[test]
fn half_a_request_does_not_delay_the_end() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let body = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n";
        let head = format!("POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        let begun = |text: &str| {
            let mut connection = TcpStream::connect(controller.address()).unwrap();
            connection.write_all(text.as_bytes()).unwrap();
            connection
        };
        let (idle, half_head) = (begun(""), begun("GET /hea"));
        let (half_body, mut in_time) = (begun(&head), begun(&head));
        std::thread::scope(|scope| {
            // Until it has been heard of.
            controller.certificate();
            let ending = scope.spawn(|| {
                let asked = Instant::now();
                (controller.end_by("TERM"), asked.elapsed())
            });
            std::thread::sleep(Duration::from_millis(500));
            let _ = in_time.write_all(body.as_bytes());
            let mut answer = String::new();
            let _ = in_time.read_to_string(&mut answer);
            assert!(answer.starts_with("HTTP/1.1 200"), "who finishes at once is answered: {answer:?}");
            let (code, took) = ending.join().unwrap();
            assert_eq!(code, Some(0));
            assert!(took < Duration::from_secs(10), "{took:?}");
        });
        assert!(!controller.stderr().contains("cut off"), "{}", controller.stderr());
        drop((idle, half_head, half_body));
    });
}

fn name_of_the_newest_key(world: &sealed_secrets_tests::World) -> String {
    let newest = world.keys().into_iter().max_by_key(|key| {
        let version: u64 = key["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
        version
    });
    newest.unwrap()["metadata"]["name"].as_str().unwrap().to_owned()
}
