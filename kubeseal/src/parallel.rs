//! One piece of work for each of many things, on all cores, with the results in order.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::error::Result;

/// Does `work` for every item and hands the results to `take` in the order of the items, up to the first that failed.
///
/// Below `worthwhile` items everything happens on this thread, one after the other. Each thread has a state of its own,
/// made by `start`.
///
/// # Errors
/// The first failure in the order of the items; what comes before it has been taken.
pub(crate) fn in_order<T: Send, R: Send, S>(
    items: Vec<T>,
    worthwhile: usize,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) -> Result<R> + Sync,
    mut take: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    let threads = if items.len() < worthwhile { 1 } else { cores().min(items.len()) };
    if threads < 2 {
        let mut state = start();
        return items.into_iter().try_for_each(|item| take(work(&mut state, item)?));
    }
    let mut done = on_threads(items, threads, &start, &work);
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().try_for_each(|(_, result)| take(result?))
}

/// How many threads can run at a time.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs a worker on so many threads, this one included, and collects what they return. Where the system refuses a thread
/// the others do its share.
pub(crate) fn workers<R: Send>(threads: usize, worker: impl Fn() -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let others: Vec<_> =
            (1..threads).filter_map(|_| thread::Builder::new().spawn_scoped(scope, &worker).ok()).collect();
        let mut results = vec![worker()];
        results.extend(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))));
        results
    })
}

fn on_threads<T: Send, R: Send, S>(
    items: Vec<T>,
    threads: usize,
    start: &(impl Fn() -> S + Sync),
    work: &(impl Fn(&mut S, T) -> Result<R> + Sync),
) -> Vec<(usize, Result<R>)> {
    let queue = Mutex::new(items.into_iter().enumerate());
    let first_failure = AtomicUsize::new(usize::MAX);
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let worker = || {
        let (mut state, mut done) = (start(), Vec::new());
        // What stands behind a failure is not wanted any more, and everything further in the queue does.
        while let Some((index, item)) = next().filter(|(index, _)| *index < first_failure.load(Ordering::Relaxed)) {
            let result = work(&mut state, item);
            if result.is_err() {
                first_failure.fetch_min(index, Ordering::Relaxed);
            }
            done.push((index, result));
        }
        done
    };
    workers(threads, worker).into_iter().flatten().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn results_come_in_order_up_to_the_first_failure() {
        for worthwhile in [0, usize::MAX] {
            for fails in [0, 1, 57, 99, 1000] {
                let mut taken = Vec::new();
                let work = |_: &mut (), n: u64| {
                    // The first ones take longest.
                    thread::sleep(std::time::Duration::from_micros(300 - 3 * n));
                    if n == fails || n == fails + 1 { Err(Error::new(format!("number {n}"))) } else { Ok(n) }
                };
                let result = in_order(
                    (0..100).collect(),
                    worthwhile,
                    || (),
                    work,
                    |n| {
                        taken.push(n);
                        Ok(())
                    },
                );
                assert_eq!(taken, (0..fails.min(100)).collect::<Vec<_>>());
                let failure = result.err().map(|error| error.to_string());
                assert_eq!(failure, (fails < 100).then(|| format!("error: number {fails}")));
            }
        }
    }

    #[test]
    fn each_thread_keeps_a_state() {
        let mut sum = 0;
        let count = |seen: &mut u32, _| {
            *seen += 1;
            Ok(u32::from(*seen == 1))
        };
        in_order(
            vec![(); 50],
            2,
            || 0,
            count,
            |first| {
                sum += first;
                Ok(())
            },
        )
        .unwrap();
        assert!((1..=u32::try_from(cores()).unwrap()).contains(&sum), "{sum}");
    }
}
