//! Where plaintext is while a person edits it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::{input, say};

/// How the name of every folder begins.
const PREFIX: &str = "kubeseal-edit-";

/// A file of mode 0600 alone in a folder of mode 0700; wiped with everything that an editor left there.
pub(super) struct Buffer {
    folder: PathBuf,
    file: PathBuf,
    /// The folder, locked as long as it is in use; a lock ends with its process, however that ends.
    _lock: File,
}

impl Buffer {
    /// Writes the content to memory-backed storage if the system has any with room, else to the folder for temporary files,
    /// with a warning. Warns as well of folders that an earlier run could not wipe because it was killed.
    ///
    /// # Errors
    /// When no folder can be made or written.
    pub(super) fn create(content: &str) -> Result<Buffer> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let candidates: Vec<PathBuf> = runtime.into_iter().chain([PathBuf::from("/dev/shm")]).collect();
        let buffer = Buffer::create_in(&candidates, &std::env::temp_dir(), &mounts, content)?;
        for folder in left_behind(buffer.folder.parent().unwrap_or(Path::new("/"))) {
            say(&format!(
                "warning: {} was left behind by a run that was killed and may hold values; remove it",
                folder.display()
            ));
        }
        Ok(buffer)
    }

    fn create_in(candidates: &[PathBuf], otherwise: &Path, mounts: &str, content: &str) -> Result<Buffer> {
        let in_memory = candidates.iter().filter_map(|candidate| fs::canonicalize(candidate).ok());
        let mut in_memory = in_memory.filter(|candidate| is_in_memory(mounts, candidate));
        if let Some(buffer) = in_memory.find_map(|candidate| Buffer::below(&candidate, content).ok()) {
            return Ok(buffer);
        }
        let buffer = Buffer::below(otherwise, content)
            .map_err(|error| Error::file("create a file in", &otherwise.to_string_lossy(), &error))?;
        say(&format!(
            "warning: this system offers no memory-backed storage with room; the values are in {} while you edit, readable by \
             you alone, and may leave traces on the disk",
            buffer.folder.display()
        ));
        Ok(buffer)
    }

    fn below(parent: &Path, content: &str) -> io::Result<Buffer> {
        let folder = private_folder(parent)?;
        let lock = match File::open(&folder) {
            Ok(lock) => lock,
            Err(error) => {
                let _ = fs::remove_dir(&folder);
                return Err(error);
            }
        };
        // Without locks on that file system a folder that is left behind is not found; nothing else depends on it.
        let _ = lock.try_lock();
        let buffer = Buffer { file: folder.join("values.yaml"), folder, _lock: lock };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&buffer.file)?;
        file.write_all(content.as_bytes())?;
        Ok(buffer)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// What stands in the file now.
    ///
    /// # Errors
    /// Whatever the system says; an editor may have taken the file away, or left something else there.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>> {
        let name = self.file.to_string_lossy();
        // Opening a pipe would wait for somebody to write, and a link could lead anywhere.
        let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits() as i32).open(&self.file);
        let mut file = opened.map_err(|error| Error::file("open", &name, &error))?;
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err(Error::new(format!("open {name}: it is not a regular file")));
        }
        input::read_open_file(&name, &mut file)
    }

    /// Overwrites every file in the folder with zeros and removes it.
    ///
    /// # Errors
    /// When something is left; the message names it.
    pub(super) fn wipe(self) -> Result<()> {
        wipe_folder(&self.folder).map_err(|error| {
            Error::file("wipe", &self.folder.to_string_lossy(), &error).hint("values may be left there; remove it")
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // On the way of an error, where there is nobody to tell; otherwise it is gone already.
        let _ = wipe_folder(&self.folder);
    }
}

fn private_folder(parent: &Path) -> io::Result<PathBuf> {
    let folder = tempfile::Builder::new()
        .prefix(PREFIX)
        .rand_bytes(10)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)?;
    Ok(folder.keep())
}

/// Folders of this user, of runs that used the same place, that no run has locked any more.
fn left_behind(place: &Path) -> Vec<PathBuf> {
    let me = geteuid().as_raw();
    let is_left = |folder: &PathBuf| {
        let is_ours = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == me);
        is_ours && File::open(folder).is_ok_and(|folder| folder.try_lock().is_ok())
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    let mut found: Vec<PathBuf> = named.map(|entry| entry.path()).filter(is_left).collect();
    found.sort();
    found
}

fn wipe_folder(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            wipe_folder(&entry.path())?;
        } else if entry.file_type()?.is_file() {
            wipe_file(&entry.path())?;
        }
    }
    fs::remove_dir_all(folder)
}

