//! Does what was decided: writes the Secret and the status, deletes what is left of deleted objects.

use sealed_secrets_resource::{API_VERSION, KIND, Secret, Status, WrittenSecret};
use serde_json::{Value, json};
use tracing::{error, info, warn};

use crate::api::ApiError;
use crate::clock;
use crate::context::Context;
use crate::decide::failure::Failure;
use crate::decide::ownership::is_controlled;
use crate::decide::plan::Plan;
use crate::decide::status::{self, Success};
use crate::gather;
use crate::metrics::ErrorReason;
use crate::object::ObjectKey;
use crate::observed::Observed;

/// How often a status is tried to be written over changes that others make meanwhile.
const CONFLICTS: u32 = 5;

/// The Secret as it is after carrying out a plan, and whether anything was written.
pub async fn secret(
    context: &Context,
    key: &ObjectKey,
    plan: Plan,
    live: Option<Secret>,
) -> Result<(WrittenSecret, bool), Failure> {
    let answer: Result<Value, ApiError> = match plan {
        Plan::Keep => return Ok((written(&live.unwrap_or_default()), false)),
        Plan::Refuse(failure) => return Err(failure),
        Plan::Create(secret) => context.api.create_secret(&key.namespace, &secret).await,
        Plan::Replace(secret) => context.api.replace_secret(key, &secret).await,
    };
    let stored = answer.map_err(|error| Failure::secret(&error, key))?;
    Ok((written(&gather::read_secret(&stored, key)?), true))
}

/// The Secret after creating it without a look whether it is there; `None` if it is.
pub async fn creation(context: &Context, key: &ObjectKey, secret: Secret) -> Result<Option<WrittenSecret>, Failure> {
    match context.api.create_secret::<Value>(&key.namespace, &secret).await {
        Ok(stored) => Ok(Some(written(&gather::read_secret(&stored, key)?))),
        Err(error) if error.code() == Some(409) => Ok(None),
        Err(error) => Err(Failure::secret(&error, key)),
    }
}

fn written(secret: &Secret) -> WrittenSecret {
    WrittenSecret { uid: secret.metadata.uid.clone(), resource_version: secret.metadata.resource_version.clone() }
}

/// What became of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusOutcome {
    /// It says what it should, or is no longer ours to write.
    Settled,
    /// It could not be written.
    Failed,
}

/// Brings the status of an object up to date after an attempt on what `observed` shows.
pub async fn status(
    context: &Context,
    key: &ObjectKey,
    observed: &Observed,
    outcome: Result<&Success, &Failure>,
) -> StatusOutcome {
    let mut base = observed.clone();
    for _ in 0..CONFLICTS {
        let options = context.status_options();
        let now = clock::now_in_seconds();
        let Some(next) = status::after(&base.status, observed.generation, outcome, options, now) else {
            return StatusOutcome::Settled;
        };
        let error = match put_status(context, key, &base, &next).await {
            Ok(()) => return StatusOutcome::Settled,
            Err(error) => error,
        };
        // 404 as well, because the watch may be behind: what is gone has no status.
        if !matches!(error.code(), Some(404 | 409)) {
            return refused_status(context, key, &error);
        }
        match context.api.sealed_secret(key).await {
            // A definition without the status subresource.
            Ok(Some(_)) if error.code() == Some(404) => return refused_status(context, key, &error),
            // A newer spec, or another object of the name, has its own attempt coming.
            Ok(fresh) => match fresh.and_then(Observed::read) {
                Some((_, fresh)) if fresh.uid == observed.uid && fresh.generation == observed.generation => {
                    base = fresh
                }
                _ => return StatusOutcome::Settled,
            },
            Err(error) => return refused_status(context, key, &error),
        }
    }
    warn!("sealed-secret" = %key, "status not written, others keep changing the object");
    StatusOutcome::Failed
}

fn refused_status(context: &Context, key: &ObjectKey, error: &ApiError) -> StatusOutcome {
    if context.memory.of(key).status_failures == 0 {
        error!("sealed-secret" = %key, error = %error, "Error updating SealedSecret status");
        context.metrics.unseal_error(ErrorReason::Status, &key.namespace);
    }
    StatusOutcome::Failed
}

/// One status write over exactly the version in `base`.
pub async fn put_status(context: &Context, key: &ObjectKey, base: &Observed, next: &Status) -> Result<(), ApiError> {
    let body = json!({
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "namespace": key.namespace,
            "name": key.name,
            "uid": base.uid,
            "resourceVersion": base.resource_version,
        },
        // The schema demands it; the status subresource ignores it.
        "spec": {"encryptedData": {}},
        "status": next,
    });
    let stored = context.api.replace_status(key, &body).await?;
    if let Some((_, stored)) = Observed::read(stored) {
        match (next.inputs.is_empty(), stored.status.inputs.is_empty()) {
            (false, false) => context.own_fields.kept(),
            (false, true) => context.own_fields.dropped(),
            (true, _) => {}
        }
        let written = base.with_status(stored.resource_version, stored.status);
        context.store.status_written(key, &base.resource_version, written);
    }
    Ok(())
}

/// What is left to do for a deleted SealedSecret: nothing, or with `--old-gc-behavior` delete its Secret, once the API has
/// confirmed that the object is gone and only if the Secret was controlled by it (W19).
pub async fn deletion(context: &Context, key: &ObjectKey) -> Result<(), Failure> {
    let Some(uid) = context.store.buried(key) else {
        return Ok(());
    };
    let gone = context.api.sealed_secret(key).await.map_err(|error| Failure::fetch(&error))?;
    if gone.is_none()
        && let Some(secret) = gather::live_secret(context, key).await?
        && is_controlled(&secret.metadata, &uid)
    {
        info!("sealed-secret" = %key, "SealedSecret was deleted, deleting its Secret");
        let metadata = &secret.metadata;
        let deleted = context.api.delete_secret(key, &metadata.uid, &metadata.resource_version).await;
        deleted.map_err(|error| Failure::secret(&error, key))?;
    }
    context.store.forget_buried(key);
    Ok(())
}
