//! What one run of kubeseal costs, beside the smallest program there is; and what the first random number costs.
//!
//! Small on purpose: what this process has in memory counts towards what the programs it starts seem to need.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]

use std::cell::RefCell;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use sealed_secrets_bench::Failure;
use sealed_secrets_bench::instructions;
use sealed_secrets_bench::launch::{Cost, Launch};
use sealed_secrets_bench::rounds::{Contestant, interleaved, spread};
use sealed_secrets_bench::table::{Table, count, mebibytes, time, times};

const BUDGET: Duration = Duration::from_secs(15);
/// Instructions of the first random number above those of the second; the jitter collector takes some hundred million.
const MOST_FOR_SEEDING: u64 = 5_000_000;
const EMPTY: &str = "/bin/true";

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [kubeseal, first_random, keys, work] = arguments.as_slice() else {
        return Err("usage: programs KUBESEAL FIRST_RANDOM KEYS WORK".into());
    };
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

/// A run with the targets for it.
struct Run {
    name: &'static str,
    launch: Launch,
    target: &'static str,
}

fn runs_of(kubeseal: &Path, keys: &Path, work: &Path) -> Result<Table, Failure> {
    let one = secret_file(work, 1)?;
    let many = secret_file(work, 100)?;
    let seal = |certificate: &str, input: &Path| {
        let certificate = keys.join(certificate).join("cert.pem");
        Launch::new(kubeseal, &["--cert", &certificate.to_string_lossy()]).reading(input)
    };
    let runs = [
        Run { name: EMPTY, launch: Launch::new(EMPTY, &[]), target: "" },
        Run {
            name: "kubeseal --version",
            launch: Launch::new(kubeseal, &["--version"]),
            target: "3 M instructions, 8 MiB",
        },
        Run { name: "seal 1 item, 2048 bits", launch: seal("rsa2048", &one), target: "6 M instructions, 10 MiB" },
        Run { name: "seal 1 item, 4096 bits", launch: seal("rsa4096", &one), target: "6 M instructions, 10 MiB" },
        Run { name: "seal 100 items, 4096 bits", launch: seal("rsa4096", &many), target: "15 ms of processor time" },
    ];

    let logs: Vec<Log> = runs.iter().map(|_| Log::default()).collect();
    let contestants = runs.iter().zip(&logs).map(|(run, log)| contestant(&run.launch, log));
    let outcome = interleaved(&mut contestants.collect::<Vec<_>>(), BUDGET);

    let heads = ["", "instructions", "against true", "time", "against true", "processor", "memory", "target"];
    let mut table = Table::new("One run of a program, start and end included", heads);
    let bare = instructions::count(&runs[0].launch, work)?;
    for (index, (run, log)) in runs.iter().zip(logs).enumerate() {
        let costs = costs(log)?;
        let counted = instructions::count(&run.launch, work)?;
        let median = |of: fn(&Cost) -> f64| spread(&costs.iter().map(of).collect::<Vec<_>>()).median;
        table.row([
            run.name.to_owned(),
            count(counted as f64),
            times(counted as f64 / bare as f64),
            time(outcome.seconds(index)),
            times(outcome.ratio(index).median),
            time(median(|cost| cost.processor.as_secs_f64())),
            mebibytes(median(|cost| cost.memory as f64)),
            run.target.to_owned(),
        ]);
    }
    Ok(table)
}

/// What the runs of one contestant came to.
type Log = RefCell<Vec<Result<Cost, Failure>>>;

fn contestant<'a>(launch: &'a Launch, log: &'a Log) -> Contestant<'a> {
    Contestant::new("", move || {
        let result = launch.run();
        let elapsed = result.as_ref().map_or(Duration::ZERO, |cost| cost.elapsed);
        log.borrow_mut().push(result);
        elapsed
    })
}

/// Every cost, or the first failure.
fn costs(log: Log) -> Result<Vec<Cost>, Failure> {
    log.into_inner().into_iter().collect()
}

/// A Secret with this many values as long as a password.
fn secret_file(work: &Path, items: usize) -> Result<PathBuf, Failure> {
    let mut text =
        String::from("apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  namespace: shop\nstringData:\n");
    for item in 0..items {
        writeln!(text, "  item-{item}: correct horse battery staple +32")?;
    }
    let path = work.join(format!("secret-{items}.yaml"));
    fs::write(&path, text)?;
    Ok(path)
}

/// The cost of the first and the second random number of a process, and whether the first is as it should be.
fn first_random_number(program: &Path, work: &Path) -> Result<(Table, bool), Failure> {
    let draws = |number: &str| Launch::new(program, &[number]);
    let counted = |number: &str| instructions::count(&draws(number), work);
    let (none, one, two) = (counted("0")?, counted("1")?, counted("2")?);
    let (first, second) = (one.saturating_sub(none), two.saturating_sub(one));

    let launches = ["0", "1", "2"].map(draws);
    let logs = [Log::default(), Log::default(), Log::default()];
    let contestants = launches.iter().zip(&logs).map(|(launch, log)| contestant(launch, log));
    let outcome = interleaved(&mut contestants.collect::<Vec<_>>(), BUDGET / 5);
    for log in logs {
        costs(log)?;
    }

    let heads = ["", "instructions", "against the second", "time of the whole process", "target"];
    let mut table = Table::new("Random numbers of a fresh process", heads);
    let against = |number: u64| times(number as f64 / second.max(1) as f64);
    let process = |index| format!("{} that of one without", times(outcome.ratio(index).median));
    let target = format!("below {}", count(MOST_FOR_SEEDING as f64));
    table.row(["first".to_owned(), count(first as f64), against(first), process(1), target]);
    table.row(["second".to_owned(), count(second as f64), against(second), process(2)]);
    Ok((table, first < MOST_FOR_SEEDING))
}
