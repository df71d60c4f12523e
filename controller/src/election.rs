//! Takes part in the election of the leader until told to resign (design.md section 6, decision 17).

use std::time::Duration;

use sealed_secrets_crypto::{Random, SystemRandom};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use crate::api::{Api, ApiError};
use crate::clock;
use crate::decide::lease::{self, Step};
use crate::leadership::Leadership;
use crate::object::ObjectKey;

/// Longest wait for the answer to one call. Shorter than elsewhere: a Lease does not wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);

/// One candidate.
pub struct Election {
    api: Api,
    lease: ObjectKey,
    identity: String,
    leadership: Leadership,
    /// The Lease as it was seen last, and since when.
    seen: Option<(Value, Instant)>,
    /// The holder that was said last.
    said: Option<String>,
    /// The failure that was said last.
    failed: Option<String>,
    answered: watch::Sender<bool>,
}

/// How a round ended.
enum Round {
    Led,
    Followed,
    /// There is no permission to take part.
    Forbidden,
}

impl Election {
    /// A candidate for the lead that `leadership` shows. `api` must let calls through for which nobody has to lead.
    pub fn new(api: Api, namespace: &str, name: &str, host: &str, leadership: Leadership) -> Election {
        Election {
            api,
            lease: ObjectKey::new(namespace, name),
            identity: identity(host),
            leadership,
            seen: None,
            said: None,
            failed: None,
            answered: watch::Sender::new(false),
        }
    }

    /// Becomes true when the first round has ended, however it did.
    pub fn answered(&self) -> watch::Receiver<bool> {
        self.answered.subscribe()
    }

    /// Stands for election until `resign`, then gives the Lease back.
    pub async fn run(mut self, resign: CancellationToken) {
        loop {
            let began = Instant::now();
            let pause = match self.round().await {
                Ok(Round::Led) => {
                    self.led(began);
                    lease::RENEWED_EVERY
                }
                Ok(Round::Followed) => {
                    self.followed();
                    lease::LOOKED_AT_EVERY
                }
                Ok(Round::Forbidden) => {
                    warn!(
                        lease = %self.lease,
                        "leases are forbidden, leader election is off: with several replicas each would do all the work"
                    );
                    self.leadership.end_election();
                    self.answered.send_replace(true);
                    return;
                }
                Err(error) => {
                    self.failed(&error);
                    lease::LOOKED_AT_EVERY
                }
            };
            self.answered.send_replace(true);
            tokio::select! {
                () = resign.cancelled() => return self.resign().await,
                () = tokio::time::sleep_until(began + pause) => {}
            }
        }
    }

    async fn round(&mut self) -> Result<Round, ApiError> {
        // Who leads knows the Lease; who is wrong about that is told by a conflict.
        if let Some((lease, _)) = self.seen.clone().filter(|(lease, _)| lease::holder(lease) == self.identity) {
            match self.take(&lease).await {
                Err(ApiError::Refused { code: 404 | 409, .. }) => {}
                done => return done,
            }
        }
        let found = match timely(self.api.lease(&self.lease)).await {
            Err(error) if error.code() == Some(403) => return Ok(Round::Forbidden),
            found => found?,
        };
        let unchanged_for = self.unchanged_for(found.as_ref());
        let step = lease::step(found.as_ref(), &self.identity, unchanged_for);
        let round = match (step, &found) {
            (Step::Take | Step::Renew, Some(found)) => self.take(found).await,
            (Step::Create, _) => self.create().await,
            _ => Ok(Round::Followed),
        };
        match round {
            // Somebody else was faster.
            Err(ApiError::Refused { code: 404 | 409, .. }) => Ok(Round::Followed),
            round => round,
        }
    }

    async fn create(&mut self) -> Result<Round, ApiError> {
        let ObjectKey { namespace, name } = &self.lease;
        let wanted = lease::created(namespace, name, &self.identity, clock::now());
        let answer = timely(self.api.create_lease(namespace, &wanted)).await;
        self.held(answer)
    }

    async fn take(&mut self, lease: &Value) -> Result<Round, ApiError> {
        let wanted = lease::held(lease, &self.identity, clock::now());
        let answer = timely(self.api.replace_lease(&self.lease, &wanted)).await;
        self.held(answer)
    }

