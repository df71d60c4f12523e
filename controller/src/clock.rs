//! The one place that reads the wall clock. Everything that decides takes `now` as an argument.

use jiff::{Timestamp, Unit};

/// The current time.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// The current time in whole seconds, the precision of Kubernetes' own time fields.
pub fn now_in_seconds() -> Timestamp {
    whole_seconds(Timestamp::now())
}

/// Cuts a time to whole seconds; never rounds up, so that nothing is dated in the future.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    let options = jiff::TimestampRound::new().smallest(Unit::Second).mode(jiff::RoundMode::Trunc);
    time.round(options).unwrap_or(time)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_a_second_are_cut_and_never_rounded_up() {
        let time: Timestamp = "2026-11-22T06:13:45.999Z".parse().unwrap();
        assert_eq!(whole_seconds(time).to_string(), "2026-11-22T06:13:45Z");
    }
}
