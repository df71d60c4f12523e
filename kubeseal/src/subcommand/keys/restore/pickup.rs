//! Whether the controller uses keys, found out by having it open something.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use sealed_secrets_crypto::SystemRandom;
use sealed_secrets_resource::{KeyEntry, ObjectMeta, SealedSecret, Spec, annotation, seal_value};

use crate::cluster::{Access, Controller, Verdict};
use crate::error::{Error, Result};
use crate::say;

/// Between two questions. Controllers answer two of them in a second, more only now and then.
const PAUSE: Duration = Duration::from_secs(1);

/// What the controller says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PickUp {
    /// It opens what each of the keys sealed.
    Uses,
    /// It does not for these.
    Lacks(Vec<String>),
    /// It could not be asked, for this reason.
    Unknown(String),
    /// There was nothing to ask.
    NotAsked,
}

/// Asks until the controller uses all keys, or the time is over.
pub(super) fn ask(access: &Access, keys: &[&KeyEntry], wait: Duration) -> PickUp {
    if keys.is_empty() {
        return PickUp::NotAsked;
    }
    let asked = Controller::connect(access).and_then(|controller| until(&controller, keys, wait));
    asked.unwrap_or_else(|error| PickUp::Unknown(error.message()))
}

fn until(controller: &Controller, keys: &[&KeyEntry], wait: Duration) -> Result<PickUp> {
    let began = Instant::now();
    let all = probe(keys)?;
    loop {
        let verdict = controller.verify(&all);
        match verdict {
            Ok(Verdict::Opens) => return Ok(PickUp::Uses),
            Ok(Verdict::DoesNotOpen) | Err(_) if began.elapsed() < wait => std::thread::sleep(PAUSE),
            Ok(Verdict::DoesNotOpen) => break,
            Err(error) => return Err(error),
        }
    }
    let mut lacking = Vec::new();
    for key in keys {
        std::thread::sleep(PAUSE);
        if controller.verify(&probe(&[key])?)? == Verdict::DoesNotOpen {
            lacking.extend(key.fingerprint().map(|key| key.to_string()));
        }
    }
    Ok(if lacking.is_empty() { PickUp::Uses } else { PickUp::Lacks(lacking) })
}

/// A SealedSecret that opens if the controller has all of these keys. It is never stored.
fn probe(keys: &[&KeyEntry]) -> Result<SealedSecret> {
    let metadata = ObjectMeta {
        name: "is-this-key-in-use".to_owned(),
        namespace: "default".to_owned(),
        annotations: BTreeMap::from([(annotation::CLUSTER_WIDE.to_owned(), "true".to_owned())]),
        ..ObjectMeta::default()
    };
    let mut sealed = SealedSecret::new(metadata, Spec::default());
    let label = sealed.label();
    for (index, entry) in keys.iter().enumerate() {
        let Ok(facts) = &entry.key else { continue };
        let public = facts.key.private_key().public_key();
        let value = seal_value(public, &label, b"x", &mut SystemRandom);
        let value = value.map_err(|error| Error::new(format!("cannot seal with a restored key: {error}")))?;
        sealed.spec.encrypted_data.insert(format!("key-{index}"), value);
    }
    Ok(sealed)
}

impl PickUp {
    pub(super) fn word(&self) -> &'static str {
        match self {
            PickUp::Uses => "uses the keys",
            PickUp::Lacks(_) => "does not use the keys",
            PickUp::Unknown(_) => "unknown",
            PickUp::NotAsked => "not asked",
        }
    }

    /// Says what to do.
    pub(super) fn explain(&self, access: &Access) {
        let (namespace, name) = (&access.controller_namespace, &access.controller_name);
        let restart = format!(
            "hint: a controller reads its keys when it is started, unless it runs with --watch-for-secrets: \
             kubectl -n {namespace} rollout restart deployment/{name}"
        );
        match self {
            PickUp::Uses => say("the controller uses these keys"),
            PickUp::NotAsked => {}
            PickUp::Lacks(keys) => {
                say(&format!("warning: the controller does not use {} yet", keys.join(", ")));
                say(&restart);
            }
            PickUp::Unknown(reason) => {
                say(&format!("warning: it is not known whether the controller uses these keys: {reason}"));
                say(&restart);
            }
        }
    }
}
