//! The bytes of one sealed value (wire-format.md section 1.2).
//!
//! ```text
//!  0        2             2+L                    2+L+n      2+L+n+16
//!  ┌────────┬──────────────┬──────────────────────┬──────────┐
//!  │ L      │ RSA-OAEP of  │ AES-256-GCM          │ GCM tag  │
//!  │ u16 BE │ session key  │ ciphertext           │ 16 bytes │
//!  └────────┴──────────────┴──────────────────────┴──────────┘
//! ```
//!
//! There is no magic number, version or key identifier: which key opens a value is found by trying.

/// The two parts of an envelope, borrowed from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvelopeParts<'a> {
    /// The session key under RSA-OAEP; as long as the modulus of the sealing key.
    pub wrapped_key: &'a [u8],
    /// AES-256-GCM ciphertext followed by its tag.
    pub ciphertext: &'a [u8],
}

impl<'a> EnvelopeParts<'a> {
    /// Splits the bytes; `None` when they end before their own length field says they should.
    #[must_use]
    pub fn split(envelope: &'a [u8]) -> Option<EnvelopeParts<'a>> {
        let (length, rest) = envelope.split_first_chunk::<2>()?;
        let (wrapped_key, ciphertext) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        Some(EnvelopeParts { wrapped_key, ciphertext })
    }

    /// Joins the parts; `None` when the RSA block is longer than the length field can say.
    #[must_use]
    pub fn join(&self) -> Option<Vec<u8>> {
        let length = u16::try_from(self.wrapped_key.len()).ok()?;
        let mut envelope = Vec::with_capacity(2 + self.wrapped_key.len() + self.ciphertext.len());
        envelope.extend_from_slice(&length.to_be_bytes());
        envelope.extend_from_slice(self.wrapped_key);
        envelope.extend_from_slice(self.ciphertext);
        Some(envelope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_takes_what_join_makes_and_refuses_every_shorter_prefix_of_the_rsa_block() {
        let parts = EnvelopeParts { wrapped_key: &[7; 256], ciphertext: &[9; 16] };
        let bytes = parts.join().unwrap();
        assert_eq!(&bytes[..2], [1, 0]);
        assert_eq!(EnvelopeParts::split(&bytes), Some(parts));
        for end in 0..258 {
            assert_eq!(EnvelopeParts::split(&bytes[..end]), None, "{end} bytes");
        }
        assert_eq!(EnvelopeParts::split(&bytes[..258]).unwrap().ciphertext, b"");
    }

    #[test]
    fn a_block_longer_than_the_length_field_is_not_joined() {
        assert_eq!(EnvelopeParts { wrapped_key: &[0; 65536], ciphertext: &[] }.join(), None);
    }
}
