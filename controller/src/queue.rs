//! The work queue: what is to be reconciled next (design.md section 4).
//!
//! Guarantees: an object waits at most once; two reconciles of one object never run at the same time; an object added
//! while it is being worked on runs once more afterwards; of what is ready, changed and new objects come first, then those
//! first seen at start, then retries.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio_util::time::DelayQueue;
use tokio_util::time::delay_queue;

/// Why an object waits; the order of the variants is that of their urgency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// New or changed, by watch.
    Changed,
    /// Part of the first list and not known to be in sync.
    FirstSeen,
    /// An earlier attempt failed.
    Retry,
}

const CLASSES: usize = 3;

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
    Ready(Class),
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

    /// The most urgent object that is ready; waits for one. It counts as being worked on until [`Queue::done`].
    pub async fn next(&self) -> K {
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
            (Some(class), _) => state.add(key.clone(), class),
            (None, Some(delay)) => {
                let timer = state.delays.insert(key.clone(), delay);
                state.places.insert(key.clone(), Place::Delayed(timer));
            }
            (None, None) => {}
        }
        if let Some(consumer) = state.consumer.take() {
            consumer.wake();
        }
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
            Some(Place::Ready(before)) if *before <= class => return,
            Some(Place::Delayed(timer)) => {
                let timer = *timer;
                self.delays.remove(&timer);
            }
            Some(Place::Ready(_)) | None => {}
        }
        self.places.insert(key.clone(), Place::Ready(class));
        self.ready[class as usize].push_back(key);
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<K> {
        while let Poll::Ready(Some(expired)) = self.delays.poll_expired(context) {
            let key = expired.into_inner();
            self.places.insert(key.clone(), Place::Ready(Class::Retry));
            self.ready[Class::Retry as usize].push_back(key);
        }
        for class in [Class::Changed, Class::FirstSeen, Class::Retry] {
            while let Some(key) = self.ready[class as usize].pop_front() {
                if let Some(place @ Place::Ready(_)) = self.places.get_mut(&key)
                    && matches!(place, Place::Ready(held) if *held == class)
                {
                    *place = Place::Running { again: None };
                    return Poll::Ready(key);
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
        queue.next().now_or_never()
    }

    #[tokio::test]
    async fn the_classes_come_in_the_order_of_their_urgency() {
        let queue = Queue::new();
        queue.add("retry", Class::Retry);
        queue.add("first", Class::FirstSeen);
        queue.add("changed", Class::Changed);
        queue.add("changed later", Class::Changed);
        let order: Vec<_> = std::iter::from_fn(|| ready(&queue)).collect();
        assert_eq!(order, ["changed", "changed later", "first", "retry"]);
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
        assert_eq!(queue.next().await, "a");
        let start = tokio::time::Instant::now();
        queue.done(&"a", Some(Duration::from_secs(5)));
        assert_eq!(ready(&queue), None);
        assert_eq!(queue.next().await, "a");
        assert_eq!(start.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_ends_the_wait_of_a_retry_and_leaves_no_second_run() {
        let queue = Queue::new();
        queue.add("a", Class::Changed);
        assert_eq!(queue.next().await, "a");
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
        assert_eq!(queue.next().await, "a");
        let other = std::sync::Arc::clone(&queue);
        let consumer = tokio::spawn(async move { (other.next().await, other.next().await) });
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
