//! Interleaved rounds: every round measures everything once, so that whatever else the machine does meets all alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Fewest and most rounds, whatever the budget.
const ROUNDS: std::ops::RangeInclusive<usize> = 31..=4001;

/// One of several things that are measured against each other.
pub struct Contestant<'a> {
    name: String,
    run: Box<dyn FnMut() -> Duration + 'a>,
}

impl<'a> Contestant<'a> {
    /// `run` does the thing once and says how long that took, without what it had to prepare.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Duration + 'a) -> Contestant<'a> {
        Contestant { name: name.into(), run: Box::new(run) }
    }
}

/// How long this takes. The result is dropped outside the measured time.
pub fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    let result = black_box(work());
    let elapsed = start.elapsed();
    drop(result);
    elapsed
}

/// What interleaved rounds gave; the first contestant is the one that all others are compared with.
pub struct Outcome {
    names: Vec<String>,
    /// Seconds, by contestant and round.
    seconds: Vec<Vec<f64>>,
}

/// The middle of a set of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// A quarter of the samples is below.
    pub low: f64,
    /// Half of the samples is below.
    pub median: f64,
    /// A quarter of the samples is above.
    pub high: f64,
}

/// Measures all contestants in rounds, as many as fit into `budget` (within limits), after one that does not count.
///
/// Every round has an order of its own, so that nobody always runs after the same other.
pub fn interleaved(contestants: &mut [Contestant<'_>], budget: Duration) -> Outcome {
    let warm_up: Duration = contestants.iter_mut().map(|one| (one.run)().max((one.run)())).sum();
    let fitting = budget.as_secs_f64() / warm_up.as_secs_f64().max(1e-9);
    // Saturates for whatever does not fit.
    let rounds = (fitting as usize).clamp(*ROUNDS.start(), *ROUNDS.end());

    let mut seconds = vec![Vec::with_capacity(rounds); contestants.len()];
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    let mut shuffle = Shuffle(0x9e37_79b9_7f4a_7c15);
    for _ in 0..rounds {
        shuffle.shuffle(&mut order);
        for &index in &order {
            seconds[index].push((contestants[index].run)().as_secs_f64());
        }
    }
    Outcome { names: contestants.iter().map(|one| one.name.clone()).collect(), seconds }
}

impl Outcome {
    /// Names, without the reference's.
    pub fn compared(&self) -> impl Iterator<Item = (usize, &str)> {
        self.names.iter().enumerate().skip(1).map(|(index, name)| (index, name.as_str()))
    }

    /// Median time in seconds.
    pub fn seconds(&self, index: usize) -> f64 {
        spread(&self.seconds[index]).median
    }

    /// Time against the reference of the same round.
    pub fn ratio(&self, index: usize) -> Spread {
        let pairs = self.seconds[index].iter().zip(&self.seconds[0]);
        spread(&pairs.map(|(time, reference)| time / reference).collect::<Vec<_>>())
    }
}

/// Marsaglia's xorshift with the shifts 13, 7, 17: the same orders in every run, and good enough for that.
struct Shuffle(u64);

impl Shuffle {
    fn shuffle(&mut self, order: &mut [usize]) {
        for end in (1..order.len()).rev() {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            order.swap(end, (self.0 % (end as u64 + 1)) as usize);
        }
    }
}

/// Quartiles; zeros for no samples.
pub fn spread(samples: &[f64]) -> Spread {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at =
        |quarter: usize| sorted.get((sorted.len().saturating_sub(1) * quarter).div_ceil(4)).copied().unwrap_or(0.0);
    Spread { low: at(1), median: at(2), high: at(3) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_the_sorted_samples() {
        assert_eq!(spread(&[5.0, 1.0, 4.0, 2.0, 3.0]), Spread { low: 2.0, median: 3.0, high: 4.0 });
        assert_eq!(spread(&[7.0]), Spread { low: 7.0, median: 7.0, high: 7.0 });
        assert_eq!(spread(&[]), Spread { low: 0.0, median: 0.0, high: 0.0 });
    }

    #[test]
    fn every_order_keeps_all_and_anybody_may_come_first() {
        let (mut order, mut shuffle) = ([0, 1, 2], Shuffle(1));
        let mut first = [0; 3];
        for _ in 0..300 {
            shuffle.shuffle(&mut order);
            first[order[0]] += 1;
        }
        assert!(first.iter().all(|&count| count > 60), "{first:?}");
    }

    #[test]
    fn everybody_is_measured_once_in_every_round_and_compared_with_the_first() {
        let mut contestants = [
            Contestant::new("reference", || Duration::from_millis(10)),
            Contestant::new("a", || Duration::from_millis(20)),
            Contestant::new("b", || Duration::from_millis(5)),
        ];
        let outcome = interleaved(&mut contestants, Duration::from_millis(1410));
        assert!(outcome.seconds.iter().all(|samples| samples.len() == 40), "{:?}", outcome.seconds);
        assert_eq!(outcome.compared().collect::<Vec<_>>(), [(1, "a"), (2, "b")]);
        assert!((outcome.ratio(1).median - 2.0).abs() < 1e-9);
        assert!((outcome.ratio(2).high - 0.5).abs() < 1e-9);
        assert!((outcome.seconds(1) - 0.02).abs() < 1e-9);
    }
}
