//! Which events are new, which raise the count of an earlier one, and which are too many.
//!
//! The limits are those of the reference's client library: more than ten different messages of one reason on one object
//! within ten minutes become one event, and an object gets 25 events of a type at once and one more each five minutes.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use jiff::{SignedDuration, Timestamp};

use super::{CoreEvent, EventType, Notice};
use crate::object::ObjectKey;

const SIMILAR_AT_MOST: usize = 10;
const SIMILAR_WITHIN: SignedDuration = SignedDuration::from_mins(10);
const COMBINED_PREFIX: &str = "(combined from similar events): ";
const BURST: f64 = 25.0;
const REFILL_SECONDS: f64 = 300.0;
/// Entries kept per table of each writer, 4096 in all; beyond that those that were not used for the longest time go.
const REMEMBERED: usize = 4096 / super::WRITERS;
/// Longest name of a Kubernetes object.
const LONGEST_NAME: usize = 253;

/// What to do about an event.
pub(super) enum Action {
    /// Write a new one.
    Create(CoreEvent),
    /// Raise the count of the one with this name; the event holds the new count, time and message.
    Raise(CoreEvent),
    /// Nothing, the object has too many.
    Drop,
}

/// Remembers what was sent.
pub(super) struct Correlator {
    similar: Table<(ObjectKey, String, EventType, &'static str), Similar>,
    budget: Table<(ObjectKey, String, EventType), Budget>,
    sent: Table<(ObjectKey, String, EventType, &'static str, String), CoreEvent>,
    last_name: i128,
}

struct Similar {
    messages: HashSet<String>,
    since: Timestamp,
}

struct Budget {
    left: f64,
    at: Timestamp,
}

impl Correlator {
    pub(super) fn new() -> Correlator {
        Correlator { similar: Table::new(), budget: Table::new(), sent: Table::new(), last_name: 0 }
    }

    pub(super) fn observe(&mut self, notice: &Notice, now: Timestamp) -> Action {
        let (message, combined) = self.combine(notice, now);
        if !self.spend(notice, now) {
            return Action::Drop;
        }
        let identity = if combined { COMBINED_PREFIX.to_owned() } else { message.clone() };
        let key = notice.subject.key.clone();
        let id = (key, notice.subject.uid.clone(), notice.event_type, notice.reason, identity);
        if let Some(event) = self.sent.get(&id, now) {
            event.count += 1;
            event.last_timestamp = crate::clock::whole_seconds(now);
            event.message = message;
            return Action::Raise(event.clone());
        }
        let event = CoreEvent::first(notice, message, self.name(&notice.subject.key.name, now), now);
        self.sent.insert(id, event.clone(), now);
        Action::Create(event)
    }

    /// The message to send, and whether it stands for several.
    fn combine(&mut self, notice: &Notice, now: Timestamp) -> (String, bool) {
        let subject = &notice.subject;
        let id = (subject.key.clone(), subject.uid.clone(), notice.event_type, notice.reason);
        let fresh = || Similar { messages: HashSet::new(), since: now };
        let similar = self.similar.get_or_insert(id, fresh, now);
        if now.duration_since(similar.since) > SIMILAR_WITHIN {
            *similar = fresh();
        }
        similar.since = now;
        if similar.messages.len() < SIMILAR_AT_MOST {
            similar.messages.insert(notice.message.clone());
            (notice.message.clone(), false)
        } else if similar.messages.contains(&notice.message) {
            (notice.message.clone(), false)
        } else {
            (format!("{COMBINED_PREFIX}{}", notice.message), true)
        }
    }

    fn spend(&mut self, notice: &Notice, now: Timestamp) -> bool {
        let id = (notice.subject.key.clone(), notice.subject.uid.clone(), notice.event_type);
        let full = || Budget { left: BURST, at: now };
        let budget = self.budget.get_or_insert(id, full, now);
        let passed = now.duration_since(budget.at).as_secs_f64().max(0.0);
        budget.left = (budget.left + passed / REFILL_SECONDS).min(BURST);
        budget.at = now;
        if budget.left < 1.0 {
            return false;
        }
        budget.left -= 1.0;
        true
    }

    /// `<object>.<hex nanoseconds>`, never the same twice, cut to what the API server takes.
    fn name(&mut self, object: &str, now: Timestamp) -> String {
        self.last_name = now.as_nanosecond().max(self.last_name + 1);
        let suffix = format!(".{:x}", self.last_name);
        let room = LONGEST_NAME - suffix.len();
        let object = object.get(..room.min(object.len())).unwrap_or(object);
        format!("{}{suffix}", object.trim_end_matches(['.', '-']))
    }
}

/// A map that forgets the entry unused for the longest time when it is full.
struct Table<K, V> {
    entries: HashMap<K, (Timestamp, V)>,
}

impl<K: Clone + Eq + Hash, V> Table<K, V> {
    fn new() -> Table<K, V> {
        Table { entries: HashMap::new() }
    }

    fn get(&mut self, key: &K, now: Timestamp) -> Option<&mut V> {
        let (used, value) = self.entries.get_mut(key)?;
        *used = now;
        Some(value)
    }

    fn insert(&mut self, key: K, value: V, now: Timestamp) {
        if self.entries.len() >= REMEMBERED {
            self.forget_a_quarter();
        }
        self.entries.insert(key, (now, value));
    }

    fn get_or_insert(&mut self, key: K, value: impl FnOnce() -> V, now: Timestamp) -> &mut V {
        if self.entries.len() >= REMEMBERED && !self.entries.contains_key(&key) {
            self.forget_a_quarter();
        }
        let (used, value) = self.entries.entry(key).or_insert_with(|| (now, value()));
        *used = now;
        value
    }

    /// Forgets several at once, so that a full table is not searched for every new event.
    fn forget_a_quarter(&mut self) {
        let mut times: Vec<Timestamp> = self.entries.values().map(|(used, _)| *used).collect();
        times.sort_unstable();
        if let Some(limit) = times.get(times.len() / 4).copied() {
            self.entries.retain(|_, (used, _)| *used > limit);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::super::tests::notice;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn created(action: Action) -> CoreEvent {
        match action {
            Action::Create(event) => event,
            Action::Raise(event) => panic!("raised {event:?}"),
            Action::Drop => panic!("dropped"),
        }
    }

    fn raised(action: Action) -> CoreEvent {
        match action {
            Action::Raise(event) => event,
            Action::Create(event) => panic!("created {event:?}"),
            Action::Drop => panic!("dropped"),
        }
    }

    #[test]
    fn the_same_message_again_raises_the_count_of_the_same_event() {
        let mut correlator = Correlator::new();
        let first = created(correlator.observe(&notice("a", "m"), at(0)));
        let second = raised(correlator.observe(&notice("a", "m"), at(60)));
        assert_eq!(second.metadata.name, first.metadata.name);
        assert_eq!(second.count, 2);
        assert_eq!(second.patch(), serde_json::json!({"count": 2, "lastTimestamp": at(60), "message": "m"}));
    }

    #[test]
    fn another_object_message_or_type_is_another_event() {
        let mut correlator = Correlator::new();
        let mut names = HashSet::new();
        let mut warning = notice("a", "m");
        warning.event_type = EventType::Warning;
        for other in [notice("a", "m"), notice("b", "m"), notice("a", "n"), warning] {
            names.insert(created(correlator.observe(&other, at(0))).metadata.name);
        }
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn an_object_made_anew_under_its_name_starts_anew() {
        let mut correlator = Correlator::new();
        let mut again = notice("a", "m");
        created(correlator.observe(&again, at(0)));
        again.subject.uid = "other".to_owned();
        assert_eq!(created(correlator.observe(&again, at(1))).count, 1);
    }

    #[test]
    fn more_than_ten_messages_of_one_reason_are_combined_for_ten_minutes() {
        let mut correlator = Correlator::new();
        for number in 0..10 {
            created(correlator.observe(&notice("a", &format!("m{number}")), at(number)));
        }
        let combined = created(correlator.observe(&notice("a", "m10"), at(10)));
        assert_eq!(combined.message, "(combined from similar events): m10");
        let more = raised(correlator.observe(&notice("a", "m11"), at(11)));
        assert_eq!(more.metadata.name, combined.metadata.name);
        assert_eq!((more.count, more.message.as_str()), (2, "(combined from similar events): m11"));
        raised(correlator.observe(&notice("a", "m3"), at(12)));
        let later = created(correlator.observe(&notice("a", "m12"), at(12 + 601)));
        assert_eq!(later.message, "m12");
    }

    #[test]
    fn an_object_gets_twenty_five_events_of_a_type_and_then_one_each_five_minutes() {
        let mut correlator = Correlator::new();
        let mut written = 0;
        for _ in 0..40 {
            written += usize::from(!matches!(correlator.observe(&notice("a", "m"), at(0)), Action::Drop));
        }
        assert_eq!(written, 25);
        assert!(matches!(correlator.observe(&notice("a", "m"), at(299)), Action::Drop));
        raised(correlator.observe(&notice("a", "m"), at(301)));
        created(correlator.observe(&notice("b", "m"), at(0)));
    }

    #[test]
    fn names_are_unique_and_fit_however_long_the_object_s_name_is() {
        let mut correlator = Correlator::new();
        let long = "x".repeat(253);
        let first = created(correlator.observe(&notice(&long, "m"), at(0))).metadata.name;
        let second = created(correlator.observe(&notice(&long, "n"), at(0))).metadata.name;
        assert_ne!(first, second);
        assert!(first.len() <= 253 && first.starts_with("xxx"));
        let short = created(correlator.observe(&notice("good", "m"), at(5))).metadata.name;
        assert_eq!(short, format!("good.{:x}", at(5).as_nanosecond()));
    }

    #[test]
    fn memory_is_bounded() {
        let mut correlator = Correlator::new();
        for number in 0..10_000 {
            correlator.observe(&notice(&number.to_string(), "m"), at(number));
        }
        assert!(correlator.sent.entries.len() <= REMEMBERED);
        assert!(correlator.budget.entries.len() <= REMEMBERED);
        assert!(correlator.similar.entries.len() <= REMEMBERED);
        raised(correlator.observe(&notice("9999", "m"), at(10_000)));
    }
}
