//! `kubeseal keys`: list, backup, restore, renew, retire.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sealed_secrets_tests::{
    Cluster, Finished, KeyPair, Object, Resource, World, end_to_end, end_to_end_without_crd, eventually,
};
use serde_json::{Value, json};

use crate::separate_cluster::on_a_cluster_of_its_own;

const LABEL: &str = "sealedsecrets.bitnami.com/sealed-secrets-key";

/// The way home after the loss of a cluster: everything that was sealed comes back, from either kind of backup.
#[test]
fn backup_empty_cluster_restore_and_all_secrets_are_back() {
    end_to_end(|world| {
        let first = world.controller().start();
        let before = first.certificate();
        let values: Vec<String> = (0..3).map(|_| world.plant()).collect();
        let mut sealed = vec![world.create_synced("one", &[("foo", &values[0])])];
        first.signal("USR1");
        first.next_certificate(&before);
        for (name, value) in [("two", &values[1]), ("three", &values[2])] {
            sealed.push(world.create_synced(name, &[("foo", value)]));
        }
        let (plain, locked) = (file(world, "keys.yaml"), file(world, "keys.age"));
        let passphrase = file(world, "passphrase");
        fs::write(&passphrase, "correct horse\n").unwrap();
        done(&world.subcommand(&["keys", "backup"], &["-w", &plain]));
        done(&world.subcommand(&["keys", "backup"], &["-w", &locked, "--passphrase-file", &passphrase]));
        for backup in [&plain, &locked] {
            assert_eq!(fs::metadata(backup).unwrap().permissions().mode() & 0o777, 0o600);
            let checked =
                world.subcommand(&["keys", "backup"], &["--verify", backup, "--passphrase-file", &passphrase]);
            done(&checked);
            // So many as there are; other tests have some in the cluster as well.
            let verdict = "the backup with 2 keys covers every key of the cluster; it opens ";
            assert!(checked.stdout.contains(verdict), "{}", checked.stdout);
        }
        let text = fs::read_to_string(&plain).unwrap();
        for field in ["uid", "resourceVersion", "creationTimestamp", "managedFields"] {
            assert!(!text.contains(field), "{field}");
        }
        first.kill();

        let names: Vec<String> = world.keys().iter().map(name).collect();
        assert_eq!(names.len(), 2);
        for name in names.iter().map(String::as_str).chain(["one", "two", "three"]) {
            world.api().delete(Resource::SEALED, &world.namespace, name);
            world.api().delete(Resource::SECRET, &world.namespace, name);
        }
        let second = world.controller().arg("--watch-for-secrets").start();
        let rehearsed = world.subcommand(&["keys", "restore"], &["--dry-run", &plain]);
        done(&rehearsed);
        assert_eq!(rehearsed.stdout.matches("would create").count(), 2, "{}", rehearsed.stdout);
        assert_eq!(world.keys().len(), 1, "only that of the new controller");

        let args = ["--passphrase-file", passphrase.as_str(), &locked, "-ojson"];
        let restored = world.subcommand(&["keys", "restore"], &args);
        done(&restored);
        let report: Value = serde_json::from_str(&restored.stdout).unwrap();
        assert_eq!(report["controller"], "uses the keys", "{report}");
        for object in &sealed {
            world.create(&again(object));
        }
        for (name, value) in ["one", "two", "three"].iter().zip(&values) {
            world.wait_for_items(name, &[("foo", value)]);
        }
        let twice = world.subcommand(&["keys", "restore"], &[&plain]);
        done(&twice);
        assert_eq!(twice.stdout.matches("exists").count(), 2, "{}", twice.stdout);
        second.kill();
    });
}

/// Whose controller does not watch is told so, and what to do; nothing of others is overwritten.
#[test]
fn restore_overwrites_nothing_and_tells_that_the_controller_does_not_use_a_key() {
    end_to_end(|world| {
        world.controller().arg("--leader-elect=false").start();
        let (brought, other) =
            (KeyPair::valid_from("2024-01-01T00:00:00Z"), KeyPair::valid_from("2023-01-01T00:00:00Z"));
        world.create(&other.secret("taken"));
        let theirs = world.api().get(Resource::SECRET, &world.namespace, "taken").unwrap();
        let backup = file(world, "keys.json");
        let list = json!({"kind": "List", "items": [brought.secret("brought"), brought_as(&brought, "taken")]});
        let only = json!({"kind": "List", "items": [KeyPair::valid_from("2022-01-01T00:00:00Z").secret("taken")]});
        fs::write(&backup, only.to_string()).unwrap();
        let refused = world.subcommand(&["keys", "restore"], &[&backup, "--wait=0s"]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stdout.contains("refused"), "{refused:?}");
        fs::write(&backup, list.to_string()).unwrap();
        let restored = world.subcommand(&["keys", "restore"], &[&backup, "--wait=0s"]);
        assert_eq!(restored.code, Some(1), "the second is refused: {restored:?}");
        assert!(
            restored.stderr.contains("does not use") && restored.stderr.contains("rollout restart"),
            "{restored:?}"
        );
        let now = world.api().get(Resource::SECRET, &world.namespace, "taken").unwrap();
        assert_eq!(now, theirs);

        let only = json!({"kind": "List", "items": [brought.secret("brought")]});
        fs::write(&backup, only.to_string()).unwrap();
        assert_eq!(world.subcommand(&["keys", "restore"], &[&backup, "--wait=0s"]).code, Some(3));
    });
}

