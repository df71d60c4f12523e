//! Takes the old `Synced=True` off changed objects whose attempt takes longer than a moment (decision 29).
//!
//! Written beside the workers, so that a full queue or a hanging write cannot delay it.

use std::sync::Arc;
use std::time::Duration;

use sealed_secrets_resource::Status;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::apply;
use crate::clock;
use crate::context::Context;
use crate::decide::status;
use crate::object::ObjectKey;
use crate::observed::Observed;

/// How long an attempt may take before the old success is taken off.
const PATIENCE: Duration = Duration::from_secs(1);
/// Writes of this kind under way at once.
const AT_ONCE: usize = 8;

/// Announces changed objects.
pub struct Pending {
    sender: mpsc::UnboundedSender<Change>,
}

/// Takes the announcements.
pub type Expected = mpsc::UnboundedReceiver<Change>;

/// One change of one object.
///
/// It carries its generation: when its time comes, a newer change may just have been seen, which has a time of its own.
pub struct Change {
    time: Instant,
    key: ObjectKey,
    generation: i64,
}

impl Pending {
    /// An announcer, and what [`run`] takes.
    pub fn new() -> (Pending, Expected) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Pending { sender }, receiver)
    }

    /// Has the status of a changed object looked at in a moment.
    pub fn expect(&self, key: &ObjectKey, generation: i64) {
        // Without a receiver no statuses are written at all.
        let _ = self.sender.send(Change { time: Instant::now() + PATIENCE, key: key.clone(), generation });
    }
}

/// Looks at announced objects when their time has come, until `stop`.
pub async fn run(context: Arc<Context>, mut expected: Expected, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut writes = JoinSet::new();
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = expected.recv() => next,
        };
        // All have the same patience, so the first announced is the first whose time comes.
        let Some(change) = next else { return };
        tokio::time::sleep_until(change.time).await;
        while writes.try_join_next().is_some() {}
        if stale(&context, &change).is_some() {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            let context = Arc::clone(&context);
            writes.spawn(async move {
                write(&context, &change).await;
                drop(place);
            });
        }
    }
}

/// The object and its next status, if it still claims the old success for this change.
fn stale(context: &Context, change: &Change) -> Option<(Arc<Observed>, Status)> {
    if !context.leadership.is_leading() {
        return None;
    }
    // An older generation is another object of the same name.
    let observed = context.store.sealed(&change.key).filter(|observed| observed.generation >= change.generation)?;
    let (options, now) = (context.status_options(), clock::now_in_seconds());
    let next = status::pending(&observed.status, change.generation, options, now)?;
    Some((observed, next))
}

async fn write(context: &Context, change: &Change) {
    if let Some((observed, next)) = stale(context, change)
        // A conflict means that the attempt has ended meanwhile, or that a newer change is on its way.
        && let Err(error) = apply::put_status(context, &change.key, &observed, &next).await
    {
        debug!("sealed-secret" = %change.key, error = %error, "pending status not written");
    }
}
