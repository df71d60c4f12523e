//! Many documents at once.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use server::{Kubeseal, Run, key_file};

fn secrets(count: usize) -> String {
    let one = |n| format!("---\nkind: Secret\nmetadata: {{name: n{n}, namespace: x}}\nstringData: {{k: value {n}}}\n");
    (0..count).map(one).collect()
}

fn names(run: &Run) -> Vec<String> {
    let found = run.stdout.lines().filter_map(|line| line.strip_prefix("  name: "));
    found.map(str::to_owned).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("n{n}")).collect()
}

fn seal(more: &[&str], input: &str) -> (Kubeseal, Run) {
    let kubeseal = Kubeseal::new();
    let certificate = key_file("a.crt");
    let run = kubeseal.run(&[&["--cert", &certificate, "-oyaml"], more].concat(), input);
    (kubeseal, run)
}

#[test]
fn results_stand_in_the_order_of_the_input_and_open_again() {
    let (kubeseal, sealed) = seal(&[], &secrets(300));
    sealed.succeeded();
    assert_eq!(names(&sealed), numbered(300));
    let key = format!("{}/tests/golden/keys/a.key", env!("CARGO_MANIFEST_DIR"));
    let recovery = ["--recovery-unseal", "-oyaml", "--recovery-private-key", &key];
    let opened = kubeseal.run(&recovery, &sealed.stdout);
    opened.succeeded();
    assert_eq!(names(&opened), numbered(300));
    let values = opened.stdout.lines().filter_map(|line| line.strip_prefix("  k: "));
    let wanted = (0..300).map(|n| sealed_secrets_resource::encode_base64(format!("value {n}").as_bytes()));
    assert!(values.map(str::to_owned).eq(wanted));

    // One that does not open: what stands before it is there, it is named, and nothing follows.
    let renamed = sealed.stdout.replacen("\n  name: n150\n", "\n  name: other\n", 1);
    let partly = kubeseal.run(&recovery, &renamed);
    assert_eq!((partly.code, names(&partly)), (Some(1), numbered(150)));
    assert!(
        partly.stderr.starts_with("error: no key could decrypt secret (k)\nhint: this is about SealedSecret x/other; ")
    );
}

#[test]
fn many_items_of_one_object_are_opened_together() {
    let items: String = (0..100).map(|n| format!("  i{n}: value {n}\n")).collect();
    let (kubeseal, sealed) =
        seal(&[], &format!("kind: Secret\nmetadata: {{name: db, namespace: x}}\nstringData:\n{items}"));
    sealed.succeeded();
    let key = format!("{}/tests/golden/keys/two.key", env!("CARGO_MANIFEST_DIR"));
    let recovery = ["--recovery-unseal", "-oyaml", "--recovery-private-key", &key];
    let opened = kubeseal.run(&recovery, &sealed.stdout);
    opened.succeeded();
    for n in 0..100 {
        let value = sealed_secrets_resource::encode_base64(format!("value {n}").as_bytes());
        assert!(opened.stdout.contains(&format!("\n  i{n}: {value}\n")), "{n}");
    }
    let damaged = sealed.stdout.replace("    i3: A", "    i3: B").replace("    i99: A", "    i99: A%");
    kubeseal.run(&recovery, &damaged).failed_with("error: illegal base64 data at input byte 1 (i99)");
    assert!(kubeseal.run(&recovery, &damaged).stderr.contains("\nno key could decrypt secret (i3)\n"));
}

#[test]
fn a_document_that_fails_ends_the_output_before_it() {
    let failing = secrets(100) + "---\nkind: Secret\nmetadata: {name: empty, namespace: x}\n" + &secrets(100);
    let (_, run) = seal(&[], &failing);
    assert_eq!((run.code, names(&run)), (Some(1), numbered(100)));
    assert!(run.stderr.starts_with("error: secret.data is empty"), "{}", run.stderr);
    let (kubeseal, run) = seal(&["-w", "out"], &failing);
    assert_eq!((run.code, run.stdout.as_str(), kubeseal.files()), (Some(1), "", Vec::new()));
}

#[test]
fn nothing_is_printed_before_everything_has_been_read() {
    for last in ["---\nkind: ConfigMap\n", "---\n{", "---\nkind: Secret\ndata: {k: '%'}\n"] {
        let (_, run) = seal(&[], &(secrets(100) + last));
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{last}");
    }
}
