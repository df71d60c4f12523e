//! Regular expressions with the meaning they have in Go (RE2): parsed by us, matched by `regex`.
//!
//! Go and `regex` agree on how alternatives and repetitions are preferred, but not on the syntax: `\w`, `\d`, `\s` and `\b`
//! are ASCII in Go, `[a&&b]` is no intersection, `a**` is an error. So a pattern is parsed by Go's rules and written out
//! with every literal and class spelled as code points.

mod class;
mod escape;
mod parser;

use std::borrow::Cow;
use std::fmt;

use regex::{Regex, RegexBuilder};

use super::runes::runes;
use crate::template::context::Context;
use crate::template::function::FunctionError;
use crate::template::limits::Limit;

/// A compiled pattern.
pub(super) struct Pattern {
    regex: Regex,
    /// Names of the groups by number; group 0 is the whole.
    names: Vec<Option<String>>,
    /// About how many states there are.
    weight: usize,
}

/// Why Go does not compile a pattern. Names none of the pattern's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {0}")]
pub(super) struct SyntaxError(pub(super) &'static str);

/// Go would compile it.
const TOO_LARGE: SyntaxError = SyntaxError("expression too large");
/// Beyond this a pattern is refused: compiling it would take long.
const WEIGHT_LIMIT: usize = 100_000;
/// Bytes of the compiled program.
const SIZE_LIMIT: usize = 8 << 20;

impl Pattern {
    /// Compiles `pattern`, with `Err` inside for what Go does not compile.
    ///
    /// # Errors
    /// A pattern that is too large, or no steps left.
    pub(super) fn compile(
        context: &mut Context<'_>,
        pattern: &[u8],
    ) -> Result<Result<Pattern, SyntaxError>, FunctionError> {
        context.spend(64 + pattern.len())?;
        let pattern = match std::str::from_utf8(pattern) {
            Ok(pattern) => pattern,
            Err(_) => return Ok(Err(SyntaxError("invalid UTF-8"))),
        };
        let translated = match parser::translate(pattern) {
            Ok(translated) => translated,
            Err(TOO_LARGE) => return Err(Limit::Allocated.into()),
            Err(error) => return Ok(Err(error)),
        };
        let weight = translated.weight;
        context.spend(weight.saturating_mul(16))?;
        let mut builder = RegexBuilder::new(&translated.pattern);
        // The translated pattern is right by construction: what fails now is its size.
        let regex = builder.size_limit(SIZE_LIMIT).dfa_size_limit(1 << 20).build().map_err(|_| Limit::Allocated)?;
        Ok(Ok(Pattern { regex, names: translated.names, weight }))
    }

    /// Whether it matches anywhere.
    pub(super) fn is_match(&self, context: &mut Context<'_>, text: &Haystack<'_>) -> Result<bool, FunctionError> {
        context.spend(self.steps(text.text.len()))?;
        Ok(self.regex.is_match(&text.text))
    }

    /// The matches of the whole pattern in `text`, at most `limit`, with their groups when `groups` says so.
    ///
    /// As Go counts them: an empty match directly after a match is none.
    pub(super) fn matches(
        &self,
        context: &mut Context<'_>,
        text: &Haystack<'_>,
        limit: usize,
        groups: bool,
    ) -> Result<Vec<Match>, FunctionError> {
        let mut matches: Vec<Match> = Vec::new();
        let (mut position, mut last_end) = (0, None);
        context.spend(self.steps(text.text.len()))?;
        while matches.len() < limit && position <= text.text.len() {
            let Some(found) = self.find(text, position, groups) else { break };
            let (start, end) = found.whole;
            // A match says how far the search went for certain. It may have looked at all of the rest, mostly it has not.
            let left = text.text.len() - position;
            context.spend(1 + self.steps(end - position) + self.steps(left) / 64)?;
            position = if end > position { end } else { end + text.char_len(end) };
            if !(start == end && last_end == Some(start)) {
                context.allocate(std::mem::size_of::<Match>() + found.groups.len() * 32)?;
                matches.push(found);
            }
            last_end = Some(end);
        }
        for found in &mut matches {
            found.whole = text.original(found.whole);
            for group in found.groups.iter_mut().flatten() {
                *group = text.original(*group);
            }
        }
        Ok(matches)
    }

    /// The numbers of the groups of that name; more than one may have it.
    pub(super) fn groups<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        self.names.iter().enumerate().filter(move |(_, group)| group.as_deref() == Some(name)).map(|(number, _)| number)
    }

    fn find(&self, text: &Haystack<'_>, position: usize, groups: bool) -> Option<Match> {
        if !groups {
            let found = self.regex.find_at(&text.text, position)?;
            return Some(Match { whole: (found.start(), found.end()), groups: Vec::new() });
        }
        let captures = self.regex.captures_at(&text.text, position)?;
        let groups: Vec<_> = captures.iter().map(|group| group.map(|group| (group.start(), group.end()))).collect();
        Some(Match { whole: groups.first().copied().flatten()?, groups })
    }

    /// A search can take time in proportion to the length of the text times the size of the pattern.
    fn steps(&self, len: usize) -> usize {
        1 + len.saturating_mul(self.weight) / 512
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern").field("weight", &self.weight).finish_non_exhaustive()
    }
}

/// Where a pattern matched, in bytes of the original text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) whole: (usize, usize),
    /// All groups with the whole as group 0, when they were asked for.
    pub(super) groups: Vec<Option<(usize, usize)>>,
}

/// A text to search. Go reads U+FFFD for each byte outside of valid UTF-8, so that is what is searched.
pub(super) struct Haystack<'a> {
    text: Cow<'a, str>,
    /// Where the characters that stand for one byte end, in `text`.
    replaced: Vec<usize>,
}

impl<'a> Haystack<'a> {
    /// Wraps `text`.
    ///
    /// # Errors
    /// A limit.
    pub(super) fn new(context: &mut Context<'_>, text: &'a [u8]) -> Result<Haystack<'a>, Limit> {
        if let Ok(text) = std::str::from_utf8(text) {
            return Ok(Haystack { text: Cow::Borrowed(text), replaced: Vec::new() });
        }
        context.allocate(text.len().saturating_mul(11))?;
        let (mut readable, mut replaced) = (String::new(), Vec::new());
        for rune in runes(text) {
            readable.push(rune.char);
            if rune.len != rune.char.len_utf8() {
                replaced.push(readable.len());
            }
        }
        Ok(Haystack { text: Cow::Owned(readable), replaced })
    }

    fn original(&self, (start, end): (usize, usize)) -> (usize, usize) {
        let original = |position| position - 2 * self.replaced.partition_point(|&replaced| replaced <= position);
        (original(start), original(end))
    }

    /// Length of the character at `position`, 1 at the end.
    fn char_len(&self, position: usize) -> usize {
        self.text[position..].chars().next().map_or(1, char::len_utf8)
    }
}
