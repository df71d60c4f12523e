//! What is checked before a file is replaced by what was made of it.

use std::fs::OpenOptions;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::file::Target;
use crate::error::{Error, Result};

/// Makes sure, as far as that can be known, that a file can be replaced later, before anybody does work for it.
///
/// # Errors
/// A file that must not be written is not replaced either; also a folder in which no file can be made, and what is no
/// regular file.
pub(crate) fn check_replaceable(name: &str) -> Result<()> {
    let failure = |error: std::io::Error| Error::file("open", name, &error);
    match Target::of(name).map_err(failure)? {
        Target::Replace(path) => OpenOptions::new().write(true).open(path).map(drop).map_err(failure),
        _ => Err(Error::new(format!("open {name}: it is not a regular file"))),
    }
}

/// What an editor or `git` wrote while we worked must not be lost, and a file that must not be written is not replaced.
///
/// # Errors
/// When the file does not hold the bytes of `before` any more, or may not be read or written.
pub(crate) fn unchanged_meanwhile(path: &Path, before: &[u8]) -> Result<()> {
    let name = path.to_string_lossy();
    let opened = OpenOptions::new().read(true).write(true).open(path);
    let mut file = opened.map_err(|error| Error::file("open", &name, &error))?;
    let mut now = Zeroizing::new(Vec::with_capacity(before.len() + 1));
    let expected = u64::try_from(before.len()).unwrap_or(u64::MAX);
    let read = (&mut file).take(expected.saturating_add(1)).read_to_end(&mut now);
    read.map_err(|error| Error::file("read", &name, &error))?;
    if *now == before {
        return Ok(());
    }
    Err(Error::new(format!("{name}: the file was changed while it was worked on"))
        .hint("nothing was written to it; run it again"))
}
