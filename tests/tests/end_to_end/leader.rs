//! Several replicas: one does the work, the others stand by (decision 17, design.md section 6).

use std::sync::Arc;
use std::time::{Duration, Instant};

use sealed_secrets_tests::{Controller, KeyPair, Launch, Object, Resource, World, end_to_end, eventually, never};
use serde_json::json;

const LEASE: &str = "sealed-secrets-controller";
/// What a busy machine may add to a promised time.
const SLACK: Duration = Duration::from_secs(3);

/// Row 136: both start at once, on nothing.
#[test]
fn two_replicas_make_one_first_key_and_serve_the_same_certificate() {
    end_to_end(|world| {
        let replicas = pair(world);
        assert_eq!(world.keys().len(), 1);
        assert_eq!(replicas[0].certificate(), replicas[1].certificate());
        let leaders = replicas.iter().filter(|replica| leads(replica)).count();
        assert_eq!(leaders, 1);
    });
}

/// Row 136: followers answer, and leave everything else to the leader.
#[test]
fn the_leader_alone_writes_and_both_answer() {
    end_to_end(|world| {
        let (leader, follower) = sorted(pair(world));
        let value = world.plant();
        let sealed = world.create_synced("db", &[("foo", &value)]);
        world.wait_for_items("db", &[("foo", &value)]);
        world.event("db", "Unsealed");
        assert_eq!(leader.attempts(), 1.0);
        assert_eq!(follower.attempts(), 0.0);
        assert!(!follower.metrics().text.contains("condition_info{"), "the leader shows the objects");
        assert!(leader.metrics().text.contains("condition_info{"));
        for replica in [&leader, &follower] {
            assert_eq!(replica.get("/readyz").status, 200);
            assert_eq!(replica.post("/v1/verify", &sealed.to_string()).status, 200);
            assert_eq!(replica.post("/v1/rotate", &sealed.to_string()).status, 200);
        }

        let old = leader.certificate();
        follower.signal("USR1");
        follower.wait_for_log("no new key: another replica leads");
        leader.signal("USR1");
        let new = leader.next_certificate(&old);
        assert_eq!(follower.next_certificate(&old), new, "followers follow the keys");
        assert_eq!(world.keys().len(), 2);
    });
}

/// A crash: the lease has to run out.
#[test]
fn after_a_crash_the_other_replica_takes_over_within_twenty_seconds() {
    end_to_end(|world| {
        let (leader, follower) = sorted(pair(world));
        world.create_synced("db", &[("foo", &world.plant())]);
        world.event("db", "Unsealed");
        let before = world.sealed_secret("db").unwrap();
        leader.kill();
        let killed = Instant::now();
        let value = world.plant();
        world.create(&sealed_by(world, &follower, "new", &value));
        world.wait_for_items("new", &[("foo", &value)]);
        assert!(killed.elapsed() < Duration::from_secs(20) + SLACK, "{:?}", killed.elapsed());
        world.synced("new");
        assert_eq!(world.event_count("db", "Unsealed"), 1, "what was in sync is left alone");
        assert_eq!(world.sealed_secret("db").unwrap()["metadata"], before["metadata"]);
        assert_eq!(follower.attempts(), 1.0);
    });
}

/// An upgrade: the lease is given back.
#[test]
fn after_an_orderly_end_the_other_replica_takes_over_within_two_seconds() {
    end_to_end(|world| {
        let (leader, follower) = sorted(pair(world));
        let value = world.plant();
        let sealed = sealed_by(world, &follower, "new", &value);
        let ended = Instant::now();
        assert_eq!(leader.terminate(), Some(0));
        world.create(&sealed);
        world.wait_for_items("new", &[("foo", &value)]);
        assert!(ended.elapsed() < Duration::from_secs(2) + SLACK, "{:?}", ended.elapsed());
        assert_eq!(world.keys().len(), 1);
    });
}

