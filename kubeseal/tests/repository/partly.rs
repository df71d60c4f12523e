//! What is done where not everything can be: settings that cannot be used, and folders that are not empty.

use std::fs;
use std::os::unix::fs::symlink;

use super::generate::{contents, key_file};
use super::odd_files::{is_renewed, sealed, write};
use super::server::{Kubeseal, unused_url};

/// A repository whose settings are good for `ok/` alone.
fn with_odd_settings() -> Kubeseal {
    let kubeseal = Kubeseal::new();
    let settings = "rules:\n- {paths: missing/, certificate: missing.pem}\n- certificate: b.crt\n";
    write(&kubeseal, "r/.kubeseal.yaml", settings);
    write(&kubeseal, "r/b.crt", fs::read(key_file("b.crt")).unwrap());
    for name in ["broken/x", "missing/x", "missing/y", "missing/z", "ok/x"] {
        write(&kubeseal, &format!("r/{name}.yaml"), sealed(&name.replace('/', "-")));
    }
    write(&kubeseal, "r/missing/other.yaml", "kind: ConfigMap\n");
    write(&kubeseal, "r/broken/.kubeseal.yaml", "rules: x\n");
    kubeseal
}

fn said(stderr: &str, root: &std::path::Path) -> Vec<String> {
    let root = fs::canonicalize(root).unwrap();
    let lines = stderr.lines().filter(|line| !line.starts_with("hint: "));
    lines.map(|line| line.replace(root.to_str().unwrap(), "ROOT")).collect()
}

const BROKEN: &str = "error: r/broken/x.yaml: ROOT/r/broken/.kubeseal.yaml: line 1: rules must be a list";
const MISSING: &str = "error: r/missing/x.yaml and 2 more files: open ROOT/r/missing.pem: no such file or directory";

#[test]
fn settings_that_cannot_be_used_fail_the_files_that_they_are_for_alone() {
    let kubeseal = with_odd_settings();
    let before = contents(&kubeseal.path().join("r"));
    let key = key_file("a.key");
    let check = kubeseal.run(&["reencrypt", "--check", "--from-keys", &key, "r"], "");
    assert_eq!(check.code, Some(1), "{check:?}");
    assert!(check.stdout.starts_with("r/ok/x.yaml:1: shop/ok-x: item a is stale: opens with "), "{check:?}");
    assert_eq!(said(&check.stderr, kubeseal.path()), [BROKEN, MISSING, "1 file with 1 item: 1 stale; 4 failures"]);
    assert_eq!(contents(&kubeseal.path().join("r")), before);

    let lint = kubeseal.run(&["lint", "r"], "");
    assert_eq!(lint.code, Some(1), "{lint:?}");
    assert_eq!(said(&lint.stderr, kubeseal.path())[..2], [BROKEN, MISSING]);
    assert!(lint.stderr.ends_with("1 file with Secrets or SealedSecrets: 4 errors, 0 warnings\n"), "{lint:?}");

    let run = kubeseal.run(&["reencrypt", "--from-keys", &key, "r"], "");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(
        said(&run.stderr, kubeseal.path()),
        [BROKEN, MISSING, "1 file with 1 item: 1 encrypted again; 4 failures"]
    );
    assert!(is_renewed(&kubeseal, "r/ok/x.yaml"));
    for (name, content) in contents(&kubeseal.path().join("r")) {
        assert!(name == "ok/x.yaml" || content == before[&name], "{name}");
    }
    let json = kubeseal.run(&["reencrypt", "--check", "-ojson", "--from-keys", &key, "r"], "");
    let report: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(report["failed"].as_array().unwrap().len(), 2, "{report}");
}

