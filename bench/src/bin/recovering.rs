//! What offline recovery costs beside the private operations that cannot be avoided.
//!
//! `recovering prepare WORK` makes keys and SealedSecrets, `recovering measure KUBESEAL WORK` opens them with kubeseal. Two
//! runs, because what a process has in memory counts towards what the programs it starts seem to need. `recovering repeated
//! WORK NUMBER` and `recovering first WORK NUMBER` do nothing but private operations, as processes like kubeseal, so that all are accounted
//! for in the same way.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::Duration;

use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use sealed_secrets_bench::launch::Launch;
use sealed_secrets_bench::runs::measure;
use sealed_secrets_bench::subject::{NAME, NAMESPACE, Subject};
use sealed_secrets_bench::table::{Table, mebibytes, time, times};
use sealed_secrets_resource::encode_base64;

const BUDGET: Duration = Duration::from_secs(20);
const BITS: u32 = 4096;
/// Five years of monthly keys.
const KEYS: usize = 60;
/// The key that sealed, counted from the newest: so many are tried until it opens, about half.
const TRIALS: usize = 32;
const ITEMS: usize = 300;
/// So often something is done to see what once costs.
const BARE: usize = 100;

fn main() -> Result<(), Failure> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [verb, work] if verb.as_os_str() == "prepare" => prepare(work),
        [verb, kubeseal, work] if verb.as_os_str() == "measure" => {
            print!("{}", table(kubeseal, work)?);
            Ok(())
        }
        [verb, work, number] if verb.as_os_str() == "repeated" || verb.as_os_str() == "first" => {
            bare(verb.as_os_str() == "first", work, number.to_string_lossy().parse()?)
        }
        _ => Err("usage: recovering prepare WORK | recovering measure KUBESEAL WORK".into()),
    }
}

fn prepare(work: &Path) -> Result<(), Failure> {
    let subjects = (0..KEYS).map(|_| Subject::generate(BITS)).collect::<Result<Vec<_>, _>>()?;
    let newest = subjects.last().ok_or("no keys")?;
    fs::write(work.join("newest.pem"), newest.pem())?;
    let backup: String =
        subjects.iter().zip(1..).map(|(subject, month)| key_secret(subject, month)).collect::<Result<_, _>>()?;
    fs::write(work.join("backup.yaml"), backup)?;

    // Keys that no ciphertext of this size can belong to are passed over, so the trials are those of a typical item.
    let sealer = &subjects[KEYS - TRIALS];
    fs::write(work.join("unknown.yaml"), sealed(&[sealer.envelope()?], ""))?;
    let record =
        format!("\n  annotations: {{sealedsecrets.bitnami.com/sealed-with: '{}'}}", sealer.public_key().fingerprint());
    fs::write(work.join("recorded.yaml"), sealed(&[sealer.envelope()?], &record))?;
    let envelopes = (0..ITEMS).map(|_| newest.envelope()).collect::<Result<Vec<_>, _>>()?;
    fs::write(work.join("items.yaml"), sealed(&envelopes, ""))?;
    fs::write(work.join("one.yaml"), sealed(&envelopes[..1], ""))?;
    Ok(())
}

/// A key as `kubectl get secret` shows it, made in this month.
fn key_secret(subject: &Subject, month: i64) -> Result<String, Failure> {
    let made = Timestamp::from_second(month * 30 * 86_400)?;
    let certificate = subject.sealing_key(made.as_second())?;
    let certificate = certificate.certificate().map(|certificate| certificate.to_pem()).unwrap_or_default();
    let [key, certificate] = [subject.pem(), &certificate].map(|text| encode_base64(text.as_bytes()));
    Ok(format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: key-{month}, creationTimestamp: '{made}'}}\ntype: kubernetes.io/tls\n\
         data:\n  tls.crt: {certificate}\n  tls.key: {key}\n"
    ))
}

fn sealed(envelopes: &[Vec<u8>], annotations: &str) -> String {
    let mut text = format!(
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata:\n  name: {NAME}\n  namespace: {NAMESPACE}{annotations}\n\
         spec:\n  encryptedData:\n"
    );
    for (number, envelope) in envelopes.iter().enumerate() {
        let _ = writeln!(text, "    item-{number}: {}", encode_base64(envelope));
    }
    text
}

/// A run, the private operations that it needs (the first ones of a key apart, which include its import), and what the reference takes on a quiet machine.
struct Run {
    name: &'static str,
    launch: Launch,
    first: usize,
    repeated: usize,
    reference: &'static str,
}

fn table(kubeseal: &Path, work: &Path) -> Result<Table, Failure> {
    let cores = available_parallelism().map_or(1, usize::from);
    let recover = |keys: &str, input: &str| {
        let keys = work.join(keys);
        let flags = ["--recovery-unseal", "--recovery-private-key", &keys.to_string_lossy()];
        Launch::new(kubeseal, &flags).reading(work.join(input))
    };
    let run = |name, launch, first, repeated, reference| Run { name, launch, first, repeated, reference };
    let runs = [
        run("1 item, 1 key", recover("newest.pem", "one.yaml"), 1, 0, ""),
        run(
            "1 item, 60 keys, nothing recorded",
            recover("backup.yaml", "unknown.yaml"),
            TRIALS,
            0,
            "204 ms on one core",
        ),
        run("1 item, 60 keys, fingerprint recorded", recover("backup.yaml", "recorded.yaml"), 1, 0, ""),
        run("300 items, 1 key", recover("newest.pem", "items.yaml"), 1, ITEMS - 1, "1.7 s on one core"),
    ];
    let own = std::env::current_exe()?;
    let bare = |verb: &str, number: usize| Launch::new(&own, &[verb, &work.to_string_lossy(), &number.to_string()]);
    let floor = [bare("repeated", 0), bare("repeated", BARE), bare("first", BARE)];
    let measured = measure(floor.iter().chain(runs.iter().map(|run| &run.launch)), BUDGET)?;
    let each = |index| (measured.processor(index) - measured.processor(0)).max(0.0) / BARE as f64;
    let (repeated, first) = (each(1), each(2));

    let heads =
        ["", "processor", "first + repeated operations", "against those", "time", "cores busy", "memory", "reference"];
    let title = format!(
        "Opening offline, {BITS}-bit keys, {cores} cores; a private operation takes {}, the first of a key, with its import, {}",
        time(repeated),
        time(first)
    );
    let mut table = Table::new(&title, heads);
    for (index, run) in (floor.len()..).zip(&runs) {
        let floor = run.repeated as f64 * repeated + run.first as f64 * first;
        let (processor, elapsed) = (measured.processor(index), measured.outcome.seconds(index));
        table.row([
            run.name.to_owned(),
            time(processor),
            format!("{} + {}: {}", run.first, run.repeated, time(floor)),
            times(processor / floor),
            time(elapsed),
            format!("{:.1}", processor / elapsed),
            mebibytes(measured.memory(index)),
            run.reference.to_owned(),
        ]);
    }
    Ok(table)
}

/// So many private operations of the library below, with the newest key, imported once or each time.
fn bare(first: bool, work: &Path, number: usize) -> Result<(), Failure> {
    let subject = Subject::from_pem(&fs::read_to_string(work.join("newest.pem"))?)?;
    if first {
        let mut open = subject.bare_first_decryption(&subject.envelope()?)?;
        for _ in 0..number {
            open();
        }
    } else {
        subject.bare_decryption(subject.envelope()?, number)?();
    }
    Ok(())
}
