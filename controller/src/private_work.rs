//! Where private keys are used: on blocking threads, at most one operation per core at a time, so that neither requests
//! nor a backlog of objects can keep the async threads from answering.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A limit on work with private keys. Waiting is fair: first come, first served.
#[derive(Clone)]
pub struct PrivateWork {
    cores: Arc<Semaphore>,
    /// Requests from outside get at most half of the cores, so that they cannot crowd out the reconciles.
    requests: Arc<Semaphore>,
}

/// The work panicked. What it was about is not repeated.
#[derive(Debug, thiserror::Error)]
#[error("work with a private key ended unexpectedly")]
pub struct Interrupted;

impl PrivateWork {
    /// A limit for a machine with so many cores.
    pub fn new(cores: usize) -> PrivateWork {
        PrivateWork {
            cores: Arc::new(Semaphore::new(cores.max(1))),
            requests: Arc::new(Semaphore::new((cores / 2).max(1))),
        }
    }

    /// Does one piece of our own work.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interrupted> {
        // The semaphores are never closed.
        let permit = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| Interrupted)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            // Held until the work has ended, also when nobody waits for it any more.
            drop(permit);
            result
        });
        done.await.map_err(|_| Interrupted)
    }

    /// Does our own work that can use up to `most` cores. It is told how many it got: one, and as many others as nobody
    /// uses or waits for.
    pub async fn run_wide<T: Send + 'static>(
        &self,
        most: usize,
        work: impl FnOnce(usize) -> T + Send + 'static,
    ) -> Result<T, Interrupted> {
        let first = Arc::clone(&self.cores).acquire_owned().await.map_err(|_| Interrupted)?;
        let free = || Arc::clone(&self.cores).try_acquire_owned().ok();
        let permits: Vec<_> = std::iter::once(first).chain((1..most).map_while(|_| free())).collect();
        let done = tokio::task::spawn_blocking(move || {
            let result = work(permits.len());
            drop(permits);
            result
        });
        done.await.map_err(|_| Interrupted)
    }

    /// Does one piece of work for a request from outside.
    pub async fn run_request<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Interrupted> {
        let permit = Arc::clone(&self.requests).acquire_owned().await.map_err(|_| Interrupted)?;
        self.run(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn no_more_than_one_operation_per_core_runs_at_a_time() {
        let work = PrivateWork::new(2);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..12 {
            let (work, running, most) = (work.clone(), Arc::clone(&running), Arc::clone(&most));
            tasks.spawn(async move {
                let job = move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                match number % 2 {
                    0 => work.run(job).await.unwrap(),
                    _ => work.run_request(job).await.unwrap(),
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        assert!((1..=2).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn wide_work_gets_the_cores_that_are_free_and_gives_them_back() {
        let work = PrivateWork::new(4);
        assert_eq!(work.run_wide(3, |cores| cores).await.unwrap(), 3);
        assert_eq!(work.run_wide(100, |cores| cores).await.unwrap(), 4);
        assert_eq!(work.run_wide(0, |cores| cores).await.unwrap(), 1);
        let (begun, begins) = std::sync::mpsc::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let other = work.clone();
        let busy = tokio::spawn(async move {
            let job = move || {
                begun.send(()).unwrap();
                ends.recv().unwrap();
            };
            other.run(job).await.unwrap();
        });
        tokio::task::spawn_blocking(move || begins.recv().unwrap()).await.unwrap();
        assert_eq!(work.run_wide(100, |cores| cores).await.unwrap(), 3);
        end.send(()).unwrap();
        busy.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_its_place_back() {
        let work = PrivateWork::new(1);
        assert!(work.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(work.run(|| 7).await.unwrap(), 7);
    }
}
