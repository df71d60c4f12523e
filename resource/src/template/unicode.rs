//! Go's classes of characters. Go 1.26 knows Unicode 15, we know a later one: only characters added since differ.

use std::sync::LazyLock;

use regex::Regex;

/// Letters and digits of identifiers.
pub(super) fn is_alphanumeric(c: char) -> bool {
    // Rust's own classes hold some marks and numbers too.
    static CLASS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{Nd}]").ok());
    if c.is_ascii() {
        return c == '_' || c.is_ascii_alphanumeric();
    }
    c.is_alphanumeric() && CLASS.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Whether Go prints the character as it is: letters, marks, numbers, punctuation, symbols and the ASCII blank.
pub(super) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return c == ' ' || c.is_ascii_graphic();
    }
    // The letter before keeps `escape_debug` from escaping a combining mark, which Go prints.
    let mut text = String::with_capacity(5);
    text.push('a');
    text.push(c);
    text.escape_debug().nth(1) == Some(c)
}

/// `U+0040 '@'`, Go's `%#U`.
pub(super) fn unicode_name(c: char) -> String {
    let code = format!("U+{:04X}", u32::from(c));
    if is_print(c) { format!("{code} '{c}'") } else { code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_hold_letters_and_digits_of_any_script_but_no_marks() {
        for c in ['_', 'a', '9', 'é', '日', 'ß', '٣'] {
            assert!(is_alphanumeric(c), "{c}");
        }
        for c in ['-', ' ', '€', '⌘', '\u{301}', 'Ⅷ', '½', '\u{93e}'] {
            assert!(!is_alphanumeric(c), "{c}");
        }
    }
}
