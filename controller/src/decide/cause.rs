//! Why a SealedSecret most likely cannot be opened, for people: in `Ready`, `Stalled` and the log, never in an event, in
//! `Synced` or in an answer to a request.
//!
//! Whatever a guess opens is thrown away at once; only which guess it was is told, and that is no secret of a Secret.

use std::fmt;

use sealed_secrets_crypto::{Diagnosis, EnvelopeParts, Fingerprint, KeyRing, SealingKey};
use sealed_secrets_resource::{Scope, SealedSecret, decode_base64};

/// Bits that a modulus of a sealing key can have; anything else was never an envelope.
const PLAUSIBLE_BITS: std::ops::RangeInclusive<usize> = 1024..=16_384;
const TAG: usize = 16;

/// What is most likely wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The item is no whole envelope.
    Damaged {
        /// Its name, empty for the deprecated form.
        item: String,
    },
    /// The item is no Base64, so nothing that is sealed.
    NotBase64 {
        /// Its name.
        item: String,
    },
    /// A key of ours made it for this object, and its content is no longer what was sealed.
    Corrupt {
        /// Its name, empty for the deprecated form.
        item: String,
    },
    /// Its key is recorded, and not held.
    KeyNotHeld(Fingerprint),
    /// No key of this length is held.
    LengthNotHeld {
        /// Length of the modulus.
        bits: usize,
    },
    /// It opens under another scope, name or namespace.
    SealedFor {
        /// The scope that it was sealed with.
        scope: Scope,
        /// The namespace that it was sealed for, unless the scope is cluster-wide.
        namespace: String,
        /// The name that it was sealed for, if the scope is strict.
        name: String,
        /// The scope that it has.
        has: Scope,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Damaged { item } if item.is_empty() => {
                write!(f, "its data is damaged: it is not what kubeseal makes")
            }
            Cause::Damaged { item } => write!(f, "item {item} is damaged: it is not what kubeseal makes"),
            Cause::NotBase64 { item } => write!(
                f,
                "the value of item {item} was changed by hand: it is not Base64; paste it again, or seal it again"
            ),
            Cause::Corrupt { item } => {
                match item.as_str() {
                    "" => write!(f, "its data is corrupt")?,
                    item => write!(f, "item {item} is corrupt")?,
                }
                write!(f, ": the key fits and the content was changed after it was sealed; seal it again")
            }
            Cause::KeyNotHeld(key) => {
                write!(
                    f,
                    "it was sealed with key {key}, which this controller does not hold; restore that key or seal it again"
                )
            }
            Cause::LengthNotHeld { bits } => write!(
                f,
                "it was sealed with a {bits}-bit key, and this controller holds none of that length; it may be meant for \
                 another cluster"
            ),
            Cause::SealedFor { scope, namespace, name, has } => {
                match scope {
                    Scope::Strict => write!(f, "it was sealed for namespace {namespace} and name {name}")?,
                    Scope::NamespaceWide => write!(f, "it was sealed namespace-wide for namespace {namespace}")?,
                    Scope::ClusterWide => write!(f, "it was sealed cluster-wide")?,
                }
                match (scope == has, scope.annotation()) {
                    (true, _) => write!(f, "; seal it again for where it is"),
                    (false, Some(annotation)) => write!(f, ", and lacks the annotation {annotation}: \"true\""),
                    (false, None) => write!(f, ", and its scope annotation does not belong there"),
                }
            }
        }
    }
}

/// Names the cause if it can be known.
///
/// Tries each guess with the few keys that are likely, not with all: this must not cost more than the failure itself.
pub fn find(sealed: &SealedSecret, ring: &KeyRing) -> Option<Cause> {
    let recorded = sealed.recorded_keys();
    let mut unreadable = None;
    for (item, envelope) in envelopes(sealed) {
        let Some(envelope) = envelope else {
            unreadable.get_or_insert(item);
            continue;
        };
        let Some(parts) = EnvelopeParts::split(&envelope).filter(is_plausible) else {
            return Some(Cause::Damaged { item });
        };
        if let Some(key) = recorded.of(&item).filter(|key| ring.get(*key).is_none()) {
            return Some(Cause::KeyNotHeld(key));
        }
        let length = parts.wrapped_key.len();
        if !ring.keys().iter().any(|key| bytes_of(key) == length) {
            return Some(Cause::LengthNotHeld { bits: length * 8 });
        }
        let likely = likely_keys(sealed, ring, recorded.of(&item), length);
        let fits = |scope: Scope, namespace: &str, name: &str| {
            likely.diagnose(&scope.label(namespace, name), &envelope) != Diagnosis::NoKey
        };
        match likely.diagnose(&sealed.label(), &envelope) {
            Diagnosis::Opens => {}
            Diagnosis::ContentDamaged => return Some(Cause::Corrupt { item }),
            // Items are mostly sealed together: what is true of one that fails is true of the others.
            Diagnosis::NoKey => {
                return guesses(sealed)
                    .into_iter()
                    .find(|(scope, namespace, name)| fits(*scope, namespace, name))
                    .map(|(scope, namespace, name)| Cause::SealedFor { scope, namespace, name, has: sealed.scope() });
            }
        }
    }
    // Said last: the message names such an item anyway, and what is wrong with the others may be wrong with all.
    unreadable.map(|item| Cause::NotBase64 { item })
}

