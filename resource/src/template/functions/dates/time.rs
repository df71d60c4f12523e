//! `time.Time`

use jiff::Timestamp;

use super::civil::{Civil, UNIX_EPOCH, seconds_at};
use super::format::format;
use super::methods::{LOCATION_METHODS, TIME_METHODS};
use super::zone::Zone;
use crate::template::function::Function;
use crate::template::object::Object;
use crate::template::text::Text;
use crate::template::value::{Kind, Value};

/// A moment and the zone it is shown in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Time {
    /// Since the beginning of the year 1, UTC. Wraps where Go's does.
    pub(super) seconds: i64,
    /// 0 to 999 999 999.
    pub(super) nanoseconds: u32,
    pub(super) zone: Zone,
}

pub(super) const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;

impl Time {
    /// Go's zero time.
    pub(super) const ZERO: Time = Time { seconds: 0, nanoseconds: 0, zone: Zone::Utc };

    pub(super) fn from_unix(seconds: i64) -> Time {
        Time { seconds: seconds.wrapping_add(UNIX_EPOCH), nanoseconds: 0, zone: Zone::Local }
    }

    pub(super) fn from_timestamp(timestamp: Timestamp) -> Time {
        let nanoseconds = timestamp.as_nanosecond();
        let (seconds, rest) = (
            nanoseconds.div_euclid(i128::from(NANOSECONDS_PER_SECOND)),
            nanoseconds.rem_euclid(i128::from(NANOSECONDS_PER_SECOND)),
        );
        Time { nanoseconds: rest as u32, ..Time::from_unix(seconds as i64) }
    }

    pub(super) fn unix(&self) -> i64 {
        self.seconds.wrapping_sub(UNIX_EPOCH)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.seconds == 0 && self.nanoseconds == 0
    }

    /// What calendar and clock show in the zone.
    pub(super) fn civil(&self) -> Civil {
        let (offset, _) = self.zone.at(self.seconds);
        Civil::at(self.seconds.wrapping_add(i64::from(offset)))
    }

    pub(super) fn add(&self, nanoseconds: i64) -> Time {
        let sum = i64::from(self.nanoseconds) + nanoseconds.rem_euclid(NANOSECONDS_PER_SECOND);
        let carried = nanoseconds.div_euclid(NANOSECONDS_PER_SECOND) + sum / NANOSECONDS_PER_SECOND;
        Time {
            seconds: self.seconds.wrapping_add(carried),
            nanoseconds: (sum % NANOSECONDS_PER_SECOND) as u32,
            zone: self.zone.clone(),
        }
    }

    /// The same time of day so many years, months and days later; what does not exist counts on (31 April is 1 May).
    pub(super) fn add_date(&self, years: i64, months: i64, days: i64) -> Time {
        let civil = self.civil();
        let day =
            seconds_at(civil.year.wrapping_add(years), civil.month.wrapping_add(months), civil.day.wrapping_add(days));
        let shown = day.wrapping_add(civil.second_of_day);
        let (offset, _) = self.zone.at(shown);
        let (offset, _) = self.zone.at(shown.wrapping_sub(i64::from(offset)));
        Time { seconds: shown.wrapping_sub(i64::from(offset)), ..self.clone() }
    }

    /// Nanoseconds from `other` to this, at most what a duration holds.
    pub(super) fn since(&self, other: &Time) -> i64 {
        let difference = self.total_nanoseconds() - other.total_nanoseconds();
        difference.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }

    /// Rounded down to a multiple of `unit` nanoseconds since the year 1, or up from the half on where `up` says so.
    pub(super) fn rounded(&self, unit: i64, up: bool) -> Time {
        if unit <= 0 {
            return self.clone();
        }
        let rest = self.total_nanoseconds().rem_euclid(i128::from(unit)) as i64;
        if up && rest >= unit - rest { self.add(unit - rest) } else { self.add(-rest) }
    }

    pub(super) fn in_zone(&self, zone: Zone) -> Time {
        Time { zone, ..self.clone() }
    }

    pub(super) fn total_nanoseconds(&self) -> i128 {
        i128::from(self.seconds) * i128::from(NANOSECONDS_PER_SECOND) + i128::from(self.nanoseconds)
    }
}

/// Go's name of the type.
pub(super) const TIME: &str = "time.Time";

impl Object for Time {
    fn type_name(&self) -> &'static str {
        TIME
    }

    fn kind(&self) -> Kind {
        Kind::Struct
    }

    fn text(&self) -> Option<Text> {
        Some(Text::from(format(self, b"2006-01-02 15:04:05.999999999 -0700 MST")))
    }

    fn go_text(&self) -> Option<Text> {
        let civil = self.civil();
        let month = String::from_utf8_lossy(&format(self, b"January")).into_owned();
        let zone = match &self.zone {
            Zone::Utc => "time.UTC".to_owned(),
            Zone::Local => "time.Local".to_owned(),
            zone => format!("time.Location({:?})", zone.name()),
        };
        let (hour, minute, second) = (civil.hour(), civil.minute(), civil.second());
        Some(Text::from(format!(
            "time.Date({}, time.{month}, {}, {hour}, {minute}, {second}, {}, {zone})",
            civil.year, civil.day, self.nanoseconds
        )))
    }

    /// RFC 3339, which has years of four digits and offsets below a day; NaN stands for what JSON cannot hold.
    fn json(&self) -> Option<Value> {
        let (offset, _) = self.zone.at(self.seconds);
        if !(0..=9999).contains(&self.civil().year) || offset.abs() >= 24 * 3600 {
            return Some(Value::Float(f64::NAN));
        }
        Some(Value::text(format(self, b"2006-01-02T15:04:05.999999999Z07:00")))
    }

    /// Without the pointer to the zone, which is an address.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        let wall = Value::Uint64(u64::from(self.nanoseconds));
        vec![("wall", wall), ("ext", Value::Int64(self.seconds)), ("loc", Value::Nil)]
    }

    fn methods(&self) -> &'static [Function] {
        TIME_METHODS
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Time>() == Some(self)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// `*time.Location`
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Location(pub(super) Zone);

/// Go's name of the type.
pub(super) const LOCATION: &str = "*time.Location";

impl Object for Location {
    fn type_name(&self) -> &'static str {
        LOCATION
    }

    fn kind(&self) -> Kind {
        Kind::Pointer
    }

    fn text(&self) -> Option<Text> {
        Some(Text::from(self.0.name()))
    }

    fn copied(&self) -> Option<Value> {
        Some(Value::object(Location(Zone::Fixed(String::new(), 0))))
    }

    fn methods(&self) -> &'static [Function] {
        LOCATION_METHODS
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Location>() == Some(self)
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
