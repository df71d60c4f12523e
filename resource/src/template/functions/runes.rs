//! Go's view of a string as code points, and its one-to-one case mapping.

/// What Go reads where a byte is not part of valid UTF-8.
pub(super) const INVALID: char = '\u{fffd}';

/// One code point of a Go string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rune {
    /// The code point; [`INVALID`] for a byte that is not part of valid UTF-8.
    pub(super) char: char,
    /// Where it begins.
    pub(super) start: usize,
    /// Its length in bytes.
    pub(super) len: usize,
}

/// The code points of `text`, as Go's `range` gives them: each byte outside of valid UTF-8 is one of its own.
pub(super) fn runes(text: &[u8]) -> impl Iterator<Item = Rune> + '_ {
    let mut start = 0;
    text.utf8_chunks().flat_map(move |chunk| {
        let (valid_start, invalid_start) = (start, start + chunk.valid().len());
        start = invalid_start + chunk.invalid().len();
        let valid = chunk.valid().char_indices().map(move |(offset, char)| Rune {
            char,
            start: valid_start + offset,
            len: char.len_utf8(),
        });
        let invalid = (invalid_start..start).map(|start| Rune { char: INVALID, start, len: 1 });
        valid.chain(invalid)
    })
}

/// `text` with each code point replaced; as in Go, a byte outside of valid UTF-8 becomes U+FFFD.
pub(super) fn map_runes(text: &[u8], mut replace: impl FnMut(char) -> char) -> String {
    runes(text).map(|rune| replace(rune.char)).collect()
}

/// The single upper-case code point: unlike Rust's full mapping, `ß` stays.
pub(super) fn upper(c: char) -> char {
    match u32::from(c) {
        // Rust maps those with iota below to two code points.
        0x1f80..=0x1f87 | 0x1f90..=0x1f97 | 0x1fa0..=0x1fa7 => char::from_u32(u32::from(c) + 8).unwrap_or(c),
        0x1fb3 | 0x1fc3 | 0x1ff3 => char::from_u32(u32::from(c) + 9).unwrap_or(c),
        _ => single(c.to_uppercase(), c),
    }
}

/// The single lower-case code point.
pub(super) fn lower(c: char) -> char {
    if c == 'İ' { 'i' } else { single(c.to_lowercase(), c) }
}

/// The single title-case code point: upper case, but for the digraphs and Georgian.
pub(super) fn title(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        '\u{10d0}'..='\u{10ff}' => c,
        c => upper(c),
    }
}

/// Letters of Go's upper-case category, which leaves out Roman numerals and circled letters.
pub(super) fn is_upper(c: char) -> bool {
    c.is_uppercase() && !is_letterlike(c)
}

/// Letters of Go's lower-case category.
pub(super) fn is_lower(c: char) -> bool {
    c.is_lowercase() && !is_letterlike(c)
}

/// Letters of Go's title-case category: digraphs whose first part is upper case.
pub(super) fn is_title(c: char) -> bool {
    matches!(u32::from(c), 0x1c5 | 0x1c8 | 0x1cb | 0x1f2 | 0x1fbc | 0x1fcc | 0x1ffc)
        || matches!(u32::from(c), 0x1f88..=0x1f8f | 0x1f98..=0x1f9f | 0x1fa8..=0x1faf)
}

fn is_letterlike(c: char) -> bool {
    matches!(c, '\u{345}' | '\u{2160}'..='\u{217f}' | '\u{24b6}'..='\u{24e9}' | '\u{1f130}'..='\u{1f189}')
}

fn single(mut mapped: impl Iterator<Item = char>, c: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_outside_of_utf_8_is_a_rune_of_its_own() {
        let read: Vec<(char, usize, usize)> =
            runes(b"a\xed\xa0\x80\xc3\xa9\xf0\x9f").map(|rune| (rune.char, rune.start, rune.len)).collect();
        let invalid = |start| (INVALID, start, 1);
        assert_eq!(read, [('a', 0, 1), invalid(1), invalid(2), invalid(3), ('é', 4, 2), invalid(6), invalid(7)]);
    }

    #[test]
    fn case_maps_one_code_point_to_one() {
        for (c, up, low, first) in [
            ('ß', 'ß', 'ß', 'ß'),
            ('ﬁ', 'ﬁ', 'ﬁ', 'ﬁ'),
            ('İ', 'İ', 'i', 'İ'),
            ('ᾀ', 'ᾈ', 'ᾀ', 'ᾈ'),
            ('ᾳ', 'ᾼ', 'ᾳ', 'ᾼ'),
            ('ǆ', 'Ǆ', 'ǆ', 'ǅ'),
            ('ა', 'Ა', 'ა', 'ა'),
            ('é', 'É', 'é', 'É'),
            ('Σ', 'Σ', 'σ', 'Σ'),
        ] {
            assert_eq!((upper(c), lower(c), title(c)), (up, low, first), "{c}");
        }
    }

    #[test]
    fn roman_numerals_and_circles_are_no_letters() {
        assert!(!is_upper('Ⅳ') && !is_lower('ⅳ') && !is_upper('Ⓐ') && !is_lower('ⓐ'));
        assert!(is_upper('É') && is_lower('é') && is_title('ǅ') && !is_title('A'));
    }
}
