//! The client-side rate of API calls (spec/controller.md 3.2). It limits only when a flag asks for it (decision 18).

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::rate::Rate;

/// Two independent budgets, as the reference's two clients have them. Watches and their lists are few and go by unmetered.
pub struct Throttle {
    start: Instant,
    rate: Rate,
    core: Mutex<Duration>,
    sealed_secrets: Mutex<Duration>,
}

impl Throttle {
    /// Lets `rate` calls pass to each of the two API groups.
    pub fn new(rate: Rate) -> Throttle {
        Throttle { start: Instant::now(), rate, core: Mutex::default(), sealed_secrets: Mutex::default() }
    }

    /// Waits for the turn of a call to `path`.
    pub async fn wait(&self, path: &str) {
        let budget = if path.starts_with("/apis/bitnami.com/") { &self.sealed_secrets } else { &self.core };
        let pause = {
            let mut full_at = budget.lock().unwrap_or_else(PoisonError::into_inner);
            self.rate.reserve(&mut full_at, self.start.elapsed())
        };
        tokio::time::sleep(pause).await;
    }
}
