//! The sealing keys of a cluster: which one is published, and in which order they are tried.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::fingerprint::Fingerprint;
use crate::hybrid::{self, Trial};
use crate::label::Label;
use crate::operation_count::OperationCount;
use crate::plaintext::Plaintext;
use crate::sealing_key::SealingKey;

/// What is known about the key that sealed a value. Any hint may be wrong or absent: that costs time, never the result
/// (design.md section 3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// Fingerprint recorded beside the item.
    pub recorded: Option<Fingerprint>,
    /// Key that opened another value of the same object.
    pub last: Option<Fingerprint>,
    /// When the object was made or last changed.
    pub sealed_about: Option<Timestamp>,
}

/// A value and the key that opened it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The value.
    pub plaintext: Plaintext,
    /// Name of the key.
    pub key: Fingerprint,
}

/// No key opened the value. The only thing ever said: whether the label, the key or the bytes were wrong would make an
/// oracle (wire-format.md section 1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no key could decrypt secret")]
pub struct OpenError;

/// What is wrong with a value, for the owner of the object that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Diagnosis {
    /// Nothing.
    Opens,
    /// A key of the ring made it for this label, and its content is no longer what was sealed.
    ContentDamaged,
    /// No key of the ring made it for this label.
    NoKey,
}

/// An immutable snapshot of the sealing keys; clones share it.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    ring: Arc<Ring>,
    operations: OperationCount,
}

#[derive(Debug, Default)]
struct Ring {
    /// From newest to oldest, the current key first.
    keys: Vec<SealingKey>,
    /// Whether the first of `keys` may be published.
    has_current: bool,
    by_name: HashMap<Fingerprint, usize>,
}

impl KeyRing {
    /// Builds the ring from keys in the order of their registration, oldest Secret first.
    ///
    /// The current key is the one with the latest ordering time among those that may be published; on a tie the one
    /// registered first stays. The same key registered twice counts once, with the later certificate and time; one without
    /// certificate never takes the place of one with.
    #[must_use]
    pub fn new(registered: Vec<SealingKey>) -> KeyRing {
        let mut keys: Vec<SealingKey> = Vec::with_capacity(registered.len());
        for key in registered {
            match keys.iter_mut().find(|known| known.fingerprint() == key.fingerprint()) {
                // A Secret with the same key and somebody else's certificate takes nothing down that was published.
                Some(known) if key.certificate.is_none() && known.certificate.is_some() => {}
                Some(known) => *known = key,
                None => keys.push(key),
            }
        }
        // Stable, so that the first registered of equal times comes first.
        keys.sort_by_key(|key| std::cmp::Reverse(key.ordering_time));
        let current = keys.iter().position(|key| key.certificate.is_some());
        if let Some(index) = current {
            keys[..=index].rotate_right(1);
        }
        let by_name = keys.iter().enumerate().map(|(index, key)| (key.fingerprint(), index)).collect();
        let ring = Arc::new(Ring { keys, has_current: current.is_some(), by_name });
        KeyRing { ring, operations: OperationCount::default() }
    }

    /// The same ring, whose trials are counted there.
    #[must_use]
    pub fn counted_by(self, operations: &OperationCount) -> KeyRing {
        KeyRing { operations: operations.clone(), ..self }
    }

    /// Where the trials of this ring are counted.
    #[must_use]
    pub fn operations(&self) -> &OperationCount {
        &self.operations
    }

    /// The key whose certificate is published and that new values are sealed for.
    #[must_use]
    pub fn current(&self) -> Option<&SealingKey> {
        self.ring.keys.first().filter(|_| self.ring.has_current)
    }

    /// Every key: the current one, then the others from newest to oldest.
    #[must_use]
    pub fn keys(&self) -> &[SealingKey] {
        &self.ring.keys
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.keys.len()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.keys.is_empty()
    }

    /// The key of this name.
    #[must_use]
    pub fn get(&self, fingerprint: Fingerprint) -> Option<&SealingKey> {
        self.ring.by_name.get(&fingerprint).map(|&index| &self.ring.keys[index])
    }

    /// Opens a value with whichever key fits, likeliest first. Keys of another size cost nothing.
    ///
    /// The time it takes depends on the size of the value, on the keys and on which of them opens it, and neither on the
    /// plaintext nor on why it does not open.
    ///
    /// # Errors
    /// [`OpenError`], whatever the reason.
    pub fn open(&self, label: &Label, envelope: &[u8], hints: &Hints) -> Result<Opened, OpenError> {
        let (mut tried, mut looked_at_content) = (false, false);
        for index in self.trial_order(hints) {
            let key = &self.ring.keys[index];
            match self.attempt(key, label, envelope) {
                Trial::Opened(value) => {
                    return Ok(Opened { plaintext: Plaintext::new(value), key: key.fingerprint() });
                }
                Trial::NotTried => {}
                Trial::NoKey => tried = true,
                Trial::ContentDamaged => (tried, looked_at_content) = (true, true),
            }
        }
        if tried && !looked_at_content {
            hybrid::spend_time_on_content(envelope);
        }
        Err(OpenError)
    }

