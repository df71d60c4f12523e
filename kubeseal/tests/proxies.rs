//! Through proxies, and to servers that a company's own certificate authority vouches for (decision 35).

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::io::Write;
use std::net::TcpListener;

use server::proxy::Proxy;
use server::{Kubeseal, Reply, Request, SECRET, Server, certificate, key_file, text};

const SERVICE: &str = "GET /api/v1/namespaces/kube-system/services/sealed-secrets-controller";

/// The server of `mock.test` and `127.0.0.1`: API server with a controller, and web server with a certificate.
fn company_server() -> Server {
    let pair = ["company-server.crt", "company-server.key"].map(key_file);
    Server::start_tls_as(&pair, None, answer)
}

fn answer(request: &Request, _: usize) -> Reply {
    if request.line == SERVICE { text(200, r#"{"spec":{"ports":[{"port":8080}]}}"#) } else { certificate("a.crt") }
}

#[test]
fn tls_goes_through_a_tunnel_with_the_credentials_of_the_proxy_s_url() {
    let server = company_server();
    let authority = key_file("company-authority.crt");
    for (credentials, user) in [("", ""), ("bob:p%40ss@", "Basic Ym9iOnBAc3M= ")] {
        let proxy = Proxy::http(&server.url);
        let url = format!("http://{credentials}{}", proxy.address);
        let trusting = || Kubeseal::new().env("SSL_CERT_FILE", &authority);
        let by_variable = || trusting().env("HTTPS_PROXY", &url);
        by_variable().run(&["--cert", "https://mock.test/cert.pem"], SECRET).succeeded();
        let fetch = ["--fetch-cert", "--certificate-authority", &authority, "--server", "https://mock.test:6443"];
        by_variable().run(&fetch, "").succeeded();
        trusting().run(&[&fetch[..], &["--proxy-url", &url]].concat(), "").succeeded();
        let wanted = [":443", ":6443", ":6443"].map(|port| format!("{user}mock.test{port}"));
        assert_eq!(proxy.seen(), wanted);

        // Excepted, so that the name is looked up here, where nobody knows it.
        let run = by_variable().env("NO_PROXY", "x,.test").run(&["--cert", "https://mock.test/cert.pem"], SECRET);
        assert_eq!((run.code, proxy.seen().len()), (Some(1), 3), "{run:?}");
    }
}

#[test]
fn a_socks_proxy_resolves_names_itself() {
    let server = company_server();
    let authority = key_file("company-authority.crt");
    for (credentials, user) in [("", ""), ("bob:p%40ss@", "bob:p@ss ")] {
        let proxy = Proxy::socks(&server.url);
        let url = format!("socks5://{credentials}{}", proxy.address);
        let kubeconfig = format!(
            "clusters: [{{name: c, cluster: {{server: 'https://mock.test', proxy-url: '{url}', certificate-authority: {authority}}}}}]\n\
             contexts: [{{name: x, context: {{cluster: c}}}}]\ncurrent-context: x\n"
        );
        let kubeseal = Kubeseal::new();
        let path = kubeseal.file("kubeconfig", &kubeconfig);
        kubeseal.run(&["--fetch-cert", "--kubeconfig", &path], "").succeeded();
        let by_variable = Kubeseal::new().env("https_proxy", &url).env("SSL_CERT_FILE", &authority);
        by_variable.run(&["--fetch-cert", "--cert", "https://mock.test:8443/c"], "").succeeded();
        assert_eq!(proxy.seen(), [format!("{user}mock.test:443"), format!("{user}mock.test:8443")]);
    }
}

#[test]
fn the_way_to_the_proxy_itself_can_be_encrypted() {
    let proxy =
        Server::start_tls_as(&["company-server.crt", "company-server.key"].map(key_file), None, |request, _| {
            match request.line.as_str() {
                "GET http://cert.test/x" => certificate("a.crt"),
                _ => text(404, ""),
            }
        });
    let through = |authority: &str| {
        let kubeseal = Kubeseal::new().env("HTTP_PROXY", &proxy.url).env("SSL_CERT_FILE", &key_file(authority));
        kubeseal.run(&["--cert", "http://cert.test/x"], SECRET)
    };
    through("company-authority.crt").succeeded();
    assert_eq!(through("server.crt").code, Some(1));
    assert_eq!(proxy.lines().len(), 1);
}

#[test]
fn a_proxy_that_refuses_or_is_away_is_an_error_that_says_so() {
    let refusing = Server::start(|_, _| text(407, ""));
    let gone = server::unused_url();
    let gone_socks = server::unused_url().replace("http://", "socks5://");
    for (proxy, cause) in [
        (&*refusing.url, "proxy authorization required".to_owned()),
        (&gone, format!("proxy {gone}: connection refused\n")),
        (&gone.replace("//", "//bob:hunter2@"), format!("proxy {gone}: connection refused\n")),
        (&gone_socks, format!("proxy {gone_socks}: connection refused\n")),
        (&gone_socks.replace("//", "//bob:hunter2@"), format!("proxy {gone_socks}: connection refused\n")),
        ("ftp://hunter2@x", "HTTPS_PROXY is no".to_owned()),
    ] {
        let kubeseal = Kubeseal::new().env("HTTPS_PROXY", proxy);
        for args in [&["--cert", "https://mock.test/x"][..], &["--fetch-cert", "--server", "https://mock.test"]] {
            let run = kubeseal.run(args, SECRET);
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
            assert!(run.stderr.contains(&cause) && !run.stderr.contains("hunter2"), "{proxy}: {run:?}");
            let by_proxy = cause.contains("proxy ") && args.len() > 2;
            assert_eq!(run.stderr.contains("\nhint: the proxy is named by --proxy-url"), by_proxy, "{run:?}");
        }
    }
    // A plain request is handed to the proxy without a tunnel.
    let kubeseal = Kubeseal::new().env("HTTP_PROXY", &gone);
    let run = kubeseal.run(&["--cert", "http://mock.test/x"], SECRET);
    run.failed_with(&format!("error: Get \"http://mock.test/x\": proxy {gone}: connection refused"));
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_in_words_with_what_helps() {
    let (company, own) = (company_server(), Server::start_tls(answer));
    let port = |server: &Server| server.url.rsplit(':').next().unwrap().to_owned();
    let misnamed = format!("https://localhost:{}", port(&company));
    let trusting = |name: &str| vec!["--certificate-authority".to_owned(), key_file(name)];
    for (server, flags, cause, hint) in [
        (&company.url, trusting("server.crt"), "it is signed by an unknown authority", "--certificate-authority or"),
        (
            &own.url,
            trusting("company-authority.crt"),
            "it is that of a certificate authority",
            "--certificate-authority or",
        ),
        (
            &misnamed,
            trusting("company-authority.crt"),
            "certificate not valid for name \"localhost\"",
            "--tls-server-name",
        ),
    ] {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let run = Kubeseal::new().run(&[&["--fetch-cert", "--server", server], &flags[..]].concat(), "");
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(&format!("invalid peer certificate: {cause}")), "{run:?}");
        assert!(run.stderr.contains(&format!("\nhint: {hint}")) && run.stderr.contains("--controller-name"), "{run:?}");
    }
    let run = Kubeseal::new().run(&["--cert", &own.url], SECRET);
    assert!(run.stderr.contains("\nhint: SSL_CERT_FILE names"), "{run:?}");
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || plain.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap());
    let run = Kubeseal::new().run(&["--fetch-cert", "--server", &url], "");
    assert!(run.stderr.contains(": the server does not speak TLS\n"), "{run:?}");
}

#[test]
fn a_company_s_authority_is_believed_where_it_is_named() {
    let server = company_server();
    let url = format!("{}/cert.pem", server.url);
    let fetch = |kubeseal: &Kubeseal| kubeseal.run(&["--cert", &url], SECRET);
    let directory = Kubeseal::new();
    directory.file("company.pem", &std::fs::read_to_string(key_file("company-authority.crt")).unwrap());
    directory.file("README", "no certificate");
    let directory = directory.path().to_str().unwrap();

    fetch(&Kubeseal::new().env("SSL_CERT_FILE", &key_file("company-authority.crt"))).succeeded();
    fetch(&Kubeseal::new().env("SSL_CERT_DIR", directory)).succeeded();
    fetch(&Kubeseal::new().env("SSL_CERT_DIR", &format!("/nonexistent:{directory}"))).succeeded();
    for (name, value) in [
        ("SSL_CERT_FILE", key_file("server.crt")),
        ("SSL_CERT_FILE", "/nonexistent".to_owned()),
        ("UNUSED", String::new()),
    ] {
        let run = fetch(&Kubeseal::new().env(name, &value));
        assert_eq!(run.code, Some(1), "{name}={value}: {run:?}");
        assert!(run.stderr.contains("certificate"), "{name}={value}: {run:?}");
    }

    // The API server is believed by what its kubeconfig says.
    let authority = key_file("company-authority.crt");
    let api = ["--fetch-cert", "--server", &server.url];
    Kubeseal::new().run(&[&api[..], &["--certificate-authority", &authority]].concat(), "").succeeded();
    Kubeseal::new().run(&[&api[..], &["--insecure-skip-tls-verify"]].concat(), "").succeeded();
    let misnamed = [&api[..], &["--certificate-authority", &authority, "--tls-server-name"]].concat();
    Kubeseal::new().run(&[&misnamed[..], &["mock.test"]].concat(), "").succeeded();
    assert_eq!(Kubeseal::new().run(&[&misnamed[..], &["other.test"]].concat(), "").code, Some(1));
}
