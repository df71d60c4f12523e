//! `--key-cutoff-time`: RFC 1123 with a numeric zone, as `date -R` prints it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use sealed_secrets_flags::quote_ascii;

const LAYOUT: &str = "Mon, 02 Jan 2006 15:04:05 -0700";
const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads the time as the reference does: two-digit day, no zone names, and a weekday that need not fit the date; blanks may
/// be repeated, the hour may have one digit, and the second a fraction.
pub(super) fn parse(text: &str) -> Result<Timestamp, String> {
    let mut rest = text;
    let time = read(&mut rest);
    time.map_err(|problem| match problem {
        Problem::NotThis(element) => {
            let (text, rest) = (quote_ascii(text), quote_ascii(rest));
            format!("parsing time {text} as {LAYOUT:?}: cannot parse {rest} as {element:?}")
        }
        Problem::OutOfRange(what) => format!("parsing time {}: {what} out of range", quote_ascii(text)),
        Problem::Extra => format!("parsing time {}: extra text: {}", quote_ascii(text), quote_ascii(rest)),
    })
}

enum Problem {
    NotThis(&'static str),
    OutOfRange(&'static str),
    Extra,
}

fn read(rest: &mut &str) -> Result<Timestamp, Problem> {
    word(rest, &DAYS, "Mon")?;
    literal(rest, ", ")?;
    let day = number(rest, 2, "02")?;
    literal(rest, " ")?;
    let month = word(rest, &MONTHS, "Jan")? + 1;
    literal(rest, " ")?;
    let year = number(rest, 4, "2006")?;
    literal(rest, " ")?;
    let one_digit = rest.as_bytes().get(1).is_none_or(|second| !second.is_ascii_digit());
    let hour = below(number(rest, if one_digit { 1 } else { 2 }, "15")?, 24, "hour")?;
    literal(rest, ":")?;
    let minute = below(number(rest, 2, "04")?, 60, "minute")?;
    literal(rest, ":")?;
    let second = below(number(rest, 2, "05")?, 60, "second")?;
    let nanosecond = fraction(rest);
    literal(rest, " ")?;
    let offset = zone(rest)?;
    if !rest.is_empty() {
        return Err(Problem::Extra);
    }
    let small = |value: i16| i8::try_from(value).unwrap_or(i8::MAX);
    let date = Date::new(year, i8::try_from(month).unwrap_or(i8::MAX), small(day));
    let date = date.map_err(|_| Problem::OutOfRange("day"))?;
    let local = date.at(small(hour), small(minute), small(second), nanosecond);
    offset.to_timestamp(local).map_err(|_| Problem::OutOfRange("year"))
}

/// Passes these characters; a blank stands for any number of them, and at the end for none as well.
fn literal(rest: &mut &str, expected: &'static str) -> Result<(), Problem> {
    for letter in expected.chars() {
        let passed = rest.strip_prefix(letter).or_else(|| (letter == ' ' && rest.is_empty()).then_some(""));
        *rest = passed.ok_or(Problem::NotThis(expected))?;
        if letter == ' ' {
            *rest = rest.trim_start_matches(' ');
        }
    }
    Ok(())
}

/// One of the names, in any case; gives its position.
fn word(rest: &mut &str, names: &[&str], element: &'static str) -> Result<usize, Problem> {
    let head = rest.get(..3).ok_or(Problem::NotThis(element))?;
    let position = names.iter().position(|name| name.eq_ignore_ascii_case(head));
    let position = position.ok_or(Problem::NotThis(element))?;
    *rest = &rest[3..];
    Ok(position)
}

fn number(rest: &mut &str, digits: usize, element: &'static str) -> Result<i16, Problem> {
    let head = rest.get(..digits).ok_or(Problem::NotThis(element))?;
    if !head.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::NotThis(element));
    }
    let value = head.parse().map_err(|_| Problem::NotThis(element))?;
    *rest = &rest[digits..];
    Ok(value)
}

fn below(value: i16, limit: i16, what: &'static str) -> Result<i16, Problem> {
    if value < limit { Ok(value) } else { Err(Problem::OutOfRange(what)) }
}

