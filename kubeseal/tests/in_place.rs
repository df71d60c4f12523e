//! Files that are changed where they are: merged into, re-encrypted, and plaintext output.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use server::{Kubeseal, Reply, SECRET, Server, key_file, text};

const TARGET: &str = "# the database\r\nkind: SealedSecret\r\nmetadata:\r\n    name: db # quoted elsewhere\r\n    namespace: \
    shop\r\nspec:\r\n    encryptedData:\r\n        old: \"AQ==\"\r\n---\r\n# nothing here";

/// A controller that answers `rotate` by what `answer` makes of the request.
fn controller(answer: impl Fn(serde_json::Value) -> Reply + Send + Sync + 'static) -> Server {
    Server::start(move |request, _| {
        if request.line.ends_with("/proxy/v1/rotate") {
            answer(serde_json::from_str(&request.body).unwrap())
        } else {
            text(200, r#"{"kind":"Service","spec":{"ports":[{"port":8080}]}}"#)
        }
    })
}

/// The same object with other ciphertexts, as the controller answers: without kind.
fn rotated(mut object: serde_json::Value) -> Reply {
    for value in object["spec"]["encryptedData"].as_object_mut().unwrap().values_mut() {
        *value = "Ag==".into();
    }
    object.as_object_mut().unwrap().retain(|field, _| field == "metadata" || field == "spec");
    object["metadata"]["generation"] = 7.into();
    object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
    text(200, &object.to_string())
}

fn mode(kubeseal: &Kubeseal, name: &str) -> u32 {
    fs::metadata(kubeseal.path().join(name)).unwrap().mode() & 0o7777
}

fn write(kubeseal: &Kubeseal, name: &str, text: &str) {
    fs::write(kubeseal.path().join(name), text).unwrap();
}

fn read(kubeseal: &Kubeseal, name: &str) -> String {
    fs::read_to_string(kubeseal.path().join(name)).unwrap()
}

#[test]
fn re_encryption_in_place_changes_ciphertexts_and_nothing_else() {
    let server = controller(rotated);
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    for name in ["x.yaml", "x.json", "x"] {
        write(&kubeseal, name, TARGET);
        kubeseal.run(&["--re-encrypt", "-f", name], "").succeeded();
        assert_eq!(read(&kubeseal, name), TARGET.replace("AQ==", "Ag=="), "{name}");
        fs::remove_file(kubeseal.path().join(name)).unwrap();
    }
    assert_eq!(kubeseal.files(), [""; 0]);
}

#[test]
fn several_objects_of_a_file_are_re_encrypted_together() {
    let server = controller(rotated);
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    let list = "kind: List\nitems:\n- kind: SealedSecret\n  metadata: {name: a, namespace: x}\n  spec: {encryptedData: {k: AQ==}}\n";
    let both = format!(
        "{list}---\n{{\"kind\":\"SealedSecret\",\"metadata\":{{\"name\":\"b\"}},\"spec\":{{\"encryptedData\":{{\"k\":\"AQ==\"}}}}}}\n"
    );
    write(&kubeseal, "x", &both);
    kubeseal.run(&["--re-encrypt", "-f", "x"], "").stdout_of_success("");
    assert_eq!(read(&kubeseal, "x"), both.replace("AQ==", "Ag=="));
}

#[test]
fn the_format_changes_only_when_the_command_line_says_so() {
    let server = controller(rotated);
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}").env("SEALED_SECRETS_FORMAT", "json");
    write(&kubeseal, "x.yaml", TARGET);
    kubeseal.run(&["--re-encrypt", "-f", "x.yaml", "-o", "yaml"], "").succeeded();
    assert_eq!(read(&kubeseal, "x.yaml"), TARGET.replace("AQ==", "Ag=="));
    kubeseal.run(&["--re-encrypt", "-f", "x.yaml"], "").succeeded();
    assert_eq!(read(&kubeseal, "x.yaml"), TARGET.replace("AQ==", "Ag=="));
    kubeseal.run(&["--re-encrypt", "-f", "x.yaml", "-o", "json"], "").succeeded();
    let json = read(&kubeseal, "x.yaml");
    assert!(
        json.starts_with("{\n  \"kind\": \"SealedSecret\",\n  \"apiVersion\": \"bitnami.com/v1alpha1\","),
        "{json}"
    );
    assert!(!json.contains("generation") && !json.contains("creationTimestamp"), "{json}");
    kubeseal.run(&["--cert", &key_file("a.crt"), "--merge-into", "x.yaml", "-o", "yaml"], SECRET).succeeded();
    assert!(read(&kubeseal, "x.yaml").starts_with("---\napiVersion: "));
}

