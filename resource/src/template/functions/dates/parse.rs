//! Times out of text, by a layout.

use super::civil::{Civil, days_in, is_leap, seconds_at};
use super::layout::{Field, Offset, Padding, next_field};
use super::time::Time;
use super::zone::Zone;
use crate::template::named::{DAYS, MONTHS};

/// The text does not fit the layout. Names none of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("parsing time: {0}")]
pub(super) struct DateError(&'static str);

const MISMATCH: DateError = DateError("cannot parse as the layout says");
const OUT_OF_RANGE: DateError = DateError("field out of range");

/// Reads `text` by `layout`; without a zone in it the time is local.
pub(super) fn parse(layout: &[u8], text: &[u8]) -> Result<Time, DateError> {
    let mut parts = Parts { month: -1, day: -1, day_of_year: -1, ..Parts::default() };
    let (mut layout, mut text) = (layout, text);
    loop {
        let (before, field, after) = next_field(layout);
        text = skip(text, before)?;
        let Some(field) = field else { break };
        layout = after;
        text = parts.read(field, text, layout)?;
    }
    if text.is_empty() { parts.time() } else { Err(DateError("extra text")) }
}

#[derive(Debug, Default)]
struct Parts {
    year: i64,
    month: i64,
    day: i64,
    day_of_year: i64,
    hour: i64,
    minute: i64,
    second: i64,
    nanoseconds: u32,
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    zone: String,
}

impl Parts {
    /// Reads one field and gives what follows it; `layout` is what follows the field there.
    fn read<'a>(&mut self, field: Field, text: &'a [u8], layout: &[u8]) -> Result<&'a [u8], DateError> {
        match field {
            Field::Year | Field::ShortYear => self.read_year(field, text),
            Field::MonthName => name(text, &MONTHS, 0).map(|(index, rest)| self.set_month(index + 1, rest)),
            Field::ShortMonthName => name(text, &MONTHS, 3).map(|(index, rest)| self.set_month(index + 1, rest)),
            Field::DayName => name(text, &DAYS, 0).map(|(_, rest)| rest),
            Field::ShortDayName => name(text, &DAYS, 3).map(|(_, rest)| rest),
            Field::Month(padding) => {
                let (month, rest) = number(text, padding, 1..=12)?;
                Ok(self.set_month(month, rest))
            }
            Field::Day(padding) => {
                let text = if padding == Padding::Blanks { text.strip_prefix(b" ").unwrap_or(text) } else { text };
                let rest;
                (self.day, rest) = number(text, padding, 0..=99)?;
                Ok(rest)
            }
            Field::DayOfYear(padding) => self.read_day_of_year(padding, text),
            Field::Hour => assign(&mut self.hour, number(text, Padding::No, 0..=23)?),
            Field::HalfDayHour(padding) => assign(&mut self.hour, number(text, padding, 0..=12)?),
            Field::Minute(padding) => assign(&mut self.minute, number(text, padding, 0..=59)?),
            Field::Second(padding) => {
                let rest = assign(&mut self.second, number(text, padding, 0..=59)?)?;
                // A fraction may follow that the layout does not show.
                let shown = matches!(next_field(layout), (_, Some(Field::Fraction { .. }), _));
                if shown { Ok(rest) } else { self.read_fraction(rest) }
            }
            Field::Fraction { trimmed: true, .. } => self.read_fraction(text),
            Field::Fraction { digits, .. } => {
                let (fraction, rest) = text.split_at_checked(digits + 1).ok_or(MISMATCH)?;
                self.nanoseconds = nanoseconds(fraction)?;
                Ok(rest)
            }
            Field::HalfDay => self.read_half_day(text, b"AM", b"PM"),
            Field::SmallHalfDay => self.read_half_day(text, b"am", b"pm"),
            Field::Offset(form) => match text.strip_prefix(b"Z").filter(|_| form.z) {
                Some(rest) => {
                    self.utc = true;
                    Ok(rest)
                }
                None => {
                    let (offset, rest) = offset(text, form)?;
                    // Go's mark for no offset: a second to the west is taken for it.
                    self.offset = (offset != -1).then_some(offset);
                    Ok(rest)
                }
            },
            Field::ZoneName => match text.strip_prefix(b"UTC") {
                Some(rest) => {
                    self.utc = true;
                    Ok(rest)
                }
                None => {
                    let len = zone_name_len(text).ok_or(MISMATCH)?;
                    self.zone = String::from_utf8_lossy(&text[..len]).into_owned();
                    Ok(&text[len..])
                }
            },
        }
    }

    fn read_year<'a>(&mut self, field: Field, text: &'a [u8]) -> Result<&'a [u8], DateError> {
        let len = if field == Field::Year { 4 } else { 2 };
        let (digits, rest) = text.split_at_checked(len).ok_or(MISMATCH)?;
        if field == Field::Year && !digits[0].is_ascii_digit() {
            return Err(MISMATCH);
        }
        let year = signed(digits).ok_or(MISMATCH)?;
        self.year = match field {
            Field::Year => year,
            _ if year >= 69 => year + 1900,
            _ => year + 2000,
        };
        Ok(rest)
    }

    fn set_month<'a>(&mut self, month: i64, rest: &'a [u8]) -> &'a [u8] {
        self.month = month;
        rest
    }

    fn read_day_of_year<'a>(&mut self, padding: Padding, text: &'a [u8]) -> Result<&'a [u8], DateError> {
        let blanks = text.iter().take(2).take_while(|&&byte| byte == b' ').count();
        let text = if padding == Padding::Blanks { &text[blanks..] } else { text };
        let digits = text.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || (padding == Padding::Zeros && digits != 3) {
            return Err(MISMATCH);
        }
        self.day_of_year = signed(&text[..digits]).ok_or(MISMATCH)?;
        Ok(&text[digits..])
    }

    /// A point or comma and digits, if they are there.
    fn read_fraction<'a>(&mut self, text: &'a [u8]) -> Result<&'a [u8], DateError> {
        let Some((b'.' | b',', digits)) = text.split_first() else { return Ok(text) };
        let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if len == 0 {
            return Ok(text);
        }
        self.nanoseconds = nanoseconds(&text[..=len])?;
        Ok(&digits[len..])
    }

    fn read_half_day<'a>(&mut self, text: &'a [u8], am: &[u8], pm: &[u8]) -> Result<&'a [u8], DateError> {
        let afternoon = text.starts_with(pm);
        if !afternoon && !text.starts_with(am) {
            return Err(MISMATCH);
        }
        // Once said, afternoon stays.
        self.afternoon = Some(afternoon || self.afternoon == Some(true));
        Ok(&text[2..])
    }

    fn time(mut self) -> Result<Time, DateError> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        self.resolve_day()?;
        let day = seconds_at(self.year, self.month, self.day);
        let shown = day + self.hour * 3600 + self.minute * 60 + self.second;
        let time = |seconds: i64, zone: Zone| Time { seconds, nanoseconds: self.nanoseconds, zone };
        if self.utc {
            return Ok(time(shown, Zone::Utc));
        }
        if let Some(offset) = self.offset {
            let is_local = offset == 0 && (self.zone.is_empty() || self.zone == "UTC");
            let zone = if is_local { Zone::Local } else { Zone::Fixed(self.zone, offset) };
            return Ok(Time { seconds: shown - i64::from(offset), nanoseconds: self.nanoseconds, zone });
        }
        if self.zone.is_empty() {
            return Ok(time(shown, Zone::Local));
        }
        // Abbreviations say nothing about the offset, but for those like GMT+3.
        let hours = self.zone.strip_prefix("GMT").and_then(|hours| signed(hours.as_bytes())).unwrap_or_default();
        let offset = i32::try_from(hours * 3600).unwrap_or_default();
        Ok(Time { seconds: shown, nanoseconds: self.nanoseconds, zone: Zone::Fixed(self.zone, offset) })
    }

    /// Fills in month and day, and checks them.
    fn resolve_day(&mut self) -> Result<(), DateError> {
        if self.day_of_year >= 0 {
            let days = 365 + i64::from(is_leap(self.year));
            if !(1..=days).contains(&self.day_of_year) {
                return Err(DateError("day-of-year out of range"));
            }
            let civil = Civil::at(seconds_at(self.year, 1, self.day_of_year));
            if (self.month >= 0 && self.month != civil.month) || (self.day >= 0 && self.day != civil.day) {
                return Err(DateError("day-of-year does not match month and day"));
            }
            (self.month, self.day) = (civil.month, civil.day);
        }
        self.month = if self.month < 0 { 1 } else { self.month };
        self.day = if self.day < 0 { 1 } else { self.day };
        let valid = (1..=days_in(self.month, self.year)).contains(&self.day);
        if valid { Ok(()) } else { Err(DateError("day out of range")) }
    }
}

