//! Whole numbers whose type has a name and a text form of its own.

use super::value::Kind;

/// A named integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// `time.Duration`, nanoseconds in an int64.
    Duration,
    /// `time.Month`, January is 1.
    Month,
    /// `time.Weekday`, Sunday is 0.
    Weekday,
}

/// Names of the months, January first.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Names of the days, Sunday first.
pub(super) const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Named {
    /// The kind below the name.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Named::Duration => Kind::Int64,
            Named::Month | Named::Weekday => Kind::Int,
        }
    }

    /// Go's name of the type.
    #[must_use]
    pub fn type_name(self) -> &'static str {
        match self {
            Named::Duration => "time.Duration",
            Named::Month => "time.Month",
            Named::Weekday => "time.Weekday",
        }
    }

    /// The text of the value `number` (Go's `String` method).
    #[must_use]
    pub fn text(self, number: i64) -> String {
        let name = |names: &'static [&'static str], first: i64| {
            usize::try_from(number.wrapping_sub(first)).ok().and_then(|index| names.get(index)).copied()
        };
        match self {
            Named::Duration => duration_text(number),
            Named::Month => name(&MONTHS, 1).map_or_else(|| format!("%!Month({})", number as u64), str::to_owned),
            Named::Weekday => name(&DAYS, 0).map_or_else(|| format!("%!Weekday({})", number as u64), str::to_owned),
        }
    }
}

/// Go's text of a duration: `1h2m3.5s`, below a second in the largest unit that gives a whole part (`1.5ms`).
#[must_use]
pub fn duration_text(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let total = nanoseconds.unsigned_abs();
    let (below_second, unit) = match total {
        0 => return "0s".to_owned(),
        1..1_000 => (Some(1), "ns"),
        1_000..1_000_000 => (Some(1_000), "µs"),
        1_000_000..1_000_000_000 => (Some(1_000_000), "ms"),
        _ => (None, "s"),
    };
    if let Some(scale) = below_second {
        return format!("{sign}{}{unit}", decimal(total, scale));
    }
    let (minutes, rest) = (total / 60_000_000_000, total % 60_000_000_000);
    let seconds = decimal(rest, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// `number / scale` with as many decimals as needed; `scale` is a power of ten.
fn decimal(number: u64, scale: u64) -> String {
    let (whole, fraction) = (number / scale, number % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = scale.ilog10() as usize;
    let fraction = format!("{fraction:0digits$}");
    format!("{whole}.{}", fraction.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_prints_them() {
        let cases = [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (18_367_001_000_000, "5h6m7.001s"),
            (-480_000_000_001, "-8m0.000000001s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(duration_text(nanoseconds), text);
        }
    }
}
