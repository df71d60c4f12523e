//! When a failed attempt is repeated (spec/controller.md 5.6 and W10).

use std::time::Duration;

/// Delay of the first fast retry; each further one doubles it.
const FAST: Duration = Duration::from_millis(5);
/// Cap of the fast retries, reached only with a large `--max-unseal-retries`.
const FAST_CAP: Duration = Duration::from_secs(1000);
/// Delay of the first slow retry; each further one doubles it.
const SLOW: Duration = Duration::from_secs(1);
/// Cap of the slow retries.
const SLOW_CAP: Duration = Duration::from_secs(5 * 60);
/// Delay while only a change by a person can help.
const STALLED: Duration = Duration::from_secs(10 * 60);

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It may pass by itself: no answer, conflict, overload, missing permission.
    Transient,
    /// Only a change by a person can help.
    Stalled,
    /// As [`Kind::Stalled`], and trying again fast is known to be useless.
    Immutable,
    /// As [`Kind::Stalled`], and every try costs as much as a template may.
    Exhausting,
}

/// A repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Time to wait.
    pub after: Duration,
    /// Whether the attempt that failed was one of the fast ones, which the reference makes as well.
    pub fast: bool,
}

/// The repetition after `failures` failed attempts in a row (at least 1).
///
/// The first `fast_retries` come at once; then transient causes are tried after 1 s, doubling to 5 min, and stalled ones
/// every 10 min. There is no end: a controller that gives up leaves a Secret missing after a short outage.
pub fn next(failures: u32, fast_retries: u32, kind: Kind) -> Retry {
    let past = failures.saturating_sub(1);
    let fast = past <= fast_retries;
    let after = match kind {
        Kind::Transient | Kind::Stalled if past < fast_retries => doubled(FAST, past, FAST_CAP),
        Kind::Transient => doubled(SLOW, past - fast_retries, SLOW_CAP),
        Kind::Stalled | Kind::Immutable | Kind::Exhausting => STALLED,
    };
    Retry { after, fast }
}

fn doubled(first: Duration, times: u32, cap: Duration) -> Duration {
    let factor = 1u32.checked_shl(times.min(31)).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(kind: Kind, fast_retries: u32, attempts: u32) -> Vec<u128> {
        (1..=attempts).map(|failures| next(failures, fast_retries, kind).after.as_millis()).collect()
    }

    #[test]
    fn transient_causes_are_tried_fast_then_from_one_second_doubling_to_five_minutes() {
        assert_eq!(
            delays(Kind::Transient, 5, 16),
            [5, 10, 20, 40, 80, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128_000, 256_000, 300_000, 300_000]
        );
    }

    #[test]
    fn stalled_causes_are_tried_fast_then_every_ten_minutes() {
        assert_eq!(delays(Kind::Stalled, 2, 5), [5, 10, 600_000, 600_000, 600_000]);
    }

    #[test]
    fn an_immutable_secret_and_a_template_past_its_bounds_are_never_tried_fast() {
        for kind in [Kind::Immutable, Kind::Exhausting] {
            assert_eq!(delays(kind, 5, 2), [600_000, 600_000]);
        }
    }

    #[test]
    fn no_fast_retries_at_all_is_a_setting() {
        assert_eq!(delays(Kind::Transient, 0, 3), [1000, 2000, 4000]);
        assert_eq!(delays(Kind::Stalled, 0, 2), [600_000, 600_000]);
    }

    #[test]
    fn the_first_attempt_and_its_fast_retries_count_as_fast() {
        let fast: Vec<bool> = (1..=8).map(|failures| next(failures, 5, Kind::Stalled).fast).collect();
        assert_eq!(fast, [true, true, true, true, true, true, false, false]);
    }

    #[test]
    fn counters_at_their_end_neither_overflow_nor_shrink_the_delay() {
        assert_eq!(next(u32::MAX, 0, Kind::Transient).after, SLOW_CAP);
        assert_eq!(next(200, u32::MAX, Kind::Transient).after, FAST_CAP);
    }
}
