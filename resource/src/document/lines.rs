//! Lines of a text: `\n`, `\r\n` and `\r` end one.

/// The end of the line around `at`, before its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find(['\n', '\r']).map_or(text.len(), |length| at + length)
}

/// The beginning of the line around `at`; a byte order mark is no part of a line.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    match text[..at].rfind(['\n', '\r']) {
        Some(end) => end + 1,
        None if text.starts_with('\u{FEFF}') => '\u{FEFF}'.len_utf8().min(at),
        None => 0,
    }
}

/// The line break at `at`, empty if there is none.
pub(super) fn break_at(text: &str, at: usize) -> &str {
    ["\r\n", "\n", "\r"].into_iter().find(|found| text[at..].starts_with(found)).unwrap_or_default()
}

/// The beginning of the line break that ends at `at`; `at` if there is none.
pub(super) fn before_break(text: &str, at: usize) -> usize {
    let before = &text[..at];
    before.strip_suffix("\r\n").or_else(|| before.strip_suffix(['\n', '\r'])).map_or(at, str::len)
}

/// How the lines around `at` end: as this one does, else as the first one does.
pub(super) fn usual_break(text: &str, at: usize) -> &str {
    let here = break_at(text, line_end(text, at));
    let first = if here.is_empty() { break_at(text, line_end(text, 0)) } else { here };
    if first.is_empty() { "\n" } else { first }
}

/// Whether only blanks and a comment stand between `at`, where a value ends, and the end of the line.
pub(super) fn ends_here(text: &str, at: usize) -> bool {
    let rest = text[at..line_end(text, at)].trim_start_matches([' ', '\t']);
    rest.is_empty() || rest.starts_with('#')
}

/// What stands between the beginning of the line and `at`, if that is blank.
pub(super) fn indent(text: &str, at: usize) -> Option<&str> {
    let before = &text[line_start(text, at)..at];
    before.trim_start_matches([' ', '\t']).is_empty().then_some(before)
}

/// The end of the last of the blank lines that follow the line that ends at `end`; `end` if there are none.
pub(super) fn behind_blank_lines(text: &str, mut end: usize) -> usize {
    loop {
        let next = end + break_at(text, end).len();
        let next_end = line_end(text, next);
        if next == end || next == text.len() || !text[next..next_end].trim_matches([' ', '\t']).is_empty() {
            return end;
        }
        end = next_end;
    }
}

/// Passes blanks, line breaks and comments.
pub(super) fn skip_blanks(text: &str, mut at: usize) -> usize {
    loop {
        let bare = text[at..].trim_start_matches([' ', '\t', '\n', '\r']);
        at = text.len() - bare.len();
        if !bare.starts_with('#') {
            return at;
        }
        at = line_end(text, at);
    }
}
