//! The caches that the watches fill and everything else reads.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sealed_secrets_crypto::Fingerprint;

use crate::metrics::ConditionSample;
use crate::object::ObjectKey;
use crate::observed::{Observed, SecretMeta};

/// Watched objects by name.
#[derive(Default)]
pub struct Store {
    sealed: Shelf<Arc<Observed>>,
    secrets: Shelf<SecretMeta>,
    /// Namespaces, or all, of which every Secret is known.
    secrets_listed: RwLock<HashSet<Option<String>>>,
    /// Objects whose cached copy must be checked against the API before it is acted on.
    doubtful: Mutex<HashSet<ObjectKey>>,
    /// Uids of deleted SealedSecrets whose Secrets are ours to delete.
    deleted: Mutex<HashMap<ObjectKey, String>>,
}

impl Store {
    /// A SealedSecret.
    pub fn sealed(&self, key: &ObjectKey) -> Option<Arc<Observed>> {
        self.sealed.read().get(key).cloned()
    }

    /// Stores a SealedSecret and gives what was there.
    pub fn put_sealed(&self, key: ObjectKey, observed: Observed) -> Option<Arc<Observed>> {
        self.sealed.write().insert(key, Arc::new(observed))
    }

    /// Forgets a SealedSecret and gives what was there.
    pub fn remove_sealed(&self, key: &ObjectKey) -> Option<Arc<Observed>> {
        self.sealed.write().remove(key)
    }

    /// Names of all SealedSecrets of a namespace, or of all.
    pub fn sealed_keys(&self, namespace: Option<&str>) -> HashSet<ObjectKey> {
        keys_in(&self.sealed.read(), namespace)
    }

    /// Stores what a status write came to, unless a watch has delivered something newer than what was written over.
    pub fn status_written(&self, key: &ObjectKey, over: &str, written: Observed) {
        let mut sealed = self.sealed.write();
        if let Some(held) = sealed.get_mut(key)
            && held.resource_version == over
        {
            *held = Arc::new(written);
        }
    }

    /// Metadata of a Secret.
    pub fn secret(&self, key: &ObjectKey) -> Option<SecretMeta> {
        self.secrets.read().get(key).cloned()
    }

    /// Stores the metadata of a Secret and gives what was there.
    pub fn put_secret(&self, key: ObjectKey, meta: SecretMeta) -> Option<SecretMeta> {
        self.secrets.write().insert(key, meta)
    }

    /// Forgets a Secret and gives what was there.
    pub fn remove_secret(&self, key: &ObjectKey) -> Option<SecretMeta> {
        self.secrets.write().remove(key)
    }

    /// Names of all Secrets of a namespace, or of all.
    pub fn secret_keys(&self, namespace: Option<&str>) -> HashSet<ObjectKey> {
        keys_in(&self.secrets.read(), namespace)
    }

    /// Notes that every Secret of a namespace, or of all, is known from here on.
    pub fn secrets_are_known(&self, namespace: Option<&str>) {
        let mut listed = self.secrets_listed.write().unwrap_or_else(PoisonError::into_inner);
        listed.insert(namespace.map(str::to_owned));
    }

    /// Whether the watch says that there is no such Secret. It may be a moment behind.
    pub fn is_secret_absent(&self, key: &ObjectKey) -> bool {
        let listed = self.secrets_listed.read().unwrap_or_else(PoisonError::into_inner);
        let is_followed = listed.contains(&None) || listed.contains(&Some(key.namespace.clone()));
        is_followed && !self.secrets.read().contains_key(key)
    }

    /// Has the next look at a SealedSecret go to the API: its Secret was deleted, so it may be gone as well.
    pub fn doubt(&self, key: ObjectKey) {
        lock(&self.doubtful).insert(key);
    }

    /// Whether the cached copy is in doubt.
    pub fn is_doubtful(&self, key: &ObjectKey) -> bool {
        lock(&self.doubtful).contains(key)
    }

    /// Ends the doubt.
    pub fn trust(&self, key: &ObjectKey) {
        lock(&self.doubtful).remove(key);
    }

    /// Remembers the uid of a deleted SealedSecret.
    pub fn bury(&self, key: ObjectKey, uid: String) {
        lock(&self.deleted).insert(key, uid);
    }

    /// The uid of a deleted SealedSecret.
    pub fn buried(&self, key: &ObjectKey) -> Option<String> {
        lock(&self.deleted).get(key).cloned()
    }

    /// Names of the deleted SealedSecrets of a namespace, or of all.
    pub fn buried_keys(&self, namespace: Option<&str>) -> HashSet<ObjectKey> {
        keys_in(&lock(&self.deleted), namespace)
    }

