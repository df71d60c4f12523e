//! PEM blocks (RFC 7468) as lenient as the reference reads them: text around and between blocks, any line length,
//! CRLF. What is no block is passed over, and so is a block that is cut short or whose Base64 is damaged.
//!
//! The crates in the tree stop at the first damaged block or refuse blocks with headers, which old backups hold.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

/// One block.
pub(crate) struct Block<'a> {
    /// What stands behind `BEGIN`.
    pub(crate) label: &'a str,
    /// Whether `Name: value` lines (RFC 1421) stand before the Base64; encrypted keys have them.
    pub(crate) has_headers: bool,
    /// The decoded bytes, wiped on drop because they may be a private key.
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// As Go reads it: unused trailing bits are ignored.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Every readable block of the input, in order. Bytes that are not UTF-8 belong to no block.
pub(crate) fn blocks(input: &[u8]) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    for chunk in input.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(start) = find_at_line_start(rest, BEGIN) {
            rest = &rest[start + BEGIN.len()..];
            blocks.extend(block(rest));
        }
    }
    blocks
}

/// Reads the block whose text follows `-----BEGIN `.
fn block(text: &str) -> Option<Block<'_>> {
    let (head, body) = text.split_once('\n')?;
    let label = head.trim_end().strip_suffix(DASHES)?;
    let end = find_at_line_start(body, END)?;
    if !body[end + END.len()..].strip_prefix(label)?.starts_with(DASHES) {
        return None;
    }
    let body = &body[..end];
    let mut base64 = body;
    while let Some((line, behind)) = base64.split_once('\n')
        && line.contains(':')
    {
        base64 = behind;
    }
    let has_headers = base64.len() < body.len();
    let text: Zeroizing<Vec<u8>> = Zeroizing::new(base64.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    let der = Zeroizing::new(BASE64.decode(&*text).ok()?);
    Some(Block { label, has_headers, der })
}

fn find_at_line_start(text: &str, pattern: &str) -> Option<usize> {
    text.match_indices(pattern).map(|(at, _)| at).find(|&at| at == 0 || text.as_bytes()[at - 1] == b'\n')
}

/// Writes one block with 64 characters a line.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(BASE64.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(base64.len() + base64.len() / 64 + 2 * label.len() + 40));
    text.push_str(&format!("{BEGIN}{label}{DASHES}\n"));
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = behind;
    }
    text.push_str(&format!("{END}{label}{DASHES}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(input: &str) -> Vec<String> {
        blocks(input.as_bytes()).iter().map(|b| format!("{}:{}", b.label, String::from_utf8_lossy(&b.der))).collect()
    }

    #[test]
    fn damaged_blocks_are_passed_over_and_the_next_good_one_counts() {
        let good = "-----BEGIN A-----\nYmFy\n-----END A-----\n";
        let table = [
            (good.to_owned(), 1),
            (good.replace('\n', "\r\n"), 1),
            (format!("text\n{good}more\n{good}"), 2),
            (format!("-----BEGIN A-----\nYm\n{good}"), 1),
            (format!("-----BEGIN A-----\n!!!!\n-----END A-----\n{good}"), 1),
            (format!("-----BEGIN B-----\nYmFy\n-----END A-----\n{good}"), 1),
            (good.replace("-----BEGIN", "  -----BEGIN"), 0),
            ("-----BEGIN A-----\nYmFy\n".to_owned(), 0),
            ("-----BEGIN ".to_owned(), 0),
        ];
        for (input, count) in table {
            assert_eq!(labels(&input), vec!["A:bar"; count], "{input}");
        }
        assert_eq!(labels(&good.replace("YmFy", "YmFyeB==")), ["A:barx"], "unused bits");
        assert_eq!(blocks(b"\xff\xfe\n-----BEGIN A-----\nYmFy\n-----END A-----").len(), 1);
    }

    #[test]
    fn headers_are_noticed_and_skipped() {
        for blank in ["\n", "", "\r\n", " \t\n"] {
            let text = format!("-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nX: y\n{blank}YmFy\n-----END A-----\n");
            let found = blocks(text.as_bytes());
            assert!(found[0].has_headers);
            assert_eq!(*found[0].der, b"bar");
        }
    }

    #[test]
    fn encode_breaks_lines_at_64_characters() {
        let text = encode("X", &[0; 49]);
        assert_eq!(text.lines().map(str::len).collect::<Vec<_>>(), [17, 64, 4, 15]);
        assert_eq!(*blocks(text.as_bytes())[0].der, [0; 49]);
    }
}
