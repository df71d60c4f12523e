//! The golden corpus: recorded command lines of the reference, and where it is wrong what is right (README.md beside this).

#![allow(clippy::unwrap_used, clippy::panic)]

mod mock;
mod runner;
#[path = "../server/mod.rs"]
mod server;

use mock::Mock;
use runner::{Case, Stage, report, run};

#[test]
fn kubeseal_does_what_was_recorded_or_better() {
    let only = std::env::var("GOLDEN").unwrap_or_default();
    let cases: Vec<Case> = Case::all(false).into_iter().filter(|case| case.name.contains(&only)).collect();
    assert!(!cases.is_empty(), "no case has {only:?} in its name");
    if only.is_empty() {
        assert!(cases.len() > 450, "cases are missing: only {} were found", cases.len());
    }
    // Some cases wait for a timeout, so more threads than cores do no harm.
    let stage = Stage {
        kubeseal: env!("CARGO_BIN_EXE_kubeseal").into(),
        mock: Mock::start,
        environment: Vec::new(),
        threads: 4,
    };
    let failures = run(&cases, &stage);
    assert!(failures.is_empty(), "{} of {} cases fail\n{}", failures.len(), cases.len(), report(&failures));
}
