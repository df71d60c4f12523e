//! `kubeseal keys backup` before a person's eyes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::fs;

use server::terminal::Terminal;
use server::{Kubeseal, Server, text};

fn key_file(name: &str) -> String {
    format!("{}/tests/golden/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A cluster with one key.
fn cluster() -> Server {
    let base64 = |name: &str| sealed_secrets_resource::encode_base64(&fs::read(key_file(name)).unwrap());
    let (certificate, key) = (base64("a.crt"), base64("a.key"));
    Server::start(move |request, _| {
        if !request.line.contains("?limit=") {
            return text(404, r#"{"kind":"Status","status":"Failure","reason":"NotFound"}"#);
        }
        let labels = r#"{"sealedsecrets.bitnami.com/sealed-secrets-key":"active"}"#;
        text(
            200,
            &format!(
                r#"{{"items":[{{"metadata":{{"name":"key-a","namespace":"kube-system","labels":{labels}}},"type":"kubernetes.io/tls","data":{{"tls.crt":"{certificate}","tls.key":"{key}"}}}}]}}"#
            ),
        )
    })
}

#[test]
fn private_keys_show_on_a_terminal_only_for_those_who_insist() {
    let server = cluster();
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    for name in [None, Some("/dev/stdout"), Some("/dev/tty"), Some("/dev/fd/1"), Some("/dev/fd/2"), Some("tty-link")] {
        if name == Some("tty-link") {
            std::os::unix::fs::symlink("/dev/tty", kubeseal.path().join("tty-link")).unwrap();
        }
        let args: Vec<&str> =
            ["keys", "backup"].into_iter().chain(name.into_iter().flat_map(|name| ["-w", name])).collect();
        let (status, screen) = Terminal::start(&kubeseal, &args).end();
        assert_eq!(status, 1, "{name:?}: {screen}");
        assert!(screen.starts_with("error: private keys are not shown on a terminal\nhint: "), "{name:?}: {screen}");
        assert!(!screen.contains("tls.key") && server.requests().is_empty(), "{name:?}: {screen}");
    }
    let (status, screen) = Terminal::start(&kubeseal, &["keys", "backup", "--force", "-w", "/dev/tty"]).end();
    assert!(status == 0 && screen.contains("tls.key: "), "{screen}");
    // What goes elsewhere is nobody's business, and what is encrypted is no secret.
    for more in [
        ["-w", "keys.yaml"],
        ["-w", "/dev/null"],
        ["--recipient", "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"],
    ] {
        let (status, screen) = Terminal::start(&kubeseal, &[&["keys", "backup"], more.as_slice()].concat()).end();
        assert!(status == 0 && !screen.contains("tls.key"), "{more:?}: {screen}");
    }
    assert!(kubeseal.read("keys.yaml").contains("tls.key: "));
}

#[test]
fn a_passphrase_is_typed_twice_unseen_and_opens_the_backup() {
    let server = cluster();
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    let backup = |first: &str, second: &str| {
        let mut terminal = Terminal::start(&kubeseal, &["keys", "backup", "--passphrase", "-w", "keys.age"]);
        terminal.wait_for("Passphrase for the backup: ");
        terminal.wait_until_input_is_hidden();
        terminal.press(first);
        terminal.wait_for("The same passphrase again: ");
        terminal.wait_until_input_is_hidden();
        terminal.press(second);
        terminal.end()
    };
    let (status, screen) = backup("correct horse\n", "correct hose\n");
    assert!(status == 1 && screen.contains("error: the two passphrases differ"), "{screen}");
    assert!(!kubeseal.path().join("keys.age").exists());
    let (status, screen) = backup("correct horse\n", "correct horse\n");
    assert!(status == 0 && screen.contains("backed up 1 key of namespace kube-system, encrypted"), "{screen}");
    assert!(!screen.contains("horse"), "{screen}");
    assert!(!kubeseal.read("keys.age").contains("tls.key"));

    let mut terminal = Terminal::start(&kubeseal, &["keys", "list", "--from-keys", "keys.age"]);
    terminal.wait_for("Passphrase for keys.age: ");
    terminal.wait_until_input_is_hidden();
    terminal.press("correct horse\n");
    let (status, screen) = terminal.end();
    assert!(status == 0 && screen.contains("key-a") && !screen.contains("horse"), "{screen}");
}
