//! What the process remembers of its own attempts, object by object.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sealed_secrets_crypto::Fingerprint;
use sealed_secrets_resource::WrittenSecret;

use crate::decide::cause::Cause;
use crate::decide::news::Said;
use crate::object::ObjectKey;

/// Why an object could not be opened, as far as that could be found out.
#[derive(Clone, Debug)]
pub struct KnownCause {
    /// Digest of the object and version of the keys that it is about.
    pub question: (u64, u64),
    /// The answer; `None` if nothing was found.
    pub cause: Option<Cause>,
}

/// Memory of one object.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Failed attempts in a row.
    pub failures: u32,
    /// Status writes in a row that failed.
    pub status_failures: u32,
    /// What was last said about it by this process.
    pub said: Option<Said>,
    /// Whether a key that comes may mend it.
    pub waits_for_key: bool,
    /// Digest of the version of the object that its Secret was made from.
    pub made_from: Option<u64>,
    /// The key that opened it last.
    pub opened_by: Option<Fingerprint>,
    /// Why it could not be opened.
    pub cause: Option<KnownCause>,
    /// The Secret as it was left, or as it was when somebody else's change of it was last looked at.
    pub secret: Option<WrittenSecret>,
    /// Changes of others that were put right, and when last.
    pub heals: u32,
    /// When that was.
    pub healed_at: Option<Instant>,
}

/// Memory of all objects. Empty at start; the stored status says the rest.
#[derive(Default)]
pub struct Memory {
    tracks: Mutex<HashMap<ObjectKey, Track>>,
}

impl Memory {
    /// What is remembered of an object.
    pub fn of(&self, key: &ObjectKey) -> Track {
        self.lock().get(key).cloned().unwrap_or_default()
    }

    /// Notes a success with the version of the object that has this digest.
    pub fn succeeded(
        &self,
        key: &ObjectKey,
        said: Said,
        digest: u64,
        opened_by: Option<Fingerprint>,
        secret: WrittenSecret,
    ) {
        let mut tracks = self.lock();
        let track = tracks.entry(key.clone()).or_default();
        *track = Track {
            said: Some(said),
            made_from: Some(digest),
            opened_by: opened_by.or(track.opened_by),
            status_failures: track.status_failures,
            secret: Some(secret),
            heals: track.heals,
            healed_at: track.healed_at,
            ..Track::default()
        };
    }

    /// Notes a failure and gives the number of failures in a row.
    pub fn failed(&self, key: &ObjectKey, said: Said, waits_for_key: bool) -> u32 {
        let mut tracks = self.lock();
        let track = tracks.entry(key.clone()).or_default();
        track.failures = track.failures.saturating_add(1);
        track.said = Some(said);
        track.waits_for_key = waits_for_key;
        track.failures
    }

    /// Notes why an object could not be opened.
    pub fn found_cause(&self, key: &ObjectKey, cause: KnownCause) {
        self.lock().entry(key.clone()).or_default().cause = Some(cause);
    }

    /// Notes the Secret as it was when somebody else's change of it was looked at.
    pub fn looked_at(&self, key: &ObjectKey, secret: WrittenSecret) {
        self.lock().entry(key.clone()).or_default().secret = Some(secret);
    }

    /// Notes that a change of somebody else is put right, and gives how many were lately. Begins anew when they were left
    /// in peace for that long.
    pub fn heals(&self, key: &ObjectKey, peace: Duration) -> u32 {
        let mut tracks = self.lock();
        let track = tracks.entry(key.clone()).or_default();
        let now = Instant::now();
        let is_lately = track.healed_at.is_some_and(|last| now.duration_since(last) < peace);
        track.heals = if is_lately { track.heals.saturating_add(1) } else { 1 };
        track.healed_at = Some(now);
        track.heals
    }

    /// Notes how a status write ended and gives the number of failures in a row.
    pub fn status_written(&self, key: &ObjectKey, success: bool) -> u32 {
        let mut tracks = self.lock();
        let track = tracks.entry(key.clone()).or_default();
        track.status_failures = if success { 0 } else { track.status_failures.saturating_add(1) };
        track.status_failures
    }

    /// Begins the count of failures anew, because something has changed.
    pub fn fresh_start(&self, key: &ObjectKey) {
        if let Some(track) = self.lock().get_mut(key) {
            track.failures = 0;
        }
    }

    /// Begins the slow retries anew for every object that waits for a key, and gives these. One attempt shows whether the
    /// key that came is theirs; the fast ones would only be counted as errors once more (W10).
    pub fn another_chance(&self, fast_retries: u32) -> Vec<ObjectKey> {
        let mut tracks = self.lock();
        let waiting = tracks.iter_mut().filter(|(_, track)| track.waits_for_key);
        waiting
            .map(|(key, track)| {
                track.failures = track.failures.min(fast_retries.saturating_add(1));
                key.clone()
            })
            .collect()
    }

    /// Forgets an object.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// Forgets everything: what was last said of an object, another replica may have said since.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, Track>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(failure: Option<&str>) -> Said {
        Said { generation: 1, failure: failure.map(str::to_owned) }
    }

    #[test]
    fn failures_are_counted_in_a_row_and_forgotten_with_success() {
        let memory = Memory::default();
        let key = ObjectKey::new("NS", "db");
        assert_eq!(memory.failed(&key, said(Some("m")), true), 1);
        assert_eq!(memory.failed(&key, said(Some("m")), true), 2);
        memory.succeeded(&key, said(None), 7, None, WrittenSecret::default());
        assert_eq!(memory.failed(&key, said(Some("m")), false), 1);
        assert_eq!(memory.of(&key).made_from, Some(7), "a failure does not undo what was made");
        memory.fresh_start(&key);
        assert_eq!(memory.of(&key).failures, 0);
        assert_eq!(memory.of(&key).said, Some(said(Some("m"))));
        memory.forget(&key);
        assert_eq!(memory.of(&key).said, None);
    }

    #[test]
    fn a_key_that_comes_gives_another_chance_to_what_waits_for_one_and_to_nothing_else() {
        let memory = Memory::default();
        let key = |name: &str| ObjectKey::new("NS", name);
        for _ in 0..30 {
            memory.failed(&key("waits"), said(Some("m")), true);
            memory.failed(&key("broken"), said(Some("m")), false);
        }
        memory.failed(&key("new"), said(Some("m")), true);
        memory.failed(&key("opened"), said(Some("m")), true);
        memory.succeeded(&key("opened"), said(None), 7, None, WrittenSecret::default());
        let mut chances = memory.another_chance(5);
        chances.sort();
        assert_eq!(chances, [key("new"), key("waits")]);
        let failures = ["waits", "new", "broken"].map(|name| memory.of(&key(name)).failures);
        assert_eq!(failures, [6, 1, 30], "what is past its fast retries stays past them");
    }
}