/// A leader that was cut off must have stopped before another one may begin.
#[test]
fn a_leader_whose_lease_was_taken_stops_writing_and_goes_on_serving() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let taken = json!({"spec": {"holderIdentity": "somebody else", "leaseDurationSeconds": 3600}});
        world.api().merge(Resource::LEASE, &world.namespace, LEASE, &taken);
        controller.wait_for_log("stops writing");
        let sealed = world.sealed("db", &[("foo", &world.plant())]);
        world.create(&sealed);
        never("it is unsealed", Duration::from_secs(3), || world.secret("db").is_some());
        assert_eq!(world.sealed_secret("db").unwrap().get("status"), None);
        assert_eq!(controller.post("/v1/verify", &sealed.to_string()).status, 200);

        world.api().merge(Resource::LEASE, &world.namespace, LEASE, &json!({"spec": {"holderIdentity": ""}}));
        world.synced("db");
    });
}

/// W30: listeners come first. Without a key it is alive, not ready, and has no certificate to give.
#[test]
fn a_replica_that_waits_for_the_first_key_answers_and_is_not_ready() {
    end_to_end(|world| {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": LEASE},
            "spec": {"holderIdentity": "somebody else", "leaseDurationSeconds": 3600},
        });
        world.api().create(Resource::LEASE, &world.namespace, &lease);
        let controller = world.controller().spawn();
        controller.wait_for_log("Searching for existing private keys");
        let answers = || ["/healthz", "/readyz", "/v1/cert.pem"].map(|path| controller.get(path).status);
        assert_eq!(answers(), [200, 503, 500]);
        let refused = controller.get("/v1/cert.pem");
        assert_eq!(
            (refused.body.as_str(), refused.header("Content-Type")),
            ("cannot get certificate\n", "text/plain; charset=utf-8")
        );
        assert_eq!(controller.get("/readyz").body, "keys not loaded\n");
        assert!(world.keys().is_empty());

        world.api().merge(Resource::LEASE, &world.namespace, LEASE, &json!({"spec": {"holderIdentity": ""}}));
        controller.wait_until_ready();
        assert_eq!(answers(), [200, 200, 200]);
    });
}

/// A replica with a newer cutoff that first stands by, as in a rolling update, sees to it once it leads.
#[test]
fn a_key_that_is_due_is_made_by_who_takes_over() {
    end_to_end(|world| {
        world.create(&KeyPair::valid_from("2024-01-01T00:00:00Z").secret("old"));
        let old = world.controller().arg("--key-renew-period=0").start();
        let certificate = old.certificate();
        let new = world.controller().arg("--key-renew-period=0");
        let new = new.arg("--key-cutoff-time=Mon, 01 Jan 2025 00:00:00 +0000").start();
        assert_eq!(new.certificate(), certificate);
        old.terminate();
        new.next_certificate(&certificate);
        assert_eq!(world.keys().len(), 2);
    });
}

/// Row 132 and decision 4: only the image was swapped.
#[test]
fn without_permission_on_leases_everything_works_after_one_line_and_one_refused_call() {
    end_to_end(|world| {
        forbid_leases(world);
        let controller = world.controller().start();
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        world.wait_for_items("db", &[("foo", &value)]);
        controller.signal("USR1");
        controller.next_certificate(&controller.certificate());
        let lines = controller.stdout() + &controller.stderr();
        assert_eq!(lines.lines().filter(|line| line.contains("leases are forbidden")).count(), 1);
        let asked: Vec<_> = world.calls().into_iter().filter(|call| call.resource == "leases").collect();
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(asked[0].code, 403);
    });
}

/// Design.md section 6: one first key, also where nobody can be elected.
#[test]
fn two_replicas_without_permission_on_leases_still_make_one_first_key() {
    end_to_end(|world| {
        forbid_leases(world);
        let replicas = pair(world);
        assert_eq!(world.keys().len(), 1);
        assert_eq!(replicas[0].certificate(), replicas[1].certificate());
        let value = world.plant();
        world.create_synced("db", &[("foo", &value)]);
        world.wait_for_items("db", &[("foo", &value)]);
    });
}

