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
            _ if (letter as u32) < 0x20 || letter == '\u{7f}' => out.push_str(&format!("\\x{:02x}", letter as u32)),
            _ if letter.is_control() || letter == '\u{feff}' => out.push_str(&format!("\\u{:04x}", letter as u32)),
            _ => out.push(letter),
        }
    }
    out.push(mark);
    out
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
        ] {
            assert_eq!(quote(text), want);
        }
        assert_eq!(quote_char('\''), r"'\''");
        assert_eq!(quote_char('"'), r#"'"'"#);
    }
}
