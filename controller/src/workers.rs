//! Takes objects off the queue and reconciles several at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::context::Context;
use crate::object::ObjectKey;
use crate::reconcile::reconcile;

/// Objects worked on at once. They mostly wait for the API server, and each holds a connection to it.
const WORKERS: usize = 8;
/// When an object whose attempt ended by a defect of ours is tried again.
const AFTER_DEFECT: Duration = Duration::from_secs(300);

/// Works until `stop`, then lets the attempts in progress end.
pub async fn run(context: Arc<Context>, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(WORKERS));
    let mut attempts = JoinSet::new();
    loop {
        let next = async {
            // The place first: what is most urgent is decided when there is somebody to do it.
            let place = Arc::clone(&places).acquire_owned().await;
            (context.queue.next().await, place)
        };
        let (key, place) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = next => next,
        };
        while attempts.try_join_next().is_some() {}
        let context = Arc::clone(&context);
        attempts.spawn(async move {
            let mut finish = Finish { context: &context, key: &key, retry: Some(AFTER_DEFECT), is_clean: false };
            finish.retry = reconcile(&context, &key).await;
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
        if !self.is_clean {
            error!(key = %self.key, "the attempt ended unexpectedly, will retry");
        }
        self.context.queue.done(self.key, self.retry);
    }
}
