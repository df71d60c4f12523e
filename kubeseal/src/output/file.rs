//! Files that are replaced as a whole or written through.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

use super::{replacement_error, write_error, write_stdout};
use crate::error::{Error, Result, io_cause};

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
fn resolve(name: &Path) -> io::Result<Target> {
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

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes sure that a file can be created beside the target: a nameless one, which is gone again at once.
fn check_directory(path: &Path) -> io::Result<()> {
    tempfile::tempfile_in(directory_of(path)).map(drop)
}

/// Writes a new file beside the target and renames it over the target.
fn replace(path: &Path, content: &[u8], access: Access) -> Result<()> {
    let signals = HeldBack::start().map_err(|error| cannot_prepare(path, &error))?;
    let replaced = replace_unless_interrupted(path, content, access, &signals);
    signals.deliver();
    replaced
}

/// Replaces a regular file, behind all symbolic links, as one of many: a signal that came is for the caller to deliver.
///
/// # Errors
/// Whatever the system says; the file is unharmed then. Whether it may be written is for the caller to see.
pub(crate) fn replace_one_of_many(name: &Path, content: &[u8], signals: &HeldBack) -> Result<()> {
    let failure = |error: &io::Error| replacement_error("open", &name.to_string_lossy(), error);
    match resolve(name).map_err(|error| failure(&error))? {
        Target::Replace(path) => replace_unless_interrupted(&path, content, Access::AsBefore, signals),
        _ => Err(Error::new(format!("open {}: it is not a regular file", name.display()))),
    }
}

fn replace_unless_interrupted(path: &Path, content: &[u8], access: Access, signals: &HeldBack) -> Result<()> {
    let replaced = write_beside(path, content, access).and_then(|file| {
        // A run that was interrupted by now leaves everything as it was: the new file goes when it is dropped.
        if signals.any_arrived() {
            return Ok(());
        }
        file.persist(path).map(drop).map_err(|failed| failed.error)
    });
    replaced.map_err(|error| replacement_error("write", &path.to_string_lossy(), &error))
}

fn cannot_prepare(path: &Path, error: &io::Error) -> Error {
    Error::new(format!("cannot prepare writing {}: {}", path.display(), io_cause(error)))
}

/// A complete new file beside the target, with the mode that it shall have.
fn write_beside(path: &Path, content: &[u8], access: Access) -> io::Result<tempfile::NamedTempFile> {
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
    // Some systems report a full disk only now.
    file.as_file().sync_all()?;
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

/// Holds Ctrl-C and its kin back while there is something to clean up, so that nothing is ever left behind.
///
/// From the first one on they are held back until the process ends or [`HeldBack::deliver`] is called.
pub(crate) struct HeldBack {
    arrived: Arc<AtomicUsize>,
}

impl HeldBack {
    /// Begins, once for the process.
    ///
    /// # Errors
    /// When the system takes no handler.
    pub(crate) fn start() -> io::Result<HeldBack> {
        static ARRIVED: Mutex<Option<Arc<AtomicUsize>>> = Mutex::new(None);
        let mut known = ARRIVED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(arrived) = &*known {
            return Ok(HeldBack { arrived: Arc::clone(arrived) });
        }
        let arrived = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] {
            signal_hook::flag::register_usize(signal, Arc::clone(&arrived), usize::try_from(signal).unwrap_or(0))?;
        }
        *known = Some(Arc::clone(&arrived));
        Ok(HeldBack { arrived })
    }

    /// Whether a signal came.
    pub(crate) fn any_arrived(&self) -> bool {
        self.arrived.load(Ordering::SeqCst) != 0
    }

    /// Whether a signal other than Ctrl-C came, which a program in the foreground gets as well.
    pub(crate) fn must_end(&self) -> bool {
        !matches!(i32::try_from(self.arrived.load(Ordering::SeqCst)), Ok(0 | SIGINT))
    }

    /// Forgets a Ctrl-C that a program in the foreground has dealt with.
    pub(crate) fn forget_interrupt(&self) {
        let interrupt = usize::try_from(SIGINT).unwrap_or(0);
        let _ = self.arrived.compare_exchange(interrupt, 0, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Ends the process by the signal that came meanwhile, if one did; Ctrl-\ (SIGQUIT) with the status that a shell would
    /// show.
    pub(crate) fn deliver(&self) {
        match i32::try_from(self.arrived.load(Ordering::SeqCst)) {
            // Its default is to write the memory to a file, with whatever secrets are there.
            Ok(SIGQUIT) => std::process::exit(128 + SIGQUIT),
            Ok(signal @ 1..) => drop(signal_hook::low_level::emulate_default_handler(signal)),
            _ => {}
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Output;
    use super::*;
    use std::os::unix::fs::symlink;

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
