//! Takes objects off the queue and reconciles several at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::context::Context;
use crate::drift::look;
use crate::object::ObjectKey;
use crate::queue::Class;
use crate::reconcile::reconcile;

/// Objects worked on at once. They mostly wait for the API server, and each holds a connection to it.
const WORKERS: usize = 8;
/// When an object whose attempt ended by a defect of ours is tried again.
const AFTER_DEFECT: Duration = Duration::from_secs(300);

/// Works while this replica leads, until `stop`; then lets the attempts in progress end.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = context.leadership.gained() => {}
        }
        let mut attempts = JoinSet::new();
        let stopped = tokio::select! {
            biased;
            () = context.leadership.lost() => false,
            () = work(&context, &mut attempts, &stop) => true,
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

async fn work(context: &Arc<Context>, attempts: &mut JoinSet<()>, stop: &CancellationToken) {
    let places = Arc::new(Semaphore::new(WORKERS));
    loop {
        let next = async {
            // The place first: what is most urgent is decided when there is somebody to do it.
            let place = Arc::clone(&places).acquire_owned().await;
            (context.queue.next().await, place)
        };
        let ((key, class), place) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        while attempts.try_join_next().is_some() {}
        let context = Arc::clone(context);
        attempts.spawn(async move {
            let mut finish = Finish { context: &context, key: &key, retry: Some(AFTER_DEFECT), is_clean: false };
            finish.retry = match class {
                Class::Look => look(&context, &key).await,
                Class::Changed | Class::FirstSeen | Class::Retry => {
                    let began = Instant::now();
                    let retry = reconcile(&context, &key).await;
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