#[test]
fn what_all_files_need_is_missed_once() {
    let kubeseal = Kubeseal::new().cluster(&unused_url(), "{}");
    for name in ["a", "b"] {
        write(&kubeseal, &format!("r/{name}.yaml"), sealed(name));
    }
    let key = key_file("a.key");
    for (args, message) in [
        (["reencrypt", "--from-keys", &key, "--cert", "missing.crt", "r"].as_slice(), "error: open missing.crt: "),
        (&["reencrypt", "--from-keys", &key, "r"], "error: cannot get sealed secret service: "),
        (&["reencrypt", "--via-controller", "r"], "error: cannot get sealed secret service: "),
    ] {
        let run = kubeseal.run(args, "");
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.starts_with(message) && run.stderr.matches("error: ").count() == 1, "{run:?}");
    }
    // What the command line says counts for a file whose settings name something else.
    write(&kubeseal, "r/.kubeseal.yaml", "rules: [{certificate: gone.crt}]\n");
    let run = kubeseal.run(&["reencrypt", "--from-keys", &key, "--cert", "missing.crt", "r"], "");
    assert!(run.stderr.starts_with("error: open missing.crt: "), "{run:?}");
}

#[test]
fn nothing_is_written_over_by_a_move() {
    let kubeseal = Kubeseal::new();
    write(&kubeseal, "r/a.yaml", sealed("a"));
    write(&kubeseal, "r/deep/b.yaml", sealed("b"));
    write(&kubeseal, "r/none.yaml", "kind: ConfigMap\n");
    symlink("r", kubeseal.path().join("link")).unwrap();
    let before = contents(&kubeseal.path().join("r"));
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let to = |folder: &str, more: &[&str]| {
        let args = ["reencrypt", "--from-keys", &key, "--to-cert", &certificate, "--write-to", folder];
        kubeseal.run(&[args.as_slice(), more].concat(), "")
    };
    for (folder, paths) in
        [("r", ["r"].as_slice()), ("link", &["r"]), ("r", &["r/a.yaml"]), ("r/deep", &["r/deep/b.yaml"])]
    {
        let run = to(folder, paths);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.starts_with(&format!("error: --write-to would write over {folder}/")), "{run:?}");
        assert_eq!(contents(&kubeseal.path().join("r")), before);
    }
    // A file of somebody else stays, the rest is done.
    write(&kubeseal, "out/a.yaml", "mine\n");
    write(&kubeseal, "out/none.yaml", "mine as well\n");
    let rehearsed = to("out", &["--dry-run", "r"]);
    assert!(
        rehearsed.code == Some(1) && rehearsed.stderr.contains("out/a.yaml: the file is there already"),
        "{rehearsed:?}"
    );
    assert!(!kubeseal.path().join("out/deep").exists());
    let run = to("out", &["r"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(
        run.stderr,
        "error: out/a.yaml: the file is there already\nhint: move it away, or choose another folder with --write-to\n\
         1 file with 1 item: 1 encrypted again; 1 failure\n"
    );
    assert_eq!(kubeseal.read("out/a.yaml"), "mine\n");
    assert_eq!(kubeseal.read("out/none.yaml"), "mine as well\n");
    assert!(is_renewed(&kubeseal, "out/deep/b.yaml"));
    assert_eq!(to("out", &["r"]).stderr.matches("the file is there already").count(), 2, "a second run");
}

/// Somebody merged two branches by hand and took the old text with the new annotation.
#[test]
fn a_check_says_how_much_it_believes_records() {
    let kubeseal = Kubeseal::new();
    let lie = |text: String| {
        let new = super::public_key("b.crt").fingerprint();
        let record = format!("  annotations: {{sealedsecrets.bitnami.com/sealed-with: '{new}'}}\nspec:\n");
        text.replacen("spec:\n", &record, 1)
    };
    write(&kubeseal, "r/a.yaml", lie(sealed("a")));
    write(&kubeseal, "r/b.yaml", lie(sealed("b")));
    let (a, b, certificate) = (key_file("a.key"), key_file("b.key"), key_file("b.crt"));
    let check =
        |keys: &[&str]| kubeseal.run(&[&["reencrypt", "--check", "--cert", &certificate, "r"], keys].concat(), "");
    let run = check(&[]);
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (Some(0), "2 files with 2 items: 0 stale; 2 judged by their record alone\n")
    );
    // Keys tell the truth.
    let run = check(&["--from-keys", &a, "--from-keys", &b]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), "2 files with 2 items: 2 stale\n"), "{run:?}");
}
