//! The key files of `--recovery-private-key` and `--from-keys` (spec/wire-format.md 10.2, decision 24).

use sealed_secrets_crypto::KeyRing;
use sealed_secrets_resource::KeyFile;

use crate::age_file::Unlock;
use crate::error::{Error, Result};
use crate::say;

/// Every usable key of every file. What else looked like a key is told on standard error.
///
/// # Errors
/// A file that cannot be read or decrypted, or holds no usable key.
pub(crate) fn read(files: &[String], unlock: &Unlock) -> Result<KeyRing> {
    let mut keys = Vec::new();
    for name in files {
        let found = KeyFile::read(&unlock.read(name)?).map_err(|error| Error::new(format!("{name}: {error}")))?;
        for skipped in &found.skipped {
            say(&format!("warning: {name}: left out: {skipped}"));
        }
        keys.extend(found.keys);
    }
    Ok(KeyRing::new(keys))
}