#[test]
fn without_a_file_to_replace_the_result_is_printed() {
    let server = controller(rotated);
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    write(&kubeseal, "x.yaml", TARGET);
    let yaml = "---\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\nspec:\n  \
                encryptedData:\n    old: Ag==\n  template:\n    metadata: {}\n";
    kubeseal.run(&["--re-encrypt", "-oyaml"], TARGET).stdout_of_success(yaml);
    kubeseal.run(&["--re-encrypt", "-oyaml", "-f", "-"], TARGET).stdout_of_success(yaml);
    kubeseal.run(&["--re-encrypt", "-oyaml", "-f", "/dev/stdin"], TARGET).stdout_of_success(yaml);
    // Also when standard input is a file: it was not named.
    let input = File::open(kubeseal.path().join("x.yaml")).unwrap();
    let output = kubeseal.command(&["--re-encrypt", "-oyaml", "-f", "/dev/stdin"]).stdin(input).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), yaml);
    kubeseal.run(&["--re-encrypt", "-f", "x.yaml", "-w", "y.yml"], "").stdout_of_success("");
    assert_eq!(read(&kubeseal, "y.yml"), yaml);
    assert_eq!(read(&kubeseal, "x.yaml"), TARGET);
}

#[test]
fn what_fails_leaves_every_file_as_it_was() {
    let refusing = controller(|_| text(409, ""));
    let failing = controller(|_| text(500, ""));
    let talking = controller(|_| text(200, "hello"));
    let forgetful = controller(|object| {
        text(200, &serde_json::json!({"metadata": object["metadata"], "spec": {"encryptedData": {}}}).to_string())
    });
    let mistaken =
        controller(|_| text(200, r#"{"metadata": {"name": "other"}, "spec": {"encryptedData": {"old": "Ag=="}}}"#));
    let [certificate, expired] = ["a.crt", "a-expired.crt"].map(key_file);
    let cause = "cannot re-encrypt secret: an error on the server (\"\") has prevented the request from succeeding (post services \
                 http:sealed-secrets-controller:)";
    let re_encrypt: &[&str] = &["--re-encrypt", "-f", "target"];
    let merge: &[&str] = &["--cert", &certificate, "--merge-into", "target"];
    let no_items = "kind: Secret\n";
    for (server, args, input, message) in [
        (&refusing, re_encrypt, "", "unable to rotate secret"),
        (&failing, re_encrypt, "", cause),
        (&talking, re_encrypt, "", "cannot re-encrypt secret: the reply is not JSON"),
        (&forgetful, re_encrypt, "", "target: line 2: the answer for db does not fit: it lacks item old"),
        (&mistaken, re_encrypt, "", "cannot re-encrypt secret: the reply is about another object"),
        (&failing, &["--re-encrypt", "-f", "target", "-w", "target"], "", cause),
        (&failing, &["--re-encrypt", "-f", "target", "-w", "new"], "", cause),
        (&failing, &["--re-encrypt", "-f", "empty"], "", "no sealed secrets found"),
        (&failing, &["--re-encrypt"], "", "no sealed secrets found"),
        (&failing, &["--re-encrypt", "-f", "target", "-w", "no/dir"], "", "open no/dir: no such file or directory"),
        (&failing, &[merge, &["-o", "xml"]].concat(), SECRET, "unsupported output format: xml"),
        (&failing, merge, "", "no secrets found. Ensure the input is valid and UTF-8 encoded"),
        (
            &failing,
            merge,
            no_items,
            "secret.data is empty in input Secret, assuming this is an error and aborting. To work with \
            empty data, --allow-empty-data can be used",
        ),
        (
            &failing,
            &["--cert", &expired, "--merge-into", "target"],
            SECRET,
            "failed to encrypt using an expired certificate on March 4, 2021",
        ),
        (
            &failing,
            &["--recovery-unseal", "--recovery-private-key", "target", "-w", "target"],
            "",
            "target: the file holds no usable private key: Secret shop/db: it is of kind \"SealedSecret\", not a Secret",
        ),
        (&failing, &["--recovery-unseal", "-w", "new"], TARGET, "no key could decrypt secret (old)"),
    ] {
        let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
        write(&kubeseal, "target", TARGET);
        write(&kubeseal, "empty", "# nothing\n");
        let run = kubeseal.run(args, input);
        run.failed_with(&format!("error: {message}"));
        assert_eq!(read(&kubeseal, "target"), TARGET, "{args:?}");
        assert_eq!(kubeseal.files(), ["empty", "target"], "{args:?}");
    }
}

#[test]
fn mode_and_symbolic_links_survive() {
    let server = controller(rotated);
    for args in [&["--re-encrypt", "-f", "link"][..], &["--cert", &key_file("a.crt"), "--merge-into", "link"]] {
        let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
        write(&kubeseal, "real", TARGET);
        fs::set_permissions(kubeseal.path().join("real"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", kubeseal.path().join("link")).unwrap();
        kubeseal.run(args, SECRET).stdout_of_success("");
        assert_eq!(kubeseal.files(), ["link", "real"]);
        assert_eq!(fs::read_link(kubeseal.path().join("link")).unwrap().to_str(), Some("real"));
        assert_eq!(mode(&kubeseal, "real"), 0o640);
        assert_ne!(read(&kubeseal, "real"), TARGET);
        assert!(read(&kubeseal, "real").contains("name: db # quoted elsewhere\r\n"));
    }
}

#[test]
fn recovered_plaintext_is_for_its_owner_alone() {
    let kubeseal = Kubeseal::new();
    let sealed = kubeseal.run(&["--cert", &key_file("a.crt")], SECRET).stdout;
    let key = format!("{}/tests/golden/keys/a.key", env!("CARGO_MANIFEST_DIR"));
    File::create(kubeseal.path().join("old")).unwrap().set_permissions(fs::Permissions::from_mode(0o644)).unwrap();
    for name in ["old", "new.yaml"] {
        let args = ["--recovery-unseal", "--recovery-private-key", &key, "-w", name];
        kubeseal.run(&args, &sealed).stdout_of_success("");
        assert_eq!(mode(&kubeseal, name), 0o600, "{name}");
        assert!(read(&kubeseal, name).contains("czNjcmV0"), "{name}");
    }
    assert_eq!(kubeseal.files(), ["new.yaml", "old"]);
}

#[test]
fn merging_needs_a_file_that_may_be_written() {
    let kubeseal = Kubeseal::who_may_be_refused();
    write(&kubeseal, "target", TARGET);
    fs::copy(key_file("a.crt"), kubeseal.path().join("a.crt")).unwrap();
    fs::set_permissions(kubeseal.path().join("target"), fs::Permissions::from_mode(0o444)).unwrap();
    let run = kubeseal.run(&["--cert", "a.crt", "--merge-into", "target"], SECRET);
    run.failed_with("error: open target: permission denied");
    assert_eq!(read(&kubeseal, "target"), TARGET);
}
