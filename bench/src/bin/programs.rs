//! What one run of kubeseal costs, beside the smallest program there is; and what the first random number costs.
//!
//! Small on purpose: what this process has in memory counts towards what the programs it starts seem to need.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use sealed_secrets_bench::Failure;
use sealed_secrets_bench::instructions;
use sealed_secrets_bench::launch::Launch;
use sealed_secrets_bench::runs::measure;
use sealed_secrets_bench::table::{Table, count, mebibytes, time, times};

const BUDGET: Duration = Duration::from_secs(20);
/// Instructions of the first random number above those of the second; the jitter collector takes some hundred million.
const MOST_FOR_SEEDING: u64 = 5_000_000;
const EMPTY: &str = "/bin/true";

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [kubeseal, first_random, keys, work] = arguments.as_slice() else {
        return Err("usage: programs KUBESEAL FIRST_RANDOM KEYS WORK".into());
    };
    print!("{}", sizes(kubeseal)?);
    print!("{}", runs_of(kubeseal, keys, work)?);
    let (table, seeded_well) = first_random_number(first_random, work)?;
    print!("{table}");
    if seeded_well {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "\n  !! The first random number collects CPU jitter: every run of kubeseal is slower by tens of milliseconds.\n  \
         !! This build lacks AWS_LC_SYS_NO_JITTER_ENTROPY=1 (.cargo/config.toml); build inside the repository."
    );
    Ok(ExitCode::FAILURE)
}

/// A run with the targets for it, and what the reference takes on a quiet machine.
struct Run {
    name: &'static str,
    launch: Launch,
    target: String,
    reference: &'static str,
}

fn runs_of(kubeseal: &Path, keys: &Path, work: &Path) -> Result<Table, Failure> {
    let one = written(work, "one.yaml", &secret("db", 1)?)?;
    let many = written(work, "many.yaml", &secret("db", 100)?)?;
    let stream: String = (0..1000).map(|number| secret(&format!("db-{number}"), 1)).collect::<Result<_, _>>()?;
    let input = stream.len() as f64;
    let stream = written(work, "stream.yaml", &stream)?;
    let seal = |certificate: &str, input: &Path| {
        let certificate = keys.join(certificate).join("cert.pem");
        Launch::new(kubeseal, &["--cert", &certificate.to_string_lossy()]).reading(input)
    };
    let run = |name, launch, target: &str, reference| Run { name, launch, target: target.to_owned(), reference };
    let of_stream = format!("120 ms on 2 cores, {}", mebibytes(f64::from(16 << 20) + input));
    let runs = [
        run(EMPTY, Launch::new(EMPTY, &[]), "", ""),
        run("kubeseal --version", Launch::new(kubeseal, &["--version"]), "3 M instructions, 8 MiB", "22.3 M, 24 MiB"),
        run("seal 1 item, 2048 bits", seal("rsa2048", &one), "6 M instructions, 10 MiB", "28 M, 25 MiB"),
        run("seal 1 item, 4096 bits", seal("rsa4096", &one), "6 M instructions, 10 MiB", "28 M, 25 MiB"),
        run("seal 100 items, 4096 bits", seal("rsa4096", &many), "15 ms of processor time", "65 ms"),
        run("seal 1 000 documents, 4096 bits", seal("rsa4096", &stream), &of_stream, "529 ms, 32 MiB"),
    ];

    let measured = measure(runs.iter().map(|run| &run.launch), BUDGET)?;
    let heads =
        ["", "instructions", "against true", "time", "against true", "processor", "memory", "target", "reference"];
    let mut table = Table::new("One run of a program, start and end included", heads);
    let bare = instructions::count(&runs[0].launch, work)?;
    for (index, run) in runs.iter().enumerate() {
        let counted = instructions::count(&run.launch, work)?;
        table.row([
            run.name.to_owned(),
            count(counted as f64),
            times(counted as f64 / bare as f64),
            time(measured.outcome.seconds(index)),
            times(measured.outcome.ratio(index).median),
            time(measured.processor(index)),
            mebibytes(measured.memory(index)),
            run.target.clone(),
            run.reference.to_owned(),
        ]);
    }
    Ok(table)
}

/// A Secret with this many values as long as a password.
fn secret(name: &str, items: usize) -> Result<String, Failure> {
    let mut text =
        format!("---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: shop\nstringData:\n");
    for item in 0..items {
        writeln!(text, "  item-{item}: correct horse battery staple +32")?;
    }
    Ok(text)
}

fn written(work: &Path, name: &str, text: &str) -> Result<PathBuf, Failure> {
    let path = work.join(name);
    fs::write(&path, text)?;
    Ok(path)
}

/// How large the programs are, as they are shipped.
fn sizes(kubeseal: &Path) -> Result<Table, Failure> {
    let mut table = Table::new("Size of a program, stripped", ["", "size", "target", "reference"]);
    let size = fs::metadata(kubeseal)?.len() as f64;
    table.row(["kubeseal".to_owned(), mebibytes(size), "12 MiB".to_owned(), "35 MiB".to_owned()]);
    Ok(table)
}

/// The cost of the first and the second random number of a process, and whether the first is as it should be.
fn first_random_number(program: &Path, work: &Path) -> Result<(Table, bool), Failure> {
    let draws = |number: &str| Launch::new(program, &[number]);
    let counted = |number: &str| instructions::count(&draws(number), work);
    let (none, one, two) = (counted("0")?, counted("1")?, counted("2")?);
    let (first, second) = (one.saturating_sub(none), two.saturating_sub(one));

    let launches = ["0", "1", "2"].map(draws);
    let outcome = measure(&launches, BUDGET / 5)?.outcome;

    let heads = ["", "instructions", "against the second", "time of the whole process", "target"];
    let mut table = Table::new("Random numbers of a fresh process", heads);
    let against = |number: u64| times(number as f64 / second.max(1) as f64);
    let process = |index| format!("{} that of one without", times(outcome.ratio(index).median));
    let target = format!("below {}", count(MOST_FOR_SEEDING as f64));
    table.row(["first".to_owned(), count(first as f64), against(first), process(1), target]);
    table.row(["second".to_owned(), count(second as f64), against(second), process(2)]);
    Ok((table, first < MOST_FOR_SEEDING))
}
