//! What the name of an output file stands for.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::replacement::replace;
use super::{write_error, write_stdout};
use crate::error::Result;

/// What a file name stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A regular file, or none yet, behind all symbolic links: replaced as a whole.
    Replace(PathBuf),
    /// A device, a pipe or an open file of this process: written through (decision 33).
    WriteThrough(PathBuf),
    /// Standard output under one of its names.
    Stdout,
}

/// Who may read a file afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Whoever could read the file that was there; a new file follows the umask.
    AsBefore,
    /// Only its owner.
    OwnerOnly,
}

impl Target {
    /// Makes sure as far as possible without touching anything that the target can be written.
    pub(super) fn of(name: &str) -> io::Result<Target> {
        let target = resolve(Path::new(name))?;
        if let Target::Replace(path) = &target {
            check_directory(path)?;
        }
        Ok(target)
    }

    /// Writes the whole content.
    ///
    /// # Errors
    /// Whatever the system says; a file that was there is unharmed then.
    pub(super) fn write(&self, content: &[u8], access: Access) -> Result<()> {
        match self {
            Target::Stdout => write_stdout(content),
            Target::WriteThrough(path) => {
                let written = OpenOptions::new().append(true).open(path).and_then(|mut file| file.write_all(content));
                written.map_err(|error| write_error(&path.to_string_lossy(), &error))
            }
            Target::Replace(path) => replace(path, content, access),
        }
    }

    /// Whether a person would see what is written.
    pub(super) fn is_terminal(&self) -> bool {
        match self {
            Target::Stdout => io::stdout().is_terminal(),
            Target::WriteThrough(path) => {
                // Opening a pipe would wait for its reader.
                let is_device = fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_char_device());
                is_device && OpenOptions::new().append(true).open(path).is_ok_and(|file| file.is_terminal())
            }
            Target::Replace(_) => false,
        }
    }
}

/// Follows symbolic links, the last one to a missing file included, so that the link stays and its target is written.
pub(super) fn resolve(name: &Path) -> io::Result<Target> {
    const MOST_LINKS: usize = 40;
    let mut path = name.to_owned();
    for _ in 0..MOST_LINKS {
        if let Some(number) = open_file_number(&path) {
            return Ok(if number == "1" { Target::Stdout } else { Target::WriteThrough(path) });
        }
        let metadata = match fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Target::Replace(path)),
            Err(error) => return Err(error),
        };
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        if !metadata.is_symlink() {
            return Ok(if metadata.is_file() { Target::Replace(path) } else { Target::WriteThrough(path) });
        }
        let link = fs::read_link(&path)?;
        path = directory_of(&path).join(link);
    }
    Err(io::Error::other("too many levels of symbolic links"))
}

/// The number of an open file of this process, if the path names one: `/dev/fd/63`, `/proc/self/fd/1`. Such a link leads to
/// the very pipe or file that is open, so it must not be followed by name.
fn open_file_number(path: &Path) -> Option<String> {
    let number = path.file_name()?.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))?;
    let directory = fs::canonicalize(directory_of(path)).ok()?;
    let of_a_process =
        (directory.starts_with("/proc") && directory.ends_with("fd")) || directory == Path::new("/dev/fd");
    of_a_process.then(|| number.to_owned())
}

/// The directory of a file, the current one if the path names none.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that a file can be created beside the target: a nameless one, which is gone again at once.
fn check_directory(path: &Path) -> io::Result<()> {
    tempfile::tempfile_in(directory_of(path)).map(drop)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Output;
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn write(path: &Path, text: &str) -> Result<()> {
        let mut output = Output::prepare(path.to_str(), "json")?;
        output.write_bytes(text.as_bytes())?;
        output.commit()
    }

    fn listing(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_behind_its_links_and_keeps_its_mode() {
        let place = tempfile::tempdir().unwrap();
        let (real, link, chain) = (place.path().join("real"), place.path().join("link"), place.path().join("chain"));
        fs::write(&real, "old and longer than the new one").unwrap();
        fs::set_permissions(&real, Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        symlink(&link, &chain).unwrap();
        write(&chain, "new").unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(fs::metadata(&real).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read_link(&chain).unwrap(), link);
        assert_eq!(listing(place.path()), ["chain", "link", "real"]);
    }

    #[test]
    fn a_link_to_nowhere_gets_its_target() {
        let place = tempfile::tempdir().unwrap();
        symlink("later", place.path().join("link")).unwrap();
        write(&place.path().join("link"), "new").unwrap();
        assert_eq!(fs::read_to_string(place.path().join("later")).unwrap(), "new");
    }

    #[test]
    fn nothing_changes_without_a_result_or_a_commit() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "old").unwrap();
        Output::prepare(file.to_str(), "json").unwrap().commit().unwrap();
        let mut dropped = Output::prepare(file.to_str(), "json").unwrap();
        dropped.write_bytes(b"new").unwrap();
        drop(dropped);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        assert_eq!(listing(place.path()), ["file"]);
    }

    #[test]
    fn what_cannot_become_a_file_is_refused_at_once() {
        let place = tempfile::tempdir().unwrap();
        symlink("loop", place.path().join("loop")).unwrap();
        for (name, cause) in
            [("no/such/file", "no such file or directory"), ("", "is a directory"), ("loop", "symbolic links")]
        {
            let path = place.path().join(name);
            let refused = Output::prepare(path.to_str(), "json").map(drop).map_err(|error| error.to_string());
            assert!(refused.as_ref().is_err_and(|text| text.contains(cause)), "{name:?}: {refused:?}");
        }
    }

    #[test]
    fn devices_and_open_files_are_written_through() {
        assert_eq!(resolve(Path::new("/dev/null")).unwrap(), Target::WriteThrough("/dev/null".into()));
        for name in ["/dev/stdout", "/proc/self/fd/1", "/dev/fd/1"] {
            assert_eq!(resolve(Path::new(name)).unwrap(), Target::Stdout, "{name}");
        }
        write(Path::new("/dev/null"), "gone").unwrap();
    }
}
