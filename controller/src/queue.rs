//! The work queue: what is to be reconciled next (design.md section 4).
//!
//! Guarantees: an object waits at most once; two reconciles of one object never run at the same time; an object added
//! while it is being worked on runs once more afterwards; of what is ready, changed and new objects come first, then those
//! first seen at start, then retries, then looks. A look never replaces more than a look.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue;

use crate::metrics::state::QueueSample;

/// Why an object waits; the order of the variants is that of their urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// New or changed, by watch.
    Changed,
    /// Part of the first list and not known to be in sync.
    FirstSeen,
    /// An earlier attempt failed.
    Retry,
    /// Nothing but a look at whether somebody else has changed its Secret.
    Look,
}

const CLASSES: usize = 4;

impl Class {
    const ALL: [Class; CLASSES] = [Class::Changed, Class::FirstSeen, Class::Retry, Class::Look];

    fn word(self) -> &'static str {
        match self {
            Class::Changed => "changed",
            Class::FirstSeen => "first-seen",
            Class::Retry => "retry",
            Class::Look => "look",
        }
    }
}

/// See the module's documentation. One consumer calls [`Queue::next`] at a time; anybody may add.
pub struct Queue<K> {
    state: Mutex<State<K>>,
}

struct State<K> {
    ready: [VecDeque<K>; CLASSES],
    places: HashMap<K, Place>,
    delays: DelayQueue<K>,
    consumer: Option<Waker>,
}

/// Where an object is. Absent objects have nothing to do.
enum Place {
    /// In the line of this class. An entry in another line is left over from before it was moved up.
    Ready(Class, Instant),
    /// Waiting for its time.
    Delayed(delay_queue::Key),
    /// Being worked on, and perhaps wanted again.
    Running { again: Option<Class> },
}

impl<K: Clone + Eq + Hash> Queue<K> {
    /// An empty queue.
    pub fn new() -> Queue<K> {
        Queue {
            state: Mutex::new(State {
                ready: Default::default(),
                places: HashMap::new(),
                delays: DelayQueue::new(),
                consumer: None,
            }),
        }
    }

    /// Adds an object, or moves it up if it waits in a less urgent class or for its time.
    pub fn add(&self, key: K, class: Class) {
        let mut state = self.lock();
        state.add(key, class);
        if let Some(consumer) = state.consumer.take() {
            consumer.wake();
        }
    }

    /// The most urgent object that is ready, and its class; waits for one. It counts as being worked on until
    /// [`Queue::done`].
    pub async fn next(&self) -> (K, Class) {
        poll_fn(|context| self.lock().poll_next(context)).await
    }

    /// Ends the work on an object. It runs again at once if it was added meanwhile, after `retry` if that is given, and
    /// otherwise not before it is added.
    pub fn done(&self, key: &K, retry: Option<Duration>) {
        let mut state = self.lock();
        let again = match state.places.remove(key) {
            Some(Place::Running { again }) => again,
            // Not being worked on: put back what was there.
            Some(other) => {
                state.places.insert(key.clone(), other);
                return;
            }
            None => return,
        };
        match (again, retry) {
            (Some(Class::Look), Some(delay)) | (None, Some(delay)) => {
                let timer = state.delays.insert(key.clone(), delay);
                state.places.insert(key.clone(), Place::Delayed(timer));
            }
            (Some(class), _) => state.add(key.clone(), class),
            (None, None) => {}
        }
        if let Some(consumer) = state.consumer.take() {
            consumer.wake();
        }
    }

    /// How many objects of each class are ready, and how long the first of them has been waiting.
    pub fn samples(&self) -> Vec<QueueSample> {
        let mut samples = Class::ALL.map(|class| QueueSample { class: class.word(), depth: 0, oldest: Duration::ZERO });
        for place in self.lock().places.values() {
            if let Place::Ready(class, since) = place {
                let sample = &mut samples[*class as usize];
                sample.depth += 1;
                sample.oldest = sample.oldest.max(since.elapsed());
            }
        }
        samples.to_vec()
    }

