//! `--cert` with a URL.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use server::{Kubeseal, SECRET, Server, certificate, key_file, text, unused_url, with_header};

#[test]
fn a_certificate_behind_a_url_seals_redirects_included() {
    let server = Server::start(|request, _| match request.line.as_str() {
        "GET /old?x=1" => with_header(302, "Location: /dir/here"),
        "GET /dir/here" => with_header(307, "Location: cert.pem"),
        "GET /dir/cert.pem" => certificate("a.crt"),
        _ => text(404, ""),
    });
    let run = Kubeseal::new().run(&["--cert", &format!("{}/old?x=1#fragment", server.url)], SECRET);
    run.succeeded();
    assert!(run.stdout.contains("\"kind\": \"SealedSecret\""));
    assert_eq!(server.lines(), ["GET /old?x=1", "GET /dir/here", "GET /dir/cert.pem"]);
}

#[test]
fn anything_but_200_is_an_error_with_the_status() {
    for (status, line) in [(404, "404 Not Found"), (204, "204 No Content"), (500, "500 Internal Server Error")] {
        let server = Server::start(move |_, _| text(status, ""));
        let url = format!("{}/cert.pem", server.url);
        Kubeseal::new().run(&["--cert", &url], SECRET).failed_with(&format!("error: cannot fetch \"{url}\": {line}"));
    }
}

#[test]
fn a_loop_of_redirects_ends() {
    let server = Server::start(|_, _| with_header(302, "Location: /"));
    let run = Kubeseal::new().run(&["--fetch-cert", "--cert", &server.url], "");
    run.failed_with(&format!("error: Get \"{}\": stopped after 10 redirects", server.url));
    assert_eq!(server.lines().len(), 11);
}

#[test]
fn credentials_in_a_url_are_sent_but_never_shown_or_passed_on() {
    let other = Server::start(|_, _| text(404, ""));
    let elsewhere = format!("Location: {}/x", other.url);
    let server = Server::start(move |request, _| match request.line.as_str() {
        "GET /away" => with_header(301, &elsewhere),
        _ => text(403, ""),
    });
    let url = format!("{}/away", server.url.replace("//", "//bob:hunter2@"));
    let run = Kubeseal::new().run(&["--cert", &url], SECRET);
    run.failed_with(&format!(
        "error: cannot fetch \"{}/away\": 404 Not Found",
        server.url.replace("//", "//bob:xxxxx@")
    ));
    assert!(server.requests()[0].has("authorization: Basic Ym9iOmh1bnRlcjI="));
    assert!(!other.requests()[0].headers.iter().any(|line| line.starts_with("authorization")));
}

#[test]
fn a_refused_connection_and_an_unknown_scheme_are_told_plainly() {
    let url = unused_url();
    Kubeseal::new().run(&["--cert", &url], "").failed_with(&format!("error: Get \"{url}\": connection refused"));
    let run = Kubeseal::new().run(&["--cert", "s3://bucket/x"], "");
    run.failed_with("error: Get \"s3://bucket/x\": unsupported protocol scheme \"s3\"");
}

#[test]
fn file_urls_are_files_with_escapes() {
    let kubeseal = Kubeseal::new();
    std::fs::copy(key_file("a.crt"), kubeseal.path().join("a b.crt")).unwrap();
    let url = format!("file://{}/a%20b.crt", kubeseal.path().display());
    kubeseal.run(&["--cert", &url], SECRET).succeeded();
    kubeseal
        .run(&["--cert", "file:///nonexistent/x"], "")
        .failed_with("error: cannot fetch \"file:///nonexistent/x\": 404 Not Found");
}

#[test]
fn the_proxy_variables_count() {
    let proxy = Server::start(|_, _| certificate("a.crt"));
    let kubeseal =
        Kubeseal::new().env("http_proxy", &proxy.url.replace("//", "//u:p@")).env("NO_PROXY", ".direct.invalid");
    kubeseal.run(&["--cert", "http://cert.test/x"], SECRET).succeeded();
    assert_eq!(proxy.lines(), ["GET http://cert.test/x"]);
    assert!(proxy.requests()[0].has("proxy-authorization: Basic dTpw"));
    assert_eq!(kubeseal.run(&["--cert", "http://a.direct.invalid/x"], SECRET).code, Some(1));
    assert_eq!(proxy.lines().len(), 1);
}

#[test]
fn https_needs_a_trusted_server_and_ssl_cert_file_can_name_one() {
    let server = Server::start_tls(|_, _| certificate("a.crt"));
    let url = format!("{}/cert.pem", server.url);
    let untrusted = Kubeseal::new().env("SSL_CERT_FILE", &key_file("a.crt")).run(&["--cert", &url], SECRET);
    assert_eq!(untrusted.code, Some(1), "{untrusted:?}");
    assert!(untrusted.stderr.contains("certificate"), "{untrusted:?}");
    assert!(server.lines().is_empty());
    Kubeseal::new().env("SSL_CERT_FILE", &key_file("server.crt")).run(&["--cert", &url], SECRET).succeeded();
    // The name in the URL has to be in the certificate.
    let elsewhere = url.replace("127.0.0.1", "localhost");
    assert_eq!(
        Kubeseal::new().env("SSL_CERT_FILE", &key_file("server.crt")).run(&["--cert", &elsewhere], SECRET).code,
        Some(1)
    );
}
