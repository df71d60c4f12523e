//! kubeseal where the controller, or the way to it, is not as it should be: an error that says so, and soon.

use std::time::{Duration, Instant};

use sealed_secrets_tests::{Resource, World, end_to_end, undecryptable};
use serde_json::json;

const NAME: &str = "sealed-secrets-controller";

/// Every mode that needs the controller, and the words in front of the cause.
fn modes(world: &World) -> [(&'static [&'static str], String, &'static str); 4] {
    let secret =
        json!({"kind": "Secret", "metadata": {"name": "db", "namespace": world.namespace}, "stringData": {"k": "v"}});
    let mut sealed = undecryptable("db");
    sealed["metadata"]["namespace"] = world.namespace.clone().into();
    let sealed = sealed.to_string();
    [
        (&["--fetch-cert"], String::new(), "cannot fetch certificate: "),
        (&[], secret.to_string(), "cannot fetch certificate: "),
        (&["--validate"], sealed.clone(), "cannot validate sealed secret: "),
        (&["--re-encrypt"], sealed, "cannot re-encrypt secret: "),
    ]
}

/// What is printed names the cause on its first line.
#[track_caller]
fn every_mode_fails(world: &World, cause: &str) {
    for (args, input, prefix) in modes(world) {
        let began = Instant::now();
        let run = world.kubeseal(args, &input);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{args:?}: {}", run.stderr);
        let first = run.stderr.lines().next().unwrap();
        assert!(first.starts_with(&format!("error: {prefix}")), "{args:?}: {first}");
        assert!(first.contains(cause), "{args:?}: {first}");
        assert!(began.elapsed() < Duration::from_secs(20), "{args:?}: {:?}", began.elapsed());
    }
}

#[test]
fn without_a_service_the_flags_that_say_where_it_is_are_named() {
    end_to_end(|world| {
        for (args, input, _) in modes(world) {
            let run = world.kubeseal(args, &input);
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{args:?}");
            let first = run.stderr.lines().next().unwrap();
            assert_eq!(first, format!("error: cannot get sealed secret service: services \"{NAME}\" not found"));
            assert!(
                run.stderr.contains("--controller-name") && run.stderr.contains("--controller-namespace"),
                "{}",
                run.stderr
            );
        }
    });
}

#[test]
fn a_service_without_endpoints_is_told_at_once() {
    end_to_end(|world| {
        world.controller().start();
        world.api().set(Resource::ENDPOINTS, &world.namespace, NAME, "/subsets", &json!([]));
        every_mode_fails(world, &format!("no endpoints available for service \"{NAME}\""));
    });
}

#[test]
fn a_controller_that_has_gone_is_told_at_once() {
    end_to_end(|world| {
        let controller = world.controller().start();
        controller.terminate();
        every_mode_fails(world, "connection refused");
    });
}

#[test]
fn a_port_that_the_endpoints_do_not_have_is_told_by_its_name() {
    end_to_end(|world| {
        world.controller().start();
        // The Service was given a name for its port, which the Endpoints do not know yet.
        let ports = json!([{"name": "web", "port": 8080, "targetPort": 8080, "protocol": "TCP"}]);
        world.api().set(Resource::SERVICE, &world.namespace, NAME, "/spec/ports", &ports);
        every_mode_fails(world, &format!("no endpoints available for service \"http:{NAME}:web\""));
    });
}

#[test]
fn a_named_port_is_asked_for_by_its_name() {
    end_to_end(|world| {
        world.controller().start();
        let ports = json!([{"name": "web", "port": 8080, "targetPort": 8080, "protocol": "TCP"}]);
        world.api().set(Resource::SERVICE, &world.namespace, NAME, "/spec/ports", &ports);
        world.api().set(Resource::ENDPOINTS, &world.namespace, NAME, "/subsets/0/ports/0/name", &"web".into());
        let fetched = world.kubeseal(&["--fetch-cert"], "");
        assert_eq!((fetched.code, fetched.stderr.as_str()), (Some(0), ""));
        let path = format!("/namespaces/{}/services/http:{NAME}:web/proxy/v1/cert.pem", world.namespace);
        assert!(world.audit_log().contains(&path), "{path} was not asked for");
    });
}

#[test]
fn who_may_not_use_the_proxy_is_told_what_is_missing() {
    end_to_end(|world| {
        world.controller().start();
        let binding = "sealed-secrets-service-proxier";
        assert!(world.api().get(Resource::ROLE_BINDING, &world.namespace, binding).is_some());
        world.api().delete(Resource::ROLE_BINDING, &world.namespace, binding);
        let refused = sealed_secrets_tests::eventually("the missing right is seen", || {
            let run = world.kubeseal_as_anybody(&["--fetch-cert"], "");
            (run.code != Some(0)).then_some(run)
        });
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
        assert!(refused.stderr.contains("is forbidden: User \"system:serviceaccount:"), "{}", refused.stderr);
    });
}
