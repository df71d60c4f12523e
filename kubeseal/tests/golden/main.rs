//! The golden corpus: recorded command lines of the reference, and where it is wrong what is right (README.md beside this).

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod case;
mod check;
mod envelope;
mod mock;
#[path = "../server/mod.rs"]
mod server;
mod view;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::Case;

#[test]
fn kubeseal_does_what_was_recorded_or_better() {
    let only = std::env::var("GOLDEN").unwrap_or_default();
    let cases: Vec<Case> = case::all().into_iter().filter(|case| case.name.contains(&only)).collect();
    assert!(!cases.is_empty(), "no case has {only:?} in its name");
    if only.is_empty() {
        assert!(cases.len() > 450, "cases are missing: only {} were found", cases.len());
    }
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        // Some cases wait for a timeout, so more threads than cores do no harm.
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let faults = case.run();
                    if !faults.is_empty() {
                        failures.lock().unwrap().insert(case.name.clone(), faults);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    for (name, faults) in &failures {
        println!("{name}");
        faults.iter().for_each(|fault| println!("  {fault}"));
    }
    assert!(failures.is_empty(), "{} of {} cases fail", failures.len(), cases.len());
}
