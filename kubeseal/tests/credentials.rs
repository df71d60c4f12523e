//! How kubeseal proves who it is: exec plugins and identity providers, as kubectl knows them. Tokens and client
//! certificates for a real API server are in the end-to-end tests.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use server::proxy::Proxy;
use server::{Kubeseal, Reply, Request, SECRET, Server, certificate, key_file, text};

const SERVICE: &str = "GET /api/v1/namespaces/kube-system/services/sealed-secrets-controller";

/// An API server with a controller, for whoever has this token.
fn api_server(token: &'static str) -> Server {
    Server::start_tls(move |request, _| answer(request, &format!("authorization: Bearer {token}")))
}

fn answer(request: &Request, header: &str) -> Reply {
    match request.line.as_str() {
        _ if !request.has(header) => text(401, ""),
        SERVICE => text(200, r#"{"spec":{"ports":[{"port":8080}]}}"#),
        _ => certificate("a.crt"),
    }
}

/// A token that ends at this second, as far as anybody looks at it.
fn token(name: &str, end: u64) -> String {
    let encode = |text: String| sealed_secrets_resource::encode_base64(text.as_bytes()).replace('=', "");
    format!("{}.{}.c2ln", encode(format!("{{\"kid\":\"{name}\"}}")), encode(format!("{{\"exp\":{end}}}")))
}

const FAR: u64 = 4_102_444_800;
const PAST: u64 = 1_600_000_000;

/// A kubeconfig with comments, whose user has this entry for the identity provider.
fn with_provider(kubeseal: &Kubeseal, server: &Server, config: &str) {
    let authority = key_file("server.crt");
    let text = format!(
        "# written by hand\napiVersion: v1\nkind: Config\ncurrent-context: x\nclusters:\n- name: c\n  cluster:\n    server: {}\n    \
         certificate-authority: {authority}\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\nusers:\n- name: other\n  \
         user: {{token: t}}\n- name: u\n  user:\n    auth-provider:\n      name: oidc # single sign-on\n      config:\n{config}",
        server.url
    );
    kubeseal.file("kubeconfig", &text);
}

fn settings(issuer: &str, more: &[(&str, &str)]) -> String {
    let base = [("idp-issuer-url", issuer), ("client-id", "us & co"), ("client-secret", "s:e/cret")];
    base.iter().chain(more).map(|(name, value)| format!("        {name}: \"{value}\"\n")).collect()
}

/// An identity provider that gives `fresh` for the refresh token `r1` to whoever presents the client's credentials in
/// the way that it takes.
fn provider(fresh: String, in_the_body: bool) -> Server {
    let pair = ["company-server.crt", "company-server.key"].map(key_file);
    Server::start_tls_as(&pair, None, move |request, _| match request.line.as_str() {
        "GET /realm/.well-known/openid-configuration" => {
            let host = request.headers.iter().find_map(|line| line.strip_prefix("host: ")).unwrap();
            text(200, &format!("{{\"issuer\":\"x\",\"token_endpoint\":\"https://{host}/token\"}}"))
        }
        "POST /token" => {
            let body = "grant_type=refresh_token&refresh_token=r1";
            let right = if in_the_body {
                request.body == format!("{body}&client_id=us+%26+co&client_secret=s%3Ae%2Fcret")
                    && !request.headers.iter().any(|line| line.starts_with("authorization"))
            } else {
                request.body == body && request.has("authorization: Basic dXMrJTI2K2NvOnMlM0FlJTJGY3JldA==")
            };
            let form = request.has("content-type: application/x-www-form-urlencoded");
            match right && form {
                true => text(
                    200,
                    &format!("{{\"id_token\":\"{fresh}\",\"refresh_token\":\"r2\",\"token_type\":\"bearer\"}}"),
                ),
                false => text(401, r#"{"error":"invalid_client","error_description":"hunter2"}"#),
            }
        }
        _ => text(404, ""),
    })
}

fn fetch(kubeseal: &Kubeseal) -> server::Run {
    kubeseal.run(&["--fetch-cert", "--kubeconfig", "kubeconfig"], "")
}

#[test]
fn a_token_that_has_ended_is_refreshed_and_written_back_and_then_used() {
    let fresh = token("fresh", FAR);
    let stale = token("stale", PAST);
    let api = api_server(Box::leak(fresh.clone().into_boxed_str()));
    for in_the_body in [false, true] {
        let provider = provider(fresh.clone(), in_the_body);
        let authority = format!("{}/authority.crt", "sub");
        let kubeseal = Kubeseal::new();
        fs::create_dir(kubeseal.path().join("sub")).unwrap();
        fs::copy(key_file("company-authority.crt"), kubeseal.path().join("sub/authority.crt")).unwrap();
        let issuer = format!("{}/realm", provider.url);
        let more = [("idp-certificate-authority", authority.as_str()), ("id-token", &stale), ("refresh-token", "r1")];
        with_provider(&kubeseal, &api, &settings(&issuer, &more));
        let path = kubeseal.path().join("kubeconfig");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let before = kubeseal.read("kubeconfig");

        fetch(&kubeseal).succeeded();
        let asked = provider.lines().len();
        assert_eq!(asked, if in_the_body { 3 } else { 2 });
        let after = kubeseal.read("kubeconfig");
        assert_eq!(after, before.replace(&stale, &fresh).replace("\"r1\"", "\"r2\""));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);

        fetch(&kubeseal).succeeded();
        assert_eq!(
            (provider.lines().len(), kubeseal.read("kubeconfig")),
            (asked, after),
            "the provider is not asked again"
        );
    }
}

#[test]
fn a_provider_s_authority_may_stand_in_the_kubeconfig_and_the_way_to_it_may_be_a_proxy() {
    let fresh = token("fresh", FAR);
    let api = api_server(Box::leak(fresh.clone().into_boxed_str()));
    let provider = provider(fresh, false);
    let proxy = Proxy::http(&provider.url);
    let authority = fs::read(key_file("company-authority.crt")).unwrap();
    let authority = sealed_secrets_resource::encode_base64(&authority);
    let kubeseal = Kubeseal::new().env("HTTPS_PROXY", &format!("http://{}", proxy.address));
    // Neither a token yet nor a place for the new refresh token.
    let more = [("idp-certificate-authority-data", authority.as_str()), ("refresh-token", "r1")];
    with_provider(&kubeseal, &api, &settings("https://mock.test/realm/", &more));
    fetch(&kubeseal).succeeded();
    assert_eq!(proxy.seen(), ["mock.test:443", "mock.test:443"]);
    assert!(
        kubeseal.read("kubeconfig").contains("refresh-token: \"r2\"\n        id-token: "),
        "{}",
        kubeseal.read("kubeconfig")
    );
}

#[test]
fn a_kubeconfig_that_cannot_be_written_costs_a_warning_only() {
    let fresh = token("fresh", FAR);
    let api = api_server(Box::leak(fresh.clone().into_boxed_str()));
    let provider = provider(fresh, false);
    let kubeseal = Kubeseal::new().env("SSL_CERT_FILE", &key_file("company-authority.crt"));
    with_provider(&kubeseal, &api, &settings(&format!("{}/realm", provider.url), &[("refresh-token", "r1")]));
    let text = kubeseal.read("kubeconfig");
    let run = kubeseal.run(&["--fetch-cert", "--kubeconfig", "/dev/stdin"], &text);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(
        run.stderr,
        "warning: the refreshed token could not be kept: /dev/stdin: it is not a regular file; the provider may want you to \
         log in again\n"
    );
    assert!(run.stdout.starts_with("-----BEGIN"), "{run:?}");
}

#[test]
fn what_a_provider_refuses_is_told_without_secrets_and_the_api_server_is_not_asked() {
    let api = api_server("never");
    let provider = provider(String::new(), false);
    let issuer = format!("{}/realm", provider.url);
    let away = format!("{}/away", provider.url);
    let stale = token("stale", PAST);
    let trusting = ("idp-certificate-authority", &*key_file("company-authority.crt"));
    for (config, message) in [
        (
            settings(&issuer, &[trusting, ("refresh-token", "hunter2")]),
            "it does not take the refresh-token: 401 Unauthorized, invalid_client",
        ),
        (settings(&issuer, &[trusting, ("refresh-token", "r1")]), "its answer to the refresh-token holds no id_token"),
        (settings(&away, &[trusting, ("refresh-token", "r1")]), "asked for its configuration it answers 404 Not Found"),
        (settings(&issuer, &[("id-token", &stale)]), "the id-token has expired, and there is no refresh-token"),
        (
            settings(&issuer, &[("refresh-token", "r1"), ("idp-certificate-authority", "none.crt")]),
            "none.crt: no such file or directory",
        ),
        (settings(&issuer, &[("refresh-token", "r1")]), "invalid peer certificate"),
    ] {
        let kubeseal = Kubeseal::new();
        with_provider(&kubeseal, &api, &config);
        let before = kubeseal.read("kubeconfig");
        let run = fetch(&kubeseal);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert!(run.stderr.starts_with("error: getting credentials: identity provider https://127.0.0.1:"), "{run:?}");
        assert!(run.stderr.contains(message) && run.stderr.contains("\nhint: log in again"), "{message}: {run:?}");
        assert!(
            !run.stderr.contains("hunter2") && !run.stderr.contains(&stale) && !run.stderr.contains("cret"),
            "{run:?}"
        );
        assert_eq!(kubeseal.read("kubeconfig"), before);
    }
    let kubeseal = Kubeseal::new();
    with_provider(&kubeseal, &api, "        client-id: x\n");
    fetch(&kubeseal).failed_with("error: the oidc auth-provider of the kubeconfig lacks idp-issuer-url");
    for (name, message) in [
        ("gcp", "error: the auth-provider gcp of the kubeconfig is no longer supported"),
        ("other", "error: no Auth Provider found for name \"other\""),
    ] {
        let kubeseal = Kubeseal::new().cluster(&api.url, &format!("{{auth-provider: {{name: {name}, config: {{}}}}}}"));
        kubeseal.run(&["--fetch-cert"], "").failed_with(message);
    }
    assert!(api.lines().is_empty());
}

/// A user entry with a plugin that is this script beside the kubeconfig.
fn with_plugin(kubeseal: Kubeseal, server: &Server, script: &str, more: &str) -> Kubeseal {
    let path = kubeseal.file("plugin", &format!("#!/bin/sh\n{script}"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let user = format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: ./plugin, {more}}}}}");
    kubeseal.cluster(&server.url, &user)
}