    /// Forgets everything that waits. Nothing may be worked on.
    pub fn clear(&self) {
        let mut state = self.lock();
        state.ready = Default::default();
        state.places.clear();
        state.delays.clear();
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        // No code panics while it holds the lock; if it did, the lines would still be whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash> State<K> {
    fn add(&mut self, key: K, class: Class) {
        match self.places.get_mut(&key) {
            Some(Place::Running { again }) => {
                *again = Some(again.map_or(class, |before| before.min(class)));
                return;
            }
            Some(Place::Ready(before, _)) if *before <= class => return,
            Some(Place::Delayed(_)) if class == Class::Look => return,
            Some(Place::Delayed(timer)) => {
                let timer = *timer;
                self.delays.remove(&timer);
            }
            Some(Place::Ready(..)) | None => {}
        }
        self.places.insert(key.clone(), Place::Ready(class, Instant::now()));
        self.ready[class as usize].push_back(key);
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(K, Class)> {
        while let Poll::Ready(Some(expired)) = self.delays.poll_expired(context) {
            let key = expired.into_inner();
            self.places.insert(key.clone(), Place::Ready(Class::Retry, Instant::now()));
            self.ready[Class::Retry as usize].push_back(key);
        }
        for class in Class::ALL {
            while let Some(key) = self.ready[class as usize].pop_front() {
                if let Some(place @ Place::Ready(..)) = self.places.get_mut(&key)
                    && matches!(place, Place::Ready(held, _) if *held == class)
                {
                    *place = Place::Running { again: None };
                    return Poll::Ready((key, class));
                }
            }
            self.ready[class as usize].shrink_to(64);
        }
        self.consumer = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn ready(queue: &Queue<&'static str>) -> Option<&'static str> {
        queue.next().now_or_never().map(|(key, _)| key)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_ready_is_counted_by_class_with_the_longest_wait() {
        let queue = Queue::new();
        queue.add("a", Class::Changed);
        tokio::time::advance(Duration::from_secs(2)).await;
        queue.add("b", Class::Changed);
        queue.add("c", Class::Retry);
        let samples = queue.samples();
        let depths: Vec<_> = samples.iter().map(|sample| (sample.class, sample.depth)).collect();
        assert_eq!(depths, [("changed", 2), ("first-seen", 0), ("retry", 1), ("look", 0)]);
        assert_eq!(samples[0].oldest, Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_never_takes_the_place_of_work() {
        let queue = Queue::new();
        queue.add("a", Class::FirstSeen);
        queue.add("a", Class::Look);
        assert_eq!(queue.next().await, ("a", Class::FirstSeen));
        queue.add("a", Class::Look);
        queue.done(&"a", Some(Duration::from_secs(1)));
        queue.add("a", Class::Look);
        assert_eq!(ready(&queue), None, "its retry has its time");
        assert_eq!(queue.next().await, ("a", Class::Retry));
        queue.add("a", Class::Look);
        queue.done(&"a", None);
        assert_eq!(queue.next().await, ("a", Class::Look));
        queue.done(&"a", None);
        queue.add("a", Class::Look);
        queue.add("a", Class::Changed);
        assert_eq!(queue.next().await, ("a", Class::Changed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cleared_queue_begins_anew() {
        let queue = Queue::new();
        queue.add("running", Class::Changed);
        queue.next().await;
        queue.add("ready", Class::Changed);
        queue.done(&"running", Some(Duration::from_secs(1)));
        queue.clear();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(ready(&queue), None);
        queue.add("ready", Class::Retry);
        queue.add("running", Class::FirstSeen);
        assert_eq!((ready(&queue), ready(&queue)), (Some("running"), Some("ready")));
    }

    #[tokio::test]
    async fn the_classes_come_in_the_order_of_their_urgency() {
        let queue = Queue::new();
        queue.add("look", Class::Look);
        queue.add("retry", Class::Retry);
        queue.add("first", Class::FirstSeen);
        queue.add("changed", Class::Changed);
        queue.add("changed later", Class::Changed);
        let order: Vec<_> = std::iter::from_fn(|| ready(&queue)).collect();
        assert_eq!(order, ["changed", "changed later", "first", "retry", "look"]);
    }

    #[tokio::test]
    async fn an_object_added_twice_runs_once() {
        let queue = Queue::new();
        queue.add("a", Class::Changed);
        queue.add("a", Class::Changed);
        queue.add("a", Class::Retry);
        assert_eq!(ready(&queue), Some("a"));
        queue.done(&"a", None);
        assert_eq!(ready(&queue), None);
    }

    #[tokio::test]
    async fn a_change_moves_an_object_out_of_the_backlog() {
        let queue = Queue::new();
        for key in ["a", "b", "c"] {
            queue.add(key, Class::FirstSeen);
        }
        queue.add("c", Class::Changed);
        let order: Vec<_> = std::iter::from_fn(|| ready(&queue)).collect();
        assert_eq!(order, ["c", "a", "b"]);
    }

    #[tokio::test]
    async fn an_object_that_is_being_worked_on_is_not_handed_out_and_runs_again_afterwards() {
        let queue = Queue::new();
        queue.add("a", Class::Changed);
        assert_eq!(ready(&queue), Some("a"));
        queue.add("a", Class::Retry);
        queue.add("a", Class::Changed);
        assert_eq!(ready(&queue), None);
        queue.done(&"a", Some(Duration::from_secs(600)));
        assert_eq!(ready(&queue), Some("a"));
        queue.done(&"a", None);
        assert_eq!(ready(&queue), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_waits_for_its_time() {
        let queue = Queue::new();
        queue.add("a", Class::Changed);
        assert_eq!(queue.next().await.0, "a");
        let start = tokio::time::Instant::now();
        queue.done(&"a", Some(Duration::from_secs(5)));
        assert_eq!(ready(&queue), None);
        assert_eq!(queue.next().await.0, "a");
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_ends_the_wait_of_a_retry_and_leaves_no_second_run() {
        let queue = Queue::new();
        queue.add("a", Class::Changed);
        assert_eq!(queue.next().await.0, "a");
        queue.done(&"a", Some(Duration::from_secs(5)));
        queue.add("a", Class::Changed);
        assert_eq!(ready(&queue), Some("a"));
        queue.done(&"a", None);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(ready(&queue), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_consumer_wakes_for_additions_and_for_retries_made_while_it_waits() {
        let queue = std::sync::Arc::new(Queue::new());
        queue.add("a", Class::Changed);
        assert_eq!(queue.next().await.0, "a");
        let other = std::sync::Arc::clone(&queue);
        let consumer = tokio::spawn(async move { (other.next().await.0, other.next().await.0) });
        tokio::task::yield_now().await;
        queue.done(&"a", Some(Duration::from_secs(1)));
        queue.add("b", Class::FirstSeen);
        assert_eq!(consumer.await.unwrap(), ("b", "a"));
    }

    #[tokio::test]
    async fn ending_work_that_was_never_begun_changes_nothing() {
        let queue = Queue::new();
        queue.add("a", Class::FirstSeen);
        queue.done(&"a", None);
        queue.done(&"b", Some(Duration::from_secs(1)));
        assert_eq!(ready(&queue), Some("a"));
        assert_eq!(ready(&queue), None);
    }
}
