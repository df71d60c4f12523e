//! Texts as words: `snakecase` and its like, and the case of first letters.

use std::sync::LazyLock;

use regex::Regex;

use super::runes::{INVALID, is_lower, is_title, is_upper, lower, map_runes, runes, title, upper};

/// The words in lower case, parted by `connector`: `HTTPServer` becomes `http_server`.
pub(super) fn parted(text: &[u8], connector: char) -> Vec<u8> {
    let characters = characters(text);
    let mut parted = Vec::with_capacity(text.len() + text.len() / 2);
    let push = |c: char, parted: &mut Vec<u8>| parted.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    let mut before = Word::Connectors;
    let mut rest = characters.as_slice();
    while !rest.is_empty() {
        let (mut word, len) = next_word(rest);
        let (letters, after) = rest.split_at(len);
        let small_after = after.first().is_some_and(|letter| letter.kind == Kind::Small);
        if is_parted(before, word, small_after) {
            push(connector, &mut parted);
        }
        if word == Word::Small && matches!(before, Word::Number | Word::NumberAndSmall) {
            word = Word::NumberAndSmall;
        }
        for letter in letters {
            match word {
                Word::Connectors if letter.char != INVALID => push(connector, &mut parted),
                Word::Connectors => push(INVALID, &mut parted),
                Word::Capitals | Word::Capitalised if is_upper(letter.char) => push(lower(letter.char), &mut parted),
                Word::Capitals | Word::Capitalised => push(letter.char, &mut parted),
                _ => parted.extend_from_slice(letter.bytes),
            }
        }
        before = word;
        rest = after;
    }
    parted
}

/// The words run together, each with an upper-case first letter: `http_server` becomes `HttpServer`. Connectors at either
/// end stay, and of several in a row all but one; a text of connectors alone gets its last one twice.
pub(super) fn camel(text: &[u8]) -> String {
    let characters: Vec<char> = runes(text).map(|rune| rune.char).collect();
    let mut camel = String::with_capacity(text.len());
    let mut rest = characters.as_slice();
    let connectors = take(&mut rest, is_connector);
    camel.extend(connectors);
    if let ([], Some(last)) = (rest, connectors.last()) {
        camel.push(*last);
    }
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        camel.push(upper(first));
        if is_upper(first) {
            camel.extend(take(&mut rest, is_upper).iter().map(|&c| lower(c)));
        }
        camel.extend(take(&mut rest, |c| !is_connector(c)));
        let connectors = take(&mut rest, is_connector);
        let dropped = usize::from(!rest.is_empty());
        camel.extend(&connectors[..connectors.len() - dropped]);
    }
    camel
}

/// The first letter of each word in title case; letters, digits and `_` make words, and past ASCII all but blanks does.
pub(super) fn titled(text: &[u8]) -> String {
    let mut before = ' ';
    map_runes(text, |c| {
        let starts =
            if before.is_ascii() { !before.is_ascii_alphanumeric() && before != '_' } else { before.is_whitespace() };
        before = c;
        if starts { title(c) } else { c }
    })
}

/// The first letter after each blank in lower case.
pub(super) fn untitled(text: &[u8]) -> String {
    let mut starts = true;
    map_runes(text, |c| {
        let small = starts && !c.is_whitespace();
        starts = c.is_whitespace();
        if small { lower(c) } else { c }
    })
}

/// Upper and title case become lower, lower becomes upper, or title at the start of a word.
pub(super) fn swapped(text: &[u8]) -> String {
    let mut starts = true;
    map_runes(text, |c| {
        let swapped = match c {
            c if is_upper(c) || is_title(c) => lower(c),
            c if is_lower(c) && starts => title(c),
            c if is_lower(c) => upper(c),
            c => c,
        };
        starts = c.is_whitespace();
        swapped
    })
}

/// The first byte after each blank, every byte written as the code point of that number.
pub(super) fn initials(text: &[u8]) -> String {
    let mut starts = true;
    let mut initials = String::new();
    for c in text.iter().copied().map(char::from) {
        if c.is_whitespace() {
            starts = true;
        } else if std::mem::take(&mut starts) {
            initials.push(c);
        }
    }
    initials
}

/// The bytes that are no blanks, each written as the code point of that number; `None` when there is nothing to drop.
pub(super) fn without_blanks(text: &[u8]) -> Option<String> {
    let characters = || text.iter().copied().map(char::from);
    characters().any(char::is_whitespace).then(|| characters().filter(|c| !c.is_whitespace()).collect())
}