/// Every value, and nothing for one that is not Base64.
fn envelopes(sealed: &SealedSecret) -> Vec<(String, Option<Vec<u8>>)> {
    match &sealed.spec.data {
        Some(whole) => vec![(String::new(), Some(whole.as_slice().to_vec()))],
        None => {
            let items = sealed.spec.encrypted_data.iter();
            items.map(|(item, text)| (item.clone(), decode_base64(text).ok().map(|bytes| bytes.to_vec()))).collect()
        }
    }
}

fn is_plausible(parts: &EnvelopeParts<'_>) -> bool {
    PLAUSIBLE_BITS.contains(&(parts.wrapped_key.len() * 8)) && parts.ciphertext.len() >= TAG
}

fn bytes_of(key: &SealingKey) -> usize {
    key.private_key().public_key().bits().div_ceil(8) as usize
}

/// The recorded key, the one that was current when the object was made, and the current one, as far as their length fits.
fn likely_keys(sealed: &SealedSecret, ring: &KeyRing, recorded: Option<Fingerprint>, length: usize) -> KeyRing {
    let fits = |key: &&SealingKey| bytes_of(key) == length;
    let recorded = recorded.and_then(|key| ring.get(key)).filter(fits);
    let made = sealed.metadata.creation_timestamp;
    let dated = made.and_then(|made| {
        let earlier = ring.keys().iter().filter(fits).filter(|key| key.ordering_time() <= made);
        earlier.max_by_key(|key| key.ordering_time())
    });
    let newest = ring.keys().iter().find(fits);
    let likely = [recorded, dated, newest].into_iter().flatten();
    KeyRing::new(likely.cloned().collect()).counted_by(ring.operations())
}

