//! Names for public keys.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

const PREFIX: &str = "SHA256:";

/// The fingerprint of an RSA public key as OpenSSH prints it: SHA-256 over the SSH wire encoding (RFC 4253 section 6.6:
/// `string "ssh-rsa"`, `mpint e`, `mpint n`), shown as `SHA256:` and unpadded Base64 (wire-format.md section 9.6).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The hash itself.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Of the key with this modulus and exponent, both big-endian without leading zeros.
    pub(crate) fn of(modulus: &[u8], exponent: &[u8]) -> Fingerprint {
        let (e_head, n_head) = (mpint_head(exponent), mpint_head(modulus));
        Fingerprint(crate::sha256(&[b"\0\0\0\x07ssh-rsa", &e_head, exponent, &n_head, modulus]))
    }
}

/// What stands before the bytes of an `mpint` (RFC 4251 section 5): its length, and a zero byte where the number would
/// otherwise read as negative.
fn mpint_head(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_some_and(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    let length = u32::try_from(number.len() + sign.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), sign].concat()
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", STANDARD_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not `SHA256:` followed by 43 Base64 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is SHA256: followed by 43 Base64 characters")]
pub struct ParseFingerprintError;

impl FromStr for Fingerprint {
    type Err = ParseFingerprintError;

    fn from_str(text: &str) -> Result<Fingerprint, ParseFingerprintError> {
        let digest = text.strip_prefix(PREFIX).ok_or(ParseFingerprintError)?;
        let bytes = STANDARD_NO_PAD.decode(digest).map_err(|_| ParseFingerprintError)?;
        bytes.try_into().map(Fingerprint).map_err(|_| ParseFingerprintError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_goes_both_ways_and_nothing_else_parses() {
        let text = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";
        assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), text);
        for bad in ["", "SHA256:", "MD5:aa", &text[7..], &format!("{text}A"), &format!("{text}="), &text[..49]] {
            assert!(bad.parse::<Fingerprint>().is_err(), "{bad:?}");
        }
    }
}
