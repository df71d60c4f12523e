//! What is left on disk and on the streams, above all when a run does not end well.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use server::{Kubeseal, Reply, SECRET, Server, key_file};

fn sealing(kubeseal: &Kubeseal, more: &[&str], input: &str) -> server::Run {
    let certificate = key_file("a.crt");
    let args: Vec<&str> = ["--cert", &certificate].iter().chain(more).copied().collect();
    kubeseal.run(&args, input)
}

#[test]
fn a_result_file_appears_only_when_everything_succeeded() {
    let kubeseal = Kubeseal::new();
    let second_fails = format!("{SECRET}---\nkind: Secret\nmetadata: {{name: empty, namespace: shop}}\n");
    for (input, args) in
        [("", &["-w", "out"][..]), (&second_fails, &["-w", "out"]), (SECRET, &["-w", "out", "-o", "xml"])]
    {
        let run = sealing(&kubeseal, args, input);
        assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{run:?}");
        assert_eq!(kubeseal.files(), [""; 0], "{args:?}");
    }
    sealing(&kubeseal, &["-w", "out.yaml"], SECRET).succeeded();
    assert_eq!(kubeseal.files(), ["out.yaml"]);
    assert!(fs::read_to_string(kubeseal.path().join("out.yaml")).unwrap().starts_with("---\n"));
}

#[test]
fn a_new_file_follows_the_umask_and_an_old_one_keeps_its_mode() {
    let kubeseal = Kubeseal::new();
    let mode = |name: &str| fs::metadata(kubeseal.path().join(name)).unwrap().permissions().mode() & 0o7777;
    let script = format!(
        "umask 027; printf '{SECRET}' | {} --cert {} -w new",
        env!("CARGO_BIN_EXE_kubeseal"),
        key_file("a.crt")
    );
    assert!(Command::new("sh").args(["-c", &script]).current_dir(kubeseal.path()).status().unwrap().success());
    assert_eq!(mode("new"), 0o640);

    File::create(kubeseal.path().join("old")).unwrap().set_permissions(fs::Permissions::from_mode(0o604)).unwrap();
    sealing(&kubeseal, &["-w", "old"], SECRET).succeeded();
    assert_eq!(mode("old"), 0o604);
}

#[test]
fn an_interrupted_run_ends_by_the_signal_and_leaves_nothing() {
    let silent = Server::start(|_, _| Reply::Hang);
    let kubeseal = Kubeseal::new().cluster(&silent.url, "{}");
    let url = format!("{}/cert.pem", silent.url);
    for args in [&["-w", "out"][..], &["-w", "out", "--cert", &url]] {
        let before = silent.lines().len();
        let child = kubeseal.start(args, SECRET);
        let deadline = Instant::now() + Duration::from_secs(20);
        while silent.lines().len() == before && Instant::now() < deadline {
            std::thread::yield_now();
        }
        // Not SIGINT: who starts the tests in the background may have it ignored, and then kubeseal ignores it as well.
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(15), "{output:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(kubeseal.files(), [""; 0]);
    }
}

#[test]
fn a_reader_that_has_gone_ends_the_run_quietly() {
    let kubeseal = Kubeseal::new();
    for args in [&["--help"][..], &["--version"], &["--cert", &key_file("a.crt")]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        fs::write(kubeseal.path().join("input"), SECRET).unwrap();
        let input = File::open(kubeseal.path().join("input")).unwrap();
        let output = kubeseal.command(args).stdin(input).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn a_full_disk_is_one_clear_line() {
    let kubeseal = Kubeseal::new();
    fs::write(kubeseal.path().join("input"), SECRET).unwrap();
    for (args, name) in [(&["-f", "input"][..], "/dev/stdout"), (&["-f", "input", "-w", "/dev/full"], "/dev/full")] {
        let certificate = key_file("a.crt");
        let mut command = kubeseal.command(args);
        command.args(["--cert", &certificate]).stdin(Stdio::null()).stdout(File::create("/dev/full").unwrap());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&output.stderr), format!("error: write {name}: no space left on device\n"));
    }
}

#[test]
fn pipes_work_for_every_file() {
    let kubeseal = Kubeseal::new();
    let script = format!(
        "{0} --cert <(cat {1}) -f <(printf '{SECRET}') -w /dev/stdout -oyaml | head -1; \
         printf '{SECRET}' | {0} --cert {1} -f - -w >(head -1 | tr '-' '+') -oyaml; sleep 0.3",
        env!("CARGO_BIN_EXE_kubeseal"),
        key_file("a.crt")
    );
    let output = Command::new("bash").args(["-c", &script]).current_dir(kubeseal.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "---\n+++\n", "{output:?}");
    assert_eq!(kubeseal.files(), [""; 0]);
}

#[test]
fn a_secret_file_from_the_environment_does_not_disturb_raw_mode() {
    let kubeseal = Kubeseal::new().env("SEALED_SECRETS_SECRET_FILE", "input");
    let args = ["--raw", "--scope=cluster-wide"];
    fs::write(kubeseal.path().join("input"), SECRET).unwrap();
    let run = sealing(&kubeseal, &args, "value");
    run.succeeded();
    assert_eq!(sealed_secrets_resource::decode_base64(&run.stdout).unwrap().len(), 2 + 256 + 5 + 16);
    sealing(&kubeseal, &[&args[..], &["-f", "input"]].concat(), "value")
        .failed_with("error: --secret-file (-f) is not a source for --raw");
    fs::remove_file(kubeseal.path().join("input")).unwrap();
    sealing(&kubeseal, &args, "value")
        .failed_with("error: Could not read file specified with --secret-file: open input: no such file or directory");
}

#[test]
fn flags_for_log_files_neither_create_nor_need_them() {
    let kubeseal = Kubeseal::new();
    let args = ["-v9", "--logtostderr=false", "--log_file=log", "--log_dir=no/such/directory", "--log_file_max_size=1"];
    sealing(&kubeseal, &args, SECRET).succeeded();
    assert_eq!(kubeseal.files(), [""; 0]);
}
