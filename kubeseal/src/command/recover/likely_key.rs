//! Which of many keys opens an object, where nothing says so.

use std::sync::atomic::{AtomicUsize, Ordering};

use sealed_secrets_crypto::{Fingerprint, Hints, KeyRing};
use sealed_secrets_resource::{SealedSecret, decode_base64};

use crate::parallel;

/// From so many keys on it pays to try them side by side.
const MANY: usize = 4;

/// Tries the keys on the first item, newest first, on all cores. `None` when there is nothing to find out: few keys, an
/// object that names its key, or no key that fits.
pub(super) fn find(sealed: &SealedSecret, ring: &KeyRing) -> Option<Fingerprint> {
    let threads = parallel::cores().min(ring.len());
    if threads < 2 || ring.len() < MANY || is_named(sealed, ring) {
        return None;
    }
    let envelope = match &sealed.spec.data {
        Some(whole) => whole.as_slice().to_vec(),
        None => sealed.spec.encrypted_data.values().find_map(|text| decode_base64(text).ok())?.to_vec(),
    };
    let (label, keys) = (sealed.label(), ring.keys());
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(key) = keys.get(next.fetch_add(1, Ordering::Relaxed)) {
            let alone = KeyRing::new(vec![key.clone()]);
            if alone.open(&label, &envelope, &Hints::default()).is_ok() {
                next.store(keys.len(), Ordering::Relaxed);
                return Some(key.fingerprint());
            }
        }
        None
    };
    parallel::workers(threads, worker).into_iter().flatten().next()
}

/// Whether the object or its status names a key of the ring.
pub(super) fn is_named(sealed: &SealedSecret, ring: &KeyRing) -> bool {
    let known = |name: Option<Fingerprint>| name.is_some_and(|name| ring.get(name).is_some());
    let recorded = sealed.recorded_keys();
    let in_status = sealed.status.iter().flat_map(|status| &status.sealed_with);
    sealed.spec.encrypted_data.keys().any(|item| known(recorded.of(item)))
        || in_status.map(|text| text.parse().ok()).any(known)
}