/// What [`parted`] tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Connectors,
    Number,
    /// Upper-case letters alone.
    Capitals,
    /// One upper-case letter and small ones.
    Capitalised,
    Small,
    /// Small letters that go with the number before them.
    NumberAndSmall,
    Punctuation,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Connector,
    Blank,
    Number,
    Upper,
    Small,
    Punctuation,
    Other,
}

/// Whether a connector goes between two neighbours. A number belongs to what follows if that is small letters, and to what
/// stands before it otherwise.
fn is_parted(before: Word, word: Word, small_after: bool) -> bool {
    if matches!(before, Word::Connectors | Word::Punctuation) {
        return false;
    }
    match word {
        Word::Connectors | Word::Punctuation => false,
        Word::Number => small_after && before != Word::NumberAndSmall,
        Word::Small | Word::NumberAndSmall => !matches!(before, Word::Number | Word::NumberAndSmall),
        Word::Capitals | Word::Capitalised | Word::Other => true,
    }
}

/// The word that `rest` begins with, and its length. The last of several capitals goes with small letters after them.
fn next_word(rest: &[Character<'_>]) -> (Word, usize) {
    let run = |from: usize, wanted: &[Kind]| rest[from..].iter().take_while(|c| wanted.contains(&c.kind)).count();
    let first = rest.first().map_or(Kind::Other, |letter| letter.kind);
    let len = run(0, &[first]).max(1);
    let small = run(len.min(rest.len()), &[Kind::Small]);
    let is_real = |character: &Character<'_>| character.char != INVALID;
    let last = rest[..len].iter().rposition(is_real).unwrap_or_default();
    let before_last = rest[..last].iter().rposition(is_real).map(|capital| capital + 1);
    match first {
        Kind::Connector | Kind::Blank => (Word::Connectors, run(0, &[Kind::Connector, Kind::Blank])),
        Kind::Number => (Word::Number, len),
        Kind::Upper if small > 0 => before_last.map_or((Word::Capitalised, len + small), |len| (Word::Capitals, len)),
        Kind::Upper => (Word::Capitals, len),
        Kind::Small => (Word::Small, len),
        // `_` and `-` are connectors only where no other punctuation stands before them.
        Kind::Punctuation => (Word::Punctuation, run(0, &[Kind::Punctuation, Kind::Connector])),
        Kind::Other => (Word::Other, len),
    }
}

struct Character<'a> {
    char: char,
    bytes: &'a [u8],
    kind: Kind,
}

/// The characters with their kinds; a byte outside of UTF-8 is of the kind of what follows, at the end of what precedes.
fn characters(text: &[u8]) -> Vec<Character<'_>> {
    let mut characters: Vec<Character<'_>> = runes(text)
        .map(|rune| {
            let bytes = &text[rune.start..rune.start + rune.len];
            Character { char: rune.char, bytes, kind: kind(rune.char) }
        })
        .collect();
    let last = characters.iter().rev().find(|character| character.char != INVALID);
    let mut following = last.map_or(Kind::Small, |character| character.kind);
    for character in characters.iter_mut().rev() {
        if character.char == INVALID {
            character.kind = following;
        }
        following = character.kind;
    }
    characters
}

fn kind(c: char) -> Kind {
    static LETTER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{L}").ok());
    static PUNCTUATION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\p{P}").ok());
    let is = |class: &LazyLock<Option<Regex>>| {
        class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
    };
    match c {
        '_' | '-' => Kind::Connector,
        c if c.is_whitespace() => Kind::Blank,
        c if c.is_numeric() => Kind::Number,
        c if is_upper(c) => Kind::Upper,
        c if is_ideograph(c) => Kind::Other,
        'a'..='z' => Kind::Small,
        _ if is(&PUNCTUATION) => Kind::Punctuation,
        c if !c.is_ascii() && is(&LETTER) => Kind::Small,
        _ => Kind::Other,
    }
}

fn is_connector(c: char) -> bool {
    c == '_' || c == '-' || c.is_whitespace()
}

/// Characters that stand for words of their own.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4d85}' | '\u{4e00}'..='\u{9fcc}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2b81d}')
}

/// Takes the leading characters that are `wanted` off `rest`.
fn take<'a>(rest: &mut &'a [char], wanted: impl Fn(char) -> bool) -> &'a [char] {
    let len = rest.iter().take_while(|&&c| wanted(c)).count();
    let (taken, left) = rest.split_at(len);
    *rest = left;
    taken
}
