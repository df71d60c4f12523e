//! Counting instructions: the figure that does not depend on what else the machine does.

use std::fs;
use std::path::Path;

use crate::Failure;
use crate::launch::Launch;

/// Instructions of one run in user mode, from the first of the dynamic linker on, as valgrind counts them. Valgrind shows
/// the program a processor without AVX-512.
///
/// `work` is a folder for valgrind's notes.
///
/// # Errors
/// When valgrind or the program fails.
pub fn count(launch: &Launch, work: &Path) -> Result<u64, Failure> {
    let (log, profile) = (work.join("callgrind.log"), work.join("callgrind.out"));
    let under = launch.under(
        "valgrind",
        &[
            "--tool=callgrind",
            &format!("--log-file={}", log.display()),
            &format!("--callgrind-out-file={}", profile.display()),
        ],
    );
    under.run()?;
    collected(&fs::read_to_string(&log)?).ok_or_else(|| "valgrind does not say how many instructions it counted".into())
}

/// The number on the line `==1234== Collected : 567`.
fn collected(log: &str) -> Option<u64> {
    let number = log.lines().find_map(|line| line.split_once("Collected :"))?.1;
    number.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_the_summary() {
        let log = "==7== Callgrind, a call-graph generating cache profiler\n==7== Events    : Ir\n==7== Collected : 151203\n==7==\n";
        assert_eq!(collected(log), Some(151_203));
        assert_eq!(collected("==7== Events : Ir\n"), None);
    }
}
