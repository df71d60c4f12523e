//! Values in an editor: what is changed, and what is left of the plaintext.

#![allow(clippy::unwrap_used, clippy::panic)]

mod conflicts;
mod interrupted;
#[path = "../server/mod.rs"]
mod server;

use std::fs;
use std::path::Path;

use sealed_secrets_crypto::{Certificate, Label, SystemRandom};
use sealed_secrets_resource::seal_value;
use server::{Kubeseal, Run};

fn key_file(name: &str) -> String {
    format!("{}/tests/golden/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn item(value: &str) -> String {
    let certificate = Certificate::first_from_pem(&fs::read(key_file("a.crt")).unwrap()).unwrap();
    seal_value(certificate.rsa_public_key().unwrap(), &Label::strict("shop", "db"), value.as_bytes(), &mut SystemRandom)
        .unwrap()
}

fn write_target(kubeseal: &Kubeseal) -> String {
    let text = format!(
        "# mine\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {{name: db, namespace: shop}}\nspec:\n  encryptedData:\n    pass: {} # p\n    user: \"{}\"\n",
        item("s3cret"),
        item("admin")
    );
    fs::write(kubeseal.path().join("db.yaml"), &text).unwrap();
    text
}

/// With memory-backed storage of its own, so that nothing else is ever in it.
fn place() -> (Kubeseal, tempfile::TempDir) {
    let memory = tempfile::tempdir_in("/dev/shm").unwrap();
    let kubeseal = Kubeseal::new().env("XDG_RUNTIME_DIR", memory.path().to_str().unwrap());
    (kubeseal, memory)
}

/// An editor that is a line of shell; `$1` is the file.
fn with_editor(kubeseal: Kubeseal, script: &str) -> Kubeseal {
    let editor = kubeseal.file("editor", &format!("{script}\n"));
    // Read by the shell and not run itself, see `server::copy_program`.
    kubeseal.env("EDITOR", &format!("sh {editor}"))
}

fn edit(kubeseal: &Kubeseal, more: &[&str]) -> Run {
    let certificate = key_file("b.crt");
    kubeseal.run(&[&["edit", "--cert", &certificate, "db.yaml"], more].concat(), "")
}

fn values(kubeseal: &Kubeseal) -> String {
    let (a, b) = (key_file("a.key"), key_file("b.key"));
    let keys = format!("{a},{b}");
    kubeseal.run(&["--recovery-unseal", "--recovery-private-key", &keys, "-f", "db.yaml", "-oyaml"], "").stdout
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

fn base64(text: &str) -> String {
    sealed_secrets_resource::encode_base64(text.as_bytes())
}

#[test]
fn only_changed_items_get_a_new_ciphertext() {
    let (kubeseal, memory) = place();
    let script = "stat -c '%a' \"$1\" \"$(dirname \"$1\")\" >seen; cat \"$1\" >>seen; echo '  new: n' >>\"$1\"; sed -i 's/s3cret/changed/' \"$1\"; touch \"$1~\"";
    let kubeseal = with_editor(kubeseal, script);
    let before = write_target(&kubeseal);
    let key = key_file("a.key");
    edit(&kubeseal, &["--from-keys", &key]).succeeded();
    let after = fs::read_to_string(kubeseal.path().join("db.yaml")).unwrap();
    let line = |text: &str, word: &str| text.lines().find(|line| line.contains(word)).unwrap().to_owned();
    assert_eq!(line(&before, "user:"), line(&after, "user:"));
    assert_ne!(line(&before, "pass:"), line(&after, "pass:"));
    assert!(after.starts_with("# mine\n") && line(&after, "pass:").ends_with(" # p"), "{after}");
    // The key of what was not changed is known as well, because it was opened.
    assert!(line(&after, "sealed-with").matches("SHA256:").count() == 2, "{after}");
    let opened = values(&kubeseal);
    for (item, value) in [("pass", "changed"), ("user", "admin"), ("new", "n")] {
        assert!(opened.contains(&format!("{item}: {}\n", base64(value))), "{opened}");
    }
    let seen = fs::read_to_string(kubeseal.path().join("seen")).unwrap();
    assert!(seen.starts_with("600\n700\n# SealedSecret shop/db of db.yaml, scope strict.\n"), "{seen}");
    assert!(seen.ends_with("stringData:\n  pass: s3cret\n  user: admin\n"), "{seen}");
    assert!(is_empty(memory.path()));
}

#[test]
fn an_unchanged_form_writes_nothing() {
    let (kubeseal, memory) = place();
    for script in [":", "echo '# a comment' >>\"$1\"", ": >\"$1\""] {
        let kubeseal = with_editor(Kubeseal::new().env("XDG_RUNTIME_DIR", memory.path().to_str().unwrap()), script);
        let before = write_target(&kubeseal);
        let modified = || fs::metadata(kubeseal.path().join("db.yaml")).unwrap().modified().unwrap();
        let then = modified();
        let key = key_file("a.key");
        let run = edit(&kubeseal, &["--from-keys", &key]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), "nothing was changed\n"), "{script}");
        assert_eq!((fs::read_to_string(kubeseal.path().join("db.yaml")).unwrap(), modified()), (before, then));
        assert!(is_empty(memory.path()));
    }
    drop(kubeseal);
}

