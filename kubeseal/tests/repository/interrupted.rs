//! Runs that are ended from outside.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use super::generate::{contents, key_file, repository, values};
use super::offline;
use super::server::Kubeseal;

const SEALED_SECRETS: usize = 200;
const ROUNDS: usize = 50;

fn start(kubeseal: &Kubeseal) -> Child {
    let (key, certificate) = (key_file("a.key"), key_file("b.crt"));
    kubeseal.start(&["reencrypt", "--from-keys", &key, "--cert", &certificate, "repository"], "")
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// A new file has a new inode.
fn inodes(root: &Path, names: &[String]) -> Vec<u64> {
    names.iter().map(|name| fs::metadata(root.join(name)).unwrap().ino()).collect()
}

/// Waits until so many files are new, or until the run is over.
fn wait_for(child: &mut Child, root: &Path, names: &[String], before: &[u64], changed: usize) {
    while child.try_wait().unwrap().is_none() {
        let now = inodes(root, names);
        if now.iter().zip(before).filter(|(now, before)| now != before).count() >= changed {
            return;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// How many files are new; every other one is old byte for byte, and nothing is in between.
fn new_files(root: &Path, before: &BTreeMap<String, Vec<u8>>) -> usize {
    let mut new = 0;
    for (name, content) in contents(root) {
        let Some(old) = before.get(&name) else {
            // A file that was not finished: hidden, and without an ending that anyone reads.
            let bare = name.rsplit('/').next().unwrap();
            assert!(bare.starts_with('.') && !bare.ends_with(".yaml") && !bare.ends_with(".json"), "{name}");
            continue;
        };
        if content != *old {
            assert_eq!(values(&content, "b.key"), values(old, "a.key"), "{name}");
            new += 1;
        }
    }
    new
}

fn restore(root: &Path, before: &BTreeMap<String, Vec<u8>>) {
    for (name, content) in contents(root) {
        match before.get(&name) {
            None => fs::remove_file(root.join(&name)).unwrap(),
            Some(old) if content != *old => fs::write(root.join(&name), old).unwrap(),
            Some(_) => {}
        }
    }
}

#[test]
fn killed_at_any_point_every_file_is_old_or_new() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    repository(&root, SEALED_SECRETS);
    let before = contents(&root);
    let names: Vec<String> = before.keys().cloned().collect();
    let sealed =
        names.iter().filter(|name| values(&before[*name], "a.key").is_ok_and(|values| !values.is_empty())).count();
    let mut in_the_middle = 0;
    for round in 0..ROUNDS {
        let inodes = inodes(&root, &names);
        let mut child = start(&kubeseal);
        wait_for(&mut child, &root, &names, &inodes, sealed * round / ROUNDS);
        // It may be over by now.
        let _ = child.kill();
        child.wait().unwrap();
        let new = new_files(&root, &before);
        in_the_middle += usize::from(new > 0 && new < sealed);
        restore(&root, &before);
    }
    assert!(in_the_middle >= ROUNDS / 4, "only {in_the_middle} of {ROUNDS} runs were ended in the middle");
    // What a killed run left behind is in nobody's way.
    fs::write(root.join("team-0/.plain.yamlaB3dE6gH9j"), "kind: SealedSecret\nspec: {encryptedData: {a: AQ").unwrap();
    assert_eq!(offline(&kubeseal, &["repository"]).code, Some(0));
    assert_eq!(new_files(&root, &before), sealed);
}

#[test]
fn ctrl_c_leaves_nothing_beside_the_files() {
    let kubeseal = Kubeseal::new();
    let root = kubeseal.path().join("repository");
    repository(&root, SEALED_SECRETS);
    let before = contents(&root);
    let names: Vec<String> = before.keys().cloned().collect();
    let inodes = inodes(&root, &names);
    let mut child = start(&kubeseal);
    wait_for(&mut child, &root, &names, &inodes, 10);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let (ended, said) = (output.status, String::from_utf8(output.stderr).unwrap());
    let new = new_files(&root, &before);
    assert!(new >= 10, "{new}");
    let last = said.lines().last().unwrap_or_default();
    if ended.signal() == Some(2) {
        let done: usize = last.split(' ').next().unwrap().parse().unwrap();
        assert!(done >= 10 && done <= new && last.contains("; ended before "), "{new}: {said}");
    } else {
        // It was done before the signal came.
        assert_eq!(ended.code(), Some(0));
    }
    assert_eq!(contents(&root).len(), before.len());
}