const GIVES_A_TOKEN: &str =
    r#"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t0ken"}}'"#;

#[test]
fn a_plugin_gets_its_arguments_variables_and_the_cluster_and_never_our_standard_input() {
    let server = api_server("t0ken");
    let script = format!(
        "cat >input; echo \"$@ $ONE $TWO\" >arguments; printf %s \"$KUBERNETES_EXEC_INFO\" >info; echo x >>runs; {GIVES_A_TOKEN}"
    );
    let more = "interactiveMode: IfAvailable, provideClusterInfo: true, args: [get, '--for=us'], \
                env: [{name: ONE, value: '1'}, {name: TWO, value: two words}]";
    let kubeseal = with_plugin(Kubeseal::new().env("TWO", "ours"), &server, &script, more);
    // The Secret is on standard input.
    let run = kubeseal.run(&[], SECRET);
    run.succeeded();
    assert!(run.stdout.contains("\"kind\": \"SealedSecret\""));
    assert_eq!(kubeseal.read("input"), "");
    assert_eq!(kubeseal.read("arguments"), "get --for=us 1 two words\n");
    assert_eq!(kubeseal.read("runs"), "x\n", "it ran once");
    let info: serde_json::Value = serde_json::from_str(&kubeseal.read("info")).unwrap();
    let authority = sealed_secrets_resource::encode_base64(&fs::read(key_file("server.crt")).unwrap());
    let wanted = serde_json::json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1",
        "spec": {"interactive": false, "cluster": {"server": server.url, "certificate-authority-data": authority}},
    });
    assert_eq!(info, wanted);
}

