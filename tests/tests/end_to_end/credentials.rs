//! kubeseal and the API server's idea of who may ask: every kind of credential, kubeconfig files, flags, Pods, proxies.

#[path = "../../../kubeseal/tests/server/proxy.rs"]
mod proxy;

use std::path::Path;

use proxy::Proxy;
use sealed_secrets_resource::decode_base64;
use sealed_secrets_resource::document::read_object;
use sealed_secrets_tests::{Finished, Object, World, end_to_end};
use serde_json::{Value, json};

const SECRET: &str = "kind: Secret\nmetadata: {name: db}\nstringData: {password: s3cret}\n";

/// The test cluster's kubeconfig, taken apart.
struct Parts {
    server: String,
    /// PEM files of the authority, and of a client certificate with its key.
    authority: String,
    certificate: String,
    key: String,
    /// The users: one with a token, one with a client certificate.
    token: String,
    by_certificate: Value,
}

fn parts(world: &World) -> Parts {
    let text = std::fs::read(&world.cluster.kubeconfig).unwrap();
    let config = read_object(&text).unwrap().unwrap().root.to_json();
    let user = |name: &str| {
        let users = config["users"].as_array().unwrap();
        users.iter().find(|user| user["name"] == name).unwrap()["user"].clone()
    };
    let file = |name: &str, data: &Value| {
        let path = world.folder().join(name);
        std::fs::write(&path, decode_base64(data.as_str().unwrap()).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let cluster = &config["clusters"][0]["cluster"];
    let by_certificate = user("certificate");
    Parts {
        server: cluster["server"].as_str().unwrap().to_owned(),
        authority: file("authority.crt", &cluster["certificate-authority-data"]),
        certificate: file("client.crt", &by_certificate["client-certificate-data"]),
        key: file("client.key", &by_certificate["client-key-data"]),
        token: user("admin")["token"].as_str().unwrap().to_owned(),
        by_certificate,
    }
}

fn kubeconfig(parts: &Parts, user: &Value) -> Object {
    json!({
        "clusters": [{"name": "c", "cluster": {"server": parts.server, "certificate-authority": parts.authority}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "users": [{"name": "u", "user": user}],
        "current-context": "x",
    })
}

fn write(path: &Path, content: &impl ToString) -> String {
    std::fs::write(path, content.to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[track_caller]
fn assert_fetched(run: &Finished, what: &str) {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{what}");
    assert!(run.stdout.starts_with("-----BEGIN CERTIFICATE-----"), "{what}");
}

#[test]
fn every_kind_of_credential_in_a_kubeconfig_is_taken_and_none_is_invented() {
    end_to_end(|world| {
        world.controller().start();
        let parts = parts(world);
        let admin = &parts.token;
        // Files often end in a newline.
        let token_file = write(&world.folder().join("file-with-token"), &format!("{admin}\n"));
        let plugin = |answer: &Value| {
            json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
                "command": "echo", "args": [json!({"status": answer}).to_string()]}})
        };
        let pem = |path: &str| std::fs::read_to_string(path).unwrap();
        let certificate = json!({"clientCertificateData": pem(&parts.certificate), "clientKeyData": pem(&parts.key)});
        for (user, refused) in [
            (json!({"token": admin}), None),
            (json!({"tokenFile": token_file}), None),
            (json!({"tokenFile": "file-with-token"}), None),
            (parts.by_certificate.clone(), None),
            (json!({"client-certificate": parts.certificate, "client-key": parts.key}), None),
            (json!({"client-certificate": "client.crt", "client-key": "client.key"}), None),
            (plugin(&json!({"token": admin})), None),
            (plugin(&certificate), None),
            // What is given outright comes before the plugin.
            (json!({"token": admin, "exec": plugin(&json!({"token": "wrong"}))["exec"]}), None),
            (json!({}), Some("User \"system:anonymous\" cannot get resource \"services\"")),
            (json!({"token": "wrong"}), Some("Unauthorized")),
            (plugin(&json!({"token": "wrong"})), Some("Unauthorized")),
            // This API server knows no passwords.
            (json!({"username": "admin", "password": admin}), Some("User \"system:anonymous\" cannot get resource")),
        ] {
            let path = write(&world.folder().join("kubeconfig-of-user"), &kubeconfig(&parts, &user));
            let run = world.kubeseal_in(&[("KUBECONFIG", &path)], &["--fetch-cert"], "");
            match refused {
                None => assert_fetched(&run, &user.to_string()),
                Some(reason) => {
                    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{user}: {}", run.stderr);
                    assert!(
                        run.stderr.starts_with("error: cannot get sealed secret service: "),
                        "{user}: {}",
                        run.stderr
                    );
                    assert!(run.stderr.contains(reason), "{user}: {}", run.stderr);
                }
            }
        }
    });
}

#[test]
fn flags_alone_reach_the_api_server() {
    end_to_end(|world| {
        world.controller().start();
        let parts = parts(world);
        let (server, authority, token) = (parts.server.as_str(), parts.authority.as_str(), parts.token.as_str());
        let base = ["--server", server, "--certificate-authority", authority];
        let fetch = |more: &[&str]| world.kubeseal_in(&[], &[&["--fetch-cert"], more].concat(), "");
        for more in [
            &["--token", token][..],
            &["--client-certificate", &parts.certificate, "--client-key", &parts.key],
            &["--token", token, "--tls-server-name", "kubernetes.default"],
            &["--token", token, "--disable-compression", "--request-timeout=30s", "-v=0"],
        ] {
            assert_fetched(&fetch(&[&base[..], more].concat()), &format!("{more:?}"));
        }
        assert_fetched(&fetch(&["--server", server, "--token", token, "--insecure-skip-tls-verify"]), "insecure");
        let variables = [
            ("SEALED_SECRETS_SERVER", server),
            ("SEALED_SECRETS_CERTIFICATE_AUTHORITY", authority),
            ("SEALED_SECRETS_TOKEN", token),
        ];
        assert_fetched(&world.kubeseal_in(&variables, &["--fetch-cert"], ""), "variables");
        for more in [
            // Nobody vouches for the server; somebody else does; it is called something else.
            &["--server", server, "--token", token][..],
            &["--server", server, "--token", token, "--certificate-authority", &parts.certificate],
            &[&base[..], &["--token", token, "--tls-server-name", "other.test"]].concat(),
        ] {
            let run = fetch(more);
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{more:?}");
            assert!(run.stderr.contains("certificate") && !run.stderr.contains(token), "{more:?}: {}", run.stderr);
        }
    });
}

#[test]
fn several_kubeconfig_files_are_one_and_flags_pick_from_it() {
    end_to_end(|world| {
        world.controller().start();
        let parts = parts(world);
        let file = |name: &str, content: Value| write(&world.folder().join(name), &content);
        let contexts = file(
            "contexts",
            json!({"current-context": "good", "contexts": [
                {"name": "good", "context": {"cluster": "c", "user": "u", "namespace": "from-context"}},
                {"name": "stranger", "context": {"cluster": "c", "user": "ghost"}}]}),
        );
        let cluster = json!({"server": parts.server, "certificate-authority": "authority.crt"});
        let clusters = file("clusters", json!({"clusters": [{"name": "c", "cluster": cluster}]}));
        // The first definition of a name counts, so the second file's cluster and the third file's user stay unused.
        let users = file(
            "users",
            json!({"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {"token": parts.token}}, {"name": "v", "user": {"token": "wrong"}}]}),
        );
        let last = file("last", json!({"users": [{"name": "u", "user": {"token": "wrong"}}]}));
        let list = [&contexts, "/nonexistent", "", &clusters, &users, &last].join(":");
        let run = |args: &[&str], input: &str| world.kubeseal_in(&[("KUBECONFIG", &list)], args, input);

        assert_fetched(&run(&["--fetch-cert"], ""), "the list");
        let sealed = run(&["-o", "yaml"], SECRET);
        assert_eq!((sealed.code, sealed.stderr.as_str()), (Some(0), ""));
        assert!(sealed.stdout.contains("\n  namespace: from-context\n"), "{}", sealed.stdout);
        for (args, reason) in [
            (&["--user", "v"][..], "Unauthorized"),
            (&["--context", "stranger"], "system:anonymous"),
            (&["--context", "none"], "context \"none\" does not exist"),
        ] {
            let refused = run(&[&["--fetch-cert"], args].concat(), "");
            assert_eq!(refused.code, Some(1), "{args:?}");
            assert!(refused.stderr.contains(reason), "{args:?}: {}", refused.stderr);
        }
        assert_fetched(&run(&["--fetch-cert", "--context=stranger", "--user=u"], ""), "another user for the context");
        assert_fetched(&run(&["--fetch-cert", "--user=v", "--token", &parts.token], ""), "another token for the user");
    });
}

#[test]
fn somebody_else_s_name_reaches_the_api_server_with_uid_groups_and_extras() {
    end_to_end(|world| {
        world.controller().start();
        let parts = parts(world);
        let own = |more: &[&str]| {
            let path = write(&world.folder().join("own"), &kubeconfig(&parts, &json!({"token": parts.token})));
            world.kubeseal_in(&[("KUBECONFIG", &path)], &[&["--fetch-cert"], more].concat(), "")
        };
        // Who has logged in may fetch the certificate, so this is the only name that is refused.
        let refused = own(&["--as", "system:anonymous"]);
        assert!(
            refused.stderr.contains("User \"system:anonymous\" cannot get resource \"services\""),
            "{}",
            refused.stderr
        );
        assert_fetched(&own(&["--as", "jane"]), "as jane");
        let groups = ["--as", "jane", "--as-group", "c", "--as-group=a,b", "--as-uid", "7"];
        assert_fetched(&own(&groups), "as jane of two groups");
        let user = json!({"token": parts.token, "as": "jane", "as-uid": "8", "as-groups": ["d"],
            "as-user-extra": {"example.com/Reason": ["x", "y"]}});
        let path = write(&world.folder().join("as-jane"), &kubeconfig(&parts, &user));
        assert_fetched(&world.kubeseal_in(&[("KUBECONFIG", &path)], &["--fetch-cert"], ""), "by the kubeconfig");

        let log = world.audit_log();
        let seen: Vec<Value> = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter(|entry| entry["objectRef"]["namespace"] == world.namespace)
            .map(|entry| entry["impersonatedUser"].clone())
            .filter(|user| user["username"] == "jane")
            .collect();
        // The API server adds the group of everybody who has logged in.
        for (uid, groups, extra) in [
            (Value::Null, &[][..], Value::Null),
            ("7".into(), &["c", "a,b"], Value::Null),
            ("8".into(), &["d"], json!({"example.com/reason": ["x", "y"]})),
        ] {
            let groups = [groups, &["system:authenticated"]].concat();
            let found =
                seen.iter().any(|user| user["uid"] == uid && user["groups"] == json!(groups) && user["extra"] == extra);
            assert!(found, "uid {uid}, groups {groups:?}, extra {extra} are not among {seen:?}");
        }
    });
}

#[test]
fn in_a_pod_the_service_account_and_its_namespace_are_used() {
    end_to_end(|world| {
        world.controller().start();
        assert_fetched(&world.kubeseal_in_pod(&[], &["--fetch-cert"], ""), "without any configuration");
        let own = world.namespace.as_str();
        for (variables, args, namespace) in [
            (&[][..], &[][..], own),
            (&[("POD_NAMESPACE", "of-the-pod")], &[], "of-the-pod"),
            (&[("POD_NAMESPACE", "")], &[], own),
            (&[("POD_NAMESPACE", "of-the-pod")], &["-n", "asked-for"], "asked-for"),
        ] {
            let sealed = world.kubeseal_in_pod(variables, &[&["-o", "yaml"], args].concat(), SECRET);
            assert_eq!((sealed.code, sealed.stderr.as_str()), (Some(0), ""), "{variables:?} {args:?}");
            let wanted = format!("\n  namespace: {namespace}\n");
            assert!(sealed.stdout.contains(&wanted), "{variables:?} {args:?}: {}", sealed.stdout);
        }
        let raw = world.kubeseal_in_pod(&[], &["--raw", "--name", "db"], &world.plant());
        assert_eq!((raw.code, raw.stderr.as_str()), (Some(0), ""));
        let mut sealed = sealed_secrets_tests::undecryptable("db");
        sealed["metadata"]["namespace"] = own.into();
        sealed["spec"]["encryptedData"] = json!({"foo": raw.stdout});
        let verdict = world.kubeseal_in_pod(&[], &["--validate"], &sealed.to_string());
        assert_eq!(
            (verdict.code, verdict.stderr.as_str()),
            (Some(0), ""),
            "what was sealed raw is bound to that namespace"
        );
        // Flags come before the account.
        let refused = world.kubeseal_in_pod(&[], &["--fetch-cert", "--token", "wrong"], "");
        assert!(refused.stderr.contains("Unauthorized"), "{}", refused.stderr);
    });
}

#[test]
fn proxies_lead_to_the_api_server_unless_its_network_is_excepted() {
    end_to_end(|world| {
        world.controller().start();
        let parts = parts(world);
        let address = parts.server.trim_start_matches("https://");
        let network = format!("{}.0.0/16", address.splitn(3, '.').take(2).collect::<Vec<_>>().join("."));
        let path =
            write(&world.folder().join("kubeconfig-of-user"), &kubeconfig(&parts, &json!({"token": parts.token})));
        for (proxy, scheme) in [(Proxy::http(&parts.server), "http"), (Proxy::socks(&parts.server), "socks5")] {
            let url = format!("{scheme}://{}", proxy.address);
            let variables = [("KUBECONFIG", path.as_str()), ("HTTPS_PROXY", &url)];
            assert_fetched(&world.kubeseal_in(&variables, &["--fetch-cert"], ""), scheme);
            assert_eq!(proxy.seen(), [address], "{scheme}");
            let direct = [&variables[..], &[("NO_PROXY", &network)]].concat();
            assert_fetched(&world.kubeseal_in(&direct, &["--fetch-cert"], ""), "excepted");
            assert_eq!(proxy.seen().len(), 1, "{network} does not count");
            // A proxy that was asked for has no exceptions.
            assert_fetched(&world.kubeseal_in(&direct, &["--fetch-cert", "--proxy-url", &url], ""), "by the flag");
            assert_eq!(proxy.seen().len(), 2, "{scheme}");
        }
    });
}
