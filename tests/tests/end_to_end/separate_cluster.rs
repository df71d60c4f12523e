//! What changes a whole cluster, on a cluster of its own.
//!
//! Each test starts `cluster run` with this very program as the command, for the ignored test that does the work.

use std::process::Command;
use std::time::Duration;

use sealed_secrets_tests::{Cluster, Object, Resource, World, end_to_end_without_crd, eventually, never};

/// Row 143.
#[test]
fn the_crd_may_come_after_the_controller() {
    on_a_cluster_of_its_own("separate_cluster::inside_the_crd_comes_late");
}

/// Row 134 on a cluster that was set up by the reference: its definition keeps none of our additions to the status.
#[test]
fn under_the_definition_of_the_reference_a_restart_writes_nothing() {
    on_a_cluster_of_its_own("separate_cluster::inside_the_reference_definition");
}

#[test]
#[ignore = "run by the_crd_may_come_after_the_controller on a cluster of its own"]
fn inside_the_crd_comes_late() {
    end_to_end_without_crd(|world| {
        let controller = world.controller().arg("--rate-limit=1000").spawn();
        eventually("the certificate is served", || {
            controller.request(http::Method::GET, "/v1/cert.pem", &[], "").filter(|reply| reply.status == 200)
        });
        let value = world.plant();
        let certificate = controller.certificate();
        let sealed = sealed_by_hand(world, &certificate, &value);
        assert_eq!(controller.post("/v1/verify", &sealed.to_string()).status, 200);
        never("it gives up", Duration::from_secs(3), || controller.get("/healthz").status != 200);

        Cluster::get().install_crd();
        world.create(&sealed);
        world.synced("db");
        world.wait_for_items("db", &[("foo", &value)]);
        world.api().delete(Resource::SECRET, &world.namespace, "db");
        world.wait_for_items("db", &[("foo", &value)]);
        controller.wait_until_ready();
    });
}

#[test]
#[ignore = "run by under_the_definition_of_the_reference_a_restart_writes_nothing on a cluster of its own"]
fn inside_the_reference_definition() {
    end_to_end_without_crd(|world| {
        Cluster::get().install_definition(&reference_definition());
        let first = world.controller().start();
        for name in ["a", "b"] {
            world.create_synced(name, &[("foo", &world.plant())]);
            world.event(name, "Unsealed");
        }
        let status = &world.sealed_secret("a").unwrap()["status"];
        assert_eq!(status.get("secret"), None, "the definition keeps nothing of ours: {status}");
        first.kill();

        let before = versions(world);
        let started = jiff::Timestamp::now();
        let second = world.controller().start();
        eventually("both are compared", || (second.attempts() >= 2.0).then_some(()));
        never("anything is written", Duration::from_secs(4), || versions(world) != before);
        assert_eq!(world.writes_since(started), []);

        let changed = world.plant();
        world.set_spec("a", &world.sealed("a", &[("foo", &changed)])["spec"]);
        world.wait_for_items("a", &[("foo", &changed)]);
        assert_eq!(world.synced("a")["status"]["observedGeneration"], 2);
    });
}

pub(crate) fn on_a_cluster_of_its_own(test: &str) {
    let this = std::env::current_exe().unwrap();
    let output = Command::new(Cluster::get().program())
        .args(["run", "--"])
        .arg(this)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "the test did not run: {text}");
}

fn sealed_by_hand(world: &World, certificate: &str, value: &str) -> Object {
    serde_json::json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": world.namespace, "name": "db"},
        "spec": {
            "encryptedData": {"foo": sealed_secrets_tests::sealed_value(certificate, &world.namespace, "db", value)},
        },
    })
}

/// Our definition without what we added under `status`.
fn reference_definition() -> Object {
    let mut definition = sealed_secrets_tests::definition();
    let status = definition
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/status/properties")
        .and_then(Object::as_object_mut)
        .unwrap();
    for field in ["inputs", "sealedWith", "secret"] {
        status.remove(field).unwrap();
    }
    definition
}

fn versions(world: &World) -> Vec<Object> {
    let mut found = Vec::new();
    for resource in [Resource::SECRET, Resource::SEALED, Resource::EVENT] {
        let objects = world.api().list(resource, &world.namespace, "");
        found.extend(objects.iter().map(|object| object["metadata"]["resourceVersion"].clone()));
    }
    found
}
