//! `/v1/verify`: can this object be opened?

use http::Method;
use sealed_secrets_resource::document::to_yaml;
use sealed_secrets_tests::{Controller, Launch, Object, World, end_to_end, eventually};
use serde_json::json;

/// Rows 108 and 109, by kubeseal and directly.
#[test]
fn an_object_verifies_exactly_when_it_can_be_opened() {
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let good = world.sealed("db", &[("foo", &world.plant())]);
        let mut renamed = good.clone();
        renamed["metadata"]["name"] = "other".into();

        for (object, status) in [(&good, 200), (&renamed, 409)] {
            for body in [object.to_string(), to_yaml(object).unwrap()] {
                let reply = controller.post("/v1/verify", &body);
                assert_eq!((reply.status, reply.body.as_str()), (status, ""));
                assert_eq!(reply.header("Content-Type"), "");
            }
        }
        let valid = world.kubeseal(&["--validate"], &good.to_string());
        assert_eq!(valid.code, Some(0), "{}", valid.stderr);
        let invalid = world.kubeseal(&["--validate"], &renamed.to_string());
        assert_eq!(invalid.code, Some(1));
        assert!(invalid.stderr.contains("unable to decrypt"), "{}", invalid.stderr);
        assert_eq!(world.sealed_secret("db"), None, "nothing was created for it");
    });
}

/// Rows 110, 137 and 139.
#[test]
fn what_is_not_one_sealed_secret_is_refused_without_a_word_about_its_content() {
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let good = world.sealed("db", &[("foo", &world.plant())]);
        let yaml = to_yaml(&good).unwrap();
        let plain = |kind: &str| {
            let mut secret = sealed_secrets_tests::secret(&world.namespace, "db", &[("foo", &world.plant())]);
            match kind {
                "" => drop(secret.as_object_mut().unwrap().remove("kind")),
                kind => secret["kind"] = kind.into(),
            }
            secret.to_string()
        };
        let mut list = good.clone();
        list["kind"] = "List".into();
        let refused = [
            String::new(),
            "garbage".to_owned(),
            "{".to_owned(),
            "[".to_owned(),
            "{a: ".to_owned(),
            plain("Secret"),
            plain(""),
            format!("{yaml}{yaml}"),
            format!("{good}\n{good}"),
            format!("{yaml}---\n"),
            list.to_string(),
        ];
        for body in refused {
            let reply = controller.post("/v1/verify", &body);
            assert_eq!((reply.status, reply.body.as_str()), (500, ""), "{body}");
            // The next request on the same listener is answered as ever.
            assert_eq!(controller.post("/v1/verify", &good.to_string()).status, 200);
        }
    });
}

/// Section 10.2: what is lenient, as seen on the reference.
#[test]
fn odd_but_readable_bodies_verify() {
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let good = world.sealed("db", &[("foo", &world.plant())]);
        let yaml = to_yaml(&good).unwrap();
        let nothing = json!({"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "x"}});
        let mut not_text = good.clone();
        not_text["spec"]["encryptedData"]["bar"] = 1.into();
        for (body, status) in [
            (format!("\u{feff}{yaml}"), 200),
            (format!("# comment\n{yaml}"), 200),
            (format!("{yaml}...\n"), 200),
            (nothing.to_string(), 200),
            (not_text.to_string(), 409),
        ] {
            assert_eq!(controller.post("/v1/verify", &body).status, status, "{body}");
        }
    });
}

/// Row 112, W1: the template of a request is not authenticated, so it must not be run.
#[test]
fn templates_have_no_say_in_the_answer() {
    end_to_end(|world| {
        let controller = unlimited(world).start();
        let good = world.sealed("db", &[("foo", &world.plant())]);
        for template in [r#"{{ fail .foo }}"#, r#"{{ if hasPrefix "p" .foo }}{{ fail "yes" }}{{ end }}"#, "{{ .foo }}"]
        {
            let mut hostile = good.clone();
            hostile["spec"]["template"]["data"] = json!({"probe": template});
            let reply = controller.post("/v1/verify", &hostile.to_string());
            assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{template}");
        }
    });
}

/// Row 111.
#[test]
fn requests_are_limited_for_each_forwarded_client() {
    end_to_end(|world| {
        // One request in ten seconds, so that a slow machine sees the limit too.
        let controller = world.controller().arg("--rate-limit-burst=2").arg("--rate-limit=1").start();
        let ask = |client: &str| {
            controller.request(Method::POST, "/v1/verify", &[("X-Forwarded-For", client)], "garbage").unwrap()
        };
        let limited = eventually("the fourth of four quick requests is refused", || {
            let client = format!("10.0.0.{}", world.plant());
            let replies: Vec<_> = (0..4).map(|_| ask(&client)).collect();
            for reply in &replies {
                assert_eq!(reply.header("X-RateLimit-Limit"), "3");
            }
            assert_eq!(replies[0].header("X-RateLimit-Remaining"), "2");
            assert!(replies[..3].iter().all(|reply| reply.status == 500));
            (replies[3].status == 429).then(|| (client, replies[3].clone()))
        });
        let (client, reply) = limited;
        assert_eq!(reply.body, "limit exceeded\n");
        assert_eq!(reply.header("Content-Type"), "text/plain; charset=utf-8");
        assert_eq!(reply.header("Retry-After"), "1");
        assert_eq!(reply.header("X-RateLimit-Remaining"), "0");
        assert_eq!(ask("10.1.1.1").status, 500, "another client has a bucket of its own");
        eventually("the client is served again", || (ask(&client).status == 500).then_some(()));
    });
}

/// Row 132: any account of the cluster may seal and validate, and that by the published roles.
#[test]
fn every_account_of_the_cluster_may_fetch_the_certificate_and_verify() {
    end_to_end(|world| {
        let controller: std::sync::Arc<Controller> = unlimited(world).start();
        let fetched = world.kubeseal_as_anybody(&["--fetch-cert"], "");
        assert_eq!(fetched.code, Some(0), "{}", fetched.stderr);
        assert_eq!(fetched.stdout, controller.certificate());
        let good: Object = world.sealed("db", &[("foo", &world.plant())]);
        let valid = world.kubeseal_as_anybody(&["--validate"], &good.to_string());
        assert_eq!(valid.code, Some(0), "{}", valid.stderr);
    });
}

fn unlimited(world: &World) -> Launch<'_> {
    world.controller().arg("--rate-limit=1000").arg("--rate-limit-burst=1000")
}
