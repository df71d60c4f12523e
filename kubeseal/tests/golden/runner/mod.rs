//! Runs cases of the golden corpus with a kubeseal and whatever plays the API server, a scripted or a real one.

pub(crate) mod case;
mod check;
mod envelope;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

pub(crate) use case::Case;

/// What cases run with.
pub(crate) struct Stage {
    pub(crate) kubeseal: PathBuf,
    /// Starts what plays the servers of a case: what its `mock` says, and the directory that it runs in.
    pub(crate) mock: fn(&Value, &Path) -> Box<dyn Servers>,
    /// Variables that every case sees, the kubeconfig of a real cluster among them.
    pub(crate) environment: Vec<(String, String)>,
    /// So many cases at a time.
    pub(crate) threads: usize,
}

/// The API server and the web server that a case talks to.
pub(crate) trait Servers {
    /// Where both are.
    fn url(&self) -> &str;
    /// What was asked, in order.
    fn requests(&self) -> Value;
}

/// Runs the cases; what is wrong with each that failed.
pub(crate) fn run(cases: &[Case], stage: &Stage) -> BTreeMap<String, Vec<String>> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..stage.threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let faults = case.run(stage);
                    if !faults.is_empty() {
                        failures.lock().unwrap().insert(case.name.clone(), faults);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

/// Everything that is wrong, as text.
pub(crate) fn report(failures: &BTreeMap<String, Vec<String>>) -> String {
    failures.iter().map(|(name, faults)| format!("{name}\n  {}\n", faults.join("\n  "))).collect()
}
