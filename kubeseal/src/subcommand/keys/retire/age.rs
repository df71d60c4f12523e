//! Ages as people write them.

use jiff::SignedDuration;
use sealed_secrets_flags::GoDuration;

/// Reads days (`400d`), weeks (`60w`), or a duration of Go (`9600h`); nothing that is not above zero.
pub(super) fn parse(text: &str) -> Option<SignedDuration> {
    const DAY: i64 = 24;
    let whole = |number: &str, days: i64| {
        let plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let hours = number.parse::<i64>().ok().filter(|_| plain)?.checked_mul(days * DAY)?;
        // A million hours are a century.
        (hours <= 10_000_000).then(|| SignedDuration::from_hours(hours))
    };
    let age = match (text.strip_suffix('d'), text.strip_suffix('w')) {
        (Some(days), _) => whole(days, 1),
        (_, Some(weeks)) => whole(weeks, 7),
        _ => text.parse::<GoDuration>().ok()?.to_std().and_then(|age| age.try_into().ok()),
    };
    age.filter(SignedDuration::is_positive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_weeks_and_hours_are_ages() {
        for (text, hours) in [
            ("400d", Some(9600)),
            ("1d", Some(24)),
            ("2w", Some(336)),
            ("9600h", Some(9600)),
            ("0d", None),
            ("-1d", None),
            ("+1d", None),
            ("d", None),
            ("1.5d", None),
            ("99999999999d", None),
            ("9223372036854775807w", None),
            ("400", None),
            ("0", None),
            ("-5h", None),
            ("", None),
            ("1y", None),
        ] {
            assert_eq!(parse(text), hours.map(SignedDuration::from_hours), "{text}");
        }
    }
}
