//! Notices what others change in Secrets of ours, says so, and with `--heal-drift` has it put right (decision 16).

use std::time::Duration;

use sealed_secrets_resource::WrittenSecret;
use tracing::{debug, warn};

use crate::context::Context;
use crate::decide::failure::Failure;
use crate::decide::news::Said;
use crate::decide::status::is_synced;
use crate::decide::{drift, volatile};
use crate::events::{EventType, Notice, Subject};
use crate::gather;
use crate::object::ObjectKey;
use crate::workers::Place;

/// Whether the cached Secret may have been changed by somebody else since it was left.
pub fn is_change(context: &Context, key: &ObjectKey) -> bool {
    let (Some(secret), Some(sealed)) = (context.store.secret(key), context.store.sealed(key)) else {
        return false;
    };
    let track = context.memory.of(key);
    let succeeded = Said { generation: sealed.generation, failure: None };
    let in_sync = track.said == Some(succeeded) || is_synced(&sealed.status, sealed.generation);
    let left = track.secret.as_ref().or(sealed.status.secret.as_ref());
    drift::is_change(&secret, &sealed, left, in_sync)
}

/// Compares the Secret with what it should be. Gives the time after which it is to be put right, if it is.
pub async fn look(context: &Context, key: &ObjectKey, place: &mut Place) -> Option<Duration> {
    // By now it may have turned out to be a write of our own.
    if !is_change(context, key) {
        return None;
    }
    let difference = match compare(context, key, place).await {
        Ok(difference) => difference?,
        Err(failure) => {
            debug!(key = %key, error = failure.message, "Secret not compared");
            return None;
        }
    };
    context.metrics.secret_drift(&key.namespace);
    warn!(key = %key, difference, "Secret was changed by somebody else");
    let sealed = context.store.sealed(key)?;
    context.recorder.send(Notice {
        subject: Subject {
            key: key.clone(),
            uid: sealed.uid.clone(),
            resource_version: sealed.resource_version.clone(),
        },
        event_type: EventType::Warning,
        reason: "SecretDrifted",
        message: format!("Secret was changed by somebody else: {difference}"),
    });
    context.settings.heal_drift.then(|| drift::heal_after(context.memory.heals(key, drift::PEACE)))
}

/// What somebody else has changed, if that has to be written over.
async fn compare(context: &Context, key: &ObjectKey, place: &mut Place) -> Result<Option<String>, Failure> {
    let (Some(observed), Some(live)) = (context.store.sealed(key), gather::live_secret(context, key).await?) else {
        return Ok(None);
    };
    let sealed = observed.sealed().map_err(|problem| Failure::malformed(&problem))?;
    let metadata = sealed.metadata.clone();
    let keys = context.keys.snapshot();
    let unsealed = gather::opened(context, key, &observed, sealed, &keys, place).await?;
    let seen =
        WrittenSecret { uid: live.metadata.uid.clone(), resource_version: live.metadata.resource_version.clone() };
    context.memory.looked_at(key, seen);
    let wanted = volatile::settled(unsealed, Some(&live), gather::is_made(context, key, &observed));
    Ok(drift::difference(&metadata, wanted, &live))
}