    /// Says why a value does not open. What it opens to is thrown away.
    ///
    /// This tells more than [`KeyRing::open`] does. It is for the status of an object that somebody was allowed to create,
    /// never for the answer to a request.
    #[must_use]
    pub fn diagnose(&self, label: &Label, envelope: &[u8]) -> Diagnosis {
        let trials = self.ring.keys.iter().map(|key| self.attempt(key, label, envelope));
        let made_here = trials.map(|trial| match trial {
            Trial::Opened(_) => Some(Diagnosis::Opens),
            Trial::ContentDamaged => Some(Diagnosis::ContentDamaged),
            Trial::NotTried | Trial::NoKey => None,
        });
        made_here.flatten().next().unwrap_or(Diagnosis::NoKey)
    }

    fn attempt(&self, key: &SealingKey, label: &Label, envelope: &[u8]) -> Trial {
        let trial = hybrid::open(&key.private, label, envelope);
        match &trial {
            Trial::NotTried => {}
            Trial::Opened(_) => self.operations.opened(),
            Trial::NoKey | Trial::ContentDamaged => self.operations.failed(),
        }
        trial
    }

    /// Indices into `keys`, each once: the recorded key, the last used, the one current when the object changed, then
    /// the current one and the rest from newest to oldest.
    fn trial_order(&self, hints: &Hints) -> impl Iterator<Item = usize> {
        let ring = &self.ring;
        let named = |name: Option<Fingerprint>| name.and_then(|name| ring.by_name.get(&name).copied());
        let dated = hints.sealed_about.and_then(|time| {
            let was_published = |key: &SealingKey| key.certificate.is_some() && key.ordering_time <= time;
            (0..ring.keys.len())
                .filter(|&index| was_published(&ring.keys[index]))
                .max_by_key(|&index| (ring.keys[index].ordering_time, std::cmp::Reverse(index)))
        });
        let likely = [named(hints.recorded), named(hints.last), dated];
        let first =
            (0..3).filter_map(move |place| likely[place].filter(|index| !likely[..place].contains(&Some(*index))));
        let rest = (0..ring.keys.len()).filter(move |index| !likely.contains(&Some(*index)));
        first.chain(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;
    use crate::private_key::PrivateKey;

    fn time(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Keys `rsa2048`, `b`, `c` of the test data, made at seconds 10, 20 and 30, the last without certificate.
    fn keys() -> Vec<SealingKey> {
        let key = |pem: &[u8]| PrivateKey::from_pem(pem).unwrap();
        let certificate = |pem: &[u8]| Certificate::first_from_pem(pem).unwrap();
        vec![
            SealingKey::new(
                key(include_bytes!("../tests/data/appendix-a.key")),
                certificate(include_bytes!("../tests/data/appendix-a.crt")),
                time(10),
            )
            .unwrap(),
            SealingKey::new(
                key(include_bytes!("../tests/data/b.key")),
                certificate(include_bytes!("../tests/data/b.crt")),
                time(20),
            )
            .unwrap(),
            SealingKey::unpublished(key(include_bytes!("../tests/data/c.key")), time(30)),
        ]
    }

    fn retimed(key: &SealingKey, second: i64) -> SealingKey {
        SealingKey { ordering_time: time(second), ..key.clone() }
    }

    #[test]
    fn the_latest_publishable_key_is_current_and_the_first_registered_wins_a_tie() {
        let [a, b, c]: [SealingKey; 3] = keys().try_into().unwrap();
        let current = |keys: Vec<SealingKey>| KeyRing::new(keys).current().map(SealingKey::fingerprint);
        assert_eq!(current(vec![]), None);
        assert_eq!(current(vec![c.clone()]), None, "no certificate, nothing to publish");
        assert_eq!(current(vec![a.clone(), b.clone(), c.clone()]), Some(b.fingerprint()));
        assert_eq!(current(vec![retimed(&b, 10), a.clone()]), Some(b.fingerprint()), "tie: first registered");
        assert_eq!(current(vec![a.clone(), retimed(&b, 10)]), Some(a.fingerprint()), "tie: first registered");
        assert_eq!(current(vec![a.clone(), b.clone(), retimed(&a, 40)]), Some(a.fingerprint()));
        assert_eq!(KeyRing::new(vec![a.clone(), b, retimed(&a, 40)]).len(), 2, "same key counts once");
    }

    #[test]
    fn the_same_key_without_certificate_unpublishes_nothing_in_either_order() {
        let [a, b, _]: [SealingKey; 3] = keys().try_into().unwrap();
        let bare = SealingKey::unpublished(b.private.clone(), time(40));
        for registered in [vec![a.clone(), b.clone(), bare.clone()], vec![bare, a, b.clone()]] {
            let ring = KeyRing::new(registered);
            assert_eq!(ring.current().map(SealingKey::fingerprint), Some(b.fingerprint()));
            assert_eq!(ring.current().map(SealingKey::ordering_time), Some(time(20)));
            assert_eq!(ring.len(), 2);
        }
    }

    #[test]
    fn a_certificate_of_another_key_is_refused() {
        let [a, b, _]: [SealingKey; 3] = keys().try_into().unwrap();
        assert!(SealingKey::new(a.private, b.certificate.unwrap(), time(0)).is_none());
    }

    #[test]
    fn hints_move_keys_to_the_front_and_every_key_is_tried_once() {
        let keys = keys();
        let name = |index: usize| Some(keys[index].fingerprint());
        let ring = KeyRing::new(keys.clone());
        let foreign = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3M".parse().ok();
        let (a, b, c) = (0, 1, 2);
        let table = [
            (None, None, None, [b, c, a]),
            (name(a), None, None, [a, b, c]),
            (name(c), name(a), None, [c, a, b]),
            (name(c), name(c), Some(15), [c, a, b]),
            (None, None, Some(15), [a, b, c]),
            (None, None, Some(20), [b, c, a]),
            (None, None, Some(99), [b, c, a]),
            (None, None, Some(5), [b, c, a]),
            (foreign, name(a), Some(15), [a, b, c]),
        ];
        for (recorded, last, about, expected) in table {
            let hints = Hints { recorded, last, sealed_about: about.map(time) };
            let order: Vec<_> = ring.trial_order(&hints).map(|index| ring.keys()[index].fingerprint()).collect();
            assert_eq!(order, expected.map(|index| keys[index].fingerprint()), "{hints:?}");
        }
    }

    fn sealed_for(key: &SealingKey, label: &Label) -> Vec<u8> {
        hybrid::seal(key.private.public_key(), label, b"value", &mut crate::SystemRandom).unwrap()
    }

    #[test]
    fn trials_that_cost_a_private_operation_are_counted_by_their_outcome() {
        let keys = keys();
        let count = OperationCount::default();
        let ring = KeyRing::new(keys.clone()).counted_by(&count);
        let label = Label::strict("shop", "db");
        let oldest = Hints { recorded: Some(keys[0].fingerprint()), ..Hints::default() };
        ring.open(&label, &sealed_for(&keys[0], &label), &oldest).unwrap();
        assert_eq!((count.opened_total(), count.failed_total()), (1, 0), "a right hint costs one");
        ring.clone().open(&label, &[0, 3, 1, 2, 3], &Hints::default()).unwrap_err();
        assert_eq!((count.opened_total(), count.failed_total()), (1, 0), "no key has this length");
        // The smallest number below every modulus: no key is left out for its size.
        let mut unopenable = vec![0; 2 + 256 + 16];
        unopenable[0] = 1;
        ring.open(&label, &unopenable, &Hints::default()).unwrap_err();
        let fitting = keys.iter().filter(|key| key.private.public_key().bits() == 2048).count();
        assert_eq!((count.opened_total(), count.failed_total()), (1, fitting as u64));
    }

    #[test]
    fn a_diagnosis_tells_damaged_content_from_a_key_or_label_that_does_not_fit() {
        let keys = keys();
        let ring = KeyRing::new(keys[..1].to_vec());
        let label = Label::strict("shop", "db");
        let envelope = sealed_for(&keys[0], &label);
        assert_eq!(ring.diagnose(&label, &envelope), Diagnosis::Opens);
        assert_eq!(ring.diagnose(&Label::cluster_wide(), &envelope), Diagnosis::NoKey);
        assert_eq!(ring.diagnose(&label, &sealed_for(&keys[1], &label)), Diagnosis::NoKey);
        let mut damaged = envelope.clone();
        *damaged.last_mut().unwrap() ^= 1;
        assert_eq!(ring.diagnose(&label, &damaged), Diagnosis::ContentDamaged);
        assert_eq!(
            ring.open(&label, &damaged, &Hints::default()).unwrap_err(),
            OpenError,
            "and this says nothing of it"
        );
        let mut wrapped = envelope;
        wrapped[100] ^= 1;
        assert_eq!(ring.diagnose(&label, &wrapped), Diagnosis::NoKey);
    }

    #[test]
    fn a_wrong_hint_does_not_change_the_result() {
        let keys = keys();
        let ring = KeyRing::new(keys.clone());
        let label = Label::strict("shop", "db");
        let envelope = sealed_for(&keys[0], &label);
        for hint in [None, Some(keys[1].fingerprint()), Some(keys[2].fingerprint())] {
            let opened = ring.open(&label, &envelope, &Hints { recorded: hint, ..Hints::default() }).unwrap();
            assert_eq!((opened.plaintext.as_bytes(), opened.key), (&b"value"[..], keys[0].fingerprint()));
        }
        assert_eq!(ring.open(&Label::cluster_wide(), &envelope, &Hints::default()).unwrap_err(), OpenError);
        assert_eq!(KeyRing::default().open(&label, &envelope, &Hints::default()).unwrap_err(), OpenError);
    }
}