#[test]
fn a_plugin_may_ask_a_person_where_there_is_a_terminal() {
    let server = api_server("t0ken");
    let script = format!("[ -t 0 ] && echo asked >asked; printf %s \"$KUBERNETES_EXEC_INFO\" >info; {GIVES_A_TOKEN}");
    for (mode, terminal, asked) in [
        ("IfAvailable", true, Some(true)),
        ("Always", true, Some(true)),
        ("Never", true, Some(false)),
        ("IfAvailable", false, Some(false)),
        ("Never", false, Some(false)),
        ("Always", false, None),
    ] {
        let kubeseal = with_plugin(Kubeseal::new(), &server, &script, &format!("interactiveMode: {mode}"));
        let args = ["--fetch-cert", "-w", "out"];
        if terminal {
            let line = format!("{} {}", env!("CARGO_BIN_EXE_kubeseal"), args.join(" "));
            let mut script = Command::new("script");
            script.args(["-qec", &line, "/dev/null"]).current_dir(kubeseal.path()).env_clear();
            script.envs([("PATH", "/usr/bin:/bin"), ("SHELL", "/bin/sh")]);
            script.env("KUBECONFIG", kubeseal.path().join("kubeconfig"));
            let output = script.stdin(Stdio::null()).output().unwrap();
            assert!(output.status.success(), "{mode}: {output:?}");
        } else {
            let run = kubeseal.run(&args, "");
            match asked {
                Some(_) => run.succeeded(),
                None => {
                    let plugin = kubeseal.path().join("./plugin");
                    run.failed_with(&format!(
                        "error: getting credentials: exec plugin {}: standard input is not a terminal",
                        plugin.display()
                    ));
                }
            }
        }
        let Some(asked) = asked else {
            assert_eq!(kubeseal.files(), ["plugin"], "{mode}: the plugin did not run");
            continue;
        };
        assert_eq!(kubeseal.path().join("asked").exists(), asked, "{mode} {terminal}");
        assert!(kubeseal.read("info").contains(&format!("\"interactive\":{asked}")), "{mode} {terminal}");
    }
}

