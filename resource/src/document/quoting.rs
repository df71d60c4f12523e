//! How a string must be written in YAML so that every reader gets the string back.

use super::scalar::{Scalar, resolve};

/// The ways to write a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    /// A `|` block; values only.
    Literal,
}

/// Chooses as Go's writer does, but errs towards quotes. Lines are never folded.
pub(super) fn style(text: &str) -> Style {
    if text.chars().any(needs_escape) {
        Style::Double
    } else if text.contains('\n') {
        // Blanks at the end of a line are lost on people, and on editors that trim.
        if text.contains(" \n") || text.ends_with(' ') { Style::Double } else { Style::Literal }
    } else if means_something_else(text) {
        Style::Double
    } else if breaks_plain(text) {
        Style::Single
    } else {
        Style::Plain
    }
}

/// Appends `'…'`.
pub(super) fn push_single(out: &mut String, text: &str) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

/// Appends `"…"`.
pub(super) fn push_double(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Of all escapes for control characters YAML and JSON share this one, and these are all below U+10000.
            _ if needs_escape(letter) => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// Characters that YAML forbids, that some reader takes for a line break, or that no one can see.
fn needs_escape(letter: char) -> bool {
    letter != '\n' && letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{FEFF}' | '\u{FFFE}' | '\u{FFFF}')
}

/// Whether the bare text would be something other than a string to a reader of YAML 1.1 or 1.2.
fn means_something_else(text: &str) -> bool {
    resolve(text) != Scalar::Text
        || text == "="
        || is_word(text)
        || (text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first))
            && (is_base_60(text) || is_date(text) || is_loose_number(text)))
}

/// The words of the table in any case: some readers are less strict about it.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// `12:30:45`, `1:30.5`.
fn is_base_60(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|byte| byte.is_ascii_digit() || b"+-:._".contains(&byte))
}

/// `2024-01-01` and whatever follows it.
fn is_date(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4
        && text[digits..].starts_with('-')
        && text[digits + 1..].starts_with(|first: char| first.is_ascii_digit())
}

/// Numbers as some readers accept them: of any size, with underscores anywhere.
fn is_loose_number(text: &str) -> bool {
    let bare = text.replace('_', "").to_ascii_lowercase();
    let bare = bare.strip_prefix(['+', '-']).unwrap_or(&bare);
    let radix = |prefix: &str, radix| {
        bare.strip_prefix(prefix).is_some_and(|digits| digits.chars().all(|digit| digit.is_digit(radix)))
    };
    let decimal =
        || bare.bytes().any(|byte| byte.is_ascii_digit()) && bare.bytes().all(|byte| b"0123456789.e+-".contains(&byte));
    matches!(bare, ".inf" | ".nan")
        || radix("0x", 16)
        || radix("0o", 8)
        || radix("0b", 2)
        || (decimal() && bare.matches('.').count() <= 1 && bare.matches('e').count() <= 1)
}

/// Whether the characters of a one-line string mean something to the YAML grammar.
fn breaks_plain(text: &str) -> bool {
    text.starts_with([' ', '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '?', ':'])
        || text.ends_with([' ', ':'])
        || text == "-"
        || ["- ", "---", "..."].iter().any(|start| text.starts_with(start))
        || text.contains(": ")
        || text.contains(" #")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_that_would_be_misread_are_quoted() {
        let double = [
            "",
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "Y",
            "N",
            "tRue",
            "null",
            "~",
            "<<",
            "=",
            "1",
            "1_000",
            "0_7",
            "1e3",
            "0x1f",
            "0o7",
            "0b1",
            "-1",
            "+.5",
            ".inf",
            "-.INF",
            ".nan",
            "12:30:45",
            "1:30.5",
            "2024-01-01",
            "2024-01-01T00:00:00Z",
            "1e999",
            "0xFFFFFFFFFFFFFFFFFFFF",
            "089",
            "a\tb",
            "\r",
            "\u{85}",
            "\u{2028}",
            "\u{FEFF}a",
            "\u{0}",
            "\u{7f}",
            "a \nb",
            "a\n ",
        ];
        for text in double {
            assert_eq!(style(text), Style::Double, "{text:?}");
        }
        let single = [
            " a", "a ", "- a", "-", "#x", "a: b", "a:", "a #b", "{", "[a", "*a", "&a", "!a", "|", ">", "%", "@", "`",
            "'", "\"", "? a", "?", ":a", "---", "... a", ",",
        ];
        for text in single {
            assert_eq!(style(text), Style::Single, "{text:?}");
        }
    }

    #[test]
    fn ordinary_strings_stay_bare() {
        for text in [
            "a",
            "a b",
            "a:b",
            "a#b",
            "-a",
            "AgBhYWFh/+==",
            "1.2.3",
            "10.0.0.1",
            "v1",
            "1a",
            "https://x/y?z",
            "é",
            "😀",
            "a\u{a0}b",
            "nope",
            "0xyz",
            "deadbeef",
            "1.5GiB",
            "a'b",
            "a\"b",
            "a\\b",
            "e3",
            "5m",
        ] {
            assert_eq!(style(text), Style::Plain, "{text:?}");
        }
        assert_eq!(style("a\nb\n"), Style::Literal);
        assert_eq!(style("\n\n  a"), Style::Literal);
    }
}
