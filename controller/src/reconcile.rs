//! One attempt on one object: gather, decide, apply. No rule lives here.

use std::collections::BTreeSet;
use std::time::Duration;

use tracing::{debug, error, info};

use crate::api::ApiError;
use crate::apply::{self, StatusOutcome};
use crate::context::Context;
use crate::decide::failure::Failure;
use crate::decide::news::{self, Said};
use crate::decide::status::{self, Success};
use crate::decide::{desired, order, plan, retry, volatile};
use crate::events::{EventType, Notice, Subject};
use crate::gather;
use crate::keys::Snapshot;
use crate::object::ObjectKey;
use crate::observed::Observed;
use crate::workers::Place;

/// Brings one object up to date as far as that is possible now, and says after which time to try again.
pub async fn reconcile(context: &Context, key: &ObjectKey, place: &mut Place) -> Option<Duration> {
    context.metrics.unseal_request();
    let observed = match gather::sealed_secret(context, key).await {
        Ok(Some(observed)) => observed,
        Ok(None) => return gone(context, key).await,
        Err(error) => return unread(context, key, &error),
    };
    if observed.deleting {
        return None;
    }
    info!(key = %key, "Updating");
    let keys = context.keys.snapshot();
    let outcome = attempt(context, key, &observed, &keys, place).await;
    let retry = report(context, key, &observed, outcome.as_ref());
    let is_quiet = outcome.as_ref().is_err_and(|failure| failure.is_quiet);
    let status = match context.settings.update_status && !is_quiet {
        true => apply::status(context, key, &observed, outcome.as_ref()).await,
        false => StatusOutcome::Settled,
    };
    let status_failures = context.memory.status_written(key, status == StatusOutcome::Settled);
    let key_missed = outcome.is_err() && context.keys.snapshot().version != keys.version;
    match (retry, status) {
        // The key may be among those that came while this attempt ran.
        _ if key_missed => Some(Duration::ZERO),
        (Some(retry), _) => Some(retry),
        (None, StatusOutcome::Settled) => None,
        (None, StatusOutcome::Failed) => Some(retry::next(status_failures, 0, retry::Kind::Transient).after),
    }
}

async fn attempt(
    context: &Context,
    key: &ObjectKey,
    observed: &Observed,
    keys: &Snapshot,
    place: &mut Place,
) -> Result<Success, Failure> {
    let sealed = observed.sealed().map_err(|problem| Failure::malformed(&problem))?;
    let metadata = sealed.metadata.clone();
    let unsealed = gather::opened(context, key, observed, sealed, keys, place).await?;
    let sealed_with: BTreeSet<String> = unsealed.keys.iter().map(ToString::to_string).collect();
    let created = match gather::is_secret_absent(context, key) {
        true => apply::creation(context, key, desired::created(unsealed.secret.clone())).await?,
        false => None,
    };
    let (secret, wrote) = match created {
        Some(secret) => (secret, true),
        None => {
            let live = gather::live_secret(context, key).await?;
            let wanted = volatile::settled(unsealed, live.as_ref(), gather::is_made(context, key, observed));
            let was_synced = status::is_synced(&observed.status, observed.generation);
            let plan = plan::plan(&metadata, wanted, live.as_ref(), was_synced);
            apply::secret(context, key, plan, live).await?
        }
    };
    Ok(Success {
        sealed_with: sealed_with.into_iter().collect(),
        secret,
        inputs: order::inputs(key, observed, context.settings.accept_deprecated_data),
        wrote,
    })
}

/// Tells event, log, metrics and memory about an outcome; gives the time of the next attempt, if one is needed.
fn report(
    context: &Context,
    key: &ObjectKey,
    observed: &Observed,
    outcome: Result<&Success, &Failure>,
) -> Option<Duration> {
    let said = context.memory.of(key).said;
    let keeps_status = context.settings.update_status;
    let stored = || Said::in_status(&observed.status).filter(|_| keeps_status);
    let before = said.clone().or_else(stored);
    let now = Said::by(outcome, observed.generation);
    let first_look = said.is_none() && !keeps_status;
    let is_quiet = outcome.is_err_and(|failure| failure.is_quiet);
    if !is_quiet && news::is_event(before.as_ref(), outcome, observed.generation, first_look) {
        context.recorder.send(notice(key, observed, outcome));
    }
    match outcome {
        Ok(success) => {
            let opened_by = success.sealed_with.first().and_then(|text| text.parse().ok());
            context.memory.succeeded(key, now, observed.digest, opened_by, success.secret.clone());
            None
        }
        Err(failure) => {
            let repeated = said.as_ref() == Some(&now);
            let failures = context.memory.failed(key, now, failure.waits_for_key);
            Some(failed(context, key, failure, failures, repeated))
        }
    }
}

/// Logs and counts a failure; gives the time to the next attempt.
fn failed(context: &Context, key: &ObjectKey, failure: &Failure, failures: u32, repeated: bool) -> Duration {
    if failure.is_quiet {
        debug!(key = %key, error = failure.message, "not updated, will retry");
        return retry::next(failures, 0, failure.kind).after;
    }
    let retry = retry::next(failures, context.settings.fast_retries, failure.kind);
    if retry.fast || !repeated {
        context.metrics.unseal_error(failure.metric, &key.namespace);
    }
    match (repeated, failure.kind) {
        (true, _) => debug!(key = %key, error = failure.message, "Error updating, will retry"),
        (false, retry::Kind::Immutable) => error!("{}", failure.event),
        (false, _) => {
            error!(key = %key, error = failure.message, cause = failure.advice, "Error updating, will retry");
        }
    }
    retry.after
}

fn notice(key: &ObjectKey, observed: &Observed, outcome: Result<&Success, &Failure>) -> Notice {
    let (event_type, reason, message) = match outcome {
        Ok(_) => (EventType::Normal, "Unsealed", "SealedSecret unsealed successfully".to_owned()),
        Err(failure) => (EventType::Warning, failure.reason.word(), failure.event.clone()),
    };
    Notice {
        subject: Subject {
            key: key.clone(),
            uid: observed.uid.clone(),
            resource_version: observed.resource_version.clone(),
        },
        event_type,
        reason,
        message,
    }
}

/// The object is gone: nobody to tell, and perhaps a Secret to delete.
async fn gone(context: &Context, key: &ObjectKey) -> Option<Duration> {
    match apply::deletion(context, key).await {
        Ok(()) => {
            context.memory.forget(key);
            None
        }
        Err(failure) => Some(retry_unseen(context, key, &failure)),
    }
}

/// The object could not be read.
fn unread(context: &Context, key: &ObjectKey, error: &ApiError) -> Option<Duration> {
    error!(secret = %key, error = %error, "failed to get SealedSecret");
    Some(retry_unseen(context, key, &Failure::fetch(error)))
}

fn retry_unseen(context: &Context, key: &ObjectKey, failure: &Failure) -> Duration {
    let now = Said::by(Err(failure), 0);
    let repeated = context.memory.of(key).said.as_ref() == Some(&now);
    let failures = context.memory.failed(key, now, failure.waits_for_key);
    failed(context, key, failure, failures, repeated)
}
