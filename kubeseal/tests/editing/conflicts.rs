//! What comes between reading a file and writing it, and what could have been known before.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::server::{self, Kubeseal, Run};
use super::{edit, is_empty, key_file, place, with_editor, write_target};

/// The run must have failed because of what somebody wrote to `db.yaml`, which is still there.
#[track_caller]
fn kept_theirs(kubeseal: &Kubeseal, run: &Run, before: &str) {
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(
        run.stderr,
        "error: db.yaml: the file was changed while it was worked on\nhint: nothing was written to it; run it again\n"
    );
    assert_eq!(kubeseal.read("db.yaml"), format!("{before}# theirs\n"));
}

#[test]
fn what_others_write_while_a_person_edits_is_kept() {
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal, "sed -i 's/s3cret/mine/' \"$1\"; echo '# theirs' >>db.yaml");
    let before = write_target(&kubeseal);
    let key = key_file("a.key");
    kept_theirs(&kubeseal, &edit(&kubeseal, &["--from-keys", &key]), &before);
    assert!(is_empty(memory.path()));
    // With nothing to write there is nothing to lose.
    let kubeseal = with_editor(place().0, "echo '# theirs' >>db.yaml");
    write_target(&kubeseal);
    assert_eq!(edit(&kubeseal, &["--from-keys", &key]).stderr, "nothing was changed\n");
}

#[test]
fn what_others_write_while_a_value_is_waited_for_is_kept() {
    let kubeseal = Kubeseal::new();
    let before = write_target(&kubeseal);
    let pipe = kubeseal.path().join("value");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let certificate = key_file("b.crt");
    let child = kubeseal.start(&["set", "--cert", &certificate, "db.yaml", "pass", "--from-file", "value"], "");
    // Opened once somebody reads, which is after the file was read.
    let writer = fs::OpenOptions::new().write(true).open(&pipe).unwrap();
    fs::write(kubeseal.path().join("db.yaml"), format!("{before}# theirs\n")).unwrap();
    drop(writer);
    kept_theirs(&kubeseal, &Run::of(&child.wait_with_output().unwrap()), &before);
}

#[test]
fn what_can_be_known_to_fail_fails_before_the_editor_starts() {
    let nowhere = server::unused_url();
    let (kubeseal, memory) = place();
    let kubeseal = with_editor(kubeseal.cluster(&nowhere, "{}"), "touch started");
    let before = write_target(&kubeseal);
    let key = key_file("a.key");
    for (args, message) in [
        (
            ["edit", "--cert", "missing.crt", "--from-keys", &key, "db.yaml"].as_slice(),
            "open missing.crt: no such file",
        ),
        (&["edit", "--from-keys", &key, "db.yaml"], "error: cannot get sealed secret service: "),
        (&["edit", "--cert", "missing.crt", "."], "is a directory"),
    ] {
        let run = kubeseal.run(args, "");
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stderr.contains(message), "{run:?}");
        assert!(!kubeseal.path().join("started").exists() && is_empty(memory.path()), "{args:?}");
    }
    assert_eq!(kubeseal.read("db.yaml"), before);
}

#[test]
fn a_file_that_must_not_be_written_is_refused_before_anything_is_typed() {
    let kubeseal = with_editor(Kubeseal::who_may_be_refused(), "touch started; sed -i 's/s3cret/mine/' \"$1\"");
    let before = write_target(&kubeseal);
    for name in ["a.key", "b.key", "b.crt"] {
        kubeseal.file(name, &fs::read_to_string(key_file(name)).unwrap());
    }
    let mode = |name: &str, mode| fs::set_permissions(kubeseal.path().join(name), fs::Permissions::from_mode(mode));
    let edit = ["edit", "--cert", "b.crt", "--from-keys", "a.key", "db.yaml"];
    let all = [edit.as_slice(), &["set", "--cert", "b.crt", "db.yaml", "pass"], &["unset", "db.yaml", "pass"]];
    mode("db.yaml", 0o444).unwrap();
    for args in all {
        kubeseal.run(args, "v").failed_with("error: open db.yaml: permission denied");
    }
    // A folder in which no new file can be made.
    mode("db.yaml", 0o666).unwrap();
    mode("", 0o555).unwrap();
    for args in all {
        kubeseal.run(args, "v").failed_with("error: open db.yaml: permission denied");
    }
    mode("", 0o777).unwrap();
    assert!(!kubeseal.path().join("started").exists());
    assert_eq!(kubeseal.read("db.yaml"), before);
    assert_eq!(kubeseal.run(&edit, "").code, Some(0));
    assert!(kubeseal.path().join("started").exists());
    let opened =
        kubeseal.run(&["--recovery-unseal", "--recovery-private-key", "a.key,b.key", "-f", "db.yaml", "-oyaml"], "");
    assert!(opened.stdout.contains(&super::base64("mine")), "{opened:?}");
}
