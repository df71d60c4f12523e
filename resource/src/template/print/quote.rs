//! Go's `strconv.Quote` and its kin.

use std::fmt::Write as _;

use crate::template::unicode::is_print;

/// In double quotes, with Go's escapes; a byte that is not UTF-8 becomes `\xff`.
pub(in crate::template) fn quoted(bytes: &[u8]) -> String {
    quote_with(bytes, '"', false)
}

/// As [`quoted`], with everything outside ASCII escaped.
pub(in crate::template) fn quoted_ascii(bytes: &[u8]) -> String {
    quote_with(bytes, '"', true)
}

/// A code point in single quotes, as `%q` prints an integer; what is no code point reads as U+FFFD.
pub(in crate::template) fn quoted_character(code: u64, ascii: bool) -> String {
    let character = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    quote_with(character.encode_utf8(&mut [0; 4]).as_bytes(), '\'', ascii)
}

/// In backquotes, if Go's raw literals can hold it.
pub(in crate::template) fn backquoted(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let fits = text.chars().all(|c| c == '\t' || !(c.is_ascii_control() || c == '`' || c == '\u{feff}'));
    fits.then(|| format!("`{text}`"))
}

fn quote_with(bytes: &[u8], quote: char, ascii: bool) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push(quote);
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| push_escaped(&mut quoted, c, quote, ascii));
        chunk.invalid().iter().for_each(|byte| push(&mut quoted, format_args!("\\x{byte:02x}")));
    }
    quoted.push(quote);
    quoted
}

fn push_escaped(quoted: &mut String, c: char, quote: char, ascii: bool) {
    match c {
        '\\' => quoted.push_str("\\\\"),
        c if c == quote => {
            quoted.push('\\');
            quoted.push(c);
        }
        c if (c.is_ascii() || !ascii) && is_print(c) => quoted.push(c),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        c if c < ' ' || c == '\x7f' => push(quoted, format_args!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x10000 => push(quoted, format_args!("\\u{:04x}", u32::from(c))),
        c => push(quoted, format_args!("\\U{:08x}", u32::from(c))),
    }
}

/// Writing to a string does not fail.
fn push(quoted: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = quoted.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_go_quotes_it() {
        let cases: [(&[u8], &str); 7] = [
            (b"plain \"x\" 'y'", r#""plain \"x\" 'y'""#),
            (b"\n\t\x00\x7f\\", r#""\n\t\x00\x7f\\""#),
            (b"\xff\xfeA", r#""\xff\xfeA""#),
            ("é✓e\u{301}".as_bytes(), "\"é✓e\u{301}\""),
            ("\u{a0}\u{2028}\u{feff}\u{ad}".as_bytes(), r#""\u00a0\u2028\ufeff\u00ad""#),
            ("\u{10ffff}".as_bytes(), r#""\U0010ffff""#),
            ("\u{fffd}".as_bytes(), "\"\u{fffd}\""),
        ];
        for (bytes, text) in cases {
            assert_eq!(quoted(bytes), text);
        }
    }
}
