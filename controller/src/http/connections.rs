//! The connections of a listener, bounded in number: whoever opens thousands and keeps them neither uses up the files of
//! the process nor locks others out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Files that listeners leave to everything else: calls to the API server, above all.
const RESERVED_FILES: usize = 128;
/// Files that a process may open where the system does not say.
const USUAL_FILES: usize = 1024;
/// Most and fewest connections to one listener.
const MOST: usize = 1024;
const FEWEST: usize = 16;

/// See the module's documentation. When it is full, a new connection takes the place of the one on which nothing has been
/// asked for the longest time or, if all wait for an answer, of the one that has waited longest.
#[derive(Clone)]
pub(super) struct Connections {
    most: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    /// By whether a request is being answered, then by when that began.
    places: BTreeMap<Rank, CancellationToken>,
    clock: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    is_asked: bool,
    since: u64,
}

impl Connections {
    /// None yet, and never more than `most`.
    pub(super) fn new(most: usize) -> Connections {
        Connections { most: most.max(1), open: Arc::default() }
    }

    /// None yet; of two listeners each gets its share of the files that this process may open.
    pub(super) fn within_limits() -> Connections {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        Connections::new(share_of(open_files(&limits).unwrap_or(USUAL_FILES)))
    }

    /// Takes a place, if need be another one's.
    pub(super) fn enter(&self) -> Place {
        let mut open = self.lock();
        if open.places.len() >= self.most
            && let Some((_, longest)) = open.places.pop_first()
        {
            longest.cancel();
        }
        let closed = CancellationToken::new();
        let rank = open.rank(false);
        open.places.insert(rank, closed.clone());
        Place { connections: self.clone(), rank: Mutex::new(rank), requests: AtomicU64::new(0), closed }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn rank(&mut self, is_asked: bool) -> Rank {
        self.clock += 1;
        Rank { is_asked, since: self.clock }
    }
}

/// The place of one connection; free again when this is dropped.
pub(super) struct Place {
    connections: Connections,
    rank: Mutex<Rank>,
    requests: AtomicU64,
    closed: CancellationToken,
}

impl Place {
    /// Notes that a request came in, or that it was answered.
    pub(super) fn is_asked(&self, is_asked: bool) {
        self.requests.fetch_add(u64::from(is_asked), Ordering::Relaxed);
        let mut rank = self.rank.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = self.connections.lock();
        if let Some(closed) = open.places.remove(&rank) {
            *rank = open.rank(is_asked);
            open.places.insert(*rank, closed);
        }
    }

    /// Whether a request is being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.rank.lock().unwrap_or_else(PoisonError::into_inner).is_asked
    }

    /// How many requests there were.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Waits until another connection takes the place.
    pub(super) async fn taken(&self) {
        self.closed.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let rank = *self.rank.lock().unwrap_or_else(PoisonError::into_inner);
        self.connections.lock().places.remove(&rank);
    }
}

fn share_of(files: usize) -> usize {
    (files.saturating_sub(RESERVED_FILES) / 2).clamp(FEWEST, MOST)
}

/// The soft limit in the text of `/proc/self/limits`.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_listener_closes_what_is_idle_longest_and_then_what_is_asked_longest() {
        let connections = Connections::new(3);
        let first = connections.enter();
        let second = connections.enter();
        let third = connections.enter();
        first.is_asked(true);
        let fourth = connections.enter();
        assert!(second.closed.is_cancelled(), "idle longest");
        drop(second);
        for busy in [&third, &fourth] {
            busy.is_asked(true);
        }
        let fifth = connections.enter();
        assert!(first.closed.is_cancelled(), "asked longest, because none is idle");
        third.is_asked(false);
        fifth.is_asked(true);
        let sixth = connections.enter();
        assert!(third.closed.is_cancelled());
        assert!([&fourth, &fifth, &sixth].iter().all(|place| !place.closed.is_cancelled()));
        first.is_asked(true);
        assert_eq!(connections.lock().places.len(), 3, "who lost its place does not get it back");
    }

    #[test]
    fn a_place_is_free_when_its_connection_ends() {
        let connections = Connections::new(1);
        for _ in 0..3 {
            let place = connections.enter();
            assert!(!place.closed.is_cancelled());
        }
        assert!(connections.lock().places.is_empty());
    }

    #[test]
    fn the_bound_follows_the_limit_on_open_files() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            Some(usize::MAX)
        );
        assert_eq!(open_files(""), None);
        assert_eq!([0, 256, 1024, 1 << 20].map(share_of), [16, 64, 448, 1024]);
    }
}
