//! Semantic versions, read as leniently as Masterminds' library reads them.

use std::cmp::Ordering;
use std::fmt;

/// A version.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
    /// What follows the `-`; empty for a release.
    pub(super) prerelease: String,
    /// What follows the `+`.
    pub(super) metadata: String,
    /// As it was written.
    pub(super) original: String,
}

/// The text is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct VersionError(pub(super) &'static str);

impl Version {
    /// Reads a version: the numbers after the first may be missing, `v` may stand before it, numbers may have leading zeros.
    pub(super) fn parse(text: &str) -> Result<Version, VersionError> {
        const INVALID: VersionError = VersionError("Invalid Semantic Version");
        let bare = text.strip_prefix('v').unwrap_or(text);
        let (bare, metadata) = bare.split_once('+').map_or((bare, None), |(bare, metadata)| (bare, Some(metadata)));
        let (numbers, prerelease) = bare.split_once('-').map_or((bare, None), |(numbers, pre)| (numbers, Some(pre)));
        let named = [prerelease, metadata].into_iter().flatten();
        if named.flat_map(|named| named.split('.')).any(|part| !is_identifier(part)) {
            return Err(INVALID);
        }
        let numbers: Vec<&str> = numbers.split('.').collect();
        if numbers.len() > 3 || numbers.iter().any(|number| !is_number(number)) {
            return Err(INVALID);
        }
        let number = |index: usize| match numbers.get(index) {
            None => Ok(0),
            Some(number) => {
                number.parse().map_err(|_| VersionError("Error parsing version segment: value out of range"))
            }
        };
        let prerelease = prerelease.unwrap_or_default();
        let version = Version {
            major: number(0)?,
            minor: number(1)?,
            patch: number(2)?,
            prerelease: prerelease.to_owned(),
            metadata: metadata.unwrap_or_default().to_owned(),
            original: text.to_owned(),
        };
        check_prerelease(prerelease)?;
        Ok(version)
    }

    /// The order of releases and pre-releases; metadata does not count.
    pub(super) fn compare(&self, other: &Version) -> Ordering {
        let numbers = |version: &Version| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| {
            match (self.prerelease.is_empty(), other.prerelease.is_empty()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) => compare_prereleases(&self.prerelease, &other.prerelease),
            }
        })
    }

    /// A version made out of this one. It keeps the `v` before it.
    pub(super) fn derived(&self, change: impl FnOnce(&mut Version)) -> Version {
        let mut derived = self.clone();
        change(&mut derived);
        let prefix = self.original.chars().next().filter(|first| matches!(first, 'v' | 'V'));
        derived.original = prefix.into_iter().chain(derived.to_string().chars()).collect();
        derived
    }

    /// The next patch release; of a pre-release that is its own release.
    pub(super) fn next_patch(&self) -> Version {
        self.derived(|next| {
            if next.prerelease.is_empty() {
                next.patch = next.patch.wrapping_add(1);
            }
            next.prerelease.clear();
            next.metadata.clear();
        })
    }

    /// The next minor release.
    pub(super) fn next_minor(&self) -> Version {
        self.derived(|next| {
            next.minor = next.minor.wrapping_add(1);
            next.patch = 0;
            next.prerelease.clear();
            next.metadata.clear();
        })
    }

    /// The next major release.
    pub(super) fn next_major(&self) -> Version {
        self.derived(|next| {
            next.major = next.major.wrapping_add(1);
            (next.minor, next.patch) = (0, 0);
            next.prerelease.clear();
            next.metadata.clear();
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

/// Whether the parts are identifiers, and numbers among them have no leading zero. Nothing is a pre-release too.
pub(super) fn check_prerelease(prerelease: &str) -> Result<(), VersionError> {
    for part in prerelease.split('.').filter(|_| !prerelease.is_empty()) {
        if is_number_or_empty(part) && part.len() > 1 && part.starts_with('0') {
            return Err(VersionError("Version segment starts with 0"));
        }
        if !part.bytes().all(is_identifier_byte) {
            return Err(VersionError("Invalid Prerelease string"));
        }
    }
    Ok(())
}

/// Whether the parts are identifiers.
pub(super) fn check_metadata(metadata: &str) -> Result<(), VersionError> {
    let valid = metadata.split('.').all(|part| part.bytes().all(is_identifier_byte));
    if valid { Ok(()) } else { Err(VersionError("Invalid Metadata string")) }
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && is_number_or_empty(text)
}

fn is_number_or_empty(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_identifier_byte)
}

fn is_identifier_byte(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_alphanumeric()
}
