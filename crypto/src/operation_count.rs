//! How often private keys were used, for whoever watches what opening values costs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts trials to open a value with a key. Clones share the count, so it can outlive the rings it counts for.
///
/// Only trials that did a private operation count; keys that cannot have made a value cost nothing.
#[derive(Debug, Clone, Default)]
pub struct OperationCount(Arc<Totals>);

#[derive(Debug, Default)]
struct Totals {
    opened: AtomicU64,
    failed: AtomicU64,
}

impl OperationCount {
    /// Trials that opened a value.
    #[must_use]
    pub fn opened_total(&self) -> u64 {
        self.0.opened.load(Ordering::Relaxed)
    }

    /// Trials that did not, whatever the reason.
    #[must_use]
    pub fn failed_total(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }

    pub(crate) fn opened(&self) {
        self.0.opened.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.0.failed.fetch_add(1, Ordering::Relaxed);
    }
}
