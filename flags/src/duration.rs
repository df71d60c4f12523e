//! Go's durations: `720h30m`, `1.5h`, `300ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::quote::quote_ascii;

/// A span of time as Go's `time.Duration` has it: signed, in nanoseconds, at most about 292 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration {
    nanoseconds: i64,
}

/// Text that is no Go duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DurationError {
    /// Not of the form digits, unit, digits, unit …, or too long a time.
    #[error("time: invalid duration {}", quote_ascii(.0))]
    Invalid(String),
    /// A number without a unit, other than a bare `0`.
    #[error("time: missing unit in duration {}", quote_ascii(.0))]
    MissingUnit(String),
    /// A unit other than `ns us µs ms s m h`.
    #[error("time: unknown unit {} in duration {}", quote_ascii(.unit), quote_ascii(.text))]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl GoDuration {
    /// No time at all.
    pub const ZERO: GoDuration = GoDuration { nanoseconds: 0 };

    /// A span of so many nanoseconds.
    #[must_use]
    pub const fn from_nanoseconds(nanoseconds: i64) -> GoDuration {
        GoDuration { nanoseconds }
    }

    /// The span in nanoseconds.
    #[must_use]
    pub const fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// The span as the standard library has it; nothing if it is negative.
    #[must_use]
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.nanoseconds).ok().map(Duration::from_nanos)
    }
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<GoDuration, DurationError> {
        let invalid = || DurationError::Invalid(text.to_owned());
        let negative = text.starts_with('-');
        let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
        if rest == "0" {
            return Ok(GoDuration::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (nanoseconds, after) = term(rest, text)?;
            total = total.checked_add(nanoseconds).filter(|&sum| sum <= LIMIT).ok_or_else(invalid)?;
            rest = after;
        }
        match (negative, i64::try_from(total)) {
            (false, Ok(nanoseconds)) => Ok(GoDuration { nanoseconds }),
            (true, Ok(nanoseconds)) => Ok(GoDuration { nanoseconds: -nanoseconds }),
            (true, Err(_)) => Ok(GoDuration { nanoseconds: i64::MIN }),
            (false, Err(_)) => Err(invalid()),
        }
    }
}

/// The largest magnitude, that of the smallest negative duration.
const LIMIT: u64 = 1 << 63;

/// Reads one number with its unit from the front of `rest`; gives nanoseconds and what follows.
fn term<'a>(rest: &'a str, text: &str) -> Result<(u64, &'a str), DurationError> {
    let invalid = || DurationError::Invalid(text.to_owned());
    let (whole, after) = split_digits(rest);
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => split_digits(after),
        None => ("", after),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(invalid());
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
    if whole > LIMIT {
        return Err(invalid());
    }
    let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
    let (unit, after) = after.split_at(end);
    if unit.is_empty() {
        return Err(DurationError::MissingUnit(text.to_owned()));
    }
    let scale: u64 = match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => {
            return Err(DurationError::UnknownUnit { unit: unit.to_owned(), text: text.to_owned() });
        }
    };
    let nanoseconds = whole.checked_mul(scale).filter(|&value| value <= LIMIT).ok_or_else(invalid)?;
    let nanoseconds = nanoseconds.checked_add(part_of(fraction, scale)).ok_or_else(invalid)?;
    Ok((nanoseconds, after))
}