    /// Forgets a deleted SealedSecret.
    pub fn forget_buried(&self, key: &ObjectKey) {
        lock(&self.deleted).remove(key);
    }

    /// SealedSecrets by the fingerprint of a key that opened one of their items.
    pub fn by_key(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for observed in self.sealed.read().values() {
            // A status can hold anything; what is no fingerprint must not become a label.
            let keys = observed.status.sealed_with.iter().filter(|text| text.parse::<Fingerprint>().is_ok());
            for key in keys {
                *counts.entry(key.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// Every condition of every SealedSecret. Taken from the cache at each scrape, no series can be left behind.
    pub fn conditions(&self) -> Vec<ConditionSample> {
        let sealed = self.sealed.read();
        let samples = sealed.iter().flat_map(|(key, observed)| {
            observed.status.conditions.iter().map(|condition| ConditionSample {
                condition: condition.r#type.clone(),
                name: key.name.clone(),
                namespace: key.namespace.clone(),
                instance: observed.instance.clone(),
                value: match condition.status.as_str() {
                    "True" => 1,
                    "False" => -1,
                    _ => 0,
                },
            })
        });
        let mut samples: Vec<ConditionSample> = samples.collect();
        samples.sort_unstable();
        // A list of conditions may hold a type twice; a page of metrics may not.
        samples.dedup_by(|a, b| (&a.condition, &a.name, &a.namespace) == (&b.condition, &b.name, &b.namespace));
        samples
    }
}

struct Shelf<V>(RwLock<HashMap<ObjectKey, V>>);

impl<V> Default for Shelf<V> {
    fn default() -> Shelf<V> {
        Shelf(RwLock::default())
    }
}

impl<V> Shelf<V> {
    // Nothing panics while it holds one of these locks.
    fn read(&self) -> RwLockReadGuard<'_, HashMap<ObjectKey, V>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<ObjectKey, V>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keys_in<V>(map: &HashMap<ObjectKey, V>, namespace: Option<&str>) -> HashSet<ObjectKey> {
    map.keys().filter(|key| namespace.is_none_or(|namespace| key.namespace == namespace)).cloned().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn observed(resource_version: &str, synced: &str) -> (ObjectKey, Observed) {
        Observed::read(json!({
            "metadata": {"namespace": "NS", "name": "db", "resourceVersion": resource_version,
                "labels": {"app.kubernetes.io/instance": "web"}},
            "spec": {"encryptedData": {}},
            "status": {"conditions": [{"type": "Synced", "status": synced}, {"type": "Synced", "status": "Unknown"}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_status_write_is_kept_only_over_the_version_it_was_made_from() {
        let store = Store::default();
        let (key, first) = observed("1", "False");
        store.put_sealed(key.clone(), first);
        store.status_written(&key, "1", observed("2", "True").1);
        assert_eq!(store.sealed(&key).unwrap().resource_version, "2");
        store.put_sealed(key.clone(), observed("5", "True").1);
        store.status_written(&key, "2", observed("3", "False").1);
        assert_eq!(store.sealed(&key).unwrap().resource_version, "5");
    }

    #[test]
    fn conditions_come_from_the_cache_and_go_with_the_object() {
        let store = Store::default();
        let (key, object) = observed("1", "False");
        store.put_sealed(key.clone(), object);
        let samples = store.conditions();
        assert_eq!(samples.len(), 1, "{samples:?}");
        assert_eq!((samples[0].value, samples[0].instance.as_str()), (-1, "web"));
        store.remove_sealed(&key);
        assert_eq!(store.conditions(), []);
    }

    #[test]
    fn a_secret_is_absent_only_where_all_are_known() {
        let (store, key) = (Store::default(), ObjectKey::new("NS", "db"));
        assert!(!store.is_secret_absent(&key));
        store.secrets_are_known(Some("other"));
        assert!(!store.is_secret_absent(&key));
        for namespace in [Some("NS"), None] {
            let store = Store::default();
            store.secrets_are_known(namespace);
            assert!(store.is_secret_absent(&key), "{namespace:?}");
            let meta = SecretMeta { uid: "u".into(), resource_version: "1".into(), controller: None, managed: false };
            store.put_secret(key.clone(), meta);
            assert!(!store.is_secret_absent(&key), "{namespace:?}");
        }
    }

    #[test]
    fn keys_are_listed_by_namespace() {
        let store = Store::default();
        let (key, object) = observed("1", "True");
        store.put_sealed(key.clone(), object);
        assert_eq!(store.sealed_keys(None), HashSet::from([key.clone()]));
        assert_eq!(store.sealed_keys(Some("NS")), HashSet::from([key]));
        assert_eq!(store.sealed_keys(Some("other")), HashSet::new());
    }
}
