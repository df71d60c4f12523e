//! New files that take the place of old ones.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::file::{Access, Target, directory_of, resolve};
use super::replacement_error;
use super::signals::HeldBack;
use crate::error::{Error, Result, io_cause};

/// A complete new file beside the one whose place it is to take. Dropped, it is gone again.
pub(crate) struct Replacement {
    path: PathBuf,
    file: NamedTempFile,
    /// Whether a file may be there by then.
    replaces: bool,
}

impl Replacement {
    /// A new file for the place of a regular one, behind all symbolic links, or for a place where there is none.
    ///
    /// # Errors
    /// Whatever the system says. Whether the file that is there may be written is for the caller to see.
    pub(crate) fn of_regular(name: &Path, content: &[u8]) -> Result<Replacement> {
        Replacement::new(&regular(name)?, content, Access::AsBefore)
    }

    /// A file for a place where there is none, and where none is written over that comes there meanwhile.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(crate) fn anew(path: &Path, content: &[u8]) -> Result<Replacement> {
        Ok(Replacement { replaces: false, ..Replacement::new(path, content, Access::AsBefore)? })
    }

    fn new(path: &Path, content: &[u8], access: Access) -> Result<Replacement> {
        match write_beside(path, content, access) {
            Ok(file) => Ok(Replacement { path: path.to_owned(), file, replaces: true }),
            Err(error) => Err(failure(path, &error)),
        }
    }

    /// Has the system begin to write to the disk. Of many files that are begun before the first is waited for, most reach
    /// the disk together.
    pub(crate) fn begin_sync(&self) {
        // Other systems begin when they are asked to finish.
        #[cfg(target_os = "linux")]
        let _ = rustix::fs::fadvise(self.file.as_file(), 0, None, rustix::fs::Advice::DontNeed);
    }

    /// Waits until everything is on the disk.
    ///
    /// # Errors
    /// Some systems report a full disk only now.
    pub(crate) fn sync(&self) -> Result<()> {
        self.file.as_file().sync_all().map_err(|error| failure(&self.path, &error))
    }

    /// Takes the place, and says whether it did: after a signal, which is for the caller to deliver, everything stays as it
    /// was.
    ///
    /// # Errors
    /// Whatever the system says; a file that was there is unharmed then.
    pub(crate) fn take_place(self, signals: &HeldBack) -> Result<bool> {
        let Replacement { path, file, replaces } = self;
        if signals.any_arrived() {
            return Ok(false);
        }
        let placed = if replaces { file.persist(&path) } else { file.persist_noclobber(&path) };
        placed.map(|_| true).map_err(|failed| failure(&path, &failed.error))
    }
}

/// Replaces a regular file, behind all symbolic links.
///
/// # Errors
/// Whatever the system says; the file is unharmed then. Whether it may be written is for the caller to see.
pub(crate) fn replace_regular(name: &Path, content: &[u8]) -> Result<()> {
    replace(&regular(name)?, content, Access::AsBefore)
}

/// Writes a new file beside the target and renames it over the target.
pub(super) fn replace(path: &Path, content: &[u8], access: Access) -> Result<()> {
    let signals = HeldBack::start()
        .map_err(|error| Error::new(format!("cannot prepare writing {}: {}", path.display(), io_cause(&error))))?;
    let replaced = Replacement::new(path, content, access).and_then(|replacement| {
        replacement.sync()?;
        replacement.take_place(&signals).map(drop)
    });
    signals.deliver();
    replaced
}

fn regular(name: &Path) -> Result<PathBuf> {
    match resolve(name) {
        Ok(Target::Replace(path)) => Ok(path),
        Ok(_) => Err(Error::new(format!("open {}: it is not a regular file", name.display()))),
        Err(error) => Err(replacement_error("open", &name.to_string_lossy(), &error)),
    }
}

fn failure(path: &Path, error: &io::Error) -> Error {
    replacement_error("write", &path.to_string_lossy(), error)
}

/// A new file beside the target, with the mode that it shall have.
fn write_beside(path: &Path, content: &[u8], access: Access) -> io::Result<NamedTempFile> {
    let existing = fs::metadata(path).ok();
    let mut prefix = OsString::from(".");
    // Room for the random part: names have at most 255 bytes.
    prefix.push(path.file_name().filter(|name| name.len() < 200).unwrap_or_default());
    // The system takes the umask off this mode.
    let mode = if existing.is_some() || access == Access::OwnerOnly { 0o600 } else { 0o666 };
    let mut file = tempfile::Builder::new()
        .prefix(&prefix)
        .rand_bytes(10)
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(directory_of(path))?;
    file.write_all(content)?;
    if let Some(existing) = existing {
        let kept = keep_owner(file.as_file(), &existing)?;
        if access == Access::AsBefore {
            file.as_file().set_permissions(Permissions::from_mode(mode_for(&existing, kept)))?;
        }
    }
    Ok(file)
}

/// What the new file has of the old one's owner and group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Group,
    Nothing,
}

/// Gives the new file to the owner and the group of the one it replaces. Only root can keep a foreign owner, and others only
/// a group that they are in.
fn keep_owner(file: &File, existing: &fs::Metadata) -> io::Result<Kept> {
    let own = file.metadata()?;
    let (owner, group) = (Some(existing.uid()), Some(existing.gid()));
    let same = (own.uid(), own.gid()) == (existing.uid(), existing.gid());
    if same || fchown(file, owner, group).is_ok() || own.gid() == existing.gid() || fchown(file, None, group).is_ok() {
        return Ok(Kept::Group);
    }
    Ok(Kept::Nothing)
}

/// The mode of the file that is replaced. What its group may do is for that group alone.
fn mode_for(existing: &fs::Metadata, kept: Kept) -> u32 {
    let mode = existing.mode() & 0o7777;
    if kept == Kept::Group { mode } else { mode & !0o2070 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_one_group_may_do_is_not_handed_to_another() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        for (mode, without_group) in [(0o664, 0o604), (0o2775, 0o705), (0o600, 0o600)] {
            fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let existing = fs::metadata(&file).unwrap();
            assert_eq!(mode_for(&existing, Kept::Group), existing.mode() & 0o7777);
            assert_eq!(mode_for(&existing, Kept::Nothing), without_group);
        }
        assert_eq!(keep_owner(&File::open(&file).unwrap(), &fs::metadata(&file).unwrap()).unwrap(), Kept::Group);
    }

    #[test]
    fn a_replacement_that_is_dropped_leaves_everything_as_it_was() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "old").unwrap();
        let replacement = Replacement::of_regular(&file, b"new").unwrap();
        replacement.begin_sync();
        replacement.sync().unwrap();
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
        drop(replacement);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");

        let signals = HeldBack::start().unwrap();
        assert!(Replacement::of_regular(&file, b"new").unwrap().take_place(&signals).unwrap());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
    }

    #[test]
    fn a_new_file_takes_no_place_that_was_taken_meanwhile() {
        let place = tempfile::tempdir().unwrap();
        let (file, signals) = (place.path().join("file"), HeldBack::start().unwrap());
        let replacement = Replacement::anew(&file, b"new").unwrap();
        fs::write(&file, "other").unwrap();
        assert!(replacement.take_place(&signals).unwrap_err().to_string().contains("file exists"));
        assert_eq!(fs::read_to_string(&file).unwrap(), "other");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_regular_file_is_not_replaced() {
        let error = Replacement::of_regular(Path::new("/dev/null"), b"").err().unwrap().to_string();
        assert_eq!(error, "error: open /dev/null: it is not a regular file");
    }
}
