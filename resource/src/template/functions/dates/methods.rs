//! The methods of `time.Time` and `*time.Location`. Left out are those that give several values or bytes.

use super::duration::duration;
use super::format::format;
use super::time::{LOCATION, Location, NANOSECONDS_PER_SECOND, TIME, Time};
use super::zone::Zone;
use crate::template::context::Context;
use crate::template::function::Parameter::{Duration, Int, Object, Text};
use crate::template::function::{Arguments, Function, FunctionError, FunctionResult};
use crate::template::named::Named;
use crate::template::value::Value;

pub(super) const TIME_METHODS: &[Function] = &[
    Function::new("Year", &[], |_, args| Ok(Value::Int(time(args, 0)?.civil().year))),
    Function::new("Month", &[], |_, args| Ok(Value::Named(Named::Month, time(args, 0)?.civil().month))),
    Function::new("Day", &[], |_, args| Ok(Value::Int(time(args, 0)?.civil().day))),
    Function::new("YearDay", &[], |_, args| Ok(Value::Int(time(args, 0)?.civil().day_of_year))),
    Function::new("Weekday", &[], |_, args| Ok(Value::Named(Named::Weekday, time(args, 0)?.civil().weekday))),
    Function::new("Hour", &[], |_, args| Ok(Value::Int(time(args, 0)?.civil().hour()))),
    Function::new("Minute", &[], |_, args| Ok(Value::Int(time(args, 0)?.civil().minute()))),
    Function::new("Second", &[], |_, args| Ok(Value::Int(time(args, 0)?.civil().second()))),
    Function::new("Nanosecond", &[], |_, args| Ok(Value::Int(i64::from(time(args, 0)?.nanoseconds)))),
    Function::new("Unix", &[], |_, args| Ok(Value::Int64(time(args, 0)?.unix()))),
    Function::new("UnixMilli", &[], |_, args| Ok(Value::Int64(unix(time(args, 0)?, 1000)))),
    Function::new("UnixMicro", &[], |_, args| Ok(Value::Int64(unix(time(args, 0)?, 1_000_000)))),
    Function::new("UnixNano", &[], |_, args| Ok(Value::Int64(unix(time(args, 0)?, NANOSECONDS_PER_SECOND)))),
    Function::new("IsZero", &[], |_, args| Ok(Value::Bool(time(args, 0)?.is_zero()))),
    Function::new("IsDST", &[], |_, args| time(args, 0).map(|_| Value::Bool(false))),
    Function::new("Add", &[Duration], |_, args| Ok(Value::object(time(args, 0)?.add(args.int(1)?)))),
    Function::new("AddDate", &[Int, Int, Int], add_date),
    Function::new("Sub", &[Object(TIME)], |_, args| Ok(duration(time(args, 0)?.since(time(args, 1)?)))),
    Function::new("Round", &[Duration], |_, args| Ok(Value::object(time(args, 0)?.rounded(args.int(1)?, true)))),
    Function::new("Truncate", &[Duration], |_, args| Ok(Value::object(time(args, 0)?.rounded(args.int(1)?, false)))),
    Function::new("After", &[Object(TIME)], |_, args| Ok(Value::Bool(compare(args)?.is_gt()))),
    Function::new("Before", &[Object(TIME)], |_, args| Ok(Value::Bool(compare(args)?.is_lt()))),
    Function::new("Equal", &[Object(TIME)], |_, args| Ok(Value::Bool(compare(args)?.is_eq()))),
    Function::new("Compare", &[Object(TIME)], |_, args| Ok(Value::Int(compare(args)? as i64))),
    Function::new("UTC", &[], |_, args| Ok(Value::object(time(args, 0)?.in_zone(Zone::Utc)))),
    Function::new("Local", &[], |_, args| Ok(Value::object(time(args, 0)?.in_zone(Zone::Local)))),
    Function::new("In", &[Object(LOCATION)], in_location),
    Function::new("Location", &[], |_, args| Ok(Value::object(Location(time(args, 0)?.zone.clone())))),
    Function::new("Format", &[Text], format_method),
    Function::new("String", &[], |_, args| Ok(text(time(args, 0)?))),
    Function::new("GoString", &[], |_, args| Ok(go_text(time(args, 0)?))),
];

pub(super) const LOCATION_METHODS: &[Function] =
    &[Function::new("String", &[], |_, args| Ok(Value::text(location(args, 0)?.0.name())))];

/// The time at `index`; the engine has checked that it is one.
pub(super) fn time<'a>(args: Arguments<'a>, index: usize) -> Result<&'a Time, FunctionError> {
    args.value(index).downcast().ok_or(FunctionError::Unsupported("the argument is not a time"))
}

fn location<'a>(args: Arguments<'a>, index: usize) -> Result<&'a Location, FunctionError> {
    args.value(index).downcast().ok_or_else(|| FunctionError::failed("time: missing Location in call to Time.In"))
}

fn compare(args: Arguments<'_>) -> Result<std::cmp::Ordering, FunctionError> {
    Ok(time(args, 0)?.total_nanoseconds().cmp(&time(args, 1)?.total_nanoseconds()))
}

fn add_date(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::object(time(args, 0)?.add_date(args.int(1)?, args.int(2)?, args.int(3)?)))
}

fn in_location(_: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    Ok(Value::object(time(args, 0)?.in_zone(location(args, 1)?.0.clone())))
}

fn format_method(context: &mut Context<'_>, args: Arguments<'_>) -> FunctionResult {
    let layout = args.text(1)?;
    context.allocate(layout.len().saturating_mul(16))?;
    context.spend(layout.len())?;
    Ok(Value::text(format(time(args, 0)?, layout)))
}

fn text(time: &Time) -> Value {
    use crate::template::object::Object as _;
    time.text().map_or(Value::Nil, Value::Text)
}

fn go_text(time: &Time) -> Value {
    use crate::template::object::Object as _;
    time.go_text().map_or(Value::Nil, Value::Text)
}

/// Units since 1970, as many as go into a second; wraps where Go's does.
fn unix(time: &Time, per_second: i64) -> i64 {
    let below = i64::from(time.nanoseconds) / (NANOSECONDS_PER_SECOND / per_second);
    time.unix().wrapping_mul(per_second).wrapping_add(below)
}
