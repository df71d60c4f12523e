//! For whom a backup is encrypted.

use std::io::Write;

use age::armor::{ArmoredWriter, Format};
use age::secrecy::{ExposeSecret, SecretString};
use age::{EncryptError, Encryptor, Recipient};

use super::{ask, from_file, ssh};
use crate::error::{Error, Result};

/// Work for a passphrase, as a power of two: what the `age` tool chooses, about a second. The library would measure this
/// machine and choose less on a busy one.
const WORK: u8 = 18;

/// Those who can open what is encrypted.
pub(crate) struct Lock(Vec<Box<dyn Recipient>>);

impl Lock {
    /// Public keys: `age1…`, `ssh-ed25519 …`, `ssh-rsa …`.
    ///
    /// # Errors
    /// What is no such key, by its place in the list, not by its text: it might be a private one.
    pub(crate) fn for_recipients(texts: &[String]) -> Result<Lock> {
        let recipients = texts
            .iter()
            .enumerate()
            .map(|(index, text)| recipient(text).map_err(|error| error.prefix(&format!("recipient {}: ", index + 1))));
        recipients.collect::<Result<_>>().map(Lock)
    }

    /// The passphrase in a file.
    ///
    /// # Errors
    /// A file that cannot be read or is empty.
    pub(crate) fn from_passphrase_file(file: &str) -> Result<Lock> {
        from_file(file).map(|passphrase| Lock::with_passphrase(passphrase, WORK))
    }

    /// A passphrase that is typed twice.
    ///
    /// # Errors
    /// No terminal, nothing typed, or something else the second time.
    pub(crate) fn from_terminal() -> Result<Lock> {
        let passphrase = ask("Passphrase for the backup: ")?;
        let again = ask("The same passphrase again: ")?;
        if passphrase.expose_secret() != again.expose_secret() {
            return Err(Error::new("the two passphrases differ"));
        }
        Ok(Lock::with_passphrase(passphrase, WORK))
    }

    pub(super) fn with_passphrase(passphrase: SecretString, work: u8) -> Lock {
        let mut recipient = age::scrypt::Recipient::new(passphrase);
        recipient.set_work_factor(work);
        Lock(vec![Box::new(recipient)])
    }

    /// The encrypted file, as text.
    ///
    /// # Errors
    /// When the library refuses to encrypt.
    pub(crate) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>> {
        let failure = |cause: &str| Error::new(format!("cannot encrypt: {cause}"));
        let recipients = self.0.iter().map(|recipient| &**recipient as &dyn Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|error| match error {
            EncryptError::MissingRecipients => failure("there are no recipients"),
            _ => failure("the recipients cannot be used together"),
        })?;
        let written = || -> std::io::Result<Vec<u8>> {
            let armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor)?;
            let mut writer = encryptor.wrap_output(armor)?;
            writer.write_all(plain)?;
            writer.finish()?.finish()
        };
        written().map_err(|error| failure(&error.to_string()))
    }
}

fn recipient(text: &str) -> Result<Box<dyn Recipient>> {
    let text = text.trim();
    match text {
        text if text.starts_with("ssh-") => Ok(Box::new(ssh::Recipient::parse(text)?)),
        text if text.starts_with("AGE-SECRET-KEY-") => {
            Err(Error::new("this is a private key").hint("give the public one, which begins with age1"))
        }
        text => match text.parse::<age::x25519::Recipient>() {
            Ok(recipient) => Ok(Box::new(recipient)),
            Err(_) => {
                Err(Error::new("not a public key that can encrypt").hint("age1…, ssh-ed25519 … and ssh-rsa … can"))
            }
        },
    }
}
