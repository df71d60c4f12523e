//! Which events are new, which raise the count of an earlier one, and which are too many.
//!
//! The limits are those of the reference's client library: more than ten different messages of one reason on one object
//! within ten minutes become one event, and an object gets 25 events of a type at once and one more each five minutes.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};

use jiff::{SignedDuration, Timestamp};

use super::{CoreEvent, Notice};

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

/// Remembers what was sent: of each event a number that stands for it and what the next occurrence needs, so that
/// thousands of them take little memory.
pub(super) struct Correlator {
    /// Makes the numbers; nobody can choose names that share one.
    hashing: RandomState,
    similar: Table<Similar>,
    budget: Table<Budget>,
    sent: Table<Sent>,
    last_serial: i128,
}

struct Similar {
    messages: Vec<u64>,
    since: Timestamp,
}

struct Budget {
    left: f64,
    at: Timestamp,
}

struct Sent {
    serial: i128,
    count: u32,
    first: Timestamp,
}

impl Correlator {
    pub(super) fn new() -> Correlator {
        let hashing = RandomState::new();
        Correlator { hashing, similar: Table::new(), budget: Table::new(), sent: Table::new(), last_serial: 0 }
    }

    pub(super) fn observe(&mut self, notice: &Notice, now: Timestamp) -> Action {
        let (message, combined) = self.combine(notice, now);
        if !self.spend(notice, now) {
            return Action::Drop;
        }
        let identity = if combined { COMBINED_PREFIX } else { &message };
        let id = self.number(notice, (notice.reason, identity));
        let object = &notice.subject.key.name;
        if let Some(sent) = self.sent.get(id, now) {
            sent.count = sent.count.saturating_add(1);
            let event = CoreEvent::first(notice, message, name(object, sent.serial), now);
            return Action::Raise(CoreEvent { count: sent.count, first_timestamp: sent.first, ..event });
        }
        // Never the same twice.
        let serial = now.as_nanosecond().max(self.last_serial + 1);
        self.last_serial = serial;
        let event = CoreEvent::first(notice, message, name(object, serial), now);
        self.sent.insert(id, Sent { serial, count: 1, first: event.first_timestamp }, now);
        Action::Create(event)
    }

    /// A number for what this notice has in common with others: its object, its type and `more`.
    fn number(&self, notice: &Notice, more: impl Hash) -> u64 {
        let subject = &notice.subject;
        self.hashing.hash_one((&subject.key, &subject.uid, notice.event_type, more))
    }

    /// The message to send, and whether it stands for several.
    fn combine(&mut self, notice: &Notice, now: Timestamp) -> (String, bool) {
        let id = self.number(notice, notice.reason);
        let message = self.hashing.hash_one(&notice.message);
        let fresh = || Similar { messages: Vec::new(), since: now };
        let similar = self.similar.get_or_insert(id, fresh, now);
        if now.duration_since(similar.since) > SIMILAR_WITHIN {
            *similar = fresh();
        }
        similar.since = now;
        if similar.messages.contains(&message) {
            return (notice.message.clone(), false);
        }
        if similar.messages.len() >= SIMILAR_AT_MOST {
            return (format!("{COMBINED_PREFIX}{}", notice.message), true);
        }
        // Most objects have one message for ever.
        similar.messages.reserve_exact(1);
        similar.messages.push(message);
        (notice.message.clone(), false)
    }

    fn spend(&mut self, notice: &Notice, now: Timestamp) -> bool {
        let id = self.number(notice, ());
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
}

/// `<object>.<hex nanoseconds>`, cut to what the API server takes.
fn name(object: &str, serial: i128) -> String {
    let suffix = format!(".{serial:x}");
    let room = LONGEST_NAME - suffix.len();
    let object = object.get(..room.min(object.len())).unwrap_or(object);
    format!("{}{suffix}", object.trim_end_matches(['.', '-']))
}

/// A map that forgets the entry unused for the longest time when it is full.
struct Table<V> {
    entries: HashMap<u64, (Timestamp, V)>,
}

impl<V> Table<V> {
    fn new() -> Table<V> {
        Table { entries: HashMap::new() }
    }

    fn get(&mut self, key: u64, now: Timestamp) -> Option<&mut V> {
        let (used, value) = self.entries.get_mut(&key)?;
        *used = now;
        Some(value)
    }

    fn insert(&mut self, key: u64, value: V, now: Timestamp) {
        if self.entries.len() >= REMEMBERED {
            self.forget_a_quarter();
        }
        self.entries.insert(key, (now, value));
    }

    fn get_or_insert(&mut self, key: u64, value: impl FnOnce() -> V, now: Timestamp) -> &mut V {
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
    use std::collections::HashSet;

    use super::super::EventType;
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
        assert_eq!(second.first_timestamp, at(0));
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
