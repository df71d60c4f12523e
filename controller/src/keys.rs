//! The sealing keys at run time: loading, following, publishing (spec/controller.md 4).
//!
//! Readers get an immutable snapshot. Changes are made on a registry behind it and published as a new snapshot, so that a
//! renewal can never disturb an unsealing that runs (W9).

mod registry;
mod snapshot;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use sealed_secrets_crypto::{KeyRing, OperationCount, SealingKey};
use sealed_secrets_resource::{ACTIVE, KEY_LABEL, KeyMaterial, Secret};
use tokio::sync::watch;
use tracing::{error, info};

use self::registry::{Entry, Registry, is_same_certificate, read_material, sealing_key};
pub use self::snapshot::Snapshot;
use crate::args::KeyOrder;
use crate::decide::renewal::Current;
use crate::metrics::Metrics;
use crate::metrics::state::Trials;

/// All keys this process knows.
pub struct Keys {
    order: KeyOrder,
    metrics: Arc<Metrics>,
    registry: Mutex<Registry>,
    /// Outlives the rings.
    operations: OperationCount,
    snapshot: watch::Sender<Arc<Snapshot>>,
}

/// Whether a change of a key Secret brought a key that was not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A key that may open what could not be opened before.
    NewKey,
    /// Nothing of that kind.
    Nothing,
}

impl Keys {
    /// No keys yet.
    pub fn new(order: KeyOrder, metrics: Arc<Metrics>) -> Keys {
        Keys {
            order,
            metrics,
            registry: Mutex::default(),
            operations: OperationCount::default(),
            snapshot: watch::Sender::default(),
        }
    }

