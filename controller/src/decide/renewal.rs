//! When a new sealing key is due (spec/controller.md 4.6, 4.7 and W28).

use jiff::{SignedDuration, Timestamp};

/// A certificate is replaced this long before its end, at most.
const LONGEST_MARGIN: SignedDuration = SignedDuration::from_hours(24);
/// First and last delay between attempts after a failed renewal.
const FIRST_BACK_OFF: SignedDuration = SignedDuration::from_secs(5);
const LAST_BACK_OFF: SignedDuration = SignedDuration::from_mins(10);

/// What counts of the current key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Current {
    /// Its ordering time.
    pub since: Timestamp,
    /// Validity of its certificate.
    pub not_before: Timestamp,
    /// End of that validity.
    pub not_after: Timestamp,
}

/// When the next renewal happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Not by itself.
    Never,
    /// At this time, which may have passed.
    At(Timestamp),
}

/// What made a key be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// The time had come.
    Time,
    /// Somebody asked for it. That does not shift the schedule.
    Signal,
}

/// The renewals of one process.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Positive, or `None` when renewal is off.
    period: Option<SignedDuration>,
    due: Renewal,
    failures: u32,
    retry_at: Option<Timestamp>,
    /// A key that stays current although a newer one was made; its end cannot be helped by making more.
    unhelpable: Option<Current>,
    /// When a key was made last.
    made_at: Option<Timestamp>,
}

impl Schedule {
    /// Begins with the first renewal of this process: one period after the current key's time, so that a restart never
    /// postpones it.
    pub fn new(current: Option<&Current>, period: Option<SignedDuration>, now: Timestamp) -> Schedule {
        let due = first(current, period, now);
        Schedule { period, due, failures: 0, retry_at: None, unhelpable: None, made_at: None }
    }

    /// When the next key is to be made.
    pub fn next(&self, current: Option<&Current>, now: Timestamp) -> Renewal {
        // A clock that was set back since then does not make a pause longer.
        let within = |time: Timestamp, pause: SignedDuration| Renewal::At(time.min(later(now, pause)));
        match (self.retry_at, current, self.made_at) {
            (Some(time), ..) => within(time, back_off(self.failures)),
            // Somebody takes away what was just made.
            (None, None, Some(made)) => within(later(made, FIRST_BACK_OFF), FIRST_BACK_OFF),
            _ => self.due(current, now),
        }
    }

    /// When the next key is due, whether making it has failed so far or not. Without a current key that is now, as it is at
    /// start, also where renewal is off (W7, W12).
    pub fn due(&self, current: Option<&Current>, now: Timestamp) -> Renewal {
        match current {
            None => Renewal::At(now),
            Some(current) if self.unhelpable != Some(*current) => before_expiry(self.due, current),
            Some(_) => self.due,
        }
    }

    /// A key was made. `before` and `after` are the current keys then and now. Says whether the new key came into use.
    pub fn succeeded(
        &mut self,
        trigger: Trigger,
        before: Option<Current>,
        after: Option<Current>,
        now: Timestamp,
    ) -> bool {
        self.failures = 0;
        self.retry_at = None;
        self.made_at = Some(now);
        if let (Trigger::Time, Renewal::At(due), Some(period)) = (trigger, self.due, self.period) {
            self.due = match due <= now {
                true => Renewal::At(following(due, period, now)),
                // It was brought forward because the certificate was about to end.
                false => Renewal::At(later(now, period)),
            };
        }
        let in_use = before != after;
        if !in_use {
            self.unhelpable = after;
        }
        in_use
    }

    /// No key could be made.
    pub fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.retry_at = Some(later(now, back_off(self.failures)));
    }
}

/// Whether a key has to be generated before anything is served.
///
/// `cutoff` is `--key-cutoff-time`: an older current key is replaced.
pub fn needed_at_start(current: Option<&Current>, cutoff: Option<Timestamp>) -> bool {
    match (current, cutoff) {
        (None, _) => true,
        (Some(current), Some(cutoff)) => current.since < cutoff,
        (Some(_), None) => false,
    }
}

