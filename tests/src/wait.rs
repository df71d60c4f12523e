//! Waiting, always with an end.

use std::time::{Duration, Instant};

/// How long anything may take that must happen. Far above what it takes, because machines are busy.
pub const DEADLINE: Duration = Duration::from_secs(40);

/// Pause between two looks; nobody is told when a thing happens that must not be missed.
const PAUSE: Duration = Duration::from_millis(30);

/// What `probe` gives, as soon as it gives something.
///
/// # Panics
/// With `what` did not happen, after [`DEADLINE`].
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    eventually_within(DEADLINE, what, probe)
}

/// [`eventually`], for what is allowed more time.
///
/// # Panics
/// With `what` did not happen, after `limit`.
pub fn eventually_within<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(began.elapsed() < limit, "within {limit:?} this did not happen: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Looks all through `window` and panics as soon as `probe` says that it has happened.
///
/// # Panics
/// With `what` happened.
pub fn never(what: &str, window: Duration, mut probe: impl FnMut() -> bool) {
    let began = Instant::now();
    while began.elapsed() < window {
        assert!(!probe(), "this must not happen: {what}");
        std::thread::sleep(PAUSE);
    }
}
