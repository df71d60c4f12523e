//! Classes of characters: `[a-z]`, `[[:alpha:]]`, `\d`, `\p{Greek}`.

use std::fmt::Write as _;

use regex::Regex;

use super::escape::escape;
use super::{SyntaxError, TOO_LARGE, WEIGHT_LIMIT};

/// A set of characters, written the way `regex` reads it inside of brackets.
#[derive(Debug, Default, Clone)]
pub(super) struct Class {
    written: String,
    negated: bool,
    /// About how many states it takes.
    weight: usize,
}

impl Class {
    /// All characters, or all but the newline.
    pub(super) fn any(newline: bool) -> Class {
        let mut class = Class { negated: true, ..Class::default() };
        if !newline {
            class.add(0x0a, 0x0a);
        }
        class.weight = 4;
        class
    }

    /// One character.
    pub(super) fn literal(code: u32) -> Class {
        let mut class = Class::default();
        class.add(code, code);
        class
    }

    /// About how many states it takes.
    pub(super) fn weight(&self) -> usize {
        self.weight.max(1)
    }

    /// As a pattern of its own; `fold` for all cases of its characters.
    pub(super) fn to_pattern(&self, fold: bool) -> String {
        let class = match (self.written.as_str(), self.negated) {
            ("", true) => r"(?s:.)".to_owned(),
            ("", false) => r"[a&&b]".to_owned(),
            (written, true) => format!("[^{written}]"),
            (written, false) => format!("[{written}]"),
        };
        if fold { format!("(?i:{class})") } else { class }
    }

    /// Adds a range. Surrogates are left out: no text has them.
    fn add(&mut self, low: u32, high: u32) {
        const SURROGATES: (u32, u32) = (0xd800, 0xdfff);
        for (low, high) in [(low, high.min(SURROGATES.0 - 1)), (low.max(SURROGATES.1 + 1), high)] {
            if low <= high {
                let _ = write!(self.written, r"\x{{{low:x}}}-\x{{{high:x}}}");
                self.weight += if high > 0x7f { 4 } else { 1 };
            }
        }
    }

    /// A negated class stays one of its own: cases are folded before it is negated.
    fn add_ranges(&mut self, ranges: &[(u8, u8)], negated: bool) {
        if negated {
            self.written.push_str("[^");
            self.weight += 4;
        }
        ranges.iter().for_each(|&(low, high)| self.add(u32::from(low), u32::from(high)));
        if negated {
            self.written.push(']');
        }
    }
}

/// The class in brackets at the beginning of `rest`, and what follows.
pub(super) fn bracketed(rest: &str) -> Result<(Class, &str), SyntaxError> {
    const UNCLOSED: SyntaxError = SyntaxError("missing closing ]");
    let mut class = Class::default();
    let mut rest = rest.strip_prefix('[').unwrap_or(rest);
    if let Some(after) = rest.strip_prefix('^') {
        class.negated = true;
        rest = after;
    }
    let mut first = true;
    while first || !rest.starts_with(']') {
        first = false;
        if let Some((named, after)) = rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) {
            let (name, negated) = named.strip_prefix('^').map_or((named, false), |name| (name, true));
            class.add_ranges(posix(name).ok_or(SyntaxError("invalid character class range"))?, negated);
            rest = after;
        } else if let Some(after) = escaped(rest, &mut class)? {
            rest = after;
        } else {
            let (low, after) = character(rest)?.ok_or(UNCLOSED)?;
            let range_end = after.strip_prefix('-').filter(|end| !end.is_empty() && !end.starts_with(']'));
            let (high, after) = match range_end {
                Some(end) => character(end)?.ok_or(UNCLOSED)?,
                None => (low, after),
            };
            if high < low {
                return Err(SyntaxError("invalid character class range"));
            }
            class.add(low, high);
            rest = after;
        }
    }
    Ok((class, &rest[1..]))
}

/// Adds the class of the escape at the beginning of `rest` (`\d`, `\pL`, …), if it is one, and gives what follows.
pub(super) fn escaped<'a>(rest: &'a str, class: &mut Class) -> Result<Option<&'a str>, SyntaxError> {
    let Some(name) = rest.strip_prefix('\\') else { return Ok(None) };
    let mut characters = name.chars();
    let Some(letter) = characters.next() else { return Ok(None) };
    let after = characters.as_str();
    match letter {
        'd' | 'D' => class.add_ranges(DIGITS, letter == 'D'),
        'w' | 'W' => class.add_ranges(WORD, letter == 'W'),
        's' | 'S' => class.add_ranges(BLANKS, letter == 'S'),
        'p' | 'P' => return unicode(after, letter == 'P', class).map(Some),
        _ => return Ok(None),
    }
    Ok(Some(after))
}

/// The property after `\p`: one letter, or a name in braces.
fn unicode<'a>(rest: &'a str, negated: bool, class: &mut Class) -> Result<&'a str, SyntaxError> {
    const UNKNOWN: SyntaxError = SyntaxError("invalid character class range");
    let (name, after) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once('}').ok_or(UNKNOWN)?,
        None => rest.split_at(rest.chars().next().ok_or(UNKNOWN)?.len_utf8()),
    };
    let (name, negated) = name.strip_prefix('^').map_or((name, negated), |name| (name, !negated));
    let property = property(name).ok_or(UNKNOWN)?;
    let letter = if negated { 'P' } else { 'p' };
    let _ = write!(class.written, "\\{letter}{{{property}}}");
    class.weight += 200;
    if class.weight > WEIGHT_LIMIT { Err(TOO_LARGE) } else { Ok(after) }
}

/// The property in the words of `regex`: Go knows general categories and the long names of scripts.
fn property(name: &str) -> Option<String> {
    let plain: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).collect::<String>().to_lowercase();
    let known = |property: &str| Regex::new(&format!("\\p{{{property}}}")).is_ok();
    if plain.is_empty() || plain.starts_with("is") || !plain.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let category = format!("gc={plain}");
    if known(&category) {
        return Some(category);
    }
    // Scripts have codes of four letters too, which Go does not know.
    const LONG_NAMES_OF_FOUR: [&str; 7] = ["ahom", "cham", "kawi", "lisu", "modi", "thai", "toto"];
    let script = format!("sc={plain}");
    let is_code = plain.len() == 4 && !LONG_NAMES_OF_FOUR.contains(&plain.as_str());
    (!is_code && known(&script)).then_some(script)
}

/// One character of a class, literal or escaped; `None` at the end.
fn character(rest: &str) -> Result<Option<(u32, &str)>, SyntaxError> {
    if rest.starts_with('\\') {
        return escape(rest).map(Some);
    }
    let mut characters = rest.chars();
    Ok(characters.next().map(|c| (u32::from(c), characters.as_str())))
}

const DIGITS: &[(u8, u8)] = &[(b'0', b'9')];
const WORD: &[(u8, u8)] = &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')];
const BLANKS: &[(u8, u8)] = &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')];

fn posix(name: &str) -> Option<&'static [(u8, u8)]> {
    Some(match name {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => DIGITS,
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => WORD,
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    })
}
