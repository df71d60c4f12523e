//! What `/readyz` waits for (W30): the keys, and the end of the first list of every watch.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::StatusCode;

use crate::http::{Reply, text};

/// Counts down to readiness. Once ready, always ready: later troubles do not make a restart help.
#[derive(Default)]
pub struct Readiness {
    keys_loaded: AtomicBool,
    lists_expected: AtomicBool,
    lists_open: AtomicUsize,
}

impl Readiness {
    /// The keys are there.
    pub fn keys_loaded(&self) {
        self.keys_loaded.store(true, Ordering::Release);
    }

    /// Says how many first lists there will be. Before that nothing is ready.
    pub fn expect_lists(&self, count: usize) {
        self.lists_open.fetch_add(count, Ordering::AcqRel);
        self.lists_expected.store(true, Ordering::Release);
    }

    /// One of them has ended, complete or for good without success.
    pub fn list_ended(&self) {
        self.lists_open.fetch_sub(1, Ordering::AcqRel);
    }

    fn missing(&self) -> Option<&'static str> {
        if !self.keys_loaded.load(Ordering::Acquire) {
            Some("keys not loaded\n")
        } else if !self.lists_expected.load(Ordering::Acquire) || self.lists_open.load(Ordering::Acquire) > 0 {
            Some("first lists not ended\n")
        } else {
            None
        }
    }

    /// The reply to `/readyz`.
    pub fn reply(&self) -> Reply {
        match self.missing() {
            None => text(StatusCode::OK, "ok\n"),
            Some(reason) => text(StatusCode::SERVICE_UNAVAILABLE, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_with_keys_and_after_the_last_list() {
        let readiness = Readiness::default();
        assert_eq!(readiness.reply().status(), 503);
        readiness.keys_loaded();
        assert_eq!(readiness.reply().status(), 503, "it is not known yet how many lists there are");
        readiness.expect_lists(2);
        readiness.list_ended();
        assert_eq!(readiness.reply().status(), 503);
        readiness.list_ended();
        assert_eq!(readiness.reply().status(), 200);
    }
}