#[test]
fn a_plugin_may_give_a_client_certificate() {
    let golden = |name: &str| format!("{}/tests/golden/keys/{name}", env!("CARGO_MANIFEST_DIR"));
    let pair = ["server.crt", "server.key"].map(key_file);
    let server = Server::start_tls_as(&pair, Some(&golden("client.crt")), |request, _| match request.line.as_str() {
        SERVICE => text(200, "{}"),
        _ => certificate("a.crt"),
    });
    let as_json = |name: &str| serde_json::Value::from(fs::read_to_string(golden(name)).unwrap()).to_string();
    let answer = format!(
        "{{\"status\":{{\"clientCertificateData\":{},\"clientKeyData\":{}}}}}",
        as_json("client.crt"),
        as_json("client.key")
    );
    let script = format!("cat <<'END'\n{answer}\nEND\n");
    with_plugin(Kubeseal::new(), &server, &script, "interactiveMode: Never").run(&["--fetch-cert"], "").succeeded();
}

#[test]
fn a_plugin_that_gives_nothing_usable_ends_the_run() {
    let server = api_server("t0ken");
    for (answer, problem) in [
        ("{\"status\":{}}", "its answer holds neither a token nor a client certificate with its key"),
        (
            "{\"status\":{\"clientKeyData\":\"hunter2\"}}",
            "its answer holds neither a token nor a client certificate with its key",
        ),
        ("{\"token\":\"hunter2\"}", "its answer is no ExecCredential with a status"),
        ("hunter2", "its answer is no ExecCredential with a status"),
    ] {
        let kubeseal = with_plugin(
            Kubeseal::new(),
            &server,
            &format!("echo '{answer}'"),
            "interactiveMode: Never, installHint: ' try this '",
        );
        let run = kubeseal.run(&["--fetch-cert"], "");
        let plugin = kubeseal.path().join("./plugin");
        run.failed_with(&format!("error: getting credentials: exec plugin {}: {problem}", plugin.display()));
        assert!(run.stderr.ends_with("hint: try this\n") && !run.stderr.contains("hunter2"), "{run:?}");
    }
    assert!(server.lines().is_empty());
}