/// The nanoseconds of `.5` or `,5`, if that is next; digits behind the ninth do not count.
fn fraction(rest: &mut &str) -> i32 {
    let Some(behind) = rest.strip_prefix(['.', ',']).filter(|behind| behind.starts_with(|c: char| c.is_ascii_digit()))
    else {
        return 0;
    };
    let digits = behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    *rest = &behind[digits..];
    let padded = behind[..digits].bytes().chain(std::iter::repeat(b'0')).take(9);
    padded.fold(0, |value, digit| value * 10 + i32::from(digit - b'0'))
}

fn zone(rest: &mut &str) -> Result<Offset, Problem> {
    const ELEMENT: &str = "-0700";
    let before = *rest;
    let sign = match rest.bytes().next() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Problem::NotThis(ELEMENT)),
    };
    *rest = &rest[1..];
    let parts = number(rest, 2, ELEMENT).and_then(|hours| Ok((hours, number(rest, 2, ELEMENT)?)));
    let Ok((hours, minutes)) = parts else {
        *rest = before;
        return Err(Problem::NotThis(ELEMENT));
    };
    let minutes = below(minutes, 61, "time zone offset minute")?;
    let hours = below(hours, 25, "time zone offset hour")?;
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    Offset::from_seconds(seconds).map_err(|_| Problem::OutOfRange("time zone offset hour"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_date_prints_is_read_and_the_weekday_need_not_fit() {
        let want: Timestamp = "2024-10-14T19:45:30Z".parse().unwrap();
        for text in
            ["Mon, 14 Oct 2024 21:45:30 +0200", "Sun, 14 Oct 2024 19:45:30 +0000", "mon, 14 oct 2024 12:15:30 -0730"]
        {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
    }

    #[test]
    fn what_go_reads_beyond_its_layout_is_read() {
        let want: Timestamp = "2024-10-14T07:45:30Z".parse().unwrap();
        for text in
            ["Mon,  14 Oct   2024 9:45:30 +0200", "Mon, 14 Oct 2024 09:45:30  +0200", "Mon, 15 Oct 2024 7:45:30 +2400"]
        {
            assert_eq!(parse(text), Ok(want), "{text}");
        }
        let half: Timestamp = "2024-10-14T07:45:30.5Z".parse().unwrap();
        for text in ["Mon, 14 Oct 2024 9:45:30.5 +0200", "Mon, 14 Oct 2024 9:45:30,5000000009 +0200"] {
            assert_eq!(parse(text), Ok(half), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_the_place_where_it_goes_wrong() {
        let layout = "\"Mon, 02 Jan 2006 15:04:05 -0700\"";
        let cases = [
            ("x", format!("parsing time \"x\" as {layout}: cannot parse \"x\" as \"Mon\"")),
            (
                "Mon, 4 Oct 2024 21:45:30 +0200",
                format!(
                    "parsing time \"Mon, 4 Oct 2024 21:45:30 +0200\" as {layout}: cannot parse \"4 Oct 2024 21:45:30 +0200\" as \"02\""
                ),
            ),
            (
                "Mon, 14 Oct 2024 21:45:30 GMT",
                format!(
                    "parsing time \"Mon, 14 Oct 2024 21:45:30 GMT\" as {layout}: cannot parse \"GMT\" as \"-0700\""
                ),
            ),
            (
                "Mon, 31 Feb 2024 21:45:30 +0200",
                "parsing time \"Mon, 31 Feb 2024 21:45:30 +0200\": day out of range".to_owned(),
            ),
            (
                "Mon, 14 Oct 2024 21:45:30 +0200 x",
                "parsing time \"Mon, 14 Oct 2024 21:45:30 +0200 x\": extra text: \" x\"".to_owned(),
            ),
            (
                "Mon, 14 Oct 2024 24:45:30 +0200",
                "parsing time \"Mon, 14 Oct 2024 24:45:30 +0200\": hour out of range".to_owned(),
            ),
            (
                "Mon, 14 Oct 2024 21:45:30 +2500",
                "parsing time \"Mon, 14 Oct 2024 21:45:30 +2500\": time zone offset hour out of range".to_owned(),
            ),
            ("Tée", format!("parsing time \"T\\xc3\\xa9e\" as {layout}: cannot parse \"T\\xc3\\xa9e\" as \"Mon\"")),
        ];
        for (text, want) in cases {
            assert_eq!(parse(text), Err(want), "{text}");
        }
        for text in ["", "é", "Mon, 14 Oct é024 21:45:30 +0200", "Mon, 14 Oct 2024 21:45:30 +9999"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
