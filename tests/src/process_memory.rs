//! What a process holds in memory.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// How often each text occurs in the writable memory of this process.
pub(crate) fn occurrences(process: u32, texts: &[&str]) -> Vec<usize> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut counts = vec![0; texts.len()];
    for (start, end) in maps.lines().filter_map(writable) {
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // A region may have gone since, or belong to the kernel.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        for (count, text) in counts.iter_mut().zip(texts) {
            *count += bytes.windows(text.len()).filter(|window| *window == text.as_bytes()).count();
        }
    }
    counts
}

/// Begin and end of a region that the process may write.
fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    rest.starts_with("rw").then_some((address(start)?, address(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_holds_is_found() {
        let held = format!("held-by-{}", std::process::id());
        assert!(occurrences(std::process::id(), &[&held])[0] > 0);
    }
}
