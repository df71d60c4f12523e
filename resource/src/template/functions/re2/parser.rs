//! The syntax of patterns: groups, alternatives, repetitions, flags.

use super::class::{Class, bracketed, escaped};
use super::escape::escape;
use super::{SyntaxError, TOO_LARGE, WEIGHT_LIMIT};

/// A pattern in the words of `regex`.
pub(super) struct Translated {
    pub(super) pattern: String,
    /// Names of the groups by number; group 0 is the whole.
    pub(super) names: Vec<Option<String>>,
    /// About how many states there are.
    pub(super) weight: usize,
}

/// Translates a pattern of Go's syntax.
pub(super) fn translate(pattern: &str) -> Result<Translated, SyntaxError> {
    let mut parser =
        Parser { rest: pattern, names: vec![None], flags: Flags::default(), levels: Vec::new(), weight: 0 };
    parser.levels.push(Level::new("(?:", parser.flags));
    // The operator just before, if the last thing was a repetition: two in a row are refused.
    let mut after_repetition = false;
    while let Some(next) = parser.rest.chars().next() {
        after_repetition = match next {
            '(' => parser.open().map(|()| false)?,
            ')' => parser.close().map(|()| false)?,
            '*' | '+' | '?' | '{' => parser.repeat(next, after_repetition)?,
            _ => parser.item(next).map(|()| false)?,
        };
        if parser.weight > WEIGHT_LIMIT {
            return Err(TOO_LARGE);
        }
    }
    let level = parser.levels.pop().unwrap_or_else(|| Level::new("(?:", parser.flags));
    if !parser.levels.is_empty() {
        return Err(SyntaxError("missing closing )"));
    }
    let whole = level.finish();
    Ok(Translated { pattern: whole.pattern, names: parser.names, weight: whole.weight })
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    fold: bool,
    multiline: bool,
    dot_newline: bool,
    ungreedy: bool,
}

struct Parser<'a> {
    rest: &'a str,
    names: Vec<Option<String>>,
    flags: Flags,
    /// The groups that are open, around all of them the whole pattern.
    levels: Vec<Level>,
    /// Of all items so far.
    weight: usize,
}

/// A part that a repetition applies to as a whole.
struct Item {
    pattern: String,
    weight: usize,
    /// The product of the counts of nested repetitions.
    repeats: u32,
    /// Whether it is repeated already and needs a group to be repeated again.
    repeated: bool,
}

struct Level {
    opening: &'static str,
    /// The flags to go back to.
    flags: Flags,
    items: Vec<Item>,
    alternatives: Vec<Vec<Item>>,
}

impl Level {
    fn new(opening: &'static str, flags: Flags) -> Level {
        Level { opening, flags, items: Vec::new(), alternatives: Vec::new() }
    }

    fn finish(mut self) -> Item {
        self.alternatives.push(self.items);
        let mut group = Item { pattern: self.opening.to_owned(), weight: 1, repeats: 1, repeated: false };
        for (index, items) in self.alternatives.into_iter().enumerate() {
            if index > 0 {
                group.pattern.push('|');
            }
            for item in items {
                group.pattern.push_str(&item.pattern);
                group.weight = group.weight.saturating_add(item.weight);
                group.repeats = group.repeats.max(item.repeats);
            }
        }
        group.pattern.push(')');
        group
    }
}

