//! The rate limit of the HTTP API: a generic cell rate algorithm per client (spec/controller.md 10.4).
//!
//! Own code instead of a library because the replies carry `X-RateLimit-Reset`, the time until a bucket is full again,
//! and because the number of buckets is bounded by dropping the least recently used one.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::rate::{Decision, Rate};

/// Buckets kept at most.
const CAPACITY: usize = 65_536;

/// One bucket per key.
pub struct Limiter {
    rate: Rate,
    capacity: usize,
    buckets: HashMap<String, Bucket>,
    /// Keys by the time of their last use.
    by_use: BTreeMap<u64, String>,
    uses: u64,
}

struct Bucket {
    full_at: Duration,
    last_use: u64,
}

impl Limiter {
    /// No bucket used yet.
    pub fn new(rate: Rate) -> Limiter {
        Limiter::with_capacity(rate, CAPACITY)
    }

    fn with_capacity(rate: Rate, capacity: usize) -> Limiter {
        Limiter { rate, capacity, buckets: HashMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// Decides on one request of the client `key` at `now`, counted from any fixed start.
    pub fn decide(&mut self, key: &str, now: Duration) -> Decision {
        self.uses += 1;
        if !self.buckets.contains_key(key) && self.buckets.len() >= self.capacity {
            self.drop_least_recently_used();
        }
        let bucket = self.buckets.entry(key.to_owned()).or_insert(Bucket { full_at: Duration::ZERO, last_use: 0 });
        self.by_use.remove(&bucket.last_use);
        bucket.last_use = self.uses;
        self.by_use.insert(self.uses, key.to_owned());
        self.rate.decide(&mut bucket.full_at, now)
    }

    fn drop_least_recently_used(&mut self) {
        if let Some((_, key)) = self.by_use.pop_first() {
            self.buckets.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(value: u64) -> Duration {
        Duration::from_millis(value)
    }

    #[test]
    fn four_requests_at_once_are_answered_as_the_reference_answers_them() {
        let mut limiter = Limiter::new(Rate::new(millis(500), 3));
        let answers: Vec<_> = (0..4)
            .map(|_| {
                let decision = limiter.decide("/v1/verify", millis(7000));
                (decision.allowed, decision.limit, decision.remaining, decision.reset)
            })
            .collect();
        assert_eq!(answers, [(true, 3, 2, 1), (true, 3, 1, 1), (true, 3, 0, 2), (false, 3, 0, 2)]);
        assert_eq!(limiter.decide("/v1/verify", millis(7000)).retry_after(), 1);
    }

    #[test]
    fn a_place_comes_free_each_interval() {
        let mut limiter = Limiter::new(Rate::new(millis(500), 3));
        for _ in 0..3 {
            assert!(limiter.decide("k", millis(0)).allowed);
        }
        assert!(!limiter.decide("k", millis(499)).allowed);
        assert!(limiter.decide("k", millis(500)).allowed);
        assert!(!limiter.decide("k", millis(999)).allowed);
        assert!(limiter.decide("k", millis(60_000)).allowed);
        assert_eq!(limiter.decide("k", millis(60_000)).remaining, 1);
    }

    #[test]
    fn refused_requests_use_nothing_up() {
        let mut limiter = Limiter::new(Rate::new(millis(1000), 1));
        assert!(limiter.decide("k", millis(0)).allowed);
        for _ in 0..50 {
            assert!(!limiter.decide("k", millis(900)).allowed);
        }
        assert!(limiter.decide("k", millis(1000)).allowed);
    }

    #[test]
    fn clients_have_buckets_of_their_own() {
        let mut limiter = Limiter::new(Rate::new(millis(1000), 1));
        assert!(limiter.decide("a", millis(0)).allowed);
        assert!(limiter.decide("b", millis(0)).allowed);
        assert!(!limiter.decide("a", millis(0)).allowed);
    }

    #[test]
    fn beyond_the_capacity_the_least_recently_used_bucket_is_dropped() {
        let mut limiter = Limiter::with_capacity(Rate::new(millis(1000), 1), 2);
        assert!(limiter.decide("a", millis(0)).allowed);
        assert!(limiter.decide("b", millis(0)).allowed);
        assert!(!limiter.decide("a", millis(0)).allowed);
        assert!(limiter.decide("c", millis(0)).allowed);
        assert!(!limiter.decide("a", millis(0)).allowed, "a was used after b");
        assert!(limiter.decide("b", millis(0)).allowed, "b was dropped");
        assert_eq!(limiter.buckets.len(), limiter.by_use.len());
    }
}
