//! Input that is meant to break something: always a clear error, soon, and within bounded memory.

#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use server::{Kubeseal, Reply, Run, SECRET, Server, key_file};

/// Runs one of the modes that read documents, with at most so many MiB of memory.
fn limited(kubeseal: &Kubeseal, args: &[&str], mebibytes: u32) -> Run {
    let script = format!("ulimit -v $(({mebibytes} * 1024)); exec \"$@\"");
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_kubeseal")]).args(args);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(kubeseal.path());
    Run::of(&command.stdin(File::open(kubeseal.path().join("input")).unwrap()).output().unwrap())
}

fn modes(certificate: &str) -> [Vec<&str>; 3] {
    [
        vec!["--cert", certificate],
        vec!["--recovery-unseal"],
        vec!["--cert", certificate, "--merge-into", "input", "-f", "secret"],
    ]
}

#[test]
fn no_document_explodes() {
    let bomb: String =
        (1..30).map(|n| format!("b{n}: &b{n} [{}]\n", vec![format!("*b{}", n - 1); 10].join(", "))).collect();
    let bomb = format!("b0: &b0 [x, x, x]\n{bomb}kind: Secret\nstringData: *b29\n");
    let nested = |open: &str, close: &str| format!("kind: {}{}\n", open.repeat(10_000), close.repeat(10_000));
    let deep_block: String = (0..10_000).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    let kubeseal = Kubeseal::new();
    fs::write(kubeseal.path().join("secret"), SECRET).unwrap();
    let certificate = key_file("a.crt");
    for (name, input) in [
        ("alias bomb", bomb),
        ("nested lists", nested("[", "]")),
        ("nested maps", nested("{a: ", "}")),
        ("nested JSON", format!("{{\"kind\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000))),
        ("nested JSON maps", "{\"a\":".repeat(10_000)),
        ("nested blocks", deep_block),
        ("nested sequences", format!("a: \n{}x", "- ".repeat(10_000))),
        ("NUL bytes", "kind: Secret\nmetadata: {name: \"a\0b\"}\n\0\0\0".to_owned()),
        ("only NUL bytes", "\0".repeat(5000)),
        ("control characters", "kind: Secret\nstringData: {k: \"\u{1}\u{7f}\u{1b}[2J\"}\n".to_owned()),
    ] {
        fs::write(kubeseal.path().join("input"), input).unwrap();
        for args in modes(&certificate) {
            let start = Instant::now();
            let run = limited(&kubeseal, &args, 1024);
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{name}, {args:?}: {}", run.stderr);
            assert!(run.stderr.starts_with("error: ") && run.stderr.len() < 1000, "{name}: {}", run.stderr);
            assert!(!run.stderr.contains(['\0', '\u{1b}']), "{name}: {:?}", run.stderr);
            assert!(start.elapsed() < Duration::from_secs(10), "{name}, {args:?}: {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_hundred_megabytes_of_garbage_are_an_error() {
    let kubeseal = Kubeseal::new();
    fs::write(kubeseal.path().join("secret"), SECRET).unwrap();
    let certificate = key_file("a.crt");
    let noise: Vec<u8> = (0..1_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let letters =
        [b"k: \"", noise.iter().map(|byte| b'a' + byte % 26).collect::<Vec<_>>().repeat(100).as_slice()].concat();
    let [seal, recover, merge] = modes(&certificate);
    for (input, modes) in [
        // An unoptimised build takes seconds for each run.
        (noise.repeat(100), vec![seal.clone(), recover.clone(), merge.clone()]),
        (letters, vec![seal.clone()]),
        (b"garbage \n".repeat(1_000_000), vec![seal.clone(), recover.clone(), merge.clone()]),
        // What makes the largest trees: as many small things as are allowed, and then some.
        (b"a: b\n".repeat(20_000_000), vec![seal.clone(), recover, merge]),
        ([&b"{\"kind\":["[..], &b"{\"a\":0},".repeat(12_500_000)].concat(), vec![seal]),
    ] {
        fs::write(kubeseal.path().join("input"), input).unwrap();
        for args in modes {
            let start = Instant::now();
            // The input, a copy while it is read or a tree of it, and what a program needs anyway.
            let run = limited(&kubeseal, &args, 400);
            assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "{args:?}: {}", run.stderr);
            assert!(run.stderr.starts_with("error: ") && run.stderr.len() < 1000, "{}", run.stderr);
            assert!(start.elapsed() < Duration::from_secs(60), "{args:?}: {:?}", start.elapsed());
        }
    }
}

#[test]
fn a_stream_of_documents_that_say_nothing_takes_no_memory() {
    let kubeseal = Kubeseal::new();
    // As trees all at once they would take a hundred times the room of the text.
    fs::write(kubeseal.path().join("input"), "{\"a\":{}}".repeat(300_000)).unwrap();
    let run = limited(&kubeseal, &["--cert", &key_file("a.crt")], 128);
    run.failed_with("error: no secrets found. Ensure the input is valid and UTF-8 encoded");
}

#[test]
fn directories_and_files_that_may_not_be_read_are_told_by_name() {
    let kubeseal = Kubeseal::who_may_be_refused();
    fs::create_dir(kubeseal.path().join("dir")).unwrap();
    let shut = kubeseal.file("shut", "x");
    fs::set_permissions(shut, fs::Permissions::from_mode(0o000)).unwrap();
    fs::copy(key_file("a.crt"), kubeseal.path().join("a.crt")).unwrap();
    let (is_a_directory, denied) = ("read dir: is a directory", "open shut: permission denied");
    for (flags, directory, shut) in [
        (&["--cert"][..], is_a_directory, denied),
        (
            &["--cert", "a.crt", "-f"],
            is_a_directory,
            "Could not read file specified with --secret-file: open shut: permission denied",
        ),
        (&["--cert", "a.crt", "--merge-into"], "open dir: is a directory", denied),
        (&["--cert", "a.crt", "--raw", "--scope=cluster-wide", "--from-file"], is_a_directory, denied),
        (&["--recovery-unseal", "--recovery-private-key"], is_a_directory, denied),
        (
            &["--kubeconfig"],
            "error loading config file \"dir\": is a directory",
            "error loading config file \"shut\": permission denied",
        ),
        (
            &["--server=https://x", "--certificate-authority"],
            "unable to read certificate-authority dir: is a directory",
            "invalid configuration: unable to read certificate-authority shut due to open shut: permission denied",
        ),
    ] {
        let run = |name: &'static str| kubeseal.run(&[flags, &[name]].concat(), SECRET);
        run("dir").failed_with(&format!("error: {directory}"));
        run("shut").failed_with(&format!("error: {shut}"));
    }
    // A file that may not be read can be replaced all the same.
    kubeseal.run(&["--cert", "a.crt", "-w", "dir"], SECRET).failed_with("error: open dir: is a directory");
    kubeseal.run(&["--cert", "a.crt", "-w", "shut"], SECRET).succeeded();
    fs::set_permissions(kubeseal.path(), fs::Permissions::from_mode(0o555)).unwrap();
    kubeseal.run(&["--cert", "a.crt", "-w", "new"], SECRET).failed_with("error: open new: permission denied");
    fs::set_permissions(kubeseal.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_certificate_server_that_says_nothing_is_given_up() {
    let server = Server::start(|_, _| Reply::Hang);
    let url = format!("{}/cert.pem", server.url);
    let start = Instant::now();
    let run = Kubeseal::new().run(&["--cert", &url], SECRET);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.starts_with(&format!("error: Get \"{url}\": ")), "{run:?}");
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
}

#[test]
fn a_kubeconfig_that_points_nowhere_matters_only_where_it_is_needed() {
    let nowhere = Kubeseal::new().cluster("http://127.0.0.1:1", "{}");
    let missing = ["--kubeconfig", "no/such/file"];
    let certificate = ["--cert", &key_file("a.crt")];
    for kubeseal in [&nowhere, &Kubeseal::new()] {
        kubeseal.run(&[&certificate[..], &missing].concat(), SECRET).succeeded();
        kubeseal.run(&[&certificate[..], &missing, &["--fetch-cert"]].concat(), "").succeeded();
        let opened =
            kubeseal.run(&[&missing[..], &["--recovery-unseal"]].concat(), "kind: SealedSecret\nmetadata: {name: a}\n");
        opened.succeeded();
    }
    let run = nowhere.run(&certificate, "kind: Secret\nmetadata: {name: a}\nstringData: {k: v}\n");
    run.succeeded();
    assert!(run.stdout.contains("\"namespace\": \"default\""), "{}", run.stdout);
    let run = nowhere.run(&["--re-encrypt"], "");
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.starts_with("error: cannot get sealed secret service: Get "), "{}", run.stderr);
    let run = Kubeseal::new().run(&[&missing[..], &["--re-encrypt"]].concat(), "");
    run.failed_with("error: stat no/such/file: no such file or directory");
}
