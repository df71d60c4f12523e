//! Runs of several programs in interleaved rounds, with what each cost.

use std::cell::RefCell;
use std::time::Duration;

use crate::Failure;
use crate::launch::{Cost, Launch};
use crate::rounds::{Contestant, Outcome, interleaved, spread};

/// What the rounds gave.
pub struct Runs {
    /// Times and ratios; the first launch is the reference.
    pub outcome: Outcome,
    costs: Vec<Vec<Cost>>,
}

/// Measures all of them in rounds.
///
/// # Errors
/// When one of them fails.
pub fn measure<'a>(launches: impl IntoIterator<Item = &'a Launch>, budget: Duration) -> Result<Runs, Failure> {
    let launches: Vec<&Launch> = launches.into_iter().collect();
    let logs: Vec<RefCell<Vec<Result<Cost, Failure>>>> = launches.iter().map(|_| RefCell::default()).collect();
    let contestants = launches.iter().zip(&logs).map(|(launch, log)| {
        Contestant::new("", move || {
            let result = launch.run();
            let elapsed = result.as_ref().map_or(Duration::ZERO, |cost| cost.elapsed);
            log.borrow_mut().push(result);
            elapsed
        })
    });
    let outcome = interleaved(&mut contestants.collect::<Vec<_>>(), budget);
    let costs = logs.into_iter().map(|log| log.into_inner().into_iter().collect()).collect::<Result<_, _>>()?;
    Ok(Runs { outcome, costs })
}

impl Runs {
    /// Processor time in seconds, the median.
    pub fn processor(&self, index: usize) -> f64 {
        self.median(index, |cost| cost.processor.as_secs_f64())
    }

    /// Most memory in bytes, the median.
    pub fn memory(&self, index: usize) -> f64 {
        self.median(index, |cost| cost.memory as f64)
    }

    fn median(&self, index: usize, of: fn(&Cost) -> f64) -> f64 {
        spread(&self.costs[index].iter().map(of).collect::<Vec<_>>()).median
    }
}
