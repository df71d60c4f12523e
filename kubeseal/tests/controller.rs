//! kubeseal and the controller behind the API server's service proxy.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::time::{Duration, Instant};

use server::{Kubeseal, Reply, Request, SECRET, Server, certificate, text, unused_url, with_header};

const SERVICE: &str = "GET /api/v1/namespaces/kube-system/services/sealed-secrets-controller";
const PROXY: &str = "/api/v1/namespaces/kube-system/services/http:sealed-secrets-controller:/proxy/v1";
const SEALED: &str =
    "kind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec: {encryptedData: {password: AQ==}}\n";

fn service() -> Reply {
    text(200, r#"{"kind":"Service","spec":{"ports":[{"port":8080}]}}"#)
}

/// A controller that answers the endpoint `line` by `answer`.
fn controller(answer: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(
        move |request, earlier| if request.line == SERVICE { service() } else { answer(request, earlier - 1) },
    )
}

fn kubeseal(server: &Server) -> Kubeseal {
    Kubeseal::new().cluster(&server.url, "{}")
}

#[test]
fn the_certificate_comes_through_the_proxy_under_the_name_of_the_port() {
    let unnamed = controller(|_, _| certificate("a.crt"));
    let run = kubeseal(&unnamed).run(&["--fetch-cert"], "");
    run.succeeded();
    assert!(run.stdout.starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(unnamed.lines(), [SERVICE.to_owned(), format!("GET {PROXY}/cert.pem")]);
    assert!(unnamed.requests()[1].has("accept: application/x-pem-file, */*"));

    let named = Server::start(|request, _| match request.line.as_str() {
        "GET /api/v1/namespaces/sealing/services/ss" => {
            text(200, r#"{"spec":{"ports":[{"name":"http"},{"name":"x"}]}}"#)
        }
        "GET /api/v1/namespaces/sealing/services/http:ss:http/proxy/v1/cert.pem" => certificate("a.crt"),
        _ => text(500, ""),
    });
    let run = kubeseal(&named).run(&["-oyaml", "--controller-name=ss", "--controller-namespace=sealing"], SECRET);
    run.succeeded();
    assert!(run.stdout.contains("kind: SealedSecret"));
}

#[test]
fn validation_sends_each_document_and_stops_at_the_first_that_does_not_open() {
    let server = controller(|_, earlier| text(if earlier == 1 { 409 } else { 200 }, ""));
    let input = format!("{SEALED}---\n{}---\n{SEALED}", SEALED.replace("db", "renamed"));
    kubeseal(&server).run(&["--validate"], &input).failed_with("error: unable to decrypt sealed secret: renamed");
    assert_eq!(server.lines()[1..], [format!("POST {PROXY}/verify"), format!("POST {PROXY}/verify")]);
    let sent: serde_json::Value = serde_json::from_str(&server.requests()[1].body).unwrap();
    assert_eq!(sent["kind"], "SealedSecret");
    assert_eq!(sent["spec"]["encryptedData"]["password"], "AQ==");
    assert!(server.requests()[1].has("content-type: application/json"));
}

#[test]
fn a_request_that_is_put_off_is_repeated_after_the_time_the_server_names() {
    for status in [429, 503] {
        let server = controller(
            move |_, earlier| if earlier == 0 { with_header(status, "Retry-After: 1") } else { text(200, "") },
        );
        let start = Instant::now();
        kubeseal(&server).run(&["--validate"], SEALED).succeeded();
        assert!(start.elapsed() >= Duration::from_secs(1));
        assert_eq!(server.lines().len(), 3);
    }
}

#[test]
fn repeats_end_after_ten() {
    let server = controller(|_, _| with_header(429, "Retry-After: 0"));
    kubeseal(&server).run(&["--validate"], SEALED).failed_with(
        "error: cannot validate sealed secret: the server has received too many requests and has asked us to try again later \
         (post services http:sealed-secrets-controller:)",
    );
    assert_eq!(server.lines().len(), 1 + 11);
}

#[test]
fn nothing_is_repeated_without_a_time_in_seconds() {
    for header in ["X-Nothing: 1", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", "Retry-After: soon"] {
        let server = controller(move |_, _| with_header(503, header));
        let run = kubeseal(&server).run(&["--fetch-cert"], "");
        run.failed_with(
            "error: cannot fetch certificate: the server is currently unable to handle the request \
             (get services http:sealed-secrets-controller:)",
        );
        assert_eq!(server.lines().len(), 2, "{header}");
    }
}

#[test]
fn a_service_that_cannot_be_found_names_the_flags_that_say_where_it_is() {
    let status = r#"{"kind":"Status","status":"Failure","message":"services \"sealed-secrets-controller\" not found","code":404}"#;
    let server = Server::start(move |_, _| text(404, status));
    for mode in [&["--fetch-cert"][..], &["--validate"], &[]] {
        let run = kubeseal(&server).run(mode, SEALED);
        run.failed_with("error: cannot get sealed secret service: services \"sealed-secrets-controller\" not found");
        assert!(run.stderr.contains("--controller-name") && run.stderr.contains("--controller-namespace"), "{run:?}");
    }
}

#[test]
fn a_server_that_refuses_is_not_waited_for() {
    let url = unused_url();
    let run = Kubeseal::new().cluster(&url, "{}").run(&["--fetch-cert"], "");
    run.failed_with(&format!(
        "error: cannot get sealed secret service: Get \"{url}{}\": connection refused",
        SERVICE.trim_start_matches("GET ")
    ));
}

#[test]
fn a_server_that_never_answers_ends_the_run_within_ten_seconds_or_the_limit_that_was_asked_for() {
    let silent = Server::start(|_, _| Reply::Hang);
    let slow_certificate = controller(|_, _| Reply::Hang);
    for (server, args, least, most) in [
        (&silent, &["--fetch-cert", "--request-timeout", "1"][..], 1, 5),
        (&slow_certificate, &["--fetch-cert", "--request-timeout=1s"], 1, 5),
        (&silent, &["--fetch-cert"], 5, 10),
    ] {
        let start = Instant::now();
        let run = kubeseal(server).run(args, "");
        let taken = start.elapsed();
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("no answer within"), "{run:?}");
        assert!((Duration::from_secs(least)..Duration::from_secs(most)).contains(&taken), "{args:?}: {taken:?}");
    }
}

#[test]
fn the_controller_may_work_longer_than_anything_else_may_take() {
    // Opening and sealing hundreds of items with old keys takes its time; a limit that was asked for holds all the same.
    let server = controller(|request, _| {
        std::thread::sleep(Duration::from_secs(10));
        text(
            200,
            if request.line.ends_with("verify") { "" } else { r#"{"metadata":{"name":"db","namespace":"shop"}}"# },
        )
    });
    let kubeseal = kubeseal(&server);
    let runs = ["--validate", "--re-encrypt"].map(|mode| kubeseal.start(&[mode], SEALED));
    let limited = kubeseal.run(&["--validate", "--request-timeout=1s"], SEALED);
    for run in runs {
        let run = server::Run::of(&run.wait_with_output().unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    }
    assert_eq!(limited.code, Some(1), "{limited:?}");
    assert!(limited.stderr.contains("no answer within 1 seconds\nhint: --request-timeout sets"), "{limited:?}");
}

#[test]
fn a_server_that_puts_off_for_ever_is_not_waited_for() {
    for seconds in ["601", "999999999999999", "18446744073709551615"] {
        let header = format!("Retry-After: {seconds}");
        let server = controller(move |_, _| with_header(429, &header));
        kubeseal(&server).run(&["--validate"], SEALED).failed_with(&format!(
            "error: cannot validate sealed secret: the server answers 429 Too Many Requests and asks to come back after {seconds} seconds"
        ));
        assert_eq!(server.lines().len(), 2);
    }
}

#[test]
fn every_failure_has_a_hint_that_fits() {
    let (running, elsewhere) = ("hint: is the controller running?", "--controller-name and --controller-namespace say");
    for status in [404, 503, 500, 401] {
        let behind = controller(move |_, _| text(status, ""));
        let hint = match status {
            401 => "hint: the API server does not accept who is asking",
            500 => "",
            _ => running,
        };
        for mode in ["--validate", "--re-encrypt"] {
            let run = kubeseal(&behind).run(&[mode], SEALED);
            assert_eq!(run.code, Some(1), "{run:?}");
            assert!(run.stderr.contains(hint) && run.stderr.contains("hint: ") != hint.is_empty(), "{status}: {run:?}");
        }
        let run = kubeseal(&behind).run(&["--fetch-cert"], "");
        assert!(run.stderr.contains(if status == 401 { hint } else { running }), "{status}: {run:?}");
    }
    let locked = Server::start(|_, _| text(401, ""));
    let run = kubeseal(&locked).run(&["--fetch-cert"], "");
    assert!(run.stderr.contains("hint: the API server does not accept who is asking"), "{run:?}");
    assert!(run.stderr.contains(elsewhere), "{run:?}");
    let run = Kubeseal::new().cluster(&unused_url(), "{}").run(&["--fetch-cert"], "");
    assert!(run.stderr.contains("connection refused\nhint: is the API server running, and is this its"), "{run:?}");
}

#[test]
fn of_several_objects_the_one_that_failed_is_named() {
    let input = format!("{SEALED}---\n{}", SEALED.replace("db", "cache"));
    let answer = r#"{"metadata":{"name":"db","namespace":"shop"}}"#;
    for (mode, status, message, hint) in [
        ("--validate", 500, "cannot validate sealed secret: an error on the server", "SealedSecret shop/cache\n"),
        ("--validate", 409, "unable to decrypt sealed secret: cache\n", "SealedSecret shop/cache; was it sealed for"),
        ("--re-encrypt", 409, "unable to rotate secret\n", "SealedSecret shop/cache; was it sealed for"),
        ("--re-encrypt", 503, "cannot re-encrypt secret: the server", "SealedSecret shop/cache; is the controller"),
    ] {
        let server = controller(move |_, earlier| if earlier == 0 { text(200, answer) } else { text(status, "") });
        let run = kubeseal(&server).run(&[mode], &input);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.starts_with(&format!("error: {message}")), "{run:?}");
        assert!(run.stderr.contains(&format!("\nhint: this is about {hint}")), "{run:?}");

        let server = controller(move |_, _| text(status, ""));
        let run = kubeseal(&server).run(&[mode], SEALED);
        assert!(!run.stderr.contains("this is about"), "{run:?}");
    }
}

#[test]
fn a_password_in_the_server_s_url_is_never_shown() {
    let refusing = unused_url().replace("//", "//u:hunter2@");
    for server in [
        refusing.as_str(),
        "https://u:hunter2 @x",
        "u:hunter2@127.0.0.1:1",
        "https://u:hun/ter2@x",
        "https://u:hunter2@x:y",
    ] {
        for kubeseal in [Kubeseal::new().cluster(server, "{}"), Kubeseal::new()] {
            let flag = if kubeseal.files().is_empty() && !kubeseal.path().join("kubeconfig").exists() {
                vec!["--server", server]
            } else {
                Vec::new()
            };
            for log in [&[][..], &["-v=9"]] {
                let run = kubeseal.run(&[&["--fetch-cert"], &flag[..], log].concat(), "");
                assert_eq!(run.code, Some(1), "{run:?}");
                assert!(run.stderr.contains("u:xxxxx@"), "{run:?}");
                assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("ter2"), "{run:?}");
            }
        }
    }
}

#[test]
fn a_proxy_for_the_api_server_gets_whole_urls_and_its_credentials() {
    let proxy = Server::start(|request, _| match request.line.as_str() {
        "GET http://api.test/api/v1/namespaces/kube-system/services/sealed-secrets-controller" => service(),
        _ => certificate("a.crt"),
    });
    let with_user = proxy.url.replace("//", "//bob:p%40ss@");
    let by_environment = Kubeseal::new().cluster("http://api.test", "{}").env("HTTP_PROXY", &with_user);
    by_environment.run(&["--fetch-cert"], "").succeeded();
    let by_flag = Kubeseal::new().env("NO_PROXY", "api.test");
    by_flag.run(&["--fetch-cert", "--server", "http://api.test", "--proxy-url", &with_user], "").succeeded();
    let certificate = format!("GET http://api.test{PROXY}/cert.pem");
    assert_eq!(proxy.lines()[1], certificate);
    assert_eq!(proxy.lines()[3], certificate);
    assert!(proxy.requests().iter().all(|request| request.has("proxy-authorization: Basic Ym9iOnBAc3M=")));
}

#[test]
fn https_through_a_proxy_is_tunnelled_and_exceptions_go_direct() {
    let proxy = Server::start(|_, _| text(502, ""));
    let tunnelled = Kubeseal::new().env("HTTPS_PROXY", &proxy.url).cluster("https://api.test:6443", "{}");
    assert_eq!(tunnelled.run(&["--fetch-cert"], "").code, Some(1));
    assert_eq!(proxy.lines(), ["CONNECT api.test:6443"]);

    let url = unused_url().replace("127.0.0.1", "localhost");
    let local = Kubeseal::new().env("HTTP_PROXY", &proxy.url).cluster(&url, "{}");
    assert_eq!(local.run(&["--fetch-cert"], "").code, Some(1));
    let excepted =
        Kubeseal::new().env("HTTPS_PROXY", &proxy.url).env("NO_PROXY", ".invalid").cluster("https://api.invalid", "{}");
    assert_eq!(excepted.run(&["--fetch-cert"], "").code, Some(1));
    assert_eq!(proxy.lines().len(), 1);
}

#[test]
fn credentials_go_over_tls_and_a_plugin_never_sees_the_secret_on_standard_input() {
    let answer = |request: &Request, _: usize| match request.line.as_str() {
        _ if !request.has("authorization: Bearer t0ken") => text(401, ""),
        SERVICE => service(),
        _ => certificate("a.crt"),
    };
    let server = Server::start_tls(answer);
    let plugin = r#"{exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: sh, args: ["-c",
        "cat >&2; echo x >>runs; echo '{\"status\": {\"token\": \"t0ken\"}}'"]}}"#;
    let kubeseal = Kubeseal::new().cluster(&server.url, plugin);
    let run = kubeseal.run(&[], SECRET);
    run.succeeded();
    assert!(run.stdout.contains("\"kind\": \"SealedSecret\""));
    assert_eq!(std::fs::read_to_string(kubeseal.path().join("runs")).unwrap(), "x\n", "the plugin ran once");

    let file = kubeseal.path().join("token");
    std::fs::write(&file, "t0ken\n").unwrap();
    Kubeseal::new()
        .cluster(&server.url, &format!("{{tokenFile: {}}}", file.display()))
        .run(&["--fetch-cert"], "")
        .succeeded();
}

#[test]
fn the_log_shows_requests_but_no_credentials() {
    let server = Server::start_tls(|request, _| if request.line == SERVICE { service() } else { certificate("a.crt") });
    let kubeseal = Kubeseal::new().cluster(&server.url, "{token: hunter2}");
    let run = kubeseal.run(&["--fetch-cert", "-v=9", "--skip_headers"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("Config loaded from file:"), "{run:?}");
    assert!(run.stderr.contains(&format!("GET {}{PROXY}/cert.pem 200 OK in ", server.url)), "{run:?}");
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
    assert_eq!(kubeseal.run(&["--fetch-cert", "-v=9", "--logtostderr=false"], "").stderr, "");
}
