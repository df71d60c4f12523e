//! What the text of a sealed item tells without any key.

use sealed_secrets_crypto::{EnvelopeParts, MAX_BITS, PublicKey};

use crate::base64_text::{self, IllegalBase64};

/// Length of the tag behind every value (wire-format.md section 1.2).
const TAG: usize = 16;
/// The shortest RSA block that anyone ever made, in bytes: nothing below 512 bits is an RSA key.
const SHORTEST_BLOCK: usize = 64;

/// What an envelope tells about itself. That it is well-formed does not mean that it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeFacts {
    /// Length of the sealed value in bytes.
    pub value_bytes: usize,
    /// Size of the key that it was made for, in bits.
    pub key_bits: u32,
    wrapped_key: Vec<u8>,
}

/// Why a text is no envelope. Holds no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeProblem {
    /// Nothing, or no text.
    #[error("holds no text")]
    Empty,
    /// Not Base64.
    #[error("{0}")]
    Base64(#[from] IllegalBase64),
    /// The end is missing.
    #[error("is cut off: {have} bytes, its own length field says at least {need}")]
    Truncated {
        /// What there is.
        have: usize,
        /// What there must be.
        need: usize,
    },
    /// The length field is nonsense.
    #[error("is no sealed value: it claims an RSA block of {0} bytes")]
    BlockLength(usize),
}

impl EnvelopeFacts {
    /// Reads the text of an item.
    ///
    /// # Errors
    /// [`EnvelopeProblem`].
    pub fn of(text: &str) -> Result<EnvelopeFacts, EnvelopeProblem> {
        if text.trim().is_empty() {
            return Err(EnvelopeProblem::Empty);
        }
        let bytes = base64_text::decode(text)?;
        let have = bytes.len();
        let block = bytes.first_chunk::<2>().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
        if have < 2 {
            return Err(EnvelopeProblem::Truncated { have, need: 2 + SHORTEST_BLOCK + TAG });
        }
        if block < SHORTEST_BLOCK || block > MAX_BITS as usize / 8 {
            return Err(EnvelopeProblem::BlockLength(block));
        }
        let parts = EnvelopeParts::split(&bytes).filter(|parts| parts.ciphertext.len() >= TAG);
        let parts = parts.ok_or(EnvelopeProblem::Truncated { have, need: 2 + block + TAG })?;
        Ok(EnvelopeFacts {
            value_bytes: parts.ciphertext.len() - TAG,
            key_bits: u32::try_from(block * 8).unwrap_or(u32::MAX),
            wrapped_key: parts.wrapped_key.to_vec(),
        })
    }

    /// Whether the envelope can have been made for this key: it has its size, and the number in it is below the modulus.
    /// `false` is certain, `true` is not.
    #[must_use]
    pub fn may_be_for(&self, key: &PublicKey) -> bool {
        key.may_have_made(&self.wrapped_key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(block: u16, rest: usize) -> String {
        let mut bytes = block.to_be_bytes().to_vec();
        bytes.extend(vec![1; rest]);
        base64_text::encode(&bytes)
    }

    #[test]
    fn lengths_are_told_and_damage_is_named() {
        let facts = EnvelopeFacts::of(&text(256, 256 + 16 + 5)).unwrap();
        assert_eq!((facts.value_bytes, facts.key_bits), (5, 2048));
        let facts = EnvelopeFacts::of(&text(512, 512 + 16)).unwrap();
        assert_eq!((facts.value_bytes, facts.key_bits), (0, 4096));
        for (given, problem) in [
            (String::new(), EnvelopeProblem::Empty),
            (" \n".to_owned(), EnvelopeProblem::Empty),
            ("!".to_owned(), EnvelopeProblem::Base64(IllegalBase64 { at: 0 })),
            ("AQ==".to_owned(), EnvelopeProblem::Truncated { have: 1, need: 82 }),
            (text(63, 1000), EnvelopeProblem::BlockLength(63)),
            (text(1025, 2000), EnvelopeProblem::BlockLength(1025)),
            (text(256, 255), EnvelopeProblem::Truncated { have: 257, need: 274 }),
            (text(256, 271), EnvelopeProblem::Truncated { have: 273, need: 274 }),
        ] {
            assert_eq!(EnvelopeFacts::of(&given), Err(problem), "{given:?}");
        }
    }

    #[test]
    fn a_key_of_another_size_cannot_have_made_it() {
        let certificate =
            sealed_secrets_crypto::Certificate::first_from_pem(include_bytes!("../tests/data/b.crt")).unwrap();
        let key = certificate.rsa_public_key().unwrap();
        assert!(EnvelopeFacts::of(&text(256, 272)).unwrap().may_be_for(key));
        assert!(!EnvelopeFacts::of(&text(512, 600)).unwrap().may_be_for(key));
    }
}
