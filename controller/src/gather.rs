//! Reads what a decision needs: the SealedSecret, its opened content, the live Secret.

use std::sync::Arc;

use sealed_secrets_resource::{SealedSecret, Secret, UnsealError, UnsealOptions, Unsealed, open_on};
use serde_json::Value;

use crate::api::ApiError;
use crate::context::Context;
use crate::decide::failure::Failure;
use crate::decide::{cause, order, volatile};
use crate::keys::Snapshot;
use crate::memory::KnownCause;
use crate::object::ObjectKey;
use crate::observed::Observed;
use crate::workers::Place;

/// The SealedSecret from the cache, or from the API when the cache is in doubt. `None` if it is gone.
pub async fn sealed_secret(context: &Context, key: &ObjectKey) -> Result<Option<Arc<Observed>>, ApiError> {
    if !context.store.is_doubtful(key) {
        return Ok(context.store.sealed(key));
    }
    let fresh = context.api.sealed_secret(key).await?;
    context.store.trust(key);
    Ok(fresh.and_then(Observed::read).map(|(_, observed)| Arc::new(observed)))
}

/// Opens a SealedSecret and renders its templates, each on blocking threads.
pub async fn opened(
    context: &Context,
    key: &ObjectKey,
    observed: &Observed,
    sealed: SealedSecret,
    keys: &Snapshot,
    place: &mut Place,
) -> Result<Unsealed, Failure> {
    let stored = || observed.status.sealed_with.iter().find_map(|text| text.parse().ok());
    let options = UnsealOptions {
        accept_deprecated_data: context.settings.accept_deprecated_data,
        last: context.memory.of(key).opened_by.or_else(stored),
    };
    let ring = keys.ring.clone();
    // Found out once for a version of the object and of the keys.
    let question = (observed.digest, keys.version);
    let known = context.memory.of(key).cause.filter(|known| known.question == question);
    let asks = known.is_none();
    let items = sealed.spec.encrypted_data.len();
    let work = move |threads| {
        let opened = open_on(&sealed, &ring, &options, threads);
        let is_unopened = match &opened {
            Ok(opened) => opened.has_failed(),
            Err(error) => error.is_unopened(),
        };
        let cause = (asks && is_unopened).then(|| cause::find(&sealed, &ring)).flatten();
        (sealed, opened, cause)
    };
    let (sealed, opened, found) =
        context.private_work.run_wide(items, work).await.map_err(|_| Failure::interrupted())?;
    let result = match opened {
        Ok(opened) => context.rendering.run(sealed, opened, place).await.map_err(|_| Failure::interrupted())?,
        Err(error) => Err(error),
    };
    result.map_err(|error: UnsealError| {
        let failure = Failure::unseal(&error, key, observed.scope);
        let cause = known.map_or(found, |known| known.cause);
        context.memory.found_cause(key, KnownCause { question, cause: cause.clone() });
        match cause {
            Some(cause) => failure.because(&cause),
            None => failure,
        }
    })
}

/// Whether there is surely nothing to read: the watch knows of no such Secret, and none was written that it may not have
/// delivered yet.
pub fn is_secret_absent(context: &Context, key: &ObjectKey) -> bool {
    context.store.is_secret_absent(key) && context.memory.of(key).secret.is_none()
}

/// Whether the Secret was made from this version of the object, as far as memory and status tell.
pub fn is_made(context: &Context, key: &ObjectKey, observed: &Observed) -> bool {
    let inputs = order::inputs(key, observed, context.settings.accept_deprecated_data);
    let remembered = context.memory.of(key).made_from == Some(observed.digest);
    volatile::is_made(&observed.status, observed.generation, &inputs, remembered)
}

/// The live Secret, from the API and not from a cache.
pub async fn live_secret(context: &Context, key: &ObjectKey) -> Result<Option<Secret>, Failure> {
    let answer: Option<Value> = context.api.secret(key).await.map_err(|error| Failure::secret(&error, key))?;
    answer.map(|value| read_secret(&value, key)).transpose()
}

/// A Secret out of an answer of the API server.
pub fn read_secret(value: &Value, key: &ObjectKey) -> Result<Secret, Failure> {
    Secret::from_json(value).map_err(|error| {
        // Names the field, never a value.
        let error = ApiError::NoAnswer(format!("the Secret as the API server has it could not be read: {error}"));
        Failure::secret(&error, key)
    })
}
