//! Files and folders that are not as they should be.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;

use sealed_secrets_crypto::Label;
use wait4::Wait4;

use super::generate::{contents, item, key_file, public_key, values};
use super::offline;
use super::server::{Kubeseal, Run, copy_program};

pub(super) fn sealed(name: &str) -> String {
    let text = item(&public_key("a.crt"), &Label::strict("shop", name), "s3cret");
    format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: {name}\n  namespace: shop\nspec:\n  encryptedData:\n    a: {text}\n"
    )
}

pub(super) fn write(kubeseal: &Kubeseal, name: &str, content: impl AsRef<[u8]>) {
    let path = kubeseal.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(super) fn is_renewed(kubeseal: &Kubeseal, name: &str) -> bool {
    values(&fs::read(kubeseal.path().join(name)).unwrap(), "b.key").is_ok_and(|values| values.len() == 1)
}

#[test]
fn binary_files_and_other_encodings_are_passed_over_or_named() {
    let kubeseal = Kubeseal::new();
    write(&kubeseal, "r/good.yaml", sealed("good"));
    write(&kubeseal, "r/binary.yaml", [0, 1, 2, 0xff, 0xfe]);
    write(&kubeseal, "r/binary-with-the-word.json", b"\x00\xff\x80 SealedSecret");
    let utf16: Vec<u8> = format!("\u{feff}{}", sealed("w")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    write(&kubeseal, "r/windows.yaml", utf16);
    write(&kubeseal, "r/not-yaml.yaml", "kind: SealedSecret\nspec: [\n");
    write(&kubeseal, "r/name.yaml", sealed("db").replace("name: db", "name: '{{ .Release.Name }}'"));
    write(&kubeseal, "r/wrong.yaml", "kind: SealedSecret\nmetadata: []\n");
    let run = offline(&kubeseal, &["r"]);
    assert_eq!(run.code, Some(1));
    let said: Vec<&str> = run.stderr.lines().filter(|line| !line.starts_with("hint")).collect();
    assert_eq!(
        said,
        [
            "skipped: r/name.yaml:1: shop/{{ .Release.Name }}: its name or namespace is a template",
            "error: r/binary-with-the-word.json: line 1, column 2: the input is not UTF-8 text",
            "error: r/not-yaml.yaml: line 2, column 7: invalid YAML: unclosed bracket '['",
            "error: r/windows.yaml: line 1, column 1: the input is not UTF-8 but UTF-16 text; save it as UTF-8",
            "error: r/wrong.yaml: line 2: metadata must be a map, found a list",
            "2 files with 1 item: 1 encrypted again; 4 failures",
        ]
    );
    assert!(is_renewed(&kubeseal, "r/good.yaml"));
}

#[test]
fn a_file_of_fifty_megabytes_takes_bounded_memory() {
    let kubeseal = Kubeseal::new();
    fs::create_dir(kubeseal.path().join("r")).unwrap();
    let large = |name: &str, last: &str| {
        let mut file = BufWriter::new(File::create(kubeseal.path().join(name)).unwrap());
        for number in 0..50 * 1024 {
            writeln!(file, "---\nkind: ConfigMap\nmetadata: {{name: n{number}}}\ndata: {{text: {}}}", "x".repeat(960))
                .unwrap();
        }
        write!(file, "{last}").unwrap();
    };
    large("r/other.yaml", "");
    // Much larger than any memory that the bound leaves, and nothing but zeros.
    File::create(kubeseal.path().join("r/zeros.yaml")).unwrap().set_len(400 << 20).unwrap();
    write(&kubeseal, "r/good.yaml", sealed("good"));
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let used = kubeseal.start(&["reencrypt", "--from-keys", &key, "--cert", &certificate, "r"], "").wait4().unwrap();
    assert!(used.status.success() && is_renewed(&kubeseal, "r/good.yaml"));
    // This process counts as well: what it has in memory seems to belong to what it starts.
    assert!(used.rusage.maxrss < 150 << 20, "{} bytes", used.rusage.maxrss);
    large("large.yaml", &format!("---\n{}", sealed("db")));
    let run = offline(&kubeseal, &["large.yaml"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.starts_with("error: large.yaml: the file has more than 32 MiB\nhint: split it"), "{run:?}");
}

#[test]
fn a_full_disk_leaves_every_file_whole() {
    let kubeseal = Kubeseal::new();
    // Files of more than one kilobyte cannot be written; the small one is done.
    write(&kubeseal, "r/large.yaml", format!("{}# {}\n", sealed("large"), "x".repeat(2000)));
    write(&kubeseal, "r/small.yaml", sealed("small"));
    let before = fs::read(kubeseal.path().join("r/large.yaml")).unwrap();
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    let command = kubeseal.command(&[]);
    let mut shell = std::process::Command::new("/bin/sh");
    // Without the trap the system would end the program itself. The unit is 512 bytes.
    shell.args(["-c", "trap '' XFSZ; ulimit -f 3; exec \"$@\"", "sh"]).arg(command.get_program());
    shell
        .args(["reencrypt", "--from-keys", &key, "--cert", &certificate, "r"])
        .env_clear()
        .current_dir(kubeseal.path());
    let run = Run::of(&shell.output().unwrap());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("error: write ") && run.stderr.contains("r/large.yaml: file too large"), "{run:?}");
    assert_eq!(fs::read(kubeseal.path().join("r/large.yaml")).unwrap(), before);
    assert!(is_renewed(&kubeseal, "r/small.yaml"));
    assert_eq!(contents(&kubeseal.path().join("r")).len(), 2);
}

#[test]
fn links_keep_and_modes_stay_and_circles_end() {
    let kubeseal = Kubeseal::new();
    write(&kubeseal, "r/a/real.yaml", sealed("real"));
    write(&kubeseal, "elsewhere/x.yaml", sealed("x"));
    let real = kubeseal.path().join("r/a/real.yaml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("..", kubeseal.path().join("r/a/up")).unwrap();
    symlink("a/real.yaml", kubeseal.path().join("r/link.yaml")).unwrap();
    symlink("../elsewhere", kubeseal.path().join("r/out")).unwrap();
    symlink("loop.yaml", kubeseal.path().join("r/loop.yaml")).unwrap();
    let run = offline(&kubeseal, &["r"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let said: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "skipped: r/loop.yaml: the link is not followed: too many levels of symbolic links",
            "skipped: r/out: the link leads outside and is not followed; name it as a path of its own",
            "1 file with 1 item: 1 encrypted again",
        ]
    );
    assert!(is_renewed(&kubeseal, "r/a/real.yaml") && !is_renewed(&kubeseal, "elsewhere/x.yaml"));
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
    // Named itself, a link is followed and stays one.
    symlink("elsewhere/x.yaml", kubeseal.path().join("named.yaml")).unwrap();
    assert_eq!(offline(&kubeseal, &["named.yaml", "r/loop.yaml"]).code, Some(1));
    assert!(is_renewed(&kubeseal, "elsewhere/x.yaml"));
    assert!(fs::symlink_metadata(kubeseal.path().join("named.yaml")).unwrap().is_symlink());
}

/// As a person who is not root, whom permissions mean nothing to.
fn as_nobody(kubeseal: &Kubeseal, args: &[&str]) -> Run {
    let root = kubeseal.path();
    let is_root = fs::metadata(root).unwrap().uid() == 0;
    if !is_root {
        return kubeseal.run(args, "");
    }
    // Neither the program nor the keys need be anywhere that others may look.
    let program = root.join("kubeseal");
    copy_program(kubeseal.command(&[]).get_program().as_ref(), &program);
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = std::process::Command::new(program);
    Run::of(&command.args(args).env_clear().current_dir(root).uid(65534).gid(65534).output().unwrap())
}

#[test]
fn what_must_not_be_read_or_written_is_named() {
    let kubeseal = Kubeseal::new();
    write(&kubeseal, "r/open/a.yaml", sealed("a"));
    write(&kubeseal, "r/locked/b.yaml", sealed("b"));
    write(&kubeseal, "r/read-only/c.yaml", sealed("c"));
    for name in ["a.key", "b.crt"] {
        write(&kubeseal, name, fs::read(key_file(name)).unwrap());
        fs::set_permissions(kubeseal.path().join(name), fs::Permissions::from_mode(0o644)).unwrap();
    }
    let mode =
        |name: &str, mode| fs::set_permissions(kubeseal.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    mode("r/open", 0o777);
    mode("r/open/a.yaml", 0o666);
    mode("r/read-only/c.yaml", 0o444);
    mode("r/read-only", 0o777);
    mode("r/locked", 0);
    let before = fs::read(kubeseal.path().join("r/read-only/c.yaml")).unwrap();
    let run = as_nobody(&kubeseal, &["reencrypt", "--from-keys", "a.key", "--cert", "b.crt", "r"]);
    mode("r/locked", 0o755);
    assert_eq!(run.code, Some(1), "{run:?}");
    let said: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "error: r/locked: permission denied",
            "error: open r/read-only/c.yaml: permission denied",
            "1 file with 1 item: 1 encrypted again; 2 failures",
        ]
    );
    assert!(is_renewed(&kubeseal, "r/open/a.yaml"));
    assert_eq!(fs::read(kubeseal.path().join("r/read-only/c.yaml")).unwrap(), before);
}

#[test]
fn settings_choose_certificate_and_namespace_by_path() {
    let kubeseal = Kubeseal::new();
    let settings = "rules:\n- paths: prod/\n  certificate: certificates/b.crt\n  namespace: shop\n- certificate: certificates/c.crt\n  record-key: false\n";
    write(&kubeseal, "r/.kubeseal.yaml", settings);
    for name in ["b.crt", "c.crt"] {
        write(&kubeseal, &format!("r/certificates/{name}"), fs::read(key_file(name)).unwrap());
    }
    write(&kubeseal, "r/prod/a.yaml", sealed("a").replace("  namespace: shop\n", ""));
    write(&kubeseal, "r/other/b.yaml", sealed("b"));
    let key = key_file("a.key");
    let run = kubeseal.run(&["reencrypt", "--from-keys", &key, "r"], "");
    assert_eq!(run.code, Some(0), "{run:?}");
    let text = |name: &str| fs::read_to_string(kubeseal.path().join(name)).unwrap();
    let b = text("r/prod/a.yaml");
    assert!(values(b.replace("name: a\n", "name: a\n  namespace: shop\n").as_bytes(), "b.key").is_ok(), "{b}");
    assert!(b.contains("sealed-with: SHA256:") && !text("r/other/b.yaml").contains("sealed-with"));
    assert!(values(text("r/other/b.yaml").as_bytes(), "c.key").is_ok());
    // The command line counts more.
    let certificate = key_file("b.crt");
    let check = kubeseal.run(&["reencrypt", "--check", "--cert", &certificate, "r/prod"], "");
    assert_eq!(check.code, Some(0), "{check:?}");
    assert!(Path::new(&kubeseal.path().join("r/.kubeseal.yaml")).exists());
}
