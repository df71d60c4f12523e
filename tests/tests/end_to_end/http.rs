//! The API listener, apart from verify.

use http::Method;
use sealed_secrets_crypto::Certificate;
use sealed_secrets_tests::end_to_end;

/// Rows 105 and 107, W30.
#[test]
fn health_readiness_and_unknown_paths_answer_as_documented() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let health = controller.get("/healthz");
        assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));
        assert_eq!(health.header("Content-Type"), "text/plain; charset=utf-8");
        assert_eq!(controller.get("/readyz").status, 200);

        for path in ["/", "/v1", "/v1/nothing", "/v1/cert.pem/", "/metrics"] {
            let reply = controller.get(path);
            assert_eq!((reply.status, reply.body.as_str()), (404, "404 page not found\n"), "{path}");
            assert_eq!(reply.header("Content-Type"), "text/plain; charset=utf-8", "{path}");
            assert_eq!(reply.header("X-Content-Type-Options"), "nosniff", "{path}");
        }
        let doubled = controller.get("/v1//cert.pem");
        assert_eq!((doubled.status, doubled.header("Location")), (307, "/v1/cert.pem"));
    });
}

/// Section 10: heads may have a mebibyte.
#[test]
fn large_heads_and_hundreds_of_headers_are_read() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let names: Vec<String> = (0..900).map(|index| format!("x-{index}")).collect();
        for length in [1, 1000] {
            let value = "v".repeat(length);
            let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), value.as_str())).collect();
            let reply = controller.request(Method::GET, "/healthz", &headers, "");
            assert_eq!(reply.map(|reply| reply.status), Some(200), "{length}");
        }
    });
}

/// Row 106.
#[test]
fn the_certificate_is_served_directly_and_through_the_api_server() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let reply = controller.get("/v1/cert.pem");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("Content-Type"), "application/x-pem-file");
        assert_eq!(Certificate::chain_from_pem(reply.body.as_bytes()).unwrap().len(), 1);
        // Methods are not looked at.
        assert_eq!(controller.request(Method::PUT, "/v1/cert.pem", &[], "").unwrap().body, reply.body);

        let fetched = world.kubeseal(&["--fetch-cert"], "");
        assert_eq!(fetched.code, Some(0), "{}", fetched.stderr);
        assert_eq!(fetched.stdout, reply.body);
    });
}

/// Row 4 of the addresses, section 1.2: a listener that cannot be had is an error at once (W30).
#[test]
fn an_address_that_is_taken_ends_the_start() {
    end_to_end(|world| {
        let first = world.controller().start();
        let taken = first.address().to_owned();
        for flag in ["--listen-addr", "--listen-metrics-addr"] {
            let second = world.controller().arg(&format!("{flag}={taken}")).run();
            assert_eq!(second.code, Some(2), "{}", second.stderr);
            assert!(second.stderr.contains(&taken), "{}", second.stderr);
        }
        assert_eq!(first.get("/healthz").status, 200);
    });
}
