//! Dates and durations. `now` is the time at which rendering began, and local time is UTC.

mod civil;
mod duration;
mod format;
mod layout;
mod methods;
mod parse;
mod time;
mod zone;

use duration::SECOND;
use format::format;
use methods::time as time_at;
use parse::DateError;
use time::{TIME, Time};
use zone::Zone;

use crate::template::context::Context;
use crate::template::function::Parameter::{Any, Object, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::named::{Named, duration_text};
use crate::template::value::Value;

/// Those that take anything for a date take now for what is none.
pub(super) const TABLE: &[Function] = &[
    Function::new("now", &[], now).volatile(),
    Function::new("date", &[Text, Any], date).volatile(),
    Function::new("dateInZone", &[Text, Any, Text], date_in_zone).volatile(),
    Function::new("date_in_zone", &[Text, Any, Text], date_in_zone).volatile(),
    Function::new("htmlDate", &[Any], html_date).volatile(),
    Function::new("htmlDateInZone", &[Any, Text], html_date_in_zone).volatile(),
    Function::new("ago", &[Any], ago).volatile(),
    Function::new("dateModify", &[Text, Object(TIME)], date_modify),
    Function::new("date_modify", &[Text, Object(TIME)], date_modify),
    Function::new("mustDateModify", &[Text, Object(TIME)], must_date_modify),
    Function::new("must_date_modify", &[Text, Object(TIME)], must_date_modify),
    Function::new("toDate", &[Text, Text], to_date),
    Function::new("mustToDate", &[Text, Text], must_to_date),
    Function::new("unixEpoch", &[Object(TIME)], unix_epoch),
    Function::new("duration", &[Any], duration_function),
    Function::new("durationRound", &[Any], duration_round).volatile(),
];

const HTML: &[u8] = b"2006-01-02";

/// The methods of the named integers of Go's `time`.
pub(super) fn methods_of_named(named: Named) -> &'static [Function] {
    match named {
        Named::Duration => duration::METHODS,
        Named::Month => MONTH_METHODS,
        Named::Weekday => WEEKDAY_METHODS,
    }
}

const MONTH_METHODS: &[Function] =
    &[Function::new("String", &[], |_, args| Ok(Value::text(Named::Month.text(args.int(0)?))))];
const WEEKDAY_METHODS: &[Function] =
    &[Function::new("String", &[], |_, args| Ok(Value::text(Named::Weekday.text(args.int(0)?))))];

fn now(context: &mut Context<'_>, _: Arguments<'_>) -> FunctionResult {
    Ok(Value::object(Time::from_timestamp(context.now())))
}

fn date(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    shown(context, args.text(0)?, args.value(1), Zone::Local)
}

/// An unknown zone is UTC.
fn date_in_zone(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    shown(context, args.text(0)?, args.value(1), zone(args, 2)?)
}

fn html_date(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    shown(context, HTML, args.value(0), Zone::Local)
}

fn html_date_in_zone(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    shown(context, HTML, args.value(0), zone(args, 1)?)
}

fn zone(args: Arguments<'_>, index: usize) -> Result<Zone, FunctionError> {
    Ok(Zone::find(&args.text(index)?.to_text_lossy()).unwrap_or(Zone::Utc))
}

fn shown(context: &mut Context<'_>, layout: &[u8], date: &Value, zone: Zone) -> FunctionResult {
    // Few bytes of a layout write many, such as the name of a month.
    context.allocate(layout.len().saturating_mul(16))?;
    context.spend(16 + layout.len())?;
    Ok(Value::text(format(&moment(context, date).in_zone(zone), layout)))
}

/// A time, or whole seconds since 1970; anything else is now.
fn moment(context: &Context<'_>, date: &Value) -> Time {
    match date {
        Value::Int(seconds) | Value::Int64(seconds) => Time::from_unix(*seconds),
        date => date.downcast::<Time>().cloned().unwrap_or_else(|| Time::from_timestamp(context.now())),
    }
}

fn ago(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let since = Time::from_timestamp(context.now()).since(&moment(context, args.value(0)));
    Ok(Value::text(duration_text(duration::rounded(since, SECOND))))
}

/// The time itself where the duration is none.
fn date_modify(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let time = time_at(args, 1)?;
    Ok(Value::object(duration::parse(args.text(0)?).map_or_else(|| time.clone(), |duration| time.add(duration))))
}

fn must_date_modify(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let duration = duration::parse(args.text(0)?).ok_or_else(|| FunctionError::failed("time: invalid duration"))?;
    Ok(Value::object(time_at(args, 1)?.add(duration)))
}

/// The zero time where the text does not fit the layout.
fn to_date(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::object(parsed(context, args)?.unwrap_or(Time::ZERO)))
}

fn must_to_date(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    parsed(context, args)?.map(Value::object).map_err(|error| FunctionError::failed(error.to_string()))
}

fn parsed(context: &mut Context<'_>, args: Arguments<'_>) -> Result<Result<Time, DateError>, FunctionError> {
    context.spend(args.text(0)?.len() + args.text(1)?.len() / 64)?;
    Ok(parse::parse(args.text(0)?, args.text(1)?))
}

fn unix_epoch(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::text(time_at(args, 0)?.unix().to_string()))
}

/// The text of so many seconds, given as text or as an `int64`; of anything else 0.
fn duration_function(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let seconds = match args.value(0) {
        Value::Int64(seconds) => *seconds,
        Value::Text(text) => saturating(text),
        _ => 0,
    };
    Ok(Value::text(duration_text(seconds.wrapping_mul(SECOND))))
}

/// Decimal text as a number, at most what 64 bits hold; 0 for other text.
fn saturating(text: &[u8]) -> i64 {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let text = String::from_utf8_lossy(text);
    text.parse::<i64>().unwrap_or_else(|error| match error.kind() {
        PosOverflow => i64::MAX,
        NegOverflow => i64::MIN,
        _ => 0,
    })
}

/// The largest unit that the duration is more than one of, and how many whole ones.
fn duration_round(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let nanoseconds = match args.value(0) {
        Value::Int64(nanoseconds) => *nanoseconds,
        Value::Text(text) => duration::parse(text).unwrap_or_default(),
        date => date.downcast::<Time>().map_or(0, |time| Time::from_timestamp(context.now()).since(time)),
    };
    const DAY: u64 = 86_400;
    const UNITS: [(u64, &str); 6] = [(365 * DAY, "y"), (30 * DAY, "mo"), (DAY, "d"), (3600, "h"), (60, "m"), (1, "s")];
    let total = nanoseconds.unsigned_abs();
    let unit = UNITS.iter().map(|(seconds, name)| (seconds * SECOND as u64, name)).find(|(unit, _)| total > *unit);
    Ok(Value::text(unit.map_or("0s".to_owned(), |(unit, name)| format!("{}{name}", total / unit))))
}
