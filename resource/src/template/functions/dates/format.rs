//! Times as text.

use std::fmt::Write as _;

use super::civil::Civil;
use super::layout::{Field, Offset, Padding, next_field};
use super::time::Time;
use crate::template::named::{DAYS, MONTHS};

/// The time in a layout.
pub(super) fn format(time: &Time, layout: &[u8]) -> Vec<u8> {
    let (offset, zone) = time.zone.at(time.seconds);
    let civil = time.civil();
    let mut text = Vec::with_capacity(layout.len() + 10);
    let mut rest = layout;
    loop {
        let (before, field, after) = next_field(rest);
        text.extend_from_slice(before);
        let Some(field) = field else { return text };
        text.extend_from_slice(field_text(field, &civil, time.nanoseconds, offset, &zone).as_bytes());
        rest = after;
    }
}

fn field_text(field: Field, civil: &Civil, nanoseconds: u32, offset: i32, zone: &str) -> String {
    let month = usize::try_from(civil.month - 1).ok().and_then(|index| MONTHS.get(index)).copied().unwrap_or_default();
    let day = usize::try_from(civil.weekday).ok().and_then(|index| DAYS.get(index)).copied().unwrap_or_default();
    let half_day_hour = (civil.hour() + 11) % 12 + 1;
    match field {
        Field::MonthName => month.to_owned(),
        Field::ShortMonthName => month[..3].to_owned(),
        Field::Month(padding) => padded(civil.month, padding, 2),
        Field::DayName => day.to_owned(),
        Field::ShortDayName => day[..3].to_owned(),
        Field::Day(padding) => padded(civil.day, padding, 2),
        Field::DayOfYear(padding) => padded(civil.day_of_year, padding, 3),
        Field::Hour => padded(civil.hour(), Padding::Zeros, 2),
        Field::HalfDayHour(padding) => padded(half_day_hour, padding, 2),
        Field::Minute(padding) => padded(civil.minute(), padding, 2),
        Field::Second(padding) => padded(civil.second(), padding, 2),
        Field::Year if civil.year < 0 => format!("-{:04}", -civil.year),
        Field::Year => padded(civil.year, Padding::Zeros, 4),
        Field::ShortYear => padded(civil.year.abs() % 100, Padding::Zeros, 2),
        Field::HalfDay => if civil.hour() >= 12 { "PM" } else { "AM" }.to_owned(),
        Field::SmallHalfDay => if civil.hour() >= 12 { "pm" } else { "am" }.to_owned(),
        Field::ZoneName if zone.is_empty() => {
            let form = Offset { z: false, colons: false, minutes: true, seconds: false };
            offset_text(offset, form)
        }
        Field::ZoneName => zone.to_owned(),
        Field::Offset(form) => offset_text(offset, form),
        Field::Fraction { digits, separator, trimmed } => {
            // Never more than nanoseconds, whatever the layout shows.
            let mut fraction = format!("{nanoseconds:09}");
            fraction.truncate(digits);
            if trimmed {
                fraction.truncate(fraction.trim_end_matches('0').len());
            }
            if fraction.is_empty() { fraction } else { format!("{separator}{fraction}") }
        }
    }
}

fn padded(number: i64, padding: Padding, width: usize) -> String {
    match padding {
        Padding::No => number.to_string(),
        Padding::Blanks => format!("{number:width$}"),
        Padding::Zeros => format!("{number:0width$}"),
    }
}

fn offset_text(offset: i32, form: Offset) -> String {
    if form.z && offset == 0 {
        return "Z".to_owned();
    }
    // The sign is that of the whole minutes.
    let sign = if offset / 60 < 0 { '-' } else { '+' };
    let total = offset.unsigned_abs();
    let separator = if form.colons { ":" } else { "" };
    let mut text = format!("{sign}{:02}", total / 3600);
    if form.minutes {
        let _ = write!(text, "{separator}{:02}", total / 60 % 60);
    }
    if form.seconds {
        let _ = write!(text, "{separator}{:02}", total % 60);
    }
    text
}
