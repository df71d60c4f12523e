//! What the number of keys costs: nothing, as long as the first try is right.

use std::time::Duration;

use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use sealed_secrets_bench::rounds::{Contestant, interleaved, timed};
use sealed_secrets_bench::table::{Table, times};
use sealed_secrets_crypto::{Hints, KeyRing};

use sealed_secrets_bench::subject::{Subject, label};

/// One year of monthly keys, and five.
const SIZES: [usize; 3] = [1, 12, 60];
/// The smaller the key, the more everything besides RSA shows.
const BITS: u32 = 2048;

/// Who sealed, and what is known about it.
const CASES: [(&str, Who, Known); 5] = [
    ("current key, nothing known", Who::Newest, Known::Nothing),
    ("oldest key, recorded beside the item", Who::Oldest, Known::Recorded),
    ("oldest key, opened the object before", Who::Oldest, Known::Last),
    ("oldest key, was current when the object was made", Who::Oldest, Known::Time),
    ("oldest key, nothing known", Who::Oldest, Known::Nothing),
];

#[derive(Clone, Copy)]
enum Who {
    Newest,
    Oldest,
}

#[derive(Clone, Copy)]
enum Known {
    Nothing,
    Recorded,
    Last,
    Time,
}

/// One row per case, one column per size of the ring.
pub(crate) fn table(budget: Duration) -> Result<Table, Failure> {
    let subjects = (0..SIZES[2]).map(|_| Subject::generate(BITS)).collect::<Result<Vec<_>, _>>()?;
    let title = format!("Opening one item with several keys, against one bare RSA operation, {BITS}-bit keys");
    let mut table = Table::new(&title, ["", "1 key", "12 keys", "60 keys", "target"]);
    let rings = SIZES.map(|size| ring(&subjects[..size]));
    let rings = rings.into_iter().collect::<Result<Vec<_>, _>>()?;
    for (name, who, known) in CASES {
        let mut contestants = vec![Contestant::new("bare", subjects[0].bare_decryption(subjects[0].envelope()?, 1)?)];
        for (ring, size) in rings.iter().zip(SIZES) {
            contestants.push(contestant(ring, &subjects[..size], who, known)?);
        }
        let outcome = interleaved(&mut contestants, budget);
        let mut row = vec![name.to_owned()];
        row.extend(outcome.compared().map(|(index, _)| times(outcome.ratio(index).median)));
        let guessing = matches!((who, known), (Who::Oldest, Known::Nothing));
        row.push(if guessing { "none: every key is tried" } else { "the same for all" }.to_owned());
        table.row(row);
    }
    Ok(table)
}

/// Every key has been used before: importing one happens once in the life of a process.
fn ring(subjects: &[Subject]) -> Result<KeyRing, Failure> {
    let keys = subjects.iter().zip(1..).map(|(subject, second)| subject.sealing_key(second));
    let ring = KeyRing::new(keys.collect::<Result<Vec<_>, _>>()?);
    for subject in subjects {
        ring.open(&label(), &subject.envelope()?, &Hints::default())?;
    }
    Ok(ring)
}

fn contestant<'a>(ring: &'a KeyRing, subjects: &[Subject], who: Who, known: Known) -> Result<Contestant<'a>, Failure> {
    let sealer = match who {
        Who::Newest => subjects.last(),
        Who::Oldest => subjects.first(),
    };
    let sealer = sealer.ok_or("an empty ring")?;
    let name = Some(sealer.public_key().fingerprint());
    let hints = match known {
        Known::Nothing => Hints::default(),
        Known::Recorded => Hints { recorded: name, ..Hints::default() },
        Known::Last => Hints { last: name, ..Hints::default() },
        Known::Time => Hints { sealed_about: Some(Timestamp::from_second(1)?), ..Hints::default() },
    };
    let (envelope, label) = (sealer.envelope()?, label());
    Ok(Contestant::new(ring.len().to_string(), move || timed(|| ring.open(&label, &envelope, &hints))))
}