/// Whether somebody else has replaced the key that had become old. A key from the future has not: it does not age yet.
/// Where there was none, every key replaces it.
pub fn is_renewed(aging: Option<&Current>, current: Option<&Current>, now: Timestamp) -> bool {
    match (aging, current) {
        (Some(aging), Some(current)) => current.since > aging.since && current.since <= now,
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

/// Whether one of several keys that were made at the same moment was written before ours.
///
/// Goes by the versions that the API server gave them, which rise with every write to it; what is no number decides nothing.
pub fn is_beaten(ours: &str, others: &[String]) -> bool {
    let number = |version: &str| version.parse::<u64>().ok();
    let Some(ours) = number(ours) else {
        return false;
    };
    others.iter().filter_map(|other| number(other)).any(|other| other < ours)
}

fn first(current: Option<&Current>, period: Option<SignedDuration>, now: Timestamp) -> Renewal {
    match period {
        None => Renewal::Never,
        Some(period) => {
            let since = current.map_or(now, |current| current.since);
            Renewal::At(later(since, period).max(now))
        }
    }
}

/// The renewal after one that was due at `due` and has just been done. Where another one would be due already, because the
/// clock jumped or the machine slept, it is not made up for: the rhythm begins anew.
fn following(due: Timestamp, period: SignedDuration, now: Timestamp) -> Timestamp {
    match later(due, period) {
        next if next > now => next,
        _ => later(now, period),
    }
}

/// Brings a renewal forward when the current certificate ends before it: kubeseal refuses an expired one.
///
/// The margin is a tenth of the validity, at most a day.
fn before_expiry(scheduled: Renewal, current: &Current) -> Renewal {
    let Renewal::At(scheduled) = scheduled else {
        return scheduled;
    };
    let validity = current.not_after.duration_since(current.not_before);
    let margin = (validity / 10).clamp(SignedDuration::ZERO, LONGEST_MARGIN);
    let latest = current.not_after.checked_sub(margin).unwrap_or(Timestamp::MIN);
    Renewal::At(scheduled.min(latest))
}

/// Delay before a failed renewal is tried again, after `failures` failures in a row (at least 1).
fn back_off(failures: u32) -> SignedDuration {
    let factor = 1i32 << failures.saturating_sub(1).min(10);
    (FIRST_BACK_OFF * factor).min(LAST_BACK_OFF)
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn key(since: i64, not_after: i64) -> Current {
        Current { since: at(since), not_before: at(since), not_after: at(not_after) }
    }

    /// Later than any time of these tests, where it does not matter.
    const NOW: Timestamp = Timestamp::MAX;
    const HOUR: Option<SignedDuration> = Some(SignedDuration::from_hours(1));

    #[test]
    fn a_key_is_needed_at_start_when_there_is_none_or_it_is_older_than_the_cutoff() {
        let cases = [
            (None, None, true),
            (None, Some(at(5)), true),
            (Some(key(10, 99)), None, false),
            (Some(key(10, 99)), Some(at(10)), false),
            (Some(key(10, 99)), Some(at(11)), true),
        ];
        for (current, cutoff, want) in cases {
            assert_eq!(needed_at_start(current.as_ref(), cutoff), want, "{current:?} {cutoff:?}");
        }
    }

    #[test]
    fn of_keys_made_at_the_same_moment_the_one_written_first_stays() {
        let others = |versions: &[&str]| versions.iter().map(|version| (*version).to_owned()).collect::<Vec<_>>();
        let cases = [
            ("100", &[][..], false),
            ("100", &["99"][..], true),
            ("100", &["101"], false),
            ("100", &["101", "99"], true),
            ("100", &["x"], false),
            ("x", &["99"], false),
        ];
        for (ours, versions, want) in cases {
            assert_eq!(is_beaten(ours, &others(versions)), want, "{ours} {versions:?}");
        }
    }

    #[test]
    fn the_first_renewal_counts_from_the_age_of_the_key_and_not_from_the_start() {
        let now = at(10_000);
        let cases = [
            (Some(10_000), HOUR, Renewal::At(at(13_600))),
            (Some(6_401), HOUR, Renewal::At(at(10_001))),
            (Some(6_400), HOUR, Renewal::At(now)),
            (Some(0), HOUR, Renewal::At(now)),
            (Some(20_000), HOUR, Renewal::At(at(23_600))),
            (None, HOUR, Renewal::At(at(13_600))),
            (Some(0), None, Renewal::Never),
        ];
        for (since, period, want) in cases {
            let current = since.map(|since| key(since, 99_999));
            assert_eq!(first(current.as_ref(), period, now), want, "{since:?} {period:?}");
        }
    }

    #[test]
    fn a_newer_key_of_somebody_else_is_a_renewal_unless_it_is_from_the_future() {
        let old = key(100, 9_999);
        let cases = [(100, false), (50, false), (101, true), (200, true), (201, false)];
        for (since, want) in cases {
            assert_eq!(is_renewed(Some(&old), Some(&key(since, 9_999)), at(200)), want, "{since}");
        }
        assert!(is_renewed(None, Some(&old), at(200)) && is_renewed(None, Some(&old), at(50)));
        assert!(!is_renewed(Some(&old), None, at(200)) && !is_renewed(None, None, at(200)));
    }

    #[test]
    fn later_renewals_keep_their_rhythm_and_skip_what_was_missed() {
        let hour = SignedDuration::from_hours(1);
        assert_eq!(following(at(0), hour, at(5)), at(3600));
        assert_eq!(following(at(0), hour, at(3600)), at(7200));
        assert_eq!(following(at(0), hour, at(9000)), at(12_600));
    }

    #[test]
    fn a_certificate_that_ends_first_brings_the_renewal_forward_by_a_tenth_of_its_validity() {
        let scheduled = Renewal::At(at(100_000));
        assert_eq!(before_expiry(scheduled, &key(0, 10_000)), Renewal::At(at(9_000)));
        assert_eq!(before_expiry(scheduled, &key(0, 1_000_000_000)), scheduled);
        assert_eq!(before_expiry(Renewal::Never, &key(0, 10)), Renewal::Never);
    }

    #[test]
    fn the_margin_before_the_end_is_at_most_a_day() {
        let year = 365 * 86_400;
        assert_eq!(before_expiry(Renewal::At(at(2 * year)), &key(0, year)), Renewal::At(at(year - 86_400)));
    }

    #[test]
    fn failed_renewals_are_repeated_from_five_seconds_up_to_ten_minutes() {
        let seconds: Vec<i64> = [1, 2, 3, 8, 40].iter().map(|n| back_off(*n).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 600, 600]);
    }

    #[test]
    fn a_schedule_keeps_its_rhythm_through_signals() {
        let old = key(0, 1_000_000_000);
        let mut schedule = Schedule::new(Some(&old), HOUR, at(100));
        assert_eq!(schedule.next(Some(&old), NOW), Renewal::At(at(3600)));
        let new = key(200, 1_000_000_000);
        assert!(schedule.succeeded(Trigger::Signal, Some(old), Some(new), at(200)));
        assert_eq!(schedule.next(Some(&new), NOW), Renewal::At(at(3600)));
        let newer = key(3600, 1_000_000_000);
        assert!(schedule.succeeded(Trigger::Time, Some(new), Some(newer), at(3600)));
        assert_eq!(schedule.next(Some(&newer), NOW), Renewal::At(at(7200)));
    }

    #[test]
    fn a_failed_renewal_is_tried_again_soon_and_not_a_period_later() {
        let old = key(0, 1_000_000_000);
        let mut schedule = Schedule::new(Some(&old), HOUR, at(3600));
        schedule.failed(at(3600));
        assert_eq!(schedule.next(Some(&old), NOW), Renewal::At(at(3605)));
        schedule.failed(at(3605));
        assert_eq!(schedule.next(Some(&old), NOW), Renewal::At(at(3615)));
        assert_eq!(schedule.due(Some(&old), NOW), Renewal::At(at(3600)), "it is overdue for as long as it fails");
        let new = key(3616, 1_000_000_000);
        schedule.succeeded(Trigger::Time, Some(old), Some(new), at(3616));
        assert_eq!(schedule.next(Some(&new), NOW), Renewal::At(at(7200)));
    }

    #[test]
    fn short_certificates_are_replaced_before_they_end_and_the_period_counts_from_then() {
        let short = key(0, 1000);
        let mut schedule = Schedule::new(Some(&short), HOUR, at(0));
        assert_eq!(schedule.next(Some(&short), NOW), Renewal::At(at(900)));
        let next = key(900, 1900);
        schedule.succeeded(Trigger::Time, Some(short), Some(next), at(900));
        assert_eq!(schedule.next(Some(&next), NOW), Renewal::At(at(1800)));
        assert_eq!(schedule.next(Some(&key(900, 1_000_000_000)), NOW), Renewal::At(at(4500)));
    }

    #[test]
    fn an_ending_certificate_that_no_new_key_can_displace_does_not_cause_a_flood() {
        let brought = key(1_000_000, 1000);
        let mut schedule = Schedule::new(Some(&brought), HOUR, at(5000));
        assert!(matches!(schedule.next(Some(&brought), NOW), Renewal::At(time) if time < at(5000)));
        assert!(!schedule.succeeded(Trigger::Time, Some(brought), Some(brought), at(5000)));
        assert_eq!(schedule.next(Some(&brought), NOW), Renewal::At(at(8600)));
    }

    #[test]
    fn without_a_period_only_signals_make_keys_and_their_failures_are_repeated() {
        let old = key(0, 10);
        let mut schedule = Schedule::new(Some(&old), None, at(99));
        assert_eq!(schedule.next(Some(&old), NOW), Renewal::Never);
        schedule.failed(at(99));
        assert_eq!(schedule.next(Some(&old), NOW), Renewal::At(at(104)));
        let new = key(104, 200);
        schedule.succeeded(Trigger::Time, Some(old), Some(new), at(104));
        assert_eq!(schedule.next(Some(&new), NOW), Renewal::Never);
    }

    #[test]
    fn without_a_current_key_one_is_due_at_once_also_where_renewal_is_off() {
        for period in [HOUR, None] {
            let only = key(0, 1_000_000_000);
            let mut schedule = Schedule::new(Some(&only), period, at(100));
            assert_eq!(schedule.next(None, at(200)), Renewal::At(at(200)), "{period:?}");
            schedule.failed(at(200));
            assert_eq!(schedule.next(None, at(201)), Renewal::At(at(205)), "no busy loop while it fails");
            assert_eq!(schedule.due(None, at(201)), Renewal::At(at(201)));
            let new = key(205, 1_000_000_000);
            assert!(schedule.succeeded(Trigger::Time, None, Some(new), at(205)));
            assert_eq!(schedule.next(None, at(206)), Renewal::At(at(210)), "nor while each new one is taken away");
            assert_eq!(schedule.next(None, at(10)), Renewal::At(at(15)), "nor when the clock is set back");
            let next = period.map_or(Renewal::Never, |_| Renewal::At(at(3805)));
            assert_eq!(schedule.next(Some(&new), at(206)), next);
        }
    }

    #[test]
    fn a_clock_that_jumps_forward_makes_one_key_however_many_periods_it_skips() {
        let old = key(0, 1_000_000_000);
        let mut schedule = Schedule::new(Some(&old), HOUR, at(10));
        let jumped = at(100 * 3600 + 50);
        assert!(matches!(schedule.next(Some(&old), jumped), Renewal::At(due) if due <= jumped));
        let new = key(100 * 3600 + 50, 1_000_000_000);
        assert!(schedule.succeeded(Trigger::Time, Some(old), Some(new), jumped));
        assert_eq!(schedule.next(Some(&new), jumped), Renewal::At(jumped + SignedDuration::from_hours(1)));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_key_and_no_failure_wait_longer() {
        let old = key(1_000_000, 1_000_000_000);
        let mut schedule = Schedule::new(Some(&old), HOUR, at(1_000_010));
        let due = schedule.next(Some(&old), at(1_000_010));
        assert_eq!(schedule.next(Some(&old), at(10)), due, "the key is as old as its certificate says");
        schedule.failed(at(1_003_600));
        assert_eq!(schedule.next(Some(&old), at(1_003_600)), Renewal::At(at(1_003_605)));
        assert_eq!(schedule.next(Some(&old), at(10)), Renewal::At(at(15)));
        assert!(!is_renewed(Some(&key(0, 99)), Some(&old), at(10)), "a key from the future renews nothing");
    }

    #[test]
    fn times_at_the_end_of_the_calendar_do_not_overflow() {
        let period = SignedDuration::from_secs(i64::MAX);
        assert_eq!(first(Some(&key(0, 1)), Some(period), at(1)), Renewal::At(Timestamp::MAX));
    }
}