impl Parser<'_> {
    /// Anything that is neither a group nor a repetition.
    fn item(&mut self, next: char) -> Result<(), SyntaxError> {
        match next {
            '|' => {
                if let Some(level) = self.levels.last_mut() {
                    level.alternatives.push(std::mem::take(&mut level.items));
                }
                self.rest = &self.rest[1..];
            }
            '[' => {
                let (class, rest) = bracketed(self.rest)?;
                self.rest = rest;
                self.push_class(&class);
            }
            '.' => self.push_at(1, Class::any(self.flags.dot_newline).to_pattern(false), 4),
            '^' if self.flags.multiline => self.push_at(1, "(?m:^)".to_owned(), 1),
            '^' => self.push_at(1, r"\A".to_owned(), 1),
            '$' if self.flags.multiline => self.push_at(1, "(?m:$)".to_owned(), 1),
            '$' => self.push_at(1, r"\z".to_owned(), 1),
            '\\' => self.backslash()?,
            c => {
                self.rest = &self.rest[c.len_utf8()..];
                self.push_class(&Class::literal(u32::from(c)));
            }
        }
        Ok(())
    }

    fn backslash(&mut self) -> Result<(), SyntaxError> {
        match self.rest[1..].chars().next() {
            Some('A') => self.push_at(2, r"\A".to_owned(), 1),
            Some('z') => self.push_at(2, r"\z".to_owned(), 1),
            Some('b') => self.push_at(2, r"(?-u:\b)".to_owned(), 1),
            Some('B') => self.push_at(2, r"(?-u:\B)".to_owned(), 1),
            Some('Q') => {
                let quoted = &self.rest[2..];
                let (quoted, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
                self.rest = rest;
                quoted.chars().for_each(|c| self.push_class(&Class::literal(u32::from(c))));
            }
            _ => {
                let mut class = Class::default();
                self.rest = match escaped(self.rest, &mut class)? {
                    Some(rest) => rest,
                    None => {
                        let (code, rest) = escape(self.rest)?;
                        class = Class::literal(code);
                        rest
                    }
                };
                self.push_class(&class);
            }
        }
        Ok(())
    }

    /// `(`: a group, or flags.
    fn open(&mut self) -> Result<(), SyntaxError> {
        if !self.rest.starts_with("(?") {
            self.rest = &self.rest[1..];
            self.names.push(None);
            self.levels.push(Level::new("(", self.flags));
            return Ok(());
        }
        if let Some(named) = self.rest.strip_prefix("(?P<").or_else(|| self.rest.strip_prefix("(?<")) {
            let invalid = SyntaxError("invalid named capture");
            let (name, rest) = named.split_once('>').ok_or(invalid)?;
            let is_word = name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
            if name.is_empty() || !is_word {
                return Err(invalid);
            }
            self.rest = rest;
            self.names.push(Some(name.to_owned()));
            self.levels.push(Level::new("(", self.flags));
            return Ok(());
        }
        self.change_flags()
    }

    /// `(?i)`, `(?i-s:`
    fn change_flags(&mut self) -> Result<(), SyntaxError> {
        let mut flags = self.flags;
        let (mut value, mut any) = (true, false);
        let mut characters = self.rest[2..].chars();
        loop {
            let flag = match characters.next() {
                Some('i') => &mut flags.fold,
                Some('m') => &mut flags.multiline,
                Some('s') => &mut flags.dot_newline,
                Some('U') => &mut flags.ungreedy,
                Some('-') if value => {
                    (value, any) = (false, false);
                    continue;
                }
                Some(end @ (':' | ')')) if value || any => {
                    self.rest = characters.as_str();
                    if end == ':' {
                        self.levels.push(Level::new("(?:", self.flags));
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => return Err(SyntaxError("invalid or unsupported Perl syntax")),
            };
            *flag = value;
            any = true;
        }
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        if self.levels.len() < 2 {
            return Err(SyntaxError("unexpected )"));
        }
        if let Some(level) = self.levels.pop() {
            self.flags = level.flags;
            self.push(level.finish());
        }
        self.rest = &self.rest[1..];
        Ok(())
    }

    /// A repetition, or a brace that is none. Says whether it was one.
    fn repeat(&mut self, operator: char, after_repetition: bool) -> Result<bool, SyntaxError> {
        let after = &self.rest[1..];
        let (counts, mut after) = match operator {
            '{' => match counts(after) {
                Some(counts_and_rest) => counts_and_rest,
                None => {
                    self.rest = after;
                    self.push_class(&Class::literal(u32::from('{')));
                    return Ok(false);
                }
            },
            '*' => (Counts { min: 0, max: None }, after),
            '+' => (Counts { min: 1, max: None }, after),
            _ => (Counts { min: 0, max: Some(1) }, after),
        };
        if counts.min > LARGEST_COUNT || counts.max.is_some_and(|max| max > LARGEST_COUNT || max < counts.min) {
            return Err(SyntaxError("invalid repeat count"));
        }
        let mut lazy = self.flags.ungreedy;
        if let Some(rest) = after.strip_prefix('?') {
            lazy = !lazy;
            after = rest;
        }
        if after_repetition {
            return Err(SyntaxError("invalid nested repetition operator"));
        }
        let item = self.levels.last_mut().and_then(|level| level.items.pop());
        let item = item.ok_or(SyntaxError("missing argument to repetition operator"))?;
        self.rest = after;
        let repeated = item.repeat(operator, counts, lazy)?;
        self.push(repeated);
        Ok(true)
    }

    fn push_class(&mut self, class: &Class) {
        let weight = class.weight() * if self.flags.fold { 2 } else { 1 };
        let pattern = class.to_pattern(self.flags.fold);
        self.push(Item { pattern, weight, repeats: 1, repeated: false });
    }

    /// Pushes what `len` bytes of the pattern stand for.
    fn push_at(&mut self, len: usize, pattern: String, weight: usize) {
        self.rest = &self.rest[len..];
        self.push(Item { pattern, weight, repeats: 1, repeated: false });
    }

    fn push(&mut self, item: Item) {
        self.weight = self.weight.saturating_add(item.weight);
        if let Some(level) = self.levels.last_mut() {
            level.items.push(item);
        }
    }
}

impl Item {
    fn repeat(mut self, operator: char, counts: Counts, lazy: bool) -> Result<Item, SyntaxError> {
        if self.repeated {
            self.pattern = format!("(?:{})", self.pattern);
        }
        let times = counts.max.unwrap_or(counts.min);
        if operator == '{' && times > 0 {
            self.repeats = self.repeats.saturating_mul(times);
            if times > 1 && self.repeats > LARGEST_COUNT {
                return Err(SyntaxError("invalid repeat count"));
            }
        }
        match (operator, counts.max) {
            ('{', None) => self.pattern.push_str(&format!("{{{},}}", counts.min)),
            ('{', Some(max)) => self.pattern.push_str(&format!("{{{},{max}}}", counts.min)),
            _ => self.pattern.push(operator),
        }
        if lazy {
            self.pattern.push('?');
        }
        self.weight = self.weight.saturating_mul(times.max(1) as usize).saturating_add(1);
        self.repeated = true;
        Ok(self)
    }
}

/// More than this many repetitions are refused, nested ones multiplied.
const LARGEST_COUNT: u32 = 1000;

#[derive(Debug, Clone, Copy)]
struct Counts {
    min: u32,
    max: Option<u32>,
}

/// `2}`, `2,}`, `2,3}`, and what follows; anything else is text.
fn counts(rest: &str) -> Option<(Counts, &str)> {
    let (inside, after) = rest.split_once('}')?;
    let number = |digits: &str| {
        let plain =
            digits.bytes().all(|digit| digit.is_ascii_digit()) && !(digits.len() > 1 && digits.starts_with('0'));
        (plain && !digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
    };
    let (min, max) = match inside.split_once(',') {
        None => (number(inside)?, Some(number(inside)?)),
        Some((min, "")) => (number(min)?, None),
        Some((min, max)) => (number(min)?, Some(number(max)?)),
    };
    Some((Counts { min, max }, after))
}
