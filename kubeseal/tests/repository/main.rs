//! Whole repositories: what `kubeseal reencrypt` changes and what it never does, however it ends.

#![allow(clippy::unwrap_used, clippy::panic)]

mod documented;
mod generate;
mod interrupted;
mod odd_files;
mod partly;
#[path = "../server/mod.rs"]
mod server;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use generate::{contents, item, key_file, public_key, repository, values};
use sealed_secrets_crypto::Label;
use server::{Kubeseal, Run};

fn offline(kubeseal: &Kubeseal, more: &[&str]) -> Run {
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    kubeseal.run(&[&["reencrypt", "--from-keys", &key, "--cert", &certificate], more].concat(), "")
}

fn git(folder: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "core.autocrlf=false"];
    let output = Command::new("git").args(identity).args(args).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether a line holds a ciphertext.
fn has_ciphertext(line: &str) -> bool {
    line.split(|letter: char| !letter.is_ascii_alphanumeric() && !"+/=".contains(letter)).any(|word| word.len() > 300)
}

/// The line without the record of the keys, and without the comma that an entry before a new one gets in JSON.
fn without_record(line: &str) -> String {
    let record =
        regex::Regex::new(r#",? ?"?sealedsecrets\.bitnami\.com/sealed-with"?: ?"?SHA256:[A-Za-z0-9+/]{43}"?"#).unwrap();
    record.replace(line, "").trim_end_matches(',').to_owned()
}

#[test]
fn a_thousand_sealed_secrets_change_in_their_ciphertexts_and_the_record_alone() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    let objects = repository(&root, 1000);
    assert!(objects >= 1000);
    git(&root, &["init", "-q"]);
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-qm", "before"]);
    let before = contents(&root);

    let run = offline(&kubeseal, &["repository"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let summary = run.stderr.lines().last().unwrap();
    assert!(summary.ends_with("items: 1200 encrypted again"), "{summary}");
    let skipped: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("skipped: ")).collect();
    assert_eq!(skipped.len(), 50, "{skipped:?}");
    assert!(
        skipped
            .iter()
            .all(|line| line.ends_with("/chart/templates/sealed.yaml: a template, no YAML before it is rendered"))
    );

    let difference = git(&root, &["diff", "-U0", "--no-color"]);
    let changed = |sign: char| {
        difference
            .lines()
            .filter(move |line| line.starts_with(sign) && !line.starts_with("---") && !line.starts_with("+++"))
    };
    let new = public_key("b.crt").fingerprint().to_string();
    let explained: Vec<String> = changed('+').map(|line| without_record(&line[1..])).collect();
    for line in changed('-').map(|line| &line[1..]) {
        let recorded = line.contains("sealed-with");
        assert!(recorded || has_ciphertext(line) || explained.contains(&without_record(line)), "-{line}");
    }
    let gone: Vec<String> = changed('-').map(|line| without_record(&line[1..])).collect();
    for line in changed('+').map(|line| &line[1..]) {
        let recorded = line.contains("sealed-with") && line.contains(&new);
        // The map of annotations where there was none, in YAML and in JSON.
        let map = ["annotations:", "\"annotations\": {", "}"].contains(&line.trim());
        assert!(recorded || map || has_ciphertext(line) || gone.contains(&without_record(line)), "+{line}");
    }

    let after = contents(&root);
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, old) in &before {
        let new = &after[name];
        if [".md", "templates/sealed.yaml", "broken-but-other.yaml"].iter().any(|end| name.ends_with(end)) {
            assert!(old == new, "{name}");
            continue;
        }
        let (opened_before, opened_now) = (values(old, "a.key"), values(new, "b.key"));
        assert_eq!(opened_before, opened_now, "{name}");
        let opened = opened_now.unwrap();
        assert!(!opened.is_empty() && opened.iter().all(|(item, value)| value.ends_with(item)), "{name}: {opened:?}");
        assert_eq!(
            old.iter().filter(|byte| **byte == b'\r').count() > 0,
            new.iter().filter(|byte| **byte == b'\r').count() > 0
        );
    }

    // Everything is recorded now: no key is needed to see that nothing is stale, and nothing is written again.
    let certificate = key_file("b.crt");
    let check = kubeseal.run(&["reencrypt", "--check", "--cert", &certificate, "repository"], "");
    assert_eq!((check.code, check.stdout.as_str()), (Some(0), ""), "{}", check.stderr);
    let again = offline(&kubeseal, &["repository"]);
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""), "{}", again.stderr);
    assert_eq!(contents(&root), after);
}

#[test]
fn without_a_record_only_ciphertexts_change() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    repository(&root, 20);
    fs::remove_file(root.join("team-0/recorded.yaml")).unwrap();
    let before = contents(&root);
    assert_eq!(offline(&kubeseal, &["--record-key=false", "repository"]).code, Some(0));
    let masked = |content: &[u8]| {
        let long = regex::Regex::new("[A-Za-z0-9+/=]{300,}").unwrap();
        long.replace_all(std::str::from_utf8(content).unwrap(), "CIPHERTEXT").into_owned()
    };
    let after = contents(&root);
    for (name, old) in &before {
        assert_eq!(masked(old), masked(&after[name]), "{name}");
    }
}

