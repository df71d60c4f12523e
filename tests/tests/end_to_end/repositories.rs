//! `kubeseal reencrypt --via-controller`: a repository that no private key is at hand for.

use std::fs;

use sealed_secrets_tests::{Finished, Object, World, end_to_end, secret};
use serde_json::{Value, json};

/// More files than the controller answers at once: its limit is waited out, not reported.
const FILES: usize = 6;

/// A new key, the whole repository through the controller, and the old key may go.
#[test]
fn a_repository_moves_to_the_new_key_through_the_controller_and_opens_without_the_old_one() {
    end_to_end(|world| {
        let first = world.controller().start();
        let before = first.certificate();
        let old_key = world.keys()[0]["metadata"]["name"].as_str().unwrap().to_owned();
        let values: Vec<String> = (0..FILES).map(|_| world.plant()).collect();
        let root = world.folder().join("repository");
        fs::create_dir_all(root.join("deeper")).unwrap();
        let path = |number: usize| match number % 2 {
            0 => root.join(format!("{number}.yaml")),
            _ => root.join("deeper").join(format!("{number}.yaml")),
        };
        for (number, value) in values.iter().enumerate() {
            fs::write(path(number), manifest(world, &format!("db-{number}"), value)).unwrap();
        }
        let other = "# not ours\nkind: ConfigMap\napiVersion: v1\nmetadata: {name: other}\n";
        fs::write(root.join("other.yaml"), other).unwrap();
        let texts = || (0..FILES).map(|number| fs::read_to_string(path(number)).unwrap()).collect::<Vec<_>>();
        let originals = texts();

        first.signal("USR1");
        first.next_certificate(&before);
        let folder = root.to_str().unwrap();
        let stale = re_encrypt(world, &["--check", folder]);
        assert_eq!(stale.code, Some(1), "{stale:?}");
        let rehearsed = re_encrypt(world, &["--dry-run", folder]);
        assert_eq!(rehearsed.code, Some(0), "{rehearsed:?}");
        assert_eq!(texts(), originals, "a rehearsal writes nothing");

        let moved = re_encrypt(world, &[folder]);
        assert_eq!(moved.code, Some(0), "{moved:?}");
        for (original, now) in originals.iter().zip(texts()) {
            assert_ne!(*original, now);
            for line in ["# who asks: the shop", "    password:   # rotated in May", "  template: {type: Opaque}"] {
                assert!(now.contains(&format!("{line}\n")), "{now}");
            }
        }
        assert_eq!(fs::read_to_string(root.join("other.yaml")).unwrap(), other);
        let fresh = re_encrypt(world, &["--check", folder]);
        assert_eq!(fresh.code, Some(0), "{fresh:?}");

        first.kill();
        world.api().delete(sealed_secrets_tests::Resource::SECRET, &world.namespace, &old_key);
        world.controller().start();
        for (number, value) in values.iter().enumerate() {
            let name = format!("db-{number}");
            world.create(&read(world, &fs::read_to_string(path(number)).unwrap()));
            world.wait_for_items(&name, &[("password", value)]);
        }
    });
}

/// One object that the controller does not open is named; its file stays, and the others are done.
#[test]
fn what_the_controller_does_not_open_is_named_and_the_rest_is_done() {
    end_to_end(|world| {
        let controller = world.controller().start();
        let before = controller.certificate();
        let root = world.folder().join("repository");
        fs::create_dir(&root).unwrap();
        let (good, bad) = (root.join("good.yaml"), root.join("bad.yaml"));
        let value = world.plant();
        fs::write(&good, manifest(world, "good", &value)).unwrap();
        let renamed = manifest(world, "elsewhere", &value).replace("name: elsewhere", "name: here");
        fs::write(&bad, &renamed).unwrap();
        let original = fs::read_to_string(&good).unwrap();
        controller.signal("USR1");
        controller.next_certificate(&before);

        let run = re_encrypt(world, &[root.to_str().unwrap()]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains("bad.yaml") && run.stderr.contains("/here"), "{run:?}");
        assert_eq!(fs::read_to_string(&bad).unwrap(), renamed);
        assert_ne!(fs::read_to_string(&good).unwrap(), original);

        controller.kill();
        let untouched = fs::read_to_string(&good).unwrap();
        let run = re_encrypt(world, &["--all", root.to_str().unwrap()]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(fs::read_to_string(&good).unwrap(), untouched);
    });
}

fn re_encrypt(world: &World, args: &[&str]) -> Finished {
    world.subcommand(&["reencrypt"], &[&["--via-controller"], args].concat())
}

/// As somebody keeps it: with comments, and a style that no program writes.
fn manifest(world: &World, name: &str, value: &str) -> String {
    let sealed = world.seal(&secret(&world.namespace, name, &[("password", value)]), &[]);
    let ciphertext = sealed["spec"]["encryptedData"]["password"].as_str().unwrap();
    let namespace = &world.namespace;
    format!(
        "# who asks: the shop\nkind: SealedSecret\napiVersion: bitnami.com/v1alpha1\nmetadata:\n  name: {name}\n  \
         namespace: {namespace}\nspec:\n  encryptedData:\n    password:   # rotated in May\n      {ciphertext}\n  \
         template: {{type: Opaque}}\n"
    )
}

/// The object in such a text, for the API server.
fn read(world: &World, text: &str) -> Object {
    let line = |start: &str| text.lines().find_map(|line| line.trim().strip_prefix(start)).unwrap().to_owned();
    let ciphertext = text.lines().skip_while(|line| !line.contains("password:")).nth(1).unwrap().trim();
    let object: Value = json!({
        "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
        "metadata": {"name": line("name: "), "namespace": world.namespace},
        "spec": {"encryptedData": {"password": ciphertext}},
    });
    object
}