/// The script that everybody has.
#[test]
fn the_well_known_script_goes_on_working() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let value = world.plant();
        let sealed = world.create_synced("db", &[("foo", &value)]);
        controller.kill();
        let output = Command::new(Cluster::get().program())
            .args(["kubectl", "get", "secret", "-n", &world.namespace, "-l", LABEL, "-o", "yaml"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let backup = file(world, "main.key");
        fs::write(&backup, output.stdout).unwrap();
        let args = ["--recovery-unseal", "--recovery-private-key", &backup];
        let opened = world.kubeseal(&args, &again(&sealed).to_string());
        done(&opened);
        let secret: Value = serde_json::from_str(&opened.stdout).unwrap();
        assert_eq!(sealed_secrets_tests::decoded(&secret)["foo"], value);
    });
}

/// Of very old releases, which controllers use by its name.
#[test]
fn the_key_without_label_is_listed_backed_up_and_not_retired() {
    end_to_end(|world| {
        let mut secret = KeyPair::valid_from("2024-01-01T00:00:00Z").secret("sealed-secrets-key");
        secret["metadata"]["labels"] = json!({});
        world.create(&secret);
        world.controller().arg("--key-renew-period=0").start();
        let listed = world.subcommand(&["keys", "list"], &["-ojson"]);
        done(&listed);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        let keys = listed["keys"].as_array().unwrap();
        let found = keys.iter().find(|key| key["name"].as_str().unwrap().ends_with("/sealed-secrets-key")).unwrap();
        assert_eq!((&found["active"], &found["label"]), (&json!(true), &json!("")), "{found}");
        let backup = world.subcommand(&["keys", "backup"], &[]);
        done(&backup);
        assert!(backup.stdout.contains("name: sealed-secrets-key\n"), "its Secret is in the backup");
        let refused = world.subcommand(&["keys", "retire"], &[found["fingerprint"].as_str().unwrap()]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stdout.contains("by its name"), "{refused:?}");
    });
}

/// No kubelet runs here: this test starts the controller again when its Deployment changes.
#[test]
fn renew_sets_the_cutoff_time_and_waits_for_the_new_key() {
    end_to_end(|world| {
        let old = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&old.secret("old"));
        let start = || world.controller().arg("--key-renew-period=0");
        let first = start().start();
        assert_eq!(first.certificate(), old.certificate);
        let name = "sealed-secrets-controller";
        let labels = json!({"name": name});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec":
                {"containers": [{"name": name, "image": "controller", "env": [{"name": "KEPT", "value": "x"}]}]}}},
        });
        world.api().create(Resource::DEPLOYMENT, &world.namespace, &deployment);
        let rehearsed = world.subcommand(&["keys", "renew"], &["--dry-run"]);
        done(&rehearsed);
        assert!(rehearsed.stdout.contains("SEALED_SECRETS_KEY_CUTOFF_TIME"), "{rehearsed:?}");
        let variables = || {
            let found = world.api().get(Resource::DEPLOYMENT, &world.namespace, name).unwrap();
            found["spec"]["template"]["spec"]["containers"][0]["env"].clone()
        };
        assert_eq!(variables().as_array().unwrap().len(), 1, "a rehearsal changes nothing");

        let none = world.subcommand(&["keys", "renew"], &["--wait=1s"]);
        assert_eq!(none.code, Some(1), "{none:?}");
        assert!(none.stderr.contains("is still published"), "{none:?}");
        let elsewhere = json!([{"name": "KEPT", "value": "x"}, {"name": "SEALED_SECRETS_KEY_CUTOFF_TIME",
            "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "cutoff", "optional": true}}}]);
        let pointer = "/spec/template/spec/containers/0/env";
        world.api().set(Resource::DEPLOYMENT, &world.namespace, name, pointer, &elsewhere);
        let before = variables();

        let renewed = std::thread::scope(|scope| {
            let kubelet = scope.spawn(|| {
                let now = eventually("the Deployment changes", || Some(variables()).filter(|now| *now != before));
                assert!(now.as_array().unwrap().contains(&json!({"name": "KEPT", "value": "x"})), "{now}");
                let cutoff = now.as_array().unwrap().iter().find(|one| one["name"] != "KEPT").unwrap();
                first.terminate();
                let value = cutoff["value"].as_str().unwrap();
                start().variable(cutoff["name"].as_str().unwrap(), value).start()
            });
            let renewed = world.subcommand(&["keys", "renew"], &["--wait=30s"]);
            kubelet.join().unwrap();
            renewed
        });
        done(&renewed);
        let listed = world.subcommand(&["keys", "list"], &["-ojson"]);
        done(&listed);
        let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
        let current = listed["keys"].as_array().unwrap().iter().find(|key| key["current"] == true).unwrap();
        assert_eq!(current["fingerprint"], renewed.stdout.trim());
        assert_eq!(world.keys().len(), 2);
    });
}

