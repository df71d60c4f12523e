//! The generic cell rate algorithm, for requests that come in and for calls that go out.

use std::time::Duration;

/// The rate: one request each `interval`, and `limit` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    interval: Duration,
    limit: u32,
}

impl Rate {
    /// One each `interval`, and `limit` at once (at least 1).
    pub fn new(interval: Duration, limit: u32) -> Rate {
        Rate { interval, limit: limit.max(1) }
    }

    /// Takes the next free place, however far away it is, and gives the time until then.
    pub fn reserve(self, full_at: &mut Duration, now: Duration) -> Duration {
        *full_at = (*full_at).max(now).saturating_add(self.interval);
        let window = self.interval.saturating_mul(self.limit);
        full_at.saturating_sub(now.saturating_add(window))
    }

    /// Decides on one request at `now`, both times counted from any fixed start. `full_at` is the bucket's state: the
    /// time from which nothing would be used up any more.
    pub fn decide(self, full_at: &mut Duration, now: Duration) -> Decision {
        let window = self.interval.saturating_mul(self.limit);
        let next = (*full_at).max(now) + self.interval;
        let allowed = next <= now + window;
        if allowed {
            *full_at = next;
        }
        let used = full_at.saturating_sub(now);
        let free = window.saturating_sub(used).as_nanos() / self.interval.as_nanos().max(1);
        Decision {
            allowed,
            limit: self.limit,
            remaining: u32::try_from(free).unwrap_or(u32::MAX),
            reset: whole_seconds_up(used),
            wait: if allowed { Duration::ZERO } else { next.saturating_sub(now + window) },
        }
    }
}

/// The answer to one request, and what its headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may proceed.
    pub allowed: bool,
    /// `X-RateLimit-Limit`.
    pub limit: u32,
    /// `X-RateLimit-Remaining`.
    pub remaining: u32,
    /// `X-RateLimit-Reset`: seconds until the bucket is full, rounded up.
    pub reset: u64,
    /// Time until a refused request would be allowed.
    pub wait: Duration,
}

impl Decision {
    /// `Retry-After` of a refused request: whole seconds, at least 1.
    pub fn retry_after(&self) -> u64 {
        whole_seconds_up(self.wait).max(1)
    }
}

fn whole_seconds_up(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn a_long_wait_is_announced_in_whole_seconds() {
        let rate = Rate::new(millis(2500), 1);
        let mut full_at = Duration::ZERO;
        assert!(rate.decide(&mut full_at, millis(0)).allowed);
        let refused = rate.decide(&mut full_at, millis(100));
        assert_eq!((refused.retry_after(), refused.reset), (3, 3));
    }

    #[test]
    fn reservations_go_out_at_once_up_to_the_limit_and_then_at_the_rate() {
        let rate = Rate::new(millis(200), 3);
        let mut full_at = Duration::ZERO;
        let waits: Vec<u128> = (0..6).map(|_| rate.reserve(&mut full_at, millis(1000)).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 200, 400, 600]);
        assert_eq!(rate.reserve(&mut full_at, millis(10_000)), Duration::ZERO);
    }
}
