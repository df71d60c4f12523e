//! Sealing and unsealing through the public interface of our crates, against the bare RSA operation of the library below.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]

mod items;
mod ring;

use std::time::Duration;

use sealed_secrets_bench::Failure;
use sealed_secrets_bench::subject::Subject;

/// Time for one group of interleaved rounds.
const BUDGET: Duration = Duration::from_secs(4);

fn main() -> Result<(), Failure> {
    for bits in [4096, 2048] {
        print!("{}", items::table(&Subject::generate(bits)?, BUDGET)?);
    }
    print!("{}", ring::table(BUDGET)?);
    Ok(())
}
