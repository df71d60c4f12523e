//! The calendar: days, months and years of the Gregorian calendar, extended in both directions, for any 64-bit second.

/// Seconds from the first of January of the year 1 to that of 1970.
pub(super) const UNIX_EPOCH: i64 = 62_135_596_800;
pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// A date and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    /// Seconds of the day.
    pub(super) second_of_day: i64,
    /// 1 to 366.
    pub(super) day_of_year: i64,
    /// Sunday is 0.
    pub(super) weekday: i64,
}

impl Civil {
    /// The date and time so many seconds after the beginning of the year 1. Go counts unsigned seconds from a March long
    /// ago: what lies before it comes out after the far end.
    pub(super) fn at(seconds: i64) -> Civil {
        let first = ((292_277_022_400 / 400) * 146_097 + 306) * SECONDS_PER_DAY;
        let seconds = i128::from(seconds.wrapping_add(first).cast_unsigned()) - i128::from(first);
        let (days, second_of_day) = (seconds.div_euclid(86_400) as i64, seconds.rem_euclid(86_400) as i64);
        // Years begin in March here, so that the leap day is the last of its year; 400 of them have 146 097 days.
        let shifted = days + 306;
        let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let march_day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * march_day + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Civil {
            year,
            month,
            day: march_day - (153 * march_month + 2) / 5 + 1,
            second_of_day,
            day_of_year: days - days_to_year(year) + 1,
            // The year 1 begins on a Monday.
            weekday: (days + 1).rem_euclid(7),
        }
    }

    pub(super) fn hour(&self) -> i64 {
        self.second_of_day / 3600
    }

    pub(super) fn minute(&self) -> i64 {
        self.second_of_day / 60 % 60
    }

    pub(super) fn second(&self) -> i64 {
        self.second_of_day % 60
    }
}

/// Seconds from the beginning of the year 1 to that of a day. Months and days may be out of range and count on; what does
/// not fit into 64 bits wraps.
pub(super) fn seconds_at(year: i64, month: i64, day: i64) -> i64 {
    let months = i128::from(year) * 12 + i128::from(month) - 1;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    // As above: years from March on.
    let march_year = year - i128::from(month <= 2);
    let (era, year_of_era) = (march_year.div_euclid(400), march_year.rem_euclid(400));
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + i128::from(day) - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 306;
    (days * i128::from(SECONDS_PER_DAY)) as i64
}

pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(super) fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the beginning of the year 1 to that of `year`.
fn days_to_year(year: i64) -> i64 {
    let before = year - 1;
    before * 365 + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_seconds_convert_both_ways() {
        for (year, month, day, weekday, day_of_year) in [
            (1, 1, 1, 1, 1),
            (1970, 1, 1, 4, 1),
            (2000, 2, 29, 2, 60),
            (2023, 12, 31, 0, 365),
            (2024, 12, 31, 2, 366),
            (0, 3, 1, 3, 61),
            (-4, 2, 29, 4, 60),
            (1_000_000, 7, 4, 2, 186),
        ] {
            let civil = Civil::at(seconds_at(year, month, day) + 3723);
            assert_eq!((civil.year, civil.month, civil.day), (year, month, day));
            assert_eq!((civil.hour(), civil.minute(), civil.second()), (1, 2, 3));
            assert_eq!((civil.weekday, civil.day_of_year), (weekday, day_of_year), "{year}");
        }
        assert_eq!(seconds_at(1970, 1, 1), UNIX_EPOCH);
    }

    #[test]
    fn months_and_days_out_of_range_count_on() {
        assert_eq!(seconds_at(2023, 14, 30), seconds_at(2024, 3, 1));
        assert_eq!(seconds_at(2024, 0, 0), seconds_at(2023, 11, 30));
    }

    #[test]
    fn the_ends_of_the_range_have_dates() {
        for seconds in [i64::MIN, -9_223_371_966_606_163_201, i64::MAX] {
            let civil = Civil::at(seconds);
            assert_eq!(seconds_at(civil.year, civil.month, civil.day).wrapping_add(civil.second_of_day), seconds);
        }
    }
}
