//! Constraints on versions: `>=1.2, <2 || ~3.1`, `1.2 - 1.4`, `^0.3`, `1.x`.

use std::sync::LazyLock;

use regex::Regex;

use super::version::{Version, VersionError};

/// Alternatives, each a list of conditions that all must hold.
#[derive(Debug)]
pub(super) struct Constraints(Vec<Vec<Constraint>>);

#[derive(Debug)]
struct Constraint {
    operator: Operator,
    version: Version,
    given: Given,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// How far a constraint says its version; the rest is `x` or missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    Nothing,
    Major,
    Minor,
    All,
}

impl Constraints {
    /// Reads constraints; empty text is none.
    pub(super) fn parse(text: &str) -> Result<Constraints, VersionError> {
        let patterns = PATTERNS.as_ref().ok_or(IMPROPER)?;
        let text = with_ranges_resolved(patterns, text);
        text.split("||").map(|alternative| conditions(patterns, alternative)).collect::<Result<_, _>>().map(Constraints)
    }

    /// Whether the version satisfies one of the alternatives.
    pub(super) fn check(&self, version: &Version) -> bool {
        self.0.iter().any(|conditions| conditions.iter().all(|condition| condition.check(version)))
    }
}

impl Constraint {
    fn check(&self, version: &Version) -> bool {
        let wanted = &self.version;
        // Who does not name a pre-release does not want one.
        let unwanted = !version.prerelease.is_empty() && wanted.prerelease.is_empty();
        if unwanted && (self.operator != Operator::NotEqual || self.given != Given::All) {
            return false;
        }
        let order = version.compare(wanted);
        match self.operator {
            Operator::Equal if self.given == Given::All => order.is_eq(),
            Operator::Equal | Operator::Tilde => self.check_tilde(version),
            Operator::NotEqual => self.check_not_equal(version),
            Operator::Greater => match self.given {
                Given::All | Given::Nothing => order.is_gt(),
                Given::Minor => (version.major, version.minor) > (wanted.major, wanted.minor),
                Given::Major => version.major > wanted.major,
            },
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => match self.given {
                Given::All => order.is_le(),
                Given::Major => version.major <= wanted.major,
                Given::Minor | Given::Nothing => (version.major, version.minor) <= (wanted.major, wanted.minor),
            },
            Operator::Caret => self.check_caret(version),
        }
    }

    /// The given numbers but for the patch are the same.
    fn check_tilde(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted).is_lt() {
            return false;
        }
        let anything = matches!(self.given, Given::Nothing | Given::All)
            && (wanted.major, wanted.minor, wanted.patch) == (0, 0, 0);
        anything || (version.major == wanted.major && (self.given == Given::Major || version.minor == wanted.minor))
    }

    /// The first number that is not zero is the same.
    fn check_caret(&self, version: &Version) -> bool {
        let wanted = &self.version;
        if version.compare(wanted).is_lt() || version.major != wanted.major {
            return false;
        }
        if wanted.major > 0 || self.given == Given::Major {
            return true;
        }
        if wanted.minor > 0 || self.given == Given::Minor {
            return version.minor == wanted.minor;
        }
        version.minor == 0 && version.patch == wanted.patch
    }

    fn check_not_equal(&self, version: &Version) -> bool {
        let wanted = &self.version;
        match self.given {
            Given::Major => version.major != wanted.major,
            Given::Minor => {
                (version.major, version.minor) != (wanted.major, wanted.minor)
                    || version.prerelease != wanted.prerelease
            }
            Given::Nothing | Given::All => version.compare(wanted).is_ne(),
        }
    }
}

const IMPROPER: VersionError = VersionError("improper constraint");

struct Patterns {
    range: Regex,
    condition: Regex,
}

/// A version of a constraint, with `x` and `*` for numbers: the numbers, and what follows the hyphen.
const VERSION: &str = r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?";

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    let blank = r"[\t\n\x0c\r ]";
    let range = Regex::new(&format!("{blank}*({VERSION}){blank}+-{blank}+({VERSION}){blank}*")).ok()?;
    let condition = Regex::new(&format!("^{blank}*(!=|>=|=>|<=|=<|~>|[=><~^]|){blank}*{VERSION}")).ok()?;
    Some(Patterns { range, condition })
});

/// `1.2 - 1.4` means `>= 1.2, <= 1.4`.
fn with_ranges_resolved(patterns: &Patterns, text: &str) -> String {
    let (mut resolved, mut done) = (String::new(), 0);
    for range in patterns.range.captures_iter(text) {
        let part = |group: usize| range.get(group).map_or("", |part| part.as_str());
        let whole = range.get(0).map_or(done..done, |whole| whole.range());
        resolved.push_str(&text[done..whole.start]);
        resolved.push_str(&format!(">= {}, <= {} ", part(1), part(6)));
        done = whole.end;
    }
    resolved + &text[done..]
}

/// Conditions parted by blanks or commas.
fn conditions(patterns: &Patterns, text: &str) -> Result<Vec<Constraint>, VersionError> {
    const BLANKS: [char; 5] = ['\t', '\n', '\x0c', '\r', ' '];
    let mut conditions = Vec::new();
    let mut rest = text;
    loop {
        let found = patterns.condition.captures(rest).ok_or(IMPROPER)?;
        let part = |group: usize| found.get(group).map_or("", |part| part.as_str());
        conditions.push(condition(part(1), [part(2), part(3), part(4)], part(5)));
        rest = &rest[found.get(0).map_or(0, |whole| whole.end())..];
        let next = rest.trim_start_matches(BLANKS);
        if next.is_empty() {
            return conditions.into_iter().collect();
        }
        match next.strip_prefix(',') {
            Some(next) => rest = next,
            None if next.len() < rest.len() => rest = next,
            None => return Err(IMPROPER),
        }
    }
}

fn condition(operator: &str, numbers: [&str; 3], prerelease: &str) -> Result<Constraint, VersionError> {
    let operator = match operator {
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let [major, minor, patch] = numbers.map(|number| number.strip_prefix('.').unwrap_or(number));
    let missing = |number: &str| matches!(number, "" | "x" | "X" | "*");
    let (given, text) = match (missing(major), missing(minor), missing(patch)) {
        (true, _, _) => (Given::Nothing, format!("0.0.0{prerelease}")),
        (_, true, _) => (Given::Major, format!("{major}.0.0{prerelease}")),
        (_, _, true) => (Given::Minor, format!("{major}.{minor}.0{prerelease}")),
        _ => (Given::All, format!("{major}.{minor}.{patch}{prerelease}")),
    };
    let version = Version::parse(&text).map_err(|_| VersionError("constraint Parser Error"))?;
    Ok(Constraint { operator, version, given })
}
