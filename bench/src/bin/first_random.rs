//! Draws as many random numbers as its argument says. `programs` counts what the first costs above the second.

use std::process::ExitCode;

use sealed_secrets_crypto::{Random, SystemRandom};

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).and_then(|argument| argument.parse().ok());
    let Some(draws) = wanted else { return ExitCode::FAILURE };
    let all = (0..draws).try_for_each(|_: u32| SystemRandom.fill(&mut [0; 32]));
    if all.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
