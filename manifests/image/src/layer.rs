//! File trees as tar archives whose bytes depend on nothing but their content.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

/// Folders and files, sorted by their paths.
#[derive(Default)]
pub(crate) struct Tree {
    entries: BTreeMap<String, (u32, Option<Vec<u8>>)>,
}

impl Tree {
    /// A file, and the folders above it. Everything belongs to root.
    pub(crate) fn file(&mut self, path: &str, mode: u32, content: Vec<u8>) {
        self.parents(path);
        self.entries.insert(path.to_owned(), (mode, Some(content)));
    }

    /// A folder, and those above it.
    pub(crate) fn folder(&mut self, path: &str, mode: u32) {
        self.parents(path);
        self.entries.insert(path.to_owned(), (mode, None));
    }

    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            self.entries.entry(path[..at].to_owned()).or_insert((0o755, None));
        }
    }

    /// As a tar archive, with the same time on every entry.
    pub(crate) fn tar(self, time: i64) -> io::Result<Vec<u8>> {
        let mut builder = tar::Builder::new(Vec::new());
        let time = u64::try_from(time).map_err(|_| io::Error::other("the time lies before 1970"))?;
        for (path, (mode, content)) in self.entries {
            let mut header = Header::new_ustar();
            header.set_mode(mode);
            header.set_mtime(time);
            header.set_uid(0);
            header.set_gid(0);
            let content = match content {
                Some(content) => {
                    header.set_entry_type(EntryType::Regular);
                    content
                }
                None => {
                    header.set_entry_type(EntryType::Directory);
                    Vec::new()
                }
            };
            header.set_size(content.len() as u64);
            let path = if header.entry_type().is_dir() { format!("{path}/") } else { path };
            builder.append_data(&mut header, path, content.as_slice())?;
        }
        builder.into_inner()
    }
}

/// Compresses, without the time and the system that gzip would note.
pub(crate) fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn tree(order: &[&str]) -> Tree {
        let mut tree = Tree::default();
        for path in order {
            tree.file(path, 0o644, path.as_bytes().to_vec());
        }
        tree.folder("tmp", 0o1777);
        tree
    }

    #[test]
    fn the_order_of_adding_changes_nothing() {
        let one = tree(&["a/b/c", "a/d", "e"]).tar(5).unwrap();
        assert_eq!(one, tree(&["e", "a/d", "a/b/c"]).tar(5).unwrap());
        assert_ne!(one, tree(&["e", "a/d", "a/b/c"]).tar(6).unwrap());
        assert_eq!(gzip(&one).unwrap(), gzip(&one).unwrap());
    }

    #[test]
    fn folders_come_before_what_is_in_them_and_nobody_but_root_owns_anything() {
        let bytes = tree(&["a/b/c"]).tar(5).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut seen = Vec::new();
        for entry in archive.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 5));
            seen.push((entry.path().unwrap().to_string_lossy().into_owned(), header.mode().unwrap()));
        }
        let want = [("a/", 0o755), ("a/b/", 0o755), ("a/b/c", 0o644), ("tmp/", 0o1777)];
        assert_eq!(seen, want.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn a_time_before_1970_is_refused() {
        assert!(tree(&["a"]).tar(-1).is_err());
    }
}
