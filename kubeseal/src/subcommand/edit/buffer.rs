//! Where plaintext is while a person edits it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::{input, say};

/// A file of mode 0600 alone in a folder of mode 0700; wiped with everything that an editor left there.
pub(super) struct Buffer {
    folder: PathBuf,
    file: PathBuf,
}

impl Buffer {
    /// Writes the content to memory-backed storage if the system has any, else to the folder for temporary files, with a
    /// warning.
    ///
    /// # Errors
    /// When no folder can be made or written.
    pub(super) fn create(content: &str) -> Result<Buffer> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let candidates: Vec<PathBuf> = runtime.into_iter().chain([PathBuf::from("/dev/shm")]).collect();
        Buffer::create_in(&candidates, &std::env::temp_dir(), &mounts, content)
    }

    fn create_in(candidates: &[PathBuf], otherwise: &Path, mounts: &str, content: &str) -> Result<Buffer> {
        let in_memory = candidates.iter().filter_map(|candidate| fs::canonicalize(candidate).ok());
        let mut in_memory = in_memory.filter(|candidate| is_in_memory(mounts, candidate));
        let folder = in_memory.find_map(|candidate| private_folder(&candidate).ok());
        let folder = match folder {
            Some(folder) => folder,
            None => {
                let folder = private_folder(otherwise)
                    .map_err(|error| Error::file("create a folder in", &otherwise.to_string_lossy(), &error))?;
                say(&format!(
                    "warning: this system offers no memory-backed storage; the values are in {} while you edit, readable by you \
                     alone, and may leave traces on the disk",
                    folder.display()
                ));
                folder
            }
        };
        let buffer = Buffer { file: folder.join("values.yaml"), folder };
        let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&buffer.file);
        written
            .and_then(|mut file| file.write_all(content.as_bytes()))
            .map_err(|error| Error::file("write", &buffer.file.to_string_lossy(), &error))?;
        Ok(buffer)
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// What stands in the file now.
    ///
    /// # Errors
    /// Whatever the system says; an editor may have taken the file away.
    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>> {
        input::read_file(&self.file.to_string_lossy())
    }

    /// Overwrites every file in the folder with zeros and removes it.
    ///
    /// # Errors
    /// When something is left; the message names it.
    pub(super) fn wipe(self) -> Result<()> {
        let wiped = wipe_folder(&self.folder);
        let folder = self.folder.clone();
        std::mem::forget(self);
        wiped.map_err(|error| {
            Error::file("wipe", &folder.to_string_lossy(), &error).hint("values may be left there; remove it")
        })
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // On the way of an error; there is nobody to tell.
        let _ = wipe_folder(&self.folder);
    }
}

fn private_folder(parent: &Path) -> io::Result<PathBuf> {
    let folder = tempfile::Builder::new()
        .prefix("kubeseal-edit-")
        .rand_bytes(10)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)?;
    Ok(folder.keep())
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
}