/// Takes what the layout says literally; a blank there stands for any number of blanks.
fn skip<'a>(text: &'a [u8], literal: &[u8]) -> Result<&'a [u8], DateError> {
    let (mut text, mut literal) = (text, literal);
    while let Some((&first, rest)) = literal.split_first() {
        if first == b' ' {
            if text.first().is_some_and(|&byte| byte != b' ') {
                return Err(MISMATCH);
            }
            literal = without_blanks(literal);
            text = without_blanks(text);
        } else {
            text = text.strip_prefix(&[first]).ok_or(MISMATCH)?;
            literal = rest;
        }
    }
    Ok(text)
}

fn without_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&byte| byte == b' ').count()..]
}

/// The index of the name that `text` begins with, in any case; `len` letters of it if that is not 0.
fn name<'a>(text: &'a [u8], names: &[&str], len: usize) -> Result<(i64, &'a [u8]), DateError> {
    let (index, len) = (0..)
        .zip(names)
        .map(|(index, name)| (index, &name.as_bytes()[..if len == 0 { name.len() } else { len }]))
        .find(|(_, name)| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name)))
        .map(|(index, name)| (index, name.len()))
        .ok_or(MISMATCH)?;
    Ok((index, &text[len..]))
}

/// One or two digits; two where the layout has a zero.
fn number(text: &[u8], padding: Padding, range: std::ops::RangeInclusive<i64>) -> Result<(i64, &[u8]), DateError> {
    let len = text.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 || (len == 1 && padding == Padding::Zeros) {
        return Err(MISMATCH);
    }
    let number = signed(&text[..len]).ok_or(MISMATCH)?;
    if range.contains(&number) { Ok((number, &text[len..])) } else { Err(OUT_OF_RANGE) }
}