#[test]
fn a_plugin_that_prints_without_end_is_stopped() {
    let server = api_server("t0ken");
    let kubeseal = with_plugin(Kubeseal::new(), &server, "exec yes hunter2", "interactiveMode: Never");
    let run = kubeseal.run(&["--fetch-cert"], "");
    let plugin = kubeseal.path().join("./plugin");
    run.failed_with(&format!(
        "error: getting credentials: exec plugin {}: it printed more than 16 MiB",
        plugin.display()
    ));
    assert!(!run.stderr.contains("hunter2"));
}

#[test]
fn a_token_that_no_header_can_hold_is_an_error_that_does_not_show_it() {
    let server = api_server("t0ken");
    let broken = |kubeseal: Kubeseal, flags: &[&str], what: &str| {
        let run = kubeseal.run(&[&["--fetch-cert"], flags].concat(), "");
        run.failed_with(&format!("error: invalid configuration: the token of user \"u\" holds {what}"));
        assert!(run.stderr.contains("\nhint: a token is a single line") && !run.stderr.contains("t0ken"), "{run:?}");
    };
    let with_user = |user: &str| Kubeseal::new().cluster(&server.url, user);
    broken(with_user("{token: \"t0ken\\n\"}"), &[], "a line break");
    broken(with_user("{token: \"t0k\\u0001en\"}"), &[], "a control character");
    broken(with_user("{}"), &["--token", "t0ken\nx"], "a line break");
    let file = with_user("{tokenFile: token}");
    file.file("token", "t0ken\nt0ken\n");
    broken(file, &[], "a line break");
    let script = r#"printf %s '{"status":{"token":"t0ken\n"}}'"#;
    broken(with_plugin(Kubeseal::new(), &server, script, "interactiveMode: Never"), &[], "a line break");
    assert!(server.lines().is_empty());

    let nobody = Kubeseal::new();
    let run =
        nobody.run(&["--fetch-cert", "--server", &server.url, "--insecure-skip-tls-verify", "--token=t0ken\n"], "");
    run.failed_with("error: invalid configuration: the token holds a line break");
}

#[test]
fn the_token_file_comes_before_the_token_beside_it_and_the_flag_before_both() {
    let server = api_server("t0ken");
    for (user, content, flags, good) in [
        ("{tokenFile: token}", "t0ken\n", &[][..], true),
        ("{tokenFile: token, token: old}", "t0ken", &[], true),
        ("{tokenFile: token, token: t0ken}", "old", &[], false),
        ("{tokenFile: none, token: t0ken}", "", &[], true),
        ("{tokenFile: token, token: t0ken}", "\n", &[], true),
        ("{tokenFile: token, token: old}", "old", &["--token=t0ken"], true),
    ] {
        let kubeseal = Kubeseal::new().cluster(&server.url, user);
        kubeseal.file("token", content);
        let run = kubeseal.run(&[&["--fetch-cert"], flags].concat(), "");
        assert_eq!(run.code, Some(if good { 0 } else { 1 }), "{user} {content:?}: {run:?}");
    }
    let kubeseal = Kubeseal::new().cluster(&server.url, "{tokenFile: token}");
    let path = kubeseal.file("token", "\n");
    kubeseal
        .run(&["--fetch-cert"], "")
        .failed_with(&format!("error: invalid configuration: the token file {path} is empty"));
}

#[test]
fn data_that_is_no_base64_is_told_by_file_and_cluster() {
    let kubeseal = Kubeseal::new();
    let text = "clusters: [{name: c, cluster: {server: 'https://x', certificate-authority-data: '%hunter2'}}]\n\
                contexts: [{name: x, context: {cluster: c}}]\ncurrent-context: x\n";
    let path = kubeseal.file("config", text);
    let run = kubeseal.run(&["--fetch-cert", "--kubeconfig", &path], "");
    run.failed_with(&format!(
        "error: invalid configuration: certificate-authority-data of cluster \"c\" in {path} is not Base64"
    ));
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
}
