//! What is read off the running process at each scrape: keys, queue, and which key how many SealedSecrets need.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::page::Page;

/// One sealing key.
#[derive(Clone, Debug)]
pub struct KeySample {
    /// Its name.
    pub fingerprint: String,
    /// What ranks it among the others.
    pub since: Timestamp,
    /// End of its certificate, if it may be published.
    pub not_after: Option<Timestamp>,
    /// Whether it is the one that is published.
    pub is_current: bool,
}

/// One class of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueSample {
    /// Its word.
    pub class: &'static str,
    /// Objects that are ready.
    pub depth: usize,
    /// How long the first of them has been waiting.
    pub oldest: Duration,
}

/// How often private keys were tried on values.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trials {
    /// With success.
    pub opened: u64,
    /// Without, for whatever reason.
    pub failed: u64,
}

/// The state at one moment.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Whether this replica is the one that works.
    pub is_leading: bool,
    /// Trials of private keys on values: those that opened one, and those that did not.
    pub trials: Trials,
    /// Every key that opens values.
    pub keys: Vec<KeySample>,
    /// Every class.
    pub queue: Vec<QueueSample>,
    /// SealedSecrets by the fingerprint of a key that opened one of their items.
    pub by_key: BTreeMap<String, usize>,
}

impl State {
    /// As text.
    pub fn render(&self) -> String {
        let mut page = Page::default();
        page.family("decrypt_attempts_total", "counter", "Private key operations that were done to open values");
        for (result, count) in [("failed", self.trials.failed), ("opened", self.trials.opened)] {
            page.sample("decrypt_attempts_total", &[("result", result)], &count.to_string());
        }
        page.of_keys("key_current", "Whether this is the key whose certificate is published", &self.keys, |key| {
            Some(u8::from(key.is_current).to_string())
        });
        page.of_keys("key_not_after_seconds", "End of the key's certificate, in Unix time", &self.keys, |key| {
            Some(key.not_after?.as_second().to_string())
        });
        page.of_keys(
            "key_since_seconds",
            "Time that ranks the key among the others, in Unix time",
            &self.keys,
            |key| Some(key.since.as_second().to_string()),
        );
        page.family("leader", "gauge", "Whether this replica is the one that works");
        page.sample("leader", &[], &u8::from(self.is_leading).to_string());
        page.family("queue_depth", "gauge", "Objects that wait for a worker");
        for sample in &self.queue {
            page.sample("queue_depth", &[("class", sample.class)], &sample.depth.to_string());
        }
        page.family("queue_oldest_seconds", "gauge", "How long the first object has been waiting for a worker");
        for sample in &self.queue {
            let seconds = sample.oldest.as_secs_f64().to_string();
            page.sample("queue_oldest_seconds", &[("class", sample.class)], &seconds);
        }
        if !self.by_key.is_empty() {
            page.family("sealed_secrets_by_key", "gauge", "SealedSecrets whose Secret was made with this key");
        }
        for (key, count) in &self.by_key {
            page.sample("sealed_secrets_by_key", &[("fingerprint", key)], &count.to_string());
        }
        page.text
    }
}

impl Page {
    fn of_keys(&mut self, name: &str, help: &str, keys: &[KeySample], value: impl Fn(&KeySample) -> Option<String>) {
        let samples: Vec<_> = keys.iter().filter_map(|key| Some((&key.fingerprint, value(key)?))).collect();
        if !samples.is_empty() {
            self.family(name, "gauge", help);
        }
        for (fingerprint, value) in samples {
            self.sample(name, &[("fingerprint", fingerprint)], &value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_queue_and_use_are_shown() {
        let key = |fingerprint: &str, not_after: Option<i64>, is_current| KeySample {
            fingerprint: fingerprint.to_owned(),
            since: Timestamp::UNIX_EPOCH,
            not_after: not_after.and_then(|second| Timestamp::from_second(second).ok()),
            is_current,
        };
        let state = State {
            is_leading: true,
            trials: Trials { opened: 5, failed: 2 },
            keys: vec![key("SHA256:a", Some(60), true), key("SHA256:b", None, false)],
            queue: vec![QueueSample { class: "changed", depth: 2, oldest: Duration::from_millis(1500) }],
            by_key: BTreeMap::from([("SHA256:a".to_owned(), 3)]),
        };
        let text = state.render();
        let lines: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("sealed_secrets_controller_")).collect();
        assert_eq!(
            lines,
            [
                "decrypt_attempts_total{result=\"failed\"} 2",
                "decrypt_attempts_total{result=\"opened\"} 5",
                "key_current{fingerprint=\"SHA256:a\"} 1",
                "key_current{fingerprint=\"SHA256:b\"} 0",
                "key_not_after_seconds{fingerprint=\"SHA256:a\"} 60",
                "key_since_seconds{fingerprint=\"SHA256:a\"} 0",
                "key_since_seconds{fingerprint=\"SHA256:b\"} 0",
                "leader 1",
                "queue_depth{class=\"changed\"} 2",
                "queue_oldest_seconds{class=\"changed\"} 1.5",
                "sealed_secrets_by_key{fingerprint=\"SHA256:a\"} 3",
            ]
        );
    }
}