fn assign<'a>(part: &mut i64, (number, rest): (i64, &'a [u8])) -> Result<&'a [u8], DateError> {
    *part = number;
    Ok(rest)
}

/// A separator and digits, of which nine count.
fn nanoseconds(fraction: &[u8]) -> Result<u32, DateError> {
    let (separator, digits) = fraction.split_first().ok_or(MISMATCH)?;
    if !matches!(separator, b'.' | b',') {
        return Err(MISMATCH);
    }
    let digits = &digits[..digits.len().min(9)];
    let number = u32::try_from(signed(digits).ok_or(MISMATCH)?).map_err(|_| OUT_OF_RANGE)?;
    let missing = u32::try_from(9 - digits.len()).unwrap_or_default();
    Ok(number * 10_u32.pow(missing))
}

/// Offset in seconds, and what follows.
fn offset(text: &[u8], form: Offset) -> Result<(i32, &[u8]), DateError> {
    let (sign, mut rest) = text.split_first().ok_or(MISMATCH)?;
    let mut total = 0;
    // 24 hours, 60 minutes and 60 seconds are written by some.
    for (wanted, most, weight) in [(true, 24, 3600), (form.minutes, 60, 60), (form.seconds, 60, 1)] {
        if !wanted {
            continue;
        }
        if form.colons && most == 60 {
            rest = rest.strip_prefix(b":").ok_or(MISMATCH)?;
        }
        let (number, after) = number(rest, Padding::Zeros, 0..=most)?;
        total += number * weight;
        rest = after;
    }
    let total = i32::try_from(total).map_err(|_| OUT_OF_RANGE)?;
    match sign {
        b'+' => Ok((total, rest)),
        b'-' => Ok((-total, rest)),
        _ => Err(MISMATCH),
    }
}

/// How long the abbreviation of a zone is: three to five capitals, an offset, or `GMT` and an offset.
fn zone_name_len(text: &[u8]) -> Option<usize> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_offset_len(rest));
    }
    if matches!(text.first(), Some(b'+' | b'-')) {
        return Some(signed_offset_len(text)).filter(|&len| len > 0);
    }
    let capitals = text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    let valid = match capitals {
        3 => true,
        4 => text[3] == b'T' || text.starts_with(b"WITA"),
        5 => text[4] == b'T',
        _ => false,
    };
    valid.then_some(capitals)
}

/// The length of a sign and a number of hours up to 23, or 0.
fn signed_offset_len(text: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = text.split_first() else { return 0 };
    let len = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = std::str::from_utf8(&digits[..len]).ok().and_then(|digits| digits.parse::<u64>().ok());
    if hours.is_some_and(|hours| hours <= 23) { len + 1 } else { 0 }
}

/// Digits with an optional sign.
fn signed(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let is_number = digits.iter().all(u8::is_ascii_digit);
    // Go takes a sign alone for zero.
    if digits.is_empty() {
        return Some(0);
    }
    is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}
