//! Percent escapes, which each part of a URL has its own rules for.

use super::parse::UrlError;

/// A part of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    User,
    Host,
    /// Of an IPv6 address.
    Zone,
    Path,
    Fragment,
}

/// `text` with everything escaped that `part` cannot hold.
pub(super) fn escaped(text: &[u8], part: Part) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(text.len());
    for &byte in text {
        if needs_escape(byte, part) {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            escaped.push(byte);
        }
    }
    escaped
}

/// `text` with its escapes resolved.
pub(super) fn unescaped(text: &[u8], part: Part) -> Result<Vec<u8>, UrlError> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == b'%' {
            let (digits, after) = rest.split_at_checked(2).ok_or(UrlError("invalid URL escape"))?;
            let digits =
                std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|d| d.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            let byte = byte.ok_or(UrlError("invalid URL escape"))?;
            let allowed = match part {
                // Only what is not ASCII, and the percent sign itself.
                Part::Host => !byte.is_ascii() || byte == b'%',
                // Windows has interfaces with blanks in their names.
                Part::Zone => byte == b'%' || byte == b' ' || !needs_escape(byte, Part::Host),
                Part::User | Part::Path | Part::Fragment => true,
            };
            if !allowed {
                return Err(UrlError("invalid URL escape"));
            }
            plain.push(byte);
            rest = after;
        } else if matches!(part, Part::Host | Part::Zone) && first.is_ascii() && needs_escape(first, part) {
            return Err(UrlError("invalid character in host name"));
        } else {
            plain.push(first);
        }
    }
    Ok(plain)
}

fn needs_escape(byte: u8, part: Part) -> bool {
    match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' | b'~' => false,
        b'!' | b'\'' | b'(' | b')' | b'*' | b'[' | b']' | b'<' | b'>' | b'"'
            if matches!(part, Part::Host | Part::Zone) =>
        {
            false
        }
        b'!' | b'(' | b')' | b'*' => part != Part::Fragment,
        b'$' | b'&' | b'+' | b',' | b';' | b'=' => false,
        b':' => part == Part::User,
        b'@' | b'/' | b'?' => match part {
            Part::User | Part::Host | Part::Zone => true,
            Part::Path => byte == b'?',
            Part::Fragment => false,
        },
        _ => true,
    }
}
