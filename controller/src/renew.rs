//! Makes new sealing keys: at start, when the schedule says so, and on SIGUSR1 (spec/controller.md 4.5 to 4.8).

use std::sync::Arc;
use std::time::Duration;

use sealed_secrets_crypto::{CertificateError, CertificateProfile, KeyError, PrivateKey, SystemRandom, self_signed};
use sealed_secrets_resource::{KeyMaterial, new_key_secret};
use serde_json::Value;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::api::{Api, ApiError};
use crate::args::KeyOptions;
use crate::clock;
use crate::decide::renewal::{self, Renewal, Schedule, Trigger};
use crate::keys::Keys;
use crate::private_work::{Interrupted, PrivateWork};

/// The wall clock is looked at again at least this often: it may be set, and a machine may sleep.
const LONGEST_NAP: Duration = Duration::from_secs(600);

/// Makes keys. One at a time, because there is one of it.
pub struct Renewer {
    /// Where they are written.
    pub api: Arc<Api>,
    /// Where they are registered.
    pub keys: Arc<Keys>,
    /// Where they are computed.
    pub private_work: PrivateWork,
    /// What they are like.
    pub options: KeyOptions,
    /// Namespace of their Secrets.
    pub namespace: String,
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum RenewError {
    /// The key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Its Secret.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A defect of ours.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl Renewer {
    /// Makes a key if none can be published or the newest is older than the cutoff.
    pub async fn first_key(&self) -> Result<(), RenewError> {
        let cutoff = self.options.cutoff;
        if cutoff.is_some_and(|cutoff| cutoff > clock::now()) {
            warn!("--key-cutoff-time lies in the future: every start until then makes another key");
        }
        let current = self.keys.snapshot().current();
        match renewal::needed_at_start(current.as_ref(), cutoff) {
            true => self.generate().await,
            false => Ok(()),
        }
    }

    /// Follows the schedule and the signal until `stop`.
    pub async fn run(self, mut signal: Signal, stop: CancellationToken) {
        let current = || self.keys.snapshot().current();
        let mut schedule = Schedule::new(current().as_ref(), self.options.renew_period, clock::now());
        loop {
            let before = current();
            let trigger = tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = signal.recv() => Trigger::Signal,
                is_time = nap(schedule.next(before.as_ref())) => match is_time {
                    true => Trigger::Time,
                    false => continue,
                },
            };
            match self.generate().await {
                Ok(()) => {
                    if !schedule.succeeded(trigger, before, current(), clock::now()) {
                        warn!("the certificate in use has a later time than the new key and stays in use");
                    }
                }
                Err(problem) => {
                    error!(error = %problem, "Failed to generate new key");
                    schedule.failed(clock::now());
                }
            }
        }
    }

    async fn generate(&self) -> Result<(), RenewError> {
        let options = self.options.clone();
        let material = self.private_work.run(move || make_pair(&options)).await??;
        let pem = material.certificate.to_pem();
        let KeyOptions { prefix, labels, annotations, .. } = &self.options;
        let secret = new_key_secret(prefix, &self.namespace, labels, annotations, &material);
        let stored: Value = self.api.create_secret(&self.namespace, &secret).await?;
        let text = |pointer: &str| stored.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (name, uid) = (text("/metadata/name"), text("/metadata/uid"));
        let (keys, written, registered) = (Arc::clone(&self.keys), clock::now(), name.clone());
        self.private_work.run(move || keys.add_generated(registered, uid, material, written)).await?;
        info!(namespace = self.namespace, name, "New key written");
        // Users of clusters that they cannot reach copy it from here.
        info!(certificate = pem, "Certificate generated");
        Ok(())
    }
}

fn make_pair(options: &KeyOptions) -> Result<KeyMaterial, RenewError> {
    let private = PrivateKey::generate(options.bits)?;
    let profile = CertificateProfile {
        common_name: &options.common_name,
        not_before: clock::now(),
        valid_for: options.valid_for,
    };
    let certificate = self_signed(&private, &profile, &mut SystemRandom)?;
    Ok(KeyMaterial { private, certificate })
}

/// Sleeps until the time has come, or for the longest nap; says which.
async fn nap(renewal: Renewal) -> bool {
    let Renewal::At(time) = renewal else {
        return std::future::pending().await;
    };
    let left = Duration::try_from(time.duration_since(clock::now())).unwrap_or_default();
    tokio::time::sleep(left.min(LONGEST_NAP)).await;
    left <= LONGEST_NAP
}
