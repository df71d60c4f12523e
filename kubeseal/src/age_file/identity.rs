//! Private keys that open age files.

use age::Identity;
use age::secrecy::ExposeSecret;
use sealed_secrets_crypto::PrivateKey;
use zeroize::Zeroizing;

use super::{Unlock, is_encrypted, ssh};
use crate::error::{Error, Result};
use crate::input;

/// The private keys of an identity file: lines `AGE-SECRET-KEY-1…` as `age-keygen` writes them, also encrypted with a
/// passphrase, or one SSH private key.
///
/// # Errors
/// A file that cannot be read or holds something else; of its content nothing is told.
pub(super) fn read(file: &str, unlock: &Unlock) -> Result<Vec<Box<dyn Identity>>> {
    let content = input::read_file(file)?;
    let content = if is_encrypted(&content) {
        // By its passphrase alone: an identity for the identity would lead in circles.
        Unlock { identities: Vec::new(), ..unlock.clone() }.open(file, &content)?
    } else {
        content
    };
    let text = std::str::from_utf8(&content).map_err(|_| not_an_identity(file))?;
    if text.trim_start().starts_with("-----BEGIN ") {
        return ssh_key(file, text.trim_start(), unlock).map(|identity| vec![identity]);
    }
    let lines = text.lines().map(str::trim).enumerate();
    let identities = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(index, line)| {
        let identity: std::result::Result<age::x25519::Identity, _> = line.parse();
        identity
            .map(|identity| Box::new(identity) as Box<dyn Identity>)
            .map_err(|_| Error::new(format!("{file}: line {} is no private key of age", index + 1)).hint(HINT))
    });
    let identities = identities.collect::<Result<Vec<_>>>()?;
    if identities.is_empty() { Err(not_an_identity(file)) } else { Ok(identities) }
}

const HINT: &str = "an identity is a file of age-keygen or an SSH private key";

fn not_an_identity(file: &str) -> Error {
    Error::new(format!("{file}: the file holds no identity")).hint(HINT)
}

fn ssh_key(file: &str, text: &str, unlock: &Unlock) -> Result<Box<dyn Identity>> {
    if !text.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----") {
        let key = PrivateKey::from_pem(text.as_bytes());
        let key = key.map_err(|error| Error::new(format!("{file}: {error}")).hint(HINT))?;
        return Ok(Box::new(ssh::Identity::of_rsa(key)));
    }
    let unreadable = || Error::new(format!("{file}: the SSH private key cannot be read"));
    let mut key = ssh_key::PrivateKey::from_openssh(text).map_err(|_| unreadable())?;
    if key.is_encrypted() {
        let passphrase = unlock.passphrase(file)?;
        let passphrase = Zeroizing::new(passphrase.expose_secret().as_bytes().to_vec());
        key = key.decrypt(&*passphrase).map_err(|_| Error::new(format!("{file}: the passphrase is wrong")))?;
    }
    let identity = ssh::Identity::of_openssh(&key).map_err(|error| error.prefix(&format!("{file}: ")))?;
    Ok(Box::new(identity))
}
