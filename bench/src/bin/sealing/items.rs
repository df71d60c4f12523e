//! What one item costs above the RSA operation that it cannot do without.

use std::time::Duration;

use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use sealed_secrets_bench::rounds::{Contestant, interleaved, timed};
use sealed_secrets_bench::table::{Table, overhead, time};
use sealed_secrets_crypto::{self as crypto, Hints, KeyRing, SystemRandom};
use sealed_secrets_resource::template::{Limits, RenderEnvironment};
use sealed_secrets_resource::{
    Namespace, ObjectMeta, SealOptions, SealedSecret, Secret, UnsealError, UnsealOptions, Unsealed, open_items, seal,
    seal_value, unseal,
};

use sealed_secrets_bench::subject::{NAME, NAMESPACE, Subject, VALUE, label};

const MANY: usize = 100;
/// The most that our own code may add to one item, for the key size that controllers use.
const TARGET_BITS: u32 = 4096;
const TARGET: f64 = 1.05;

const NO_NAMESPACE: &dyn Fn() -> Option<Namespace> = &|| None;
const OPTIONS: SealOptions<'_> =
    SealOptions { scope: None, name: None, allow_empty: false, record_key: false, namespace: NO_NAMESPACE };
const UNSEAL: UnsealOptions = UnsealOptions { accept_deprecated_data: true, last: None };

/// The overhead of every layer of the public interface.
pub(crate) fn table(subject: &Subject, budget: Duration) -> Result<Table, Failure> {
    let title = format!("Time against bare RSA-OAEP of the same library, {}-bit key", subject.bits);
    let mut table = Table::new(&title, ["", "overhead", "middle half of rounds", "target", "bare RSA alone"]);
    for items in [1, MANY] {
        for mut contestants in [sealing(subject, items)?, unsealing(subject, items)?] {
            let outcome = interleaved(&mut contestants, budget);
            let bare = time(outcome.seconds(0) / items as f64);
            for (index, name) in outcome.compared() {
                let ratio = outcome.ratio(index);
                let range = format!("{} to {}", overhead(ratio.low), overhead(ratio.high));
                let target = match (subject.bits, items) {
                    (TARGET_BITS, 1) => format!("at most {}", overhead(TARGET)),
                    _ => String::new(),
                };
                table.row([name.to_owned(), overhead(ratio.median), range, target, bare.clone()]);
            }
        }
    }
    Ok(table)
}

fn sealing(subject: &Subject, items: usize) -> Result<Vec<Contestant<'_>>, Failure> {
    let mut contestants = vec![Contestant::new("bare", subject.bare_encryption(items))];
    if items == 1 {
        let (key, bound_to) = (subject.fresh_copy()?, label());
        contestants.push(Contestant::new("crypto::seal", move || {
            timed(|| crypto::seal(key.public_key(), &bound_to, VALUE, &mut SystemRandom))
        }));
        let (key, bound_to) = (subject.fresh_copy()?, label());
        contestants.push(Contestant::new("resource::seal_value (Base64)", move || {
            timed(|| seal_value(key.public_key(), &bound_to, VALUE, &mut SystemRandom))
        }));
    }
    let key = subject.fresh_copy()?;
    contestants.push(Contestant::new(format!("resource::seal, Secret of {items}"), move || {
        let secret = secret(items);
        timed(|| seal(secret, key.public_key(), &OPTIONS, &mut SystemRandom))
    }));
    Ok(contestants)
}

fn unsealing(subject: &Subject, items: usize) -> Result<Vec<Contestant<'_>>, Failure> {
    let ring = || Ok::<_, Failure>(KeyRing::new(vec![subject.sealing_key(1)?]));
    let envelope = subject.envelope()?;
    let sealed = sealed(subject, items)?;
    opened(&sealed, &ring()?)?;
    let mut contestants = vec![Contestant::new("bare", subject.bare_decryption(envelope.clone(), items)?)];
    if items == 1 {
        let (ring_of_value, ring_of_items, sealed, label) = (ring()?, ring()?, sealed.clone(), label());
        contestants.push(Contestant::new("crypto::KeyRing::open", move || {
            timed(|| ring_of_value.open(&label, &envelope, &Hints::default()))
        }));
        contestants.push(Contestant::new("resource::open_items", move || {
            timed(|| open_items(&sealed, &ring_of_items, &UNSEAL))
        }));
    }
    let ring = ring()?;
    let name = format!("resource::unseal, SealedSecret of {items}");
    contestants.push(Contestant::new(name, move || timed(|| opened(&sealed, &ring))));
    Ok(contestants)
}

/// The whole way to a Secret; there are no templates to render.
fn opened(sealed: &SealedSecret, ring: &KeyRing) -> Result<Unsealed, UnsealError> {
    let environment = RenderEnvironment {
        now: Timestamp::UNIX_EPOCH,
        random: &mut SystemRandom,
        limits: Limits::default(),
        stop: &|| false,
    };
    unseal(sealed, ring, &UNSEAL, environment)
}

fn secret(items: usize) -> Secret {
    Secret {
        kind: "Secret".to_owned(),
        api_version: "v1".to_owned(),
        metadata: ObjectMeta { name: NAME.to_owned(), namespace: NAMESPACE.to_owned(), ..ObjectMeta::default() },
        data: (0..items).map(|item| (format!("item-{item}"), VALUE.to_vec().into())).collect(),
        ..Secret::default()
    }
}

fn sealed(subject: &Subject, items: usize) -> Result<SealedSecret, Failure> {
    Ok(seal(secret(items), subject.public_key(), &OPTIONS, &mut SystemRandom)?)
}
