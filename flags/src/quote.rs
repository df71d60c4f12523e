//! Go's quoting of text in messages.

/// `text` in double quotes with Go's escapes, as `%q` prints it.
#[must_use]
pub fn quote(text: &str) -> String {
    quoted(text.chars(), '"')
}

/// `letter` in single quotes with Go's escapes, as `%q` prints it.
#[must_use]
pub fn quote_char(letter: char) -> String {
    quoted(std::iter::once(letter), '\'')
}

/// `text` in double quotes as the `time` package of Go quotes it: bytes that are no printable ASCII as `\xNN`.
#[must_use]
pub fn quote_ascii(text: &str) -> String {
    let mut out = String::from('"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend(['\\', char::from(byte)]),
            b' '..=b'\x7f' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

fn quoted(letters: impl Iterator<Item = char>, mark: char) -> String {
    let mut out = String::from(mark);
    for letter in letters {
        match letter {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            _ if letter == mark => {
                out.push('\\');
                out.push(letter);
            }
            _ if prints(letter) => out.push(letter),
            _ => out.push_str(&match u32::from(letter) {
                code @ 0..=0x7f => format!("\\x{code:02x}"),
                code @ 0x80..=0xffff => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    out.push(mark);
    out
}

/// Nearly Go's `unicode.IsPrint`: the ASCII space is the only blank that prints; controls, format characters that turn
/// text around, and private use do not.
#[must_use]
pub fn prints(c: char) -> bool {
    match c {
        ' ' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' => false,
        '\u{ad}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}' => false,
        c => !c.is_control() && !c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_go_does() {
        for (text, want) in [
            ("", r#""""#),
            ("foo", r#""foo""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("it's", r#""it's""#),
            ("a\nb\tc\r", r#""a\nb\tc\r""#),
            ("\u{1}\u{7f}", r#""\x01\x7f""#),
            ("é€\u{85}", r#""é€\u0085""#),
            (" \u{a0}\u{202e}\u{e000}\u{10fffd}", r#"" \u00a0\u202e\ue000\U0010fffd""#),
        ] {
            assert_eq!(quote(text), want);
        }
        assert_eq!(quote_ascii("a\"\\µ\n\u{7f}"), "\"a\\\"\\\\\\xc2\\xb5\\x0a\u{7f}\"");
        assert_eq!(quote_char('\''), r"'\''");
        assert_eq!(quote_char('"'), r#"'"'"#);
    }
}