/// Nanoseconds in the decimal fraction `0.<digits>` of a unit; digits beyond double precision are dropped, as in Go.
fn part_of(digits: &str, scale: u64) -> u64 {
    let mut value: u64 = 0;
    let mut divisor = 1.0_f64;
    for digit in digits.bytes().map(|byte| u64::from(byte - b'0')) {
        match value.checked_mul(10).and_then(|shifted| shifted.checked_add(digit)).filter(|&next| next < LIMIT) {
            Some(next) => value = next,
            None => break,
        }
        divisor *= 10.0;
    }
    // The unit is at most 3.6e12, so the product fits.
    (value as f64 * (scale as f64 / divisor)) as u64
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

impl fmt::Display for GoDuration {
    /// As Go prints it: `720h0m0s`, `1m30s`, `300ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanoseconds < 0 {
            f.write_str("-")?;
        }
        let total = self.nanoseconds.unsigned_abs();
        match total {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{total}ns"),
            1_000..1_000_000 => write_decimal(f, total, 1_000, "µs"),
            1_000_000..1_000_000_000 => write_decimal(f, total, 1_000_000, "ms"),
            _ => {
                let seconds = total / 1_000_000_000;
                if seconds >= 3600 {
                    write!(f, "{}h", seconds / 3600)?;
                }
                if seconds >= 60 {
                    write!(f, "{}m", seconds / 60 % 60)?;
                }
                write_decimal(f, total % 60_000_000_000, 1_000_000_000, "s")
            }
        }
    }
}

/// Writes `value / unit` without trailing zeros, then the unit's name.
fn write_decimal(f: &mut fmt::Formatter<'_>, value: u64, unit: u64, name: &str) -> fmt::Result {
    write!(f, "{}", value / unit)?;
    let rest = value % unit;
    if rest > 0 {
        let digits = unit.ilog10() as usize;
        let text = format!("{rest:0digits$}");
        write!(f, ".{}", text.trim_end_matches('0'))?;
    }
    f.write_str(name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed_as_go_does() {
        for (text, nanoseconds, printed) in [
            ("0", 0, "0s"),
            ("-0", 0, "0s"),
            ("0s", 0, "0s"),
            ("720h", 2_592_000_000_000_000, "720h0m0s"),
            ("720h30m", 2_593_800_000_000_000, "720h30m0s"),
            ("87600h0m0s", 315_360_000_000_000_000, "87600h0m0s"),
            ("1.5h", 5_400_000_000_000, "1h30m0s"),
            (".5s", 500_000_000, "500ms"),
            ("1.s", 1_000_000_000, "1s"),
            ("300ms", 300_000_000, "300ms"),
            ("1h15m30.918273645s", 4_530_918_273_645, "1h15m30.918273645s"),
            ("-2m3.5s", -123_500_000_000, "-2m3.5s"),
            ("+5s", 5_000_000_000, "5s"),
            ("1us", 1_000, "1µs"),
            ("1.5µs", 1_500, "1.5µs"),
            ("1μs", 1_000, "1µs"),
            ("7ns", 7, "7ns"),
            ("60s", 60_000_000_000, "1m0s"),
            ("9223372036854775807ns", i64::MAX, "2562047h47m16.854775807s"),
            ("-9223372036854775808ns", i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            let duration: GoDuration = text.parse().unwrap();
            assert_eq!(duration.nanoseconds(), nanoseconds, "{text}");
            assert_eq!(duration.to_string(), printed, "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_in_its_words() {
        for (text, want) in [
            ("", "time: invalid duration \"\""),
            ("-", "time: invalid duration \"-\""),
            ("soon", "time: invalid duration \"soon\""),
            (".s", "time: invalid duration \".s\""),
            ("3", "time: missing unit in duration \"3\""),
            ("1h5", "time: missing unit in duration \"1h5\""),
            ("30d", "time: unknown unit \"d\" in duration \"30d\""),
            ("1 h", "time: unknown unit \" h\" in duration \"1 h\""),
            ("1e3s", "time: unknown unit \"e\" in duration \"1e3s\""),
            ("3000000h", "time: invalid duration \"3000000h\""),
            ("9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""),
            ("99999999999999999999d", "time: invalid duration \"99999999999999999999d\""),
            ("99999999999999999999s", "time: invalid duration \"99999999999999999999s\""),
        ] {
            assert_eq!(text.parse::<GoDuration>().unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn a_negative_duration_has_no_standard_form() {
        assert_eq!("-1s".parse::<GoDuration>().unwrap().to_std(), None);
        assert_eq!("1500ms".parse::<GoDuration>().unwrap().to_std(), Some(Duration::from_millis(1500)));
    }
}