#[test]
fn a_repository_moves_to_another_cluster_into_another_folder() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    repository(&root, 20);
    let before = contents(&root);
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let run = kubeseal.run(
        &["reencrypt", "--from-keys", &key, "--to-cert", &certificate, "--write-to", "out/of/it", "repository"],
        "",
    );
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(contents(&root), before);
    let moved = contents(&kubeseal.path().join("out/of/it"));
    assert_eq!(moved.len(), 10, "{:?}", moved.keys());
    for (name, content) in moved {
        assert_eq!(values(&content, "b.key"), values(&before[&name], "a.key"), "{name}");
    }
}

#[test]
fn dry_runs_and_checks_change_nothing() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    repository(&root, 20);
    let before = contents(&root);
    let run = offline(&kubeseal, &["--dry-run", "repository"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("team-0/plain.yaml:1: shop-0/plain: would encrypt a, b again\n"), "{}", run.stdout);
    assert!(
        run.stderr.ends_with("10 files with 24 items: 24 to encrypt again, nothing was written\n"),
        "{}",
        run.stderr
    );
    let run = offline(&kubeseal, &["--check", "repository"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let old = public_key("a.crt").fingerprint();
    assert!(
        run.stdout.contains(&format!("team-0/plain.yaml:1: shop-0/plain: item a is stale: opens with {old}\n")),
        "{}",
        run.stdout
    );
    let certificate = key_file("b.crt");
    let run = kubeseal
        .run(&["reencrypt", "--check", "-o", "json", "--cert", &certificate, "repository/team-0/recorded.yaml"], "");
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let item = &report["objects"][0]["items"][0];
    assert_eq!(
        (run.code, &item["stale"], &item["reason"]),
        (Some(1), &true.into(), &format!("{old} is recorded").into())
    );
    assert_eq!(contents(&root), before);
}

#[test]
fn one_file_that_fails_is_named_and_the_rest_is_done() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    repository(&root, 20);
    let foreign = item(&public_key("c.crt"), &Label::strict("shop", "db"), "x");
    let mine = item(&public_key("a.crt"), &Label::strict("shop", "db"), "x");
    let text = format!(
        "kind: SealedSecret\nmetadata: {{name: db, namespace: shop}}\nspec:\n  encryptedData:\n    bad: {foreign}\n    good: {mine}\n    torn: AQ==\n"
    );
    fs::write(root.join("foreign.yaml"), &text).unwrap();
    let run = offline(&kubeseal, &["repository"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr
            .contains("error: repository/foreign.yaml:1: shop/db: item bad: none of the given keys opens it\nhint: "),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("error: repository/foreign.yaml:1: shop/db: item torn: is cut off"), "{}", run.stderr);
    assert!(run.stderr.ends_with("10 files with 24 items: 24 encrypted again; 2 failures\n"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(root.join("foreign.yaml")).unwrap(), text);
}

/// A controller with the key of `b.crt`, which knows what every item held.
fn controller() -> server::Server {
    server::Server::start(|request, _| {
        if request.line.ends_with("/proxy/v1/cert.pem") {
            return server::Reply::Send(200, Vec::new(), fs::read(key_file("b.crt")).unwrap());
        }
        if !request.line.ends_with("/proxy/v1/rotate") {
            return server::text(200, r#"{"kind":"Service","spec":{"ports":[{"port":8080}]}}"#);
        }
        let mut object: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(object["spec"]["template"].get("data"), None, "nothing to render");
        let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let wide = object["metadata"]["annotations"].get("sealedsecrets.bitnami.com/namespace-wide").is_some();
        let label = if wide { Label::namespace_wide(&namespace) } else { Label::strict(&namespace, &name) };
        for (item_name, value) in object["spec"]["encryptedData"].as_object_mut().unwrap() {
            *value = item(&public_key("b.crt"), &label, &format!("{namespace}/{name}/{item_name}")).into();
        }
        server::text(200, &object.to_string())
    })
}

#[test]
fn the_controller_re_encrypts_stale_items_alone() {
    let old = public_key("a.crt").fingerprint();
    let server = controller();
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    let root = kubeseal.path().join("repository");
    repository(&root, 20);
    fs::remove_file(root.join("team-0/everywhere.yaml")).unwrap();
    let fresh = item(&public_key("b.crt"), &Label::strict("shop", "db"), "shop/db/fresh");
    let stale = item(&public_key("a.crt"), &Label::strict("shop", "db"), "shop/db/stale");
    let text = format!(
        "kind: SealedSecret\nmetadata:\n  name: db\n  namespace: shop\n  annotations:\n    sealedsecrets.bitnami.com/sealed-with: {old}; fresh={}\nspec:\n  encryptedData:\n    fresh: {fresh}\n    stale: {stale}\n",
        public_key("b.crt").fingerprint()
    );
    fs::write(root.join("half.yaml"), text).unwrap();
    let run = kubeseal.run(&["reencrypt", "--via-controller", "repository"], "");
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.ends_with("10 files with 25 items: 24 encrypted again\n"), "{}", run.stderr);
    let half = fs::read_to_string(root.join("half.yaml")).unwrap();
    assert!(half.contains(&fresh) && !half.contains(&stale) && !half.contains(&old.to_string()), "{half}");
    let opened: BTreeMap<String, String> = values(half.as_bytes(), "b.key").unwrap();
    assert!(opened.iter().all(|(item, value)| value.ends_with(item)) && opened.len() == 2, "{opened:?}");
    let sent = server.requests().into_iter().filter(|request| request.line.contains("rotate"));
    assert!(sent.into_iter().all(|request| !request.body.contains(&fresh)));
    assert_eq!(kubeseal.run(&["reencrypt", "--via-controller", "--check", "repository"], "").code, Some(0));
}