    fn held(&mut self, answer: Result<Value, ApiError>) -> Result<Round, ApiError> {
        match answer {
            Ok(lease) => {
                self.seen = Some((lease, Instant::now()));
                Ok(Round::Led)
            }
            Err(error) if error.code() == Some(403) => Ok(Round::Forbidden),
            Err(error) => Err(error),
        }
    }

    /// Notes the Lease and gives the time since it was first seen like this.
    fn unchanged_for(&mut self, found: Option<&Value>) -> Duration {
        let version = |lease: &Value| lease.pointer("/metadata/resourceVersion").cloned();
        match (&self.seen, found) {
            (Some((seen, since)), Some(found)) if version(seen) == version(found) => since.elapsed(),
            _ => {
                self.seen = found.map(|found| (found.clone(), Instant::now()));
                Duration::ZERO
            }
        }
    }

    fn led(&mut self, since: Instant) {
        self.failed = None;
        self.said = None;
        // Counted from before the call: the Lease cannot have been renewed earlier than that.
        if self.leadership.lead_until(since + lease::WRITES_FOR) {
            info!(lease = %self.lease, identity = self.identity, "this replica leads");
        }
    }

    fn followed(&mut self) {
        self.failed = None;
        if self.leadership.is_leading() {
            warn!(lease = %self.lease, "another replica has taken the lead, this one stops writing");
        }
        self.leadership.follow();
        let holder = self.seen.as_ref().map(|(lease, _)| lease::holder(lease).to_owned());
        if self.said != holder {
            info!(lease = %self.lease, holder, "another replica leads, this one serves requests and stands by");
            self.said = holder;
        }
    }

    /// The lead, if there is one, lasts as long as the Lease is surely ours.
    fn failed(&mut self, error: &ApiError) {
        let text = error.to_string();
        if is_refused_for_good(error) {
            error!(lease = %self.lease, error = text, "the lease is refused as invalid: no replica can lead, nothing is done");
            return;
        }
        match self.failed.as_ref() == Some(&text) {
            true => debug!(lease = %self.lease, error = text, "lease not renewed, will retry"),
            false => warn!(lease = %self.lease, error = text, "lease not renewed, will retry"),
        }
        self.failed = Some(text);
    }

    async fn resign(self) {
        let held = self.seen.filter(|(lease, _)| lease::holder(lease) == self.identity);
        self.leadership.follow();
        let Some((lease, _)) = held else {
            return;
        };
        let wanted = lease::given_back(&lease, clock::now());
        match timely(self.api.replace_lease(&self.lease, &wanted)).await {
            Ok(_) => info!(lease = %self.lease, "lease given back"),
            Err(error) => debug!(lease = %self.lease, error = %error, "lease not given back, it will run out"),
        }
    }
}

/// Whether asking again, in whatever state the cluster is, ends the same way.
fn is_refused_for_good(error: &ApiError) -> bool {
    matches!(error.code(), Some(400 | 422))
}

async fn timely<T>(call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    let late = |_| ApiError::NoAnswer(format!("no answer within {} s", ANSWER_WITHIN.as_secs()));
    tokio::time::timeout(ANSWER_WITHIN, call).await.map_err(late)?
}

/// A name that no other process has: where it runs, and a number that it drew.
fn identity(host: &str) -> String {
    let mut bytes = [0; 8];
    // Without random numbers nothing else works either; the host alone tells Pods apart.
    let _ = SystemRandom.fill(&mut bytes);
    let number: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let host = if host.is_empty() { "controller" } else { host };
    format!("{host}_{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_that_is_invalid_is_told_from_one_that_may_come() {
        let refused = |code| is_refused_for_good(&ApiError::Refused { code, message: String::new() });
        assert_eq!([400, 422, 403, 404, 409, 429, 500].map(refused), [true, true, false, false, false, false, false]);
        assert!(!is_refused_for_good(&ApiError::NoAnswer(String::new())));
    }

    #[test]
    fn two_candidates_on_one_host_have_different_names() {
        assert!(identity("pod-1").starts_with("pod-1_"));
        assert_ne!(identity(""), identity(""));
    }
}
