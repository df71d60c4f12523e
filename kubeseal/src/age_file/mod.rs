//! Key files that are encrypted in the age format (<https://age-encryption.org/v1>), both ways.
//!
//! Only the commands that need it come here, so that nothing of it costs a run that does not.

mod encrypt;
mod identity;
mod ssh;

use std::io::{self, IsTerminal, Read};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Identity};
use sealed_secrets_flags::Values;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::input;
pub(crate) use encrypt::Lock;

/// How every age file begins that is not armored, and every one that is.
const BEGINNINGS: [&[u8]; 2] = [b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----"];
/// The most scrypt work that is done for a file, as a power of two: what the `age` tool accepts, some seconds.
const MOST_WORK: u8 = 22;

/// What opens encrypted key files: identities, and where a passphrase comes from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unlock {
    /// Files with private keys of age or SSH.
    pub(crate) identities: Vec<String>,
    /// File that holds a passphrase; without one the terminal is asked.
    pub(crate) passphrase_file: Option<String>,
}

impl Unlock {
    /// As `--identity` and `--passphrase-file` say.
    pub(crate) fn of(values: &Values) -> Unlock {
        let passphrase_file = values.non_empty("passphrase-file");
        Unlock { identities: values.list("identity").to_vec(), passphrase_file: passphrase_file.map(str::to_owned) }
    }

    /// Reads a key file, decrypted if it is encrypted.
    ///
    /// # Errors
    /// A file that cannot be read, and one that nothing at hand opens.
    pub(crate) fn read(&self, name: &str) -> Result<Zeroizing<Vec<u8>>> {
        let content = input::read_file(name)?;
        if is_encrypted(&content) { self.open(name, &content) } else { Ok(content) }
    }

    fn open(&self, name: &str, content: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let decryptor = Decryptor::new_buffered(ArmoredReader::new(content.trim_ascii_start()))
            .map_err(|error| told(name, &error, "the file"))?;
        let identities: Vec<Box<dyn Identity>> = if decryptor.is_scrypt() {
            let mut identity = age::scrypt::Identity::new(self.passphrase(name)?);
            identity.set_max_work_factor(MOST_WORK);
            vec![Box::new(identity)]
        } else if self.identities.is_empty() {
            return Err(Error::new(format!("{name}: the file is encrypted for somebody's key"))
                .hint("--identity names the file with that key: of age, or an SSH key"));
        } else {
            let read = self.identities.iter().map(|file| identity::read(file, self));
            read.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()
        };
        let by = if decryptor.is_scrypt() { "the passphrase" } else { "the identity" };
        let identities = identities.iter().map(|identity| &**identity as &dyn Identity);
        let mut plain = decryptor.decrypt(identities).map_err(|error| told(name, &error, by))?;
        input::read_all(&mut plain as &mut dyn Read, content.len())
            .map_err(|_| Error::new(format!("{name}: the encrypted file is truncated or damaged")))
    }

    /// The passphrase for something, from the file or from the terminal.
    fn passphrase(&self, what: &str) -> Result<SecretString> {
        match &self.passphrase_file {
            Some(file) => from_file(file),
            None => ask(&format!("Passphrase for {what}: ")).map_err(|error| error.prefix(&format!("{what}: "))),
        }
    }
}

/// Whether the content is an age file.
pub(crate) fn is_encrypted(content: &[u8]) -> bool {
    let content = content.trim_ascii_start();
    BEGINNINGS.iter().any(|beginning| content.starts_with(beginning))
}

/// The content of a file without the line break at its end.
fn from_file(file: &str) -> Result<SecretString> {
    let content = input::read_file(file)?;
    let text = std::str::from_utf8(&content).map_err(|_| Error::new(format!("{file}: the passphrase is not UTF-8")))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => Err(Error::new(format!("{file}: the passphrase is empty"))),
        text => Ok(SecretString::from(text.to_owned())),
    }
}

fn ask(prompt: &str) -> Result<SecretString> {
    let refused = || {
        Error::new("a passphrase is needed, and there is no terminal to ask for it")
            .hint("--passphrase-file names a file that holds it")
    };
    // Without a terminal on any stream nobody sees the question.
    if !io::stdin().is_terminal() && !io::stderr().is_terminal() {
        return Err(refused());
    }
    match rpassword::prompt_password(prompt) {
        Ok(text) if text.is_empty() => Err(Error::new("the passphrase is empty")),
        Ok(text) => Ok(SecretString::from(text)),
        Err(_) => Err(refused()),
    }
}

/// Why a file does not open. The library's own words come with a translation system that is not needed here.
fn told(name: &str, error: &DecryptError, by: &str) -> Error {
    match error {
        DecryptError::NoMatchingKeys => Error::new(format!("{name}: no identity opens the file"))
            .hint("it is encrypted for another key; --identity can be repeated"),
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => {
            Error::new(format!("{name}: {by} is wrong"))
        }
        DecryptError::ExcessiveWork { required, .. } => {
            Error::new(format!("{name}: the passphrase takes too much work to check (2^{required})"))
                .hint("decrypt the file with the age tool, if you trust where it comes from")
        }
        DecryptError::UnknownFormat => Error::new(format!("{name}: an unknown version of the age format")),
        _ => Error::new(format!("{name}: the encrypted file is truncated or damaged")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PASSPHRASE: &str = "correct horse";

    fn locked() -> Vec<u8> {
        Lock::with_passphrase(SecretString::from(PASSPHRASE.to_owned()), 2).encrypt(b"the keys").unwrap()
    }

    fn open(content: &[u8], passphrase: &str) -> std::result::Result<Vec<u8>, String> {
        let place = tempfile::tempdir().unwrap();
        let (file, pass) = (place.path().join("keys"), place.path().join("pass"));
        std::fs::write(&file, content).unwrap();
        std::fs::write(&pass, passphrase).unwrap();
        let unlock = Unlock { passphrase_file: pass.to_str().map(str::to_owned), ..Unlock::default() };
        let read = unlock.read(file.to_str().unwrap()).map_err(|error| error.to_string());
        read.map(|content| content.to_vec())
    }

    #[test]
    fn a_passphrase_opens_what_it_locked_and_a_line_break_behind_it_does_not_count() {
        let content = locked();
        assert!(content.starts_with(BEGINNINGS[1]), "armored");
        for passphrase in [PASSPHRASE.to_owned(), format!("{PASSPHRASE}\n"), format!("{PASSPHRASE}\r\n")] {
            assert_eq!(open(&content, &passphrase).unwrap(), b"the keys");
        }
        let indented = [b"\n  ".as_slice(), &content].concat();
        assert_eq!(open(&indented, PASSPHRASE).unwrap(), b"the keys");
        assert!(open(&content, "wrong").unwrap_err().ends_with("the passphrase is wrong"));
        assert!(open(&content, "\n").unwrap_err().ends_with("the passphrase is empty"));
    }

    #[test]
    fn wherever_it_is_cut_the_file_is_refused() {
        let content = locked();
        for length in (40..content.len() - 2).step_by(7) {
            let refused = open(&content[..length], PASSPHRASE).unwrap_err();
            assert!(refused.ends_with("truncated or damaged"), "{length}: {refused}");
        }
    }

    #[test]
    fn plain_files_are_read_as_they_are() {
        assert_eq!(open(b"kind: List\n", "").unwrap(), b"kind: List\n");
    }
}