#[test]
fn without_keys_the_form_has_no_values_and_those_that_are_left_empty_stay() {
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal, "cp \"$1\" seen; sed -i 's/^  user:$/  user: 0123/' \"$1\"");
    let before = write_target(&kubeseal);
    edit(&kubeseal, &["--record-key=false"]).succeeded();
    let seen = fs::read_to_string(kubeseal.path().join("seen")).unwrap();
    assert!(
        seen.contains("Values cannot be shown without private keys")
            && seen.ends_with("stringData:\n  pass:\n  user:\n"),
        "{seen}"
    );
    let after = fs::read_to_string(kubeseal.path().join("db.yaml")).unwrap();
    assert!(!after.contains("sealed-with") && after.lines().nth(6) == before.lines().nth(6), "{after}");
    let opened = values(&kubeseal);
    assert!(
        opened.contains(&format!("user: {}\n", base64("0123")))
            && opened.contains(&format!("pass: {}\n", base64("s3cret"))),
        "{opened}"
    );
    assert!(is_empty(memory.path()));
}

#[test]
fn the_live_secret_shows_the_values() {
    let server = server::Server::start(|request, _| {
        assert_eq!(request.line, "GET /api/v1/namespaces/shop/secrets/db");
        let data = format!(r#"{{"kind":"Secret","data":{{"user":"{}","other":"eA=="}}}}"#, base64("admin"));
        server::text(200, &data)
    });
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal.cluster(&server.url, "{}"), "cp \"$1\" seen; sed -i '/^  user:/d' \"$1\"");
    write_target(&kubeseal);
    edit(&kubeseal, &["--from-cluster"]).succeeded();
    assert!(
        fs::read_to_string(kubeseal.path().join("seen")).unwrap().ends_with("stringData:\n  pass:\n  user: admin\n")
    );
    let after = fs::read_to_string(kubeseal.path().join("db.yaml")).unwrap();
    assert!(after.contains("pass: ") && !after.contains("user"), "{after}");
    assert!(is_empty(memory.path()));
    let forbidden = server::Server::start(|_, _| {
        server::text(403, r#"{"kind":"Status","status":"Failure","message":"secrets \"db\" is forbidden"}"#)
    });
    let kubeseal = with_editor(Kubeseal::new().cluster(&forbidden.url, "{}"), "echo never >seen");
    write_target(&kubeseal);
    edit(&kubeseal, &["--from-cluster"]).failed_with("error: cannot read Secret shop/db: secrets \"db\" is forbidden");
    assert!(!kubeseal.path().join("seen").exists());
}

#[test]
fn what_goes_wrong_in_the_editor_changes_nothing_and_leaves_nothing() {
    for (script, message) in [
        ("exit 3", "editor ended without success (exit status: 3); nothing was changed"),
        ("echo '  b: \"s3cret' >>\"$1\"", "the form cannot be read: line "),
        ("echo '  b: [s3cret]' >>\"$1\"", "the form cannot be read: line 7: item b: must be text, found a list"),
        ("rm \"$1\"", "values.yaml: no such file or directory"),
        ("rm \"$1\"; mkfifo \"$1\"", "values.yaml: it is not a regular file"),
        ("rm \"$1\"; mkdir \"$1\"", "values.yaml: it is not a regular file"),
        ("mv \"$1\" \"$1~\"; ln -s values.yaml~ \"$1\"", "values.yaml: too many levels of symbolic links"),
    ] {
        let (kubeseal, memory) = place();
        let kubeseal = with_editor(kubeseal, script);
        let before = write_target(&kubeseal);
        let key = key_file("a.key");
        let run = edit(&kubeseal, &["--from-keys", &key]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(message) && !run.stderr.contains("s3cret"), "{run:?}");
        assert_eq!(fs::read_to_string(kubeseal.path().join("db.yaml")).unwrap(), before);
        assert!(is_empty(memory.path()), "{script}");
    }
}

#[test]
fn set_takes_values_from_everywhere_and_touches_nothing_else() {
    let kubeseal = Kubeseal::new();
    let before = write_target(&kubeseal);
    let certificate = key_file("b.crt");
    let set =
        |more: &[&str], stdin: &str| kubeseal.run(&[&["set", "--cert", &certificate, "db.yaml"], more].concat(), stdin);
    set(&["new"], "from stdin").succeeded();
    fs::write(kubeseal.path().join("value"), "from a file\n").unwrap();
    set(&["tls.key", "--from-file", "value"], "").succeeded();
    set(&["generated", "--generate", "32"], "").succeeded();
    let typed = set(&["pass=typed=x"], "");
    assert_eq!(typed.code, Some(0));
    assert!(
        typed.stderr.starts_with("hint: values on the command line") && !typed.stderr.contains("typed=x"),
        "{typed:?}"
    );
    let noted = set(&["broken"], "line\n");
    assert_eq!((noted.code, noted.stderr.starts_with("note: the value ends with a line break")), (Some(0), true));
    let empty = set(&["empty"], "");
    assert_eq!(
        (empty.code, empty.stderr.as_str()),
        (Some(0), "note: standard input was empty, and so is the value now\n")
    );
    kubeseal.file("nothing", "");
    set(&["empty", "--from-file", "nothing"], "").succeeded();
    let opened = values(&kubeseal);
    for (item, value) in [
        ("new", "from stdin"),
        ("tls.key", "from a file\n"),
        ("pass", "typed=x"),
        ("broken", "line\n"),
        ("user", "admin"),
    ] {
        assert!(opened.contains(&format!("{item}: {}\n", base64(value))), "{item}: {opened}");
    }
    assert!(opened.contains("empty: \"\"\n"), "{opened}");
    let generated = opened.lines().find_map(|line| line.trim().strip_prefix("generated: ")).unwrap();
    assert_eq!(sealed_secrets_resource::decode_base64(generated).unwrap().len(), 32);
    kubeseal.run(&["unset", "db.yaml", "new", "tls.key", "generated", "broken", "empty"], "").succeeded();
    let after = fs::read_to_string(kubeseal.path().join("db.yaml")).unwrap();
    assert_eq!(before.lines().last(), after.lines().last());
    let record = after.lines().find(|line| line.contains("sealed-with")).unwrap();
    assert!(record.contains("pass=SHA256:") && !record.contains("new") && !record.contains("user"), "{record}");
}

#[test]
fn json_keeps_its_style() {
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal, "sed -i 's/s3cret/changed/' \"$1\"");
    let (pass, user) = (item("s3cret"), item("admin"));
    let text = format!(
        "{{\r\n\t\"kind\": \"SealedSecret\", \"apiVersion\":\"bitnami.com/v1alpha1\",\r\n\t\"metadata\": {{ \"name\": \"db\", \"namespace\": \"shop\" }},\r\n\t\"spec\": {{\r\n\t\t\"encryptedData\": {{\r\n\t\t\t\"pass\": \"{pass}\",\r\n\t\t\t\"user\":  \"{user}\"\r\n\t\t}}\r\n\t}}\r\n}}"
    );
    kubeseal.file("db.json", &text);
    let masked = |text: &str| {
        let long = regex::Regex::new("[A-Za-z0-9+/=]{300,}").unwrap();
        long.replace_all(text, "CIPHERTEXT").into_owned()
    };
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let run = |args: &[&str]| kubeseal.run(args, "v").succeeded();
    run(&["edit", "--cert", &certificate, "--record-key=false", "--from-keys", &key, "db.json"]);
    let edited = kubeseal.read("db.json");
    assert_eq!(masked(&edited), masked(&text));
    assert!(edited.contains(&user) && !edited.contains(&pass), "{edited}");
    run(&["set", "--cert", &certificate, "--record-key=false", "db.json", "pass"]);
    let set = kubeseal.read("db.json");
    assert_eq!(masked(&set), masked(&text));
    assert!(set.contains(&user) && set != edited, "{set}");
    run(&["set", "--cert", &certificate, "--record-key=false", "db.json", "new"]);
    assert_eq!(masked(&kubeseal.read("db.json")).matches("CIPHERTEXT").count(), 3);
    run(&["unset", "db.json", "new"]);
    assert_eq!(kubeseal.read("db.json"), set);
    assert!(is_empty(memory.path()));
}
