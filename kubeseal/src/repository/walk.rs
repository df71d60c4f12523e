//! Which files stand below the given paths.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::error::io_cause;

/// What a walk came to.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    /// Every file once, in the order of the paths and then of the names.
    pub(crate) files: Vec<Found>,
    /// What could not be looked at, as `path: reason`; the run is not complete then.
    pub(crate) failures: Vec<String>,
    /// What was passed over on purpose and might be missed.
    pub(crate) warnings: Vec<String>,
}

/// A file, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// As it is called in messages.
    pub(crate) path: PathBuf,
    /// The same as seen from the folder that was given; the bare name of a file that was given itself.
    pub(crate) below: PathBuf,
}

/// Looks below folders for files that end in `.yaml`, `.yml` or `.json`; a file that is named itself counts whatever its
/// name. `.git` is left out.
///
/// Symbolic links are followed where they are named, not below: what they lead to inside of the given paths is found anyway,
/// and what lies outside is not this run's to change. So no link can lead in circles.
pub(crate) fn walk(paths: &[String]) -> Walk {
    let mut walk = Walk::default();
    let roots: Vec<PathBuf> = paths.iter().filter_map(|path| fs::canonicalize(path).ok()).collect();
    for path in paths {
        let path = Path::new(path);
        match fs::metadata(path) {
            Err(error) => walk.failures.push(message(path, &io_cause(&error))),
            Ok(metadata) if metadata.is_dir() => folder(path, &roots, &mut walk),
            Ok(metadata) if metadata.is_file() => {
                let below = path.file_name().map(PathBuf::from).unwrap_or_default();
                walk.files.push(Found { path: path.to_owned(), below });
            }
            Ok(_) => walk.failures.push(message(path, "it is not a regular file")),
        }
    }
    if paths.len() > 1 {
        let mut seen = HashSet::new();
        walk.files.retain(|found| fs::canonicalize(&found.path).map_or(true, |real| seen.insert(real)));
    }
    walk
}

fn folder(root: &Path, roots: &[PathBuf], walk: &mut Walk) {
    let entries = WalkDir::new(root).sort_by_file_name().into_iter();
    let is_git = |entry: &DirEntry| entry.file_type().is_dir() && entry.file_name() == ".git";
    for entry in entries.filter_entry(|entry| !is_git(entry)) {
        match entry {
            Err(error) => {
                let path = error.path().unwrap_or(root);
                let cause = error.io_error().map_or_else(|| "cannot be read".to_owned(), io_cause);
                walk.failures.push(message(path, &cause));
            }
            Ok(entry) if entry.file_type().is_symlink() => link(entry.path(), roots, walk),
            Ok(entry) if entry.file_type().is_file() && is_relevant(entry.path()) => {
                let below = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_owned();
                walk.files.push(Found { path: entry.into_path(), below });
            }
            Ok(_) => {}
        }
    }
}

fn link(path: &Path, roots: &[PathBuf], walk: &mut Walk) {
    // Editors leave such links as locks.
    let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let warning = match fs::canonicalize(path) {
        Ok(target) if roots.iter().any(|root| target.starts_with(root)) => return,
        Ok(target) if target.is_dir() || is_relevant(path) || is_relevant(&target) => {
            "the link leads outside and is not followed; name it as a path of its own".to_owned()
        }
        Ok(_) => return,
        Err(_) if is_hidden => return,
        Err(error) if error.kind() == io::ErrorKind::NotFound => "the link leads nowhere".to_owned(),
        Err(error) => format!("the link is not followed: {}", io_cause(&error)),
    };
    walk.warnings.push(message(path, &warning));
}

fn is_relevant(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

fn message(path: &Path, text: &str) -> String {
    format!("{}: {text}", path.display())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn below(walk: &Walk) -> Vec<&str> {
        walk.files.iter().map(|found| found.below.to_str().unwrap()).collect()
    }

    #[test]
    fn every_file_is_found_once_and_links_never_lead_in_circles() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("repository");
        for folder in ["a/b", ".git", "../outside"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in ["a/b/1.yaml", "a/2.YML", "3.json", "a/4.txt", ".git/5.yaml", "../outside/6.yaml", ".hidden.yaml"] {
            fs::write(root.join(file), "").unwrap();
        }
        symlink("..", root.join("a/up")).unwrap();
        symlink("loop.yaml", root.join("loop.yaml")).unwrap();
        symlink("gone.yaml", root.join("nowhere.yaml")).unwrap();
        symlink("gone", root.join(".#lock")).unwrap();
        symlink("a/2.YML", root.join("inside.yaml")).unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("../outside/6.yaml", root.join("out.yaml")).unwrap();
        let text = |path: &Path| path.to_str().unwrap().to_owned();

        let found = walk(&[text(&root)]);
        assert_eq!(below(&found), [".hidden.yaml", "3.json", "a/2.YML", "a/b/1.yaml"]);
        assert_eq!(found.failures, [""; 0]);
        let warnings: Vec<&str> =
            found.warnings.iter().map(|text| text.strip_prefix(root.to_str().unwrap()).unwrap()).collect();
        let outside = "the link leads outside and is not followed; name it as a path of its own";
        assert_eq!(warnings.len(), 4, "{warnings:?}");
        assert!(warnings[0].starts_with("/loop.yaml: the link is not followed: too many levels"), "{warnings:?}");
        assert_eq!(warnings[1], "/nowhere.yaml: the link leads nowhere");
        assert_eq!(warnings[2..], [format!("/out: {outside}"), format!("/out.yaml: {outside}")]);

        let twice = walk(&[text(&root.join("a")), text(&root), text(&root.join("a/4.txt")), text(&root.join("no"))]);
        assert_eq!(below(&twice), ["2.YML", "b/1.yaml", ".hidden.yaml", "3.json", "4.txt"]);
        assert!(twice.failures[0].ends_with("/no: no such file or directory"), "{:?}", twice.failures);
    }
}