/// Design.md section 6: permission that goes away later.
#[test]
fn when_leases_become_forbidden_the_leader_goes_on_and_says_so_once() {
    end_to_end(|world| {
        let controller = world.controller().start();
        world.create_synced("first", &[("foo", &world.plant())]);
        forbid_leases(world);
        controller.wait_for_log("leases are forbidden");
        world.create_synced("second", &[("foo", &world.plant())]);
        world.create_synced("third", &[("foo", &world.plant())]);
        let refused = world.calls().into_iter().filter(|call| call.resource == "leases" && call.code == 403);
        assert_eq!(refused.count(), 1);
    });
}

/// Decision 17: it can be forced off, and then nothing is asked.
#[test]
fn without_election_no_lease_is_asked_for() {
    end_to_end(|world| {
        world.controller().arg("--leader-elect=false").start();
        world.create_synced("db", &[("foo", &world.plant())]);
        assert!(world.calls().iter().all(|call| call.resource != "leases"));
        assert_eq!(world.api().get(Resource::LEASE, &world.namespace, LEASE), None);
    });
}

/// Section 1.2: releases that share a namespace have a lease each.
#[test]
fn the_lease_has_the_name_that_the_flag_gives() {
    end_to_end(|world| {
        let rules = json!({"rules": [
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "list"]},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]},
        ]});
        world.api().merge(Resource::ROLE, &world.namespace, "sealed-secrets-key-admin", &rules);
        wait_for_leases(world, "other", true);
        let controller = world.controller().variable("SEALED_SECRETS_LEADER_ELECT_LEASE_NAME", "other").start();
        assert!(leads(&controller));
        let lease = world.api().get(Resource::LEASE, &world.namespace, "other").unwrap();
        assert_eq!(lease["spec"]["leaseDurationSeconds"], 15);
        controller.terminate();
        let lease = world.api().get(Resource::LEASE, &world.namespace, "other").unwrap();
        assert_eq!(lease["spec"]["holderIdentity"], "", "given back");
    });
}

/// Two replicas, started at the same time, that are both ready.
fn pair(world: &World) -> [Arc<Controller>; 2] {
    let launch: Launch<'_> = world.controller().arg("--rate-limit=1000").arg("--rate-limit-burst=1000");
    let first = launch.clone().spawn();
    let second = launch.start();
    first.wait_until_ready();
    [first, second]
}

/// The leader first.
fn sorted([first, second]: [Arc<Controller>; 2]) -> (Arc<Controller>, Arc<Controller>) {
    if leads(&first) { (first, second) } else { (second, first) }
}

fn leads(controller: &Controller) -> bool {
    controller.stdout().contains("this replica leads")
}

/// Sealed with the certificate of this replica, past the Service.
fn sealed_by(world: &World, controller: &Controller, name: &str, value: &str) -> Object {
    let sealed = sealed_secrets_tests::sealed_value(&controller.certificate(), &world.namespace, name, value);
    json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"namespace": world.namespace, "name": name},
        "spec": {"encryptedData": {"foo": sealed}, "template": {}},
    })
}

/// Gives the account the role of the reference.
fn forbid_leases(world: &World) {
    let rules = json!({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "list"]}]});
    world.api().merge(Resource::ROLE, &world.namespace, "sealed-secrets-key-admin", &rules);
    wait_for_leases(world, LEASE, false);
}

/// Roles take effect a moment after they were written.
fn wait_for_leases(world: &World, name: &str, allowed: bool) {
    for verb in ["create", "get", "update"] {
        let name = if verb == "create" { "" } else { name };
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": format!("system:serviceaccount:{}:sealed-secrets-controller", world.namespace),
            "resourceAttributes": {"namespace": world.namespace, "group": "coordination.k8s.io",
                "resource": "leases", "verb": verb, "name": name},
        }});
        eventually(&format!("{verb} leases is as it should be"), || {
            let answer = world.api().create(Resource::ACCESS_REVIEW, "", &review);
            (answer["status"]["allowed"] == allowed).then_some(())
        });
    }
}