    /// The keys as they are now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot.borrow())
    }

    /// Waits until the current key is another one than `known`.
    pub async fn current_changed_from(&self, known: Option<Current>) {
        // The sender lives as long as this does.
        let _ = self.snapshot.subscribe().wait_for(|snapshot| snapshot.current() != known).await;
    }

    /// How often keys were tried on values since the start.
    pub fn trials(&self) -> Trials {
        Trials { opened: self.operations.opened_total(), failed: self.operations.failed_total() }
    }

    /// Registers key Secrets, oldest first, and publishes the result. One that cannot be used is logged and skipped (W7).
    ///
    /// Imports a private key; for blocking threads.
    pub fn load(&self, mut secrets: Vec<Secret>) -> Change {
        secrets.sort_by_key(|secret| secret.metadata.creation_timestamp);
        let mut registry = self.lock();
        let mut change = Change::Nothing;
        for secret in secrets {
            if self.register(&mut registry, &secret) == Change::NewKey {
                change = Change::NewKey;
            }
        }
        self.publish(&mut registry);
        change
    }

    /// Registers a key that was made here and has been written as this Secret.
    ///
    /// Imports a private key; for blocking threads.
    pub fn add_generated(&self, secret: String, uid: String, material: KeyMaterial, written: Timestamp) {
        let mut registry = self.lock();
        let name = secret.clone();
        registry.forget(&name);
        registry.entries.push(Entry {
            secret,
            uid,
            key: sealing_key(&name, material, written),
            is_labelled: true,
            is_generated: true,
        });
        self.publish(&mut registry);
    }

    /// Forgets the key of a deleted or relabelled Secret (W12).
    pub fn remove(&self, secret: &str) {
        let mut registry = self.lock();
        if registry.forget(secret) {
            info!(secretname = secret, "private key is no longer used");
            self.publish(&mut registry);
        }
    }

    /// Whether this Secret carries the label, so that a watch would deliver it.
    pub fn is_followed(&self, secret: &str) -> bool {
        let registry = self.lock();
        let entry = registry.entries.iter().find(|entry| entry.secret == secret);
        entry.is_none_or(|entry| entry.is_labelled)
    }

    /// Names of the Secrets that keys were registered from, usable or not.
    pub fn secrets(&self) -> Vec<String> {
        let registry = self.lock();
        let usable = registry.entries.iter().map(|entry| entry.secret.clone());
        usable.chain(registry.unusable.iter().cloned()).collect()
    }

    /// Whether this Secret holds a key that could be used.
    pub fn is_usable(secret: &Secret) -> bool {
        read_material(secret).is_ok()
    }

    fn register(&self, registry: &mut Registry, secret: &Secret) -> Change {
        let name = secret.metadata.name.as_str();
        let material = match read_material(secret) {
            Ok(material) => material,
            Err(problem) => {
                // Said once; a watch delivers the same Secret again and again.
                if registry.unusable.insert(name.to_owned()) {
                    error!(secret = name, error = problem, "Error reading key");
                }
                registry.forget_key(name);
                return Change::Nothing;
            }
        };
        registry.unusable.remove(name);
        let time = match self.order {
            KeyOrder::CertNotBefore => material.certificate.not_before(),
            KeyOrder::SecretCreationTimestamp => secret.metadata.creation_timestamp.unwrap_or(Timestamp::MIN),
        };
        let fingerprint = material.private.public_key().fingerprint();
        let is_new = !registry.entries.iter().any(|entry| entry.key.fingerprint() == fingerprint);
        let position = registry.entries.iter().position(|entry| entry.secret == name);
        let known = position.map(|index| &registry.entries[index]);
        if known.is_some_and(|entry| {
            entry.key.fingerprint() == fingerprint
                && entry.uid == secret.metadata.uid
                && (entry.is_generated || is_same_certificate(&entry.key, &material))
        }) {
            return Change::Nothing;
        }
        let entry = Entry {
            secret: name.to_owned(),
            uid: secret.metadata.uid.clone(),
            key: sealing_key(name, material, time),
            is_labelled: secret.metadata.labels.get(KEY_LABEL).is_some_and(|value| value == ACTIVE),
            is_generated: false,
        };
        match position {
            Some(index) => registry.entries[index] = entry,
            None => registry.entries.push(entry),
        }
        info!(secretname = name, "registered private key");
        if is_new { Change::NewKey } else { Change::Nothing }
    }

    /// Makes what is registered the snapshot that everybody gets. A key that cannot be imported is never current.
    fn publish(&self, registry: &mut Registry) {
        let ring = loop {
            let ring = KeyRing::new(registry.entries.iter().map(|entry| entry.key.clone()).collect());
            let Some(current) = ring.current() else {
                break ring;
            };
            let Err(problem) = current.private_key().check() else {
                break ring;
            };
            let fingerprint = current.fingerprint();
            for entry in &mut registry.entries {
                if entry.key.fingerprint() == fingerprint {
                    error!(secret = entry.secret, error = %problem, "the private key cannot be used, it is not published");
                    entry.key = SealingKey::unpublished(entry.key.private_key().clone(), entry.key.ordering_time());
                }
            }
        };
        registry.version += 1;
        let certificate_pem = ring.current().and_then(|key| Some(key.certificate()?.to_pem()));
        let ring = ring.counted_by(&self.operations);
        let snapshot = Snapshot { ring, version: registry.version, certificate_pem };
        self.metrics.set_unusable_keys(registry.unusable.len());
        let is_bereft = snapshot.current().is_none();
        if self.snapshot.send_replace(Arc::new(snapshot)).current().is_some() && is_bereft {
            error!("the last key that could be published is gone: nothing can be sealed until there is a new one");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use sealed_secrets_crypto::{Certificate, CertificateProfile, PrivateKey, SystemRandom, self_signed};
    use sealed_secrets_resource::{ObjectMeta, SecretBytes, TLS_CERTIFICATE, TLS_PRIVATE_KEY};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    /// A key pair whose certificate begins at this second.
    fn pair(seconds: i64) -> (PrivateKey, Certificate) {
        let key = PrivateKey::generate(2048).unwrap();
        let profile =
            CertificateProfile { common_name: "", not_before: at(seconds), valid_for: Duration::from_secs(3600) };
        let certificate = self_signed(&key, &profile, &mut SystemRandom).unwrap();
        (key, certificate)
    }

    fn secret(name: &str, created: i64, key: &str, certificate: &str) -> Secret {
        Secret {
            metadata: ObjectMeta {
                name: name.to_owned(),
                uid: format!("uid-{name}-{created}"),
                creation_timestamp: Some(at(created)),
                ..ObjectMeta::default()
            },
            data: [(TLS_PRIVATE_KEY, key), (TLS_CERTIFICATE, certificate)]
                .map(|(name, text)| (name.to_owned(), SecretBytes::from(text.as_bytes().to_vec())))
                .into(),
            ..Secret::default()
        }
    }

    fn of_pair(name: &str, created: i64, pair: &(PrivateKey, Certificate)) -> Secret {
        secret(name, created, &pair.0.to_pkcs1_pem(), &pair.1.to_pem())
    }

    fn keys(order: KeyOrder) -> Keys {
        Keys::new(order, Arc::new(Metrics::new("test")))
    }

    #[test]
    fn the_order_flag_decides_which_certificate_is_published() {
        let (first, second) = (pair(100), pair(50));
        for (order, want) in [(KeyOrder::CertNotBefore, &first.1), (KeyOrder::SecretCreationTimestamp, &second.1)] {
            let keys = keys(order);
            keys.load(vec![of_pair("b", 20, &second), of_pair("a", 10, &first)]);
            assert_eq!(keys.snapshot().certificate_pem(), Some(want.to_pem()), "{order:?}");
            assert_eq!(keys.snapshot().ring.len(), 2);
        }
    }

    #[test]
    fn malformed_key_secrets_are_skipped_and_the_rest_is_used() {
        let good = pair(0);
        let keys = keys(KeyOrder::CertNotBefore);
        let change = keys.load(vec![
            secret("empty", 1, "", ""),
            secret("garbage", 2, "x", "y"),
            secret("no-certificate", 3, &good.0.to_pkcs1_pem(), ""),
            of_pair("good", 4, &good),
        ]);
        assert_eq!(change, Change::NewKey);
        assert_eq!(keys.snapshot().ring.len(), 1);
        assert_eq!(keys.lock().unusable.len(), 3);
    }

    #[test]
    fn a_certificate_of_another_key_is_never_published_and_the_key_still_opens() {
        let (ours, other) = (pair(0), pair(500));
        let keys = keys(KeyOrder::CertNotBefore);
        keys.load(vec![
            of_pair("ours", 1, &ours),
            secret("mismatch", 2, &other.0.to_pkcs1_pem(), &pair(900).1.to_pem()),
        ]);
        let snapshot = keys.snapshot();
        assert_eq!(snapshot.certificate_pem(), Some(ours.1.to_pem()));
        assert!(snapshot.ring.get(other.0.public_key().fingerprint()).is_some());
    }

    #[test]
    fn a_generated_key_stays_current_when_the_watch_delivers_it_again() {
        let (old, new) = (pair(10), pair(10));
        let keys = keys(KeyOrder::CertNotBefore);
        keys.load(vec![of_pair("old", 10, &old)]);
        let written = of_pair("new", 10, &new);
        let material = read_material(&written).unwrap();
        keys.add_generated("new".to_owned(), written.metadata.uid.clone(), material, at(11));
        assert_eq!(keys.load(vec![written]), Change::Nothing);
        assert_eq!(keys.snapshot().certificate_pem(), Some(new.1.to_pem()));
    }

    #[test]
    fn a_key_that_goes_is_no_longer_used_and_an_older_one_is_published_again() {
        let (old, new) = (pair(10), pair(20));
        let keys = keys(KeyOrder::CertNotBefore);
        keys.load(vec![of_pair("old", 10, &old), of_pair("new", 20, &new)]);
        let before = keys.snapshot();
        keys.remove("new");
        assert_eq!(keys.snapshot().certificate_pem(), Some(old.1.to_pem()));
        assert_eq!(keys.snapshot().ring.len(), 1);
        assert!(keys.snapshot().version > before.version);
        assert_eq!(before.ring.len(), 2, "who holds a snapshot keeps it");
        keys.remove("new");
    }

    #[tokio::test]
    async fn who_waits_for_the_end_of_the_current_key_is_told() {
        let keys = keys(KeyOrder::CertNotBefore);
        keys.load(vec![of_pair("only", 10, &pair(10))]);
        let current = keys.snapshot().current();
        let waiting = keys.current_changed_from(current);
        let removal = async { keys.remove("only") };
        tokio::join!(waiting, removal);
        assert_eq!(keys.snapshot().current(), None);
        keys.current_changed_from(current).await;
    }

    #[test]
    fn an_update_replaces_the_key_of_its_secret() {
        let (first, second) = (pair(10), pair(20));
        let keys = keys(KeyOrder::CertNotBefore);
        keys.load(vec![of_pair("a", 10, &first)]);
        assert_eq!(keys.load(vec![of_pair("a", 10, &second)]), Change::NewKey);
        assert_eq!(keys.load(vec![of_pair("a", 10, &second)]), Change::Nothing);
        assert_eq!(keys.snapshot().ring.len(), 1);
        keys.load(vec![secret("a", 10, "broken", "")]);
        assert_eq!(keys.snapshot().ring.len(), 0);
        assert_eq!(keys.secrets(), ["a"]);
    }
}