/// SealedSecrets of all namespaces count, so that nobody else's may be there.
#[test]
fn keys_are_counted_and_retired_once_nothing_needs_them() {
    on_a_cluster_of_its_own("keys::inside_retirement");
}

#[test]
#[ignore = "run by keys_are_counted_and_retired_once_nothing_needs_them on a cluster of its own"]
fn inside_retirement() {
    end_to_end_without_crd(|world| {
        Cluster::get().install_crd();
        let old = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&old.secret("old"));
        let controller = world.controller().arg("--watch-for-secrets").start();
        controller.next_certificate(&old.certificate);
        world.create(&old.sealed_secret(&world.namespace, "uses-old", "foo", &world.plant()));
        world.synced("uses-old");
        world.create_synced("uses-new", &[("foo", &world.plant())]);
        let keys = listed(world);
        let key = |state: bool| {
            let found = keys.iter().find(|key| key["current"] == state).unwrap();
            (found["fingerprint"].as_str().unwrap().to_owned(), found["usedBy"].as_i64().unwrap())
        };
        let ((old_key, old_users), (current, users)) = (key(false), key(true));
        assert_eq!((old_users, users), (1, 1));

        let retire = |args: &[&str]| world.subcommand(&["keys", "retire"], args);
        let label =
            || world.api().get(Resource::SECRET, &world.namespace, "old").unwrap()["metadata"]["labels"][LABEL].clone();
        for (args, reason) in [(&[current.as_str()][..], "it is current"), (&[&old_key], "needed by")] {
            let refused = retire(args);
            assert_eq!(refused.code, Some(1), "{refused:?}");
            assert!(refused.stdout.contains(reason), "{refused:?}");
        }
        world.api().delete(Resource::SEALED, &world.namespace, "uses-old");
        let folder = world.folder().join("repository");
        fs::create_dir(&folder).unwrap();
        let unrecorded = old.sealed_secret("shop", "db", "foo", "x");
        fs::write(folder.join("db.json"), unrecorded.to_string()).unwrap();
        let refused = retire(&[&old_key, "--in", folder.to_str().unwrap()]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stdout.contains("may need it") && refused.stderr.contains("db.json"), "{refused:?}");
        let rehearsed = retire(&["--older-than", "400d", "--dry-run"]);
        done(&rehearsed);
        assert!(rehearsed.stdout.starts_with("would retire"), "{rehearsed:?}");
        assert_eq!(label(), "active");

        done(&retire(&["--older-than", "400d"]));
        assert_eq!(label(), "compromised");
        done(&world.subcommand(&["keys", "list"], &[]));
    });
}

fn listed(world: &World) -> Vec<Value> {
    let listed = world.subcommand(&["keys", "list"], &["-ojson"]);
    done(&listed);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["sealedSecrets"]["unknownKey"], 0, "{listed}");
    listed["keys"].as_array().unwrap().clone()
}

fn brought_as(key: &KeyPair, name: &str) -> Object {
    let mut secret = key.secret(name);
    let more = KeyPair::valid_from("2021-01-01T00:00:00Z");
    secret["stringData"] = json!({"tls.key": more.private_pem(), "tls.crt": more.certificate});
    secret
}

/// The object as a repository holds it.
fn again(object: &Object) -> Object {
    let metadata = &object["metadata"];
    json!({"apiVersion": object["apiVersion"], "kind": "SealedSecret", "spec": object["spec"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]}})
}

fn name(object: &Object) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

fn file(world: &World, name: &str) -> String {
    world.folder().join(name).to_str().unwrap().to_owned()
}

fn done(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{}\n{}", finished.stdout, finished.stderr);
}