fn wipe_file(path: &Path) -> io::Result<()> {
    // Vim's undo and swap files may be read-only.
    let _ = fs::set_permissions(path, Permissions::from_mode(0o600));
    let mut file: File = OpenOptions::new().write(true).open(path)?;
    let mut left = file.metadata()?.len();
    let zeros = [0; 4096];
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len());
        file.write_all(&zeros[..piece])?;
        left -= piece as u64;
    }
    file.sync_data()
}

/// Whether a path lies on a file system that exists in memory alone, by the table of mounts.
fn is_in_memory(mounts: &str, path: &Path) -> bool {
    let mut best: Option<(usize, bool)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(_), Some(place), Some(kind)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let place = place.replace("\\040", " ");
        let length = place.len();
        // Of two mounts at one place the later one counts.
        if path.starts_with(&place) && best.is_none_or(|(longest, _)| length >= longest) {
            best = Some((length, matches!(kind, "tmpfs" | "ramfs")));
        }
    }
    best.is_some_and(|(_, in_memory)| in_memory)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MOUNTS: &str = "/dev/a / ext4 rw 0 0\ntmpfs /dev/shm tmpfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/b /run/disk ext4 rw 0 0\n\
        tmpfs /with\\040blank tmpfs rw 0 0\ntmpfs /over tmpfs rw 0 0\n/dev/c /over xfs rw 0 0\n";

    #[test]
    fn the_innermost_and_latest_mount_tells_what_is_memory() {
        for (path, in_memory) in [
            ("/dev/shm", true),
            ("/dev/shm/x", true),
            ("/dev/shmx", false),
            ("/run/user/1", true),
            ("/run/disk/x", false),
            ("/with blank/x", true),
            ("/over/x", false),
            ("/tmp", false),
        ] {
            assert_eq!(is_in_memory(MOUNTS, Path::new(path)), in_memory, "{path}");
        }
        assert!(!is_in_memory("", Path::new("/tmp")));
    }

    #[test]
    fn the_buffer_is_private_and_nothing_is_left_of_it() {
        let place = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let buffer = Buffer::create_in(&[], place.path(), "", "s3cret").unwrap();
        assert_eq!((mode(buffer.path()), mode(buffer.path().parent().unwrap())), (0o600, 0o700));
        assert_eq!(buffer.read().unwrap().as_slice(), b"s3cret");
        fs::write(buffer.folder.join("values.yaml~"), "s3cret").unwrap();
        fs::set_permissions(buffer.folder.join("values.yaml~"), Permissions::from_mode(0o400)).unwrap();
        fs::create_dir(buffer.folder.join("undo")).unwrap();
        fs::write(buffer.folder.join("undo/1"), "s3cret").unwrap();
        // A second name shows what became of the content.
        fs::hard_link(buffer.path(), place.path().join("other name")).unwrap();
        let folder = buffer.folder.clone();
        buffer.wipe().unwrap();
        assert!(!folder.exists());
        assert_eq!(fs::read(place.path().join("other name")).unwrap(), [0; 6]);
        drop(Buffer::create_in(&[], place.path(), "", "s3cret").unwrap());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }

    #[test]
    fn storage_without_room_is_passed_over_and_left_empty() {
        let place = tempfile::tempdir().unwrap();
        let (full, roomy) = (place.path().join("full"), place.path().join("roomy"));
        fs::create_dir(&roomy).unwrap();
        // Nothing can be made in a file.
        fs::write(&full, "").unwrap();
        let mounts = format!("tmpfs {} tmpfs rw 0 0\n", fs::canonicalize(place.path()).unwrap().display());
        let buffer = Buffer::create_in(&[full, roomy.clone()], Path::new("/nowhere"), &mounts, "s3cret").unwrap();
        assert!(buffer.path().starts_with(fs::canonicalize(roomy).unwrap()));
        let refused = Buffer::create_in(&[], Path::new("/nowhere"), &mounts, "s3cret").map(drop).unwrap_err();
        assert_eq!(refused.message(), "create a file in /nowhere: no such file or directory");
    }

    #[test]
    fn only_folders_that_no_run_uses_are_left_behind() {
        let place = tempfile::tempdir().unwrap();
        let buffer = Buffer::create_in(&[], place.path(), "", "s3cret").unwrap();
        for other in ["kubeseal-edit-dead", "another"] {
            fs::create_dir(place.path().join(other)).unwrap();
        }
        assert_eq!(left_behind(place.path()), [place.path().join("kubeseal-edit-dead")]);
        drop(buffer);
        assert_eq!(left_behind(Path::new("/nowhere")), [""; 0].map(PathBuf::from));
    }
}