/// Other scopes, names and namespaces that people mix up: those in the template, which tools that rename an object leave
/// behind, and the namespace `default`.
fn guesses(sealed: &SealedSecret) -> Vec<(Scope, String, String)> {
    let (own, template) = (&sealed.metadata, &sealed.spec.template.metadata);
    let mut namespaces = vec![own.namespace.as_str()];
    let mut names = vec![own.name.as_str()];
    for (known, others) in
        [(&mut namespaces, [template.namespace.as_str(), "default"]), (&mut names, [template.name.as_str(), ""])]
    {
        for other in others {
            if !other.is_empty() && !known.contains(&other) {
                known.push(other);
            }
        }
    }
    let mut guesses = vec![(Scope::ClusterWide, String::new(), String::new())];
    guesses.extend(namespaces.iter().map(|namespace| (Scope::NamespaceWide, (*namespace).to_owned(), String::new())));
    for namespace in &namespaces {
        guesses.extend(names.iter().map(|name| (Scope::Strict, (*namespace).to_owned(), (*name).to_owned())));
    }
    guesses
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use jiff::Timestamp;
    use sealed_secrets_crypto::{Label, PrivateKey, SystemRandom, seal};
    use sealed_secrets_resource::{RecordedKeys, encode_base64};
    use serde_json::{Value, json};

    use super::*;

    fn object(envelope: &[u8], change: impl Fn(&mut Value)) -> SealedSecret {
        let mut value = json!({
            "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret",
            "metadata": {"namespace": "here", "name": "db"},
            "spec": {"encryptedData": {"a": encode_base64(envelope)}},
        });
        change(&mut value);
        SealedSecret::from_json(&value).unwrap()
    }

    fn key(bits: u32) -> PrivateKey {
        PrivateKey::generate(bits).unwrap()
    }

    fn ring(key: &PrivateKey) -> KeyRing {
        KeyRing::new(vec![SealingKey::unpublished(key.clone(), Timestamp::UNIX_EPOCH)])
    }

    #[test]
    fn another_scope_name_or_namespace_is_found_out() {
        let key = key(2048);
        let annotated = |o: &mut Value| {
            o["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/cluster-wide": "true"});
        };
        let moved = |o: &mut Value| o["spec"]["template"] = json!({"metadata": {"namespace": "there", "name": "old"}});
        type Edit<'a> = &'a dyn Fn(&mut Value);
        let none: Edit<'_> = &|_| {};
        let cases: [(Label, Edit<'_>, Option<&str>); 7] = [
            (
                Label::cluster_wide(),
                none,
                Some(
                    "it was sealed cluster-wide, and lacks the annotation sealedsecrets.bitnami.com/cluster-wide: \"true\"",
                ),
            ),
            (
                Label::namespace_wide("here"),
                none,
                Some(
                    "it was sealed namespace-wide for namespace here, and lacks the annotation \
                     sealedsecrets.bitnami.com/namespace-wide: \"true\"",
                ),
            ),
            (
                Label::strict("here", "db"),
                &annotated,
                Some("it was sealed for namespace here and name db, and its scope annotation does not belong there"),
            ),
            (
                Label::strict("there", "old"),
                &moved,
                Some("it was sealed for namespace there and name old; seal it again for where it is"),
            ),
            (
                Label::strict("default", "db"),
                none,
                Some("it was sealed for namespace default and name db; seal it again for where it is"),
            ),
            (Label::strict("who", "knows"), none, None),
            (Label::strict("here", "db"), none, None),
        ];
        for (label, change, want) in cases {
            let envelope = seal(key.public_key(), &label, b"s3cret", &mut SystemRandom).unwrap();
            let cause = find(&object(&envelope, change), &ring(&key));
            assert_eq!(cause.map(|cause| cause.to_string()).as_deref(), want, "{label:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_held_is_known_by_its_length_or_by_its_record() {
        let (held, short) = (key(2048), key(3072));
        let label = Label::strict("here", "db");
        let envelope = seal(short.public_key(), &label, b"s3cret", &mut SystemRandom).unwrap();
        assert_eq!(find(&object(&envelope, |_| {}), &ring(&held)), Some(Cause::LengthNotHeld { bits: 3072 }));
        let fingerprint = short.public_key().fingerprint();
        let recorded = RecordedKeys::all(fingerprint).to_string();
        let object = object(&envelope, |o| {
            o["metadata"]["annotations"] = json!({"sealedsecrets.bitnami.com/sealed-with": recorded})
        });
        assert_eq!(find(&object, &ring(&held)), Some(Cause::KeyNotHeld(fingerprint)));
    }

    /// Keys that are current by turns: of the length in question neither the newest nor the one before another length counts.
    #[test]
    fn the_key_of_the_time_is_found_among_those_of_its_length() {
        let (old, between, newest) = (key(2048), key(3072), key(2048));
        let at = |second| Timestamp::from_second(second).unwrap();
        let keys = [(&old, 10), (&between, 20), (&newest, 40)];
        let keys = keys.map(|(key, second)| SealingKey::unpublished(key.clone(), at(second)));
        let envelope = seal(old.public_key(), &Label::cluster_wide(), b"s3cret", &mut SystemRandom).unwrap();
        let object = object(&envelope, |o| o["metadata"]["creationTimestamp"] = json!(at(30).to_string()));
        assert!(matches!(find(&object, &KeyRing::new(keys.into())), Some(Cause::SealedFor { .. })));
    }

    #[test]
    fn content_that_was_changed_is_told_from_a_key_that_is_missing() {
        let key = key(2048);
        let mut envelope = seal(key.public_key(), &Label::strict("here", "db"), b"s3cret", &mut SystemRandom).unwrap();
        *envelope.last_mut().unwrap() ^= 1;
        let cause = find(&object(&envelope, |_| {}), &ring(&key)).unwrap();
        assert_eq!(cause, Cause::Corrupt { item: "a".to_owned() });
        let said = "item a is corrupt: the key fits and the content was changed after it was sealed; seal it again";
        assert_eq!(cause.to_string(), said);
        assert_eq!(find(&object(&envelope, |_| {}), &ring(&self::key(2048))), None, "another key does not know");
    }

    #[test]
    fn a_value_that_is_not_base64_is_the_cause_when_the_others_open() {
        let (own, other) = (key(2048), key(2048));
        let sealed_for = |label| encode_base64(&seal(own.public_key(), &label, b"s3cret", &mut SystemRandom).unwrap());
        let (fits, renamed) = (sealed_for(Label::strict("here", "db")), sealed_for(Label::strict("default", "db")));
        let by_hand = Cause::NotBase64 { item: "m".to_owned() };
        assert_eq!(
            by_hand.to_string(),
            "the value of item m was changed by hand: it is not Base64; paste it again, or seal it again"
        );
        let cases = [
            (json!({"m": "$$$"}), &own, Some("item m was changed by hand")),
            (json!({"m": "$$$", "z": "A"}), &own, Some("item m was changed by hand")),
            (json!({"a": fits, "m": "$$$", "z": fits}), &own, Some("item m was changed by hand")),
            (json!({"m": "$$$", "z": renamed}), &own, Some("it was sealed for namespace default")),
            (json!({"m": "$$$", "z": fits}), &other, None),
        ];
        for (items, held, want) in cases {
            let object = object(b"", |o| o["spec"]["encryptedData"] = items.clone());
            let cause = find(&object, &ring(held)).map(|cause| cause.to_string());
            assert_eq!(cause.is_some(), want.is_some(), "{items}: {cause:?}");
            assert!(cause.unwrap_or_default().contains(want.unwrap_or_default()), "{items}");
        }
    }

    #[test]
    fn what_kubeseal_never_makes_is_called_damaged() {
        let key = key(2048);
        let whole = seal(key.public_key(), &Label::strict("here", "db"), b"s3cret", &mut SystemRandom).unwrap();
        for bytes in [&b""[..], b"\0", b"plain text", &whole[..100], &whole[..2 + 256 + 15]] {
            let cause = find(&object(bytes, |_| {}), &ring(&key));
            assert_eq!(cause, Some(Cause::Damaged { item: "a".to_owned() }), "{} bytes", bytes.len());
        }
    }
}
