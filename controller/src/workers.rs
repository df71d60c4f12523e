//! Takes objects off the queue and reconciles several at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::context::Context;
use crate::drift::look;
use crate::object::ObjectKey;
use crate::queue::Class;
use crate::reconcile::reconcile;

/// Objects worked on at once, for each core. They mostly wait for the API server, so it takes several to keep a core busy
/// with private keys.
const WORKERS_PER_CORE: usize = 8;
/// And no more than this: each holds a connection to the API server.
const MOST_WORKERS: usize = 64;
/// When an object whose attempt ended by a defect of ours is tried again.
const AFTER_DEFECT: Duration = Duration::from_secs(300);

/// How many objects are worked on at once with so many cores.
pub fn count(cores: usize) -> usize {
    cores.saturating_mul(WORKERS_PER_CORE).clamp(WORKERS_PER_CORE, MOST_WORKERS)
}

/// Works on `count` objects at once while this replica leads, until `stop`; then lets the attempts in progress end.
pub async fn run(context: Arc<Context>, count: usize, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = context.leadership.gained() => {}
        }
        let mut attempts = JoinSet::new();
        let stopped = tokio::select! {
            biased;
            () = context.leadership.lost() => false,
            () = work(&context, count, &mut attempts, &stop) => true,
        };
        if stopped {
            return;
        }
        // Whoever leads now sees to everything; should it be this replica again, it begins as at a start.
        attempts.shutdown().await;
        context.queue.clear();
        context.memory.clear();
    }
}

async fn work(context: &Arc<Context>, count: usize, attempts: &mut JoinSet<()>, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(count));
    loop {
        let next = async {
            // The place first: what is most urgent is decided when there is somebody to do it.
            let place = Place::take(&places).await;
            (context.queue.next().await, place)
        };
        let ((key, class), mut place) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        while attempts.try_join_next().is_some() {}
        let context = Arc::clone(context);
        attempts.spawn(async move {
            let mut finish = Finish { context: &context, key: &key, retry: Some(AFTER_DEFECT), is_clean: false };
            finish.retry = match class {
                Class::Look => look(&context, &key, &mut place).await,
                Class::Changed | Class::FirstSeen | Class::Retry => {
                    let began = Instant::now();
                    let retry = reconcile(&context, &key, &mut place).await;
                    context.metrics.reconciled(began.elapsed());
                    retry
                }
            };
            finish.is_clean = true;
            drop(finish);
            drop(place);
        });
    }
    while attempts.join_next().await.is_some() {}
}

/// A worker's place, of which there are [`WORKERS`].
pub struct Place {
    places: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Waits for a place.
    pub async fn take(places: &Arc<Semaphore>) -> Place {
        // The semaphore is never closed.
        Place { held: Arc::clone(places).acquire_owned().await.ok(), places: Arc::clone(places) }
    }

    /// Lets others have the place during work that may last and needs no connection to the API server.
    pub async fn lend<T>(&mut self, work: impl Future<Output = T>) -> T {
        self.held = None;
        let result = work.await;
        self.held = Arc::clone(&self.places).acquire_owned().await.ok();
        result
    }
}

/// Gives an object back to the queue, also when its attempt panics: otherwise it would never be worked on again.
struct Finish<'a> {
    context: &'a Context,
    key: &'a ObjectKey,
    retry: Option<Duration>,
    is_clean: bool,
}

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        // Without the lead it was cut off on purpose.
        if !self.is_clean && self.context.leadership.is_leading() {
            error!(key = %self.key, "the attempt ended unexpectedly, will retry");
        }
        self.context.queue.done(self.key, self.retry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_follow_the_cores_within_bounds() {
        assert_eq!([0, 1, 2, 8, 192].map(count), [8, 8, 16, 64, 64]);
    }
}
