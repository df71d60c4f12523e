//! Base64 as Go reads it (wire-format.md section 1.3): standard alphabet, padding required, line breaks skipped, unused
//! trailing bits ignored.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

const ENGINE: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// The text is not Base64. Carries the place, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("illegal base64 data at input byte {at}")]
pub struct IllegalBase64 {
    /// Offset that Go reports, from 0.
    pub at: usize,
}

/// Decodes; the result is wiped on drop because it may be a Secret's value.
///
/// # Errors
/// [`IllegalBase64`] with the offset of the first byte that does not fit.
pub fn decode(text: &str) -> Result<Zeroizing<Vec<u8>>, IllegalBase64> {
    let is_break = |byte: u8| byte == b'\r' || byte == b'\n';
    let decoded = if text.bytes().any(is_break) {
        ENGINE.decode(Zeroizing::new(text.bytes().filter(|byte| !is_break(*byte)).collect::<Vec<_>>()))
    } else {
        ENGINE.decode(text)
    };
    decoded.map(Zeroizing::new).map_err(|_| IllegalBase64 { at: first_illegal_byte(text.as_bytes()) })
}

/// Encodes with padding and without line breaks.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Where Go's decoder stops in a text that is not Base64. People and scripts see this number.
fn first_illegal_byte(text: &[u8]) -> usize {
    let next = |from: usize| (from..text.len()).find(|&at| !matches!(text[at], b'\r' | b'\n')).unwrap_or(text.len());
    let (mut at, mut digits) = (0, 0);
    loop {
        at = next(at);
        match text.get(at) {
            None => return text.len() - digits.min(text.len()),
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => digits = (digits + 1) % 4,
            Some(b'=') if digits == 3 => return next(at + 1),
            Some(b'=') if digits == 2 => {
                let second = next(at + 1);
                return match text.get(second) {
                    None => text.len(),
                    Some(b'=') => next(second + 1),
                    Some(_) => second - 1,
                };
            }
            Some(_) => return at,
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let table: [(&str, &[u8]); 7] = [
            ("", b""),
            ("YmFy", b"bar"),
            ("YmE=", b"ba"),
            ("Yg==", b"b"),
            ("Ym\nFy\r\n", b"bar"),
            ("Yg=\n=\n", b"b"),
            ("Yh==", b"b"),
        ];
        for (text, bytes) in table {
            assert_eq!(*decode(text).unwrap(), bytes, "{text:?}");
        }
    }

    #[test]
    fn refuses_the_rest_at_the_offset_that_go_names() {
        // Offsets as Go 1.26 prints them.
        let table = [
            ("!", 0),
            ("YmF", 0),
            ("YmFyY", 4),
            ("YmFyYm", 4),
            ("YmFy Ym", 4),
            ("Ym Fy", 2),
            ("Ym-y", 2),
            ("Y===", 1),
            ("=", 0),
            ("Yg=", 3),
            ("Yg=x", 2),
            ("YmE=YmE=", 4),
            ("Yg==Yg==", 4),
            ("YmFyYg", 4),
        ];
        for (text, at) in table {
            assert_eq!(decode(text).unwrap_err(), IllegalBase64 { at }, "{text:?}");
        }
    }
}
