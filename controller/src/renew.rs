//! Makes new sealing keys: at start, when the schedule says so, and on SIGUSR1 (spec/controller.md 4.5 to 4.8).

use std::sync::Arc;
use std::time::Duration;

use sealed_secrets_crypto::{CertificateError, CertificateProfile, KeyError, PrivateKey, SystemRandom, self_signed};
use sealed_secrets_resource::{KeyMaterial, Secret, new_key_secret};
use serde_json::Value;
use tokio::signal::unix::Signal;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::api::{Api, ApiError};
use crate::args::KeyOptions;
use crate::clock;
use crate::decide::renewal::{self, Current, Renewal, Schedule, Trigger};
use crate::key_secrets;
use crate::keys::Keys;
use crate::leadership::Leadership;
use crate::metrics::Metrics;
use crate::object::ObjectKey;
use crate::private_work::{Interrupted, PrivateWork};

/// The wall clock is looked at again at least this often: it may be set, and a machine may sleep.
const LONGEST_NAP: Duration = Duration::from_secs(600);

/// Pause after a failure to take over from another leader.
const TAKE_OVER_AGAIN: Duration = Duration::from_secs(5);
/// How often a replica that does not lead looks for the first key, which another one makes.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Loads keys, and makes them while this replica leads. One at a time, because there is one of it.
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
    /// Whether this replica makes them.
    pub leadership: Leadership,
    /// Where it is shown when the next one is due.
    pub metrics: Arc<Metrics>,
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
    /// Loads the keys and waits until one can be published. The leader makes it if there is none or the newest is older
    /// than the cutoff; it has listed the keys since it leads, so that two replicas that start at once end with one key.
    ///
    /// Gives the time of leading in which that was seen to.
    pub async fn first_key(&self) -> Result<Option<u64>, RenewError> {
        if let Some(word) = &self.options.unknown_order {
            error!(keyOrderPriority = word, "unknown key order, CertNotBefore is used");
        }
        if self.options.cutoff.is_some_and(|cutoff| cutoff > clock::now()) {
            warn!("--key-cutoff-time lies in the future: every start until then makes another key");
        }
        info!("Searching for existing private keys");
        loop {
            let term = self.leadership.term();
            self.load().await?;
            match (term, self.make_if_needed().await) {
                (Some(_), Ok(())) => return Ok(term),
                (_, Err(RenewError::Api(ApiError::NotLeading))) | (None, Ok(())) => {}
                (_, Err(error)) => return Err(error),
            }
            if self.keys.snapshot().current().is_some() {
                return Ok(None);
            }
            tokio::select! {
                () = self.leadership.changed_from(term) => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
            }
        }
    }

    /// Follows the schedule and the signal while this replica leads, until `stop`. `seen_to` is what
    /// [`Renewer::first_key`] gave.
    pub async fn run(self, mut signal: Signal, mut seen_to: Option<u64>, stop: CancellationToken) {
        loop {
            let Some(term) = self.leadership.term() else {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = self.leadership.gained() => {}
                    Some(()) = signal.recv() => warn!("no new key: another replica leads, and it alone makes keys"),
                }
                continue;
            };
            if seen_to != Some(term) {
                if let Err(problem) = self.take_over().await {
                    error!(error = %problem, "Failed to generate new key");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(TAKE_OVER_AGAIN) => continue,
                    }
                }
                seen_to = Some(term);
            }
            let ended = self.renew(&mut signal, &stop).await;
            self.metrics.set_renewal_due(None);
            if ended == Ended::Stopped {
                return;
            }
        }
    }

    async fn take_over(&self) -> Result<(), RenewError> {
        self.load().await?;
        self.make_if_needed().await
    }

    /// Follows the schedule and the signal as long as this replica leads.
    async fn renew(&self, signal: &mut Signal, stop: &CancellationToken) -> Ended {
        let current = || self.keys.snapshot().current();
        let mut schedule = Schedule::new(current().as_ref(), self.options.renew_period, clock::now());
        // The key whose age the schedule goes by.
        let mut aging = current();
        loop {
            let before = current();
            self.metrics.set_renewal_due(match schedule.due(before.as_ref(), clock::now()) {
                Renewal::At(time) => Some(time),
                Renewal::Never => None,
            });
            let trigger = tokio::select! {
                () = stop.cancelled() => return Ended::Stopped,
                () = self.leadership.lost() => return Ended::Lost,
                () = self.keys.current_changed_from(before) => continue,
                Some(()) = signal.recv() => Trigger::Signal,
                is_time = nap(schedule.next(before.as_ref(), clock::now())) => match is_time {
                    true => Trigger::Time,
                    false => continue,
                },
            };
            let generated = match trigger {
                Trigger::Signal => self.generate().await.map(|()| true),
                Trigger::Time => self.generate_unless_renewed(before.and(aging)).await,
            };
            match generated {
                Ok(false) => {
                    aging = current();
                    schedule = Schedule::new(aging.as_ref(), self.options.renew_period, clock::now());
                }
                Ok(true) => {
                    aging = current();
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

    async fn load(&self) -> Result<(), ApiError> {
        let Renewer { api, keys, private_work, options, namespace, .. } = self;
        key_secrets::load(api, namespace, &options.prefix, keys, private_work).await
    }

    async fn make_if_needed(&self) -> Result<(), RenewError> {
        let current = self.keys.snapshot().current();
        match self.leadership.is_leading() && renewal::needed_at_start(current.as_ref(), self.options.cutoff) {
            true if self.leadership.is_elected() => self.generate().await,
            true => self.generate_unless_beaten().await,
            false => Ok(()),
        }
    }

    /// Makes a key that is missing at the start, where no election keeps another process from doing the same at this moment.
    /// The key that was written first stays; who finds it beside its own takes its own back before it was ever used.
    async fn generate_unless_beaten(&self) -> Result<(), RenewError> {
        let known = self.keys.secrets();
        let material = self.new_pair().await?;
        let stored = self.create(&material).await?;
        let found = self.api.key_secrets(&self.namespace, &key_secrets::selector()).await?;
        let others = found.iter().filter_map(|value| Secret::from_json(value).ok()).filter(|other| {
            other.metadata.name != stored.name && !known.contains(&other.metadata.name) && Keys::is_usable(other)
        });
        let versions: Vec<String> = others.map(|other| other.metadata.resource_version).collect();
        if !renewal::is_beaten(&stored.resource_version, &versions) {
            return self.register(stored, material).await;
        }
        let Created { name, uid, resource_version } = &stored;
        let key = ObjectKey::new(&self.namespace, name);
        match self.api.delete_secret(&key, uid, resource_version).await {
            Ok(()) => {
                info!(secretname = name, "another process has made a key at the same time, this one is taken back");
                Ok(self.load().await?)
            }
            Err(problem) => {
                warn!(secretname = name, error = %problem, "two keys were made at the same time, both are used");
                self.load().await?;
                self.register(stored, material).await
            }
        }
    }

    /// Makes a key unless another release in this namespace, whose period is over at the same time, was faster. Without an
    /// aging one, any key will do.
    async fn generate_unless_renewed(&self, aging: Option<Current>) -> Result<bool, RenewError> {
        let material = self.new_pair().await?;
        // As late as possible: making the key takes longer than this.
        self.load().await?;
        let current = self.keys.snapshot().current();
        match renewal::is_renewed(aging.as_ref(), current.as_ref(), clock::now()) {
            true => Ok(false),
            false => self.write(material).await.map(|()| true),
        }
    }

    async fn generate(&self) -> Result<(), RenewError> {
        let material = self.new_pair().await?;
        self.write(material).await
    }

    async fn new_pair(&self) -> Result<KeyMaterial, RenewError> {
        let options = self.options.clone();
        self.private_work.run(move || make_pair(&options)).await?
    }

    async fn write(&self, material: KeyMaterial) -> Result<(), RenewError> {
        let stored = self.create(&material).await?;
        self.register(stored, material).await
    }

    async fn create(&self, material: &KeyMaterial) -> Result<Created, RenewError> {
        let KeyOptions { prefix, labels, annotations, .. } = &self.options;
        let secret = new_key_secret(prefix, &self.namespace, labels, annotations, material);
        let stored: Value = self.api.create_secret(&self.namespace, &secret).await?;
        let text = |pointer: &str| stored.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Created {
            name: text("/metadata/name"),
            uid: text("/metadata/uid"),
            resource_version: text("/metadata/resourceVersion"),
        })
    }

    async fn register(&self, stored: Created, material: KeyMaterial) -> Result<(), RenewError> {
        let pem = material.certificate.to_pem();
        let Created { name, uid, .. } = stored;
        let (keys, written, registered) = (Arc::clone(&self.keys), clock::now(), name.clone());
        self.private_work.run(move || keys.add_generated(registered, uid, material, written)).await?;
        info!(namespace = self.namespace, name, "New key written");
        // Users of clusters that they cannot reach copy it from here.
        info!(certificate = pem, "Certificate generated");
        Ok(())
    }
}

/// A key Secret of ours, as the API server has it.
struct Created {
    name: String,
    uid: String,
    resource_version: String,
}

/// Why no schedule is followed any more.
#[derive(PartialEq, Eq)]
enum Ended {
    Stopped,
    Lost,
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
