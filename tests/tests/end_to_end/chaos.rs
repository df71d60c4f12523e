//! `kill -9` at any moment of a busy life: nothing is lost, nothing is there twice.

#![allow(clippy::print_stderr, reason = "the seed of a run that fails has to be known")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use sealed_secrets_tests::{
    Controller, KeyPair, Object, Resource, World, decoded, end_to_end, eventually, sealed_value,
};
use serde_json::json;

const ROUNDS: usize = 50;
const NAMES: u64 = 24;
/// Longest life of a controller in this test, and most changes in it.
const LONGEST_LIFE: u64 = 900;
const MOST_CHANGES: u64 = 14;

#[test]
fn kill_9_at_random_moments_loses_nothing_and_leaves_nothing_twice() {
    let seed = match std::env::var("CHAOS_SEED") {
        Ok(seed) => seed.parse().unwrap(),
        Err(_) => u64::try_from(jiff::Timestamp::now().as_nanosecond() & i128::from(u64::MAX)).unwrap(),
    };
    eprintln!("CHAOS_SEED={seed} repeats this choice of changes and moments");
    end_to_end(|world| {
        let mut chaos = Chaos { world, dice: Dice(seed | 1), wanted: BTreeMap::new(), signals: 0 };
        for round in 0..ROUNDS {
            let begun = Instant::now();
            let life = Duration::from_millis(chaos.dice.below(LONGEST_LIFE));
            // Without election: a Lease that nobody gives back would make every start wait.
            let controller = world.controller().arg("--leader-elect=false").arg("--watch-for-secrets").spawn();
            for _ in 0..chaos.dice.below(MOST_CHANGES) {
                chaos.change(&controller, round);
                if begun.elapsed() >= life {
                    break;
                }
            }
            std::thread::sleep(life.saturating_sub(begun.elapsed()));
            controller.kill();
        }
        let controller = world.controller().arg("--leader-elect=false").arg("--watch-for-secrets").start();
        chaos.settles(&controller);
    });
}

struct Chaos<'a> {
    world: &'a World,
    dice: Dice,
    /// Names of the SealedSecrets that are there, with their value.
    wanted: BTreeMap<String, String>,
    /// How often a new key was asked for.
    signals: usize,
}

impl Chaos<'_> {
    fn change(&mut self, controller: &Controller, round: usize) {
        let name = format!("db-{}", self.dice.below(NAMES));
        match self.dice.below(10) {
            0..6 => {
                let number = self.dice.below(1 << 30);
                self.put(&name, &format!("{name} of round {round}: {number}"));
            }
            6 | 7 => {
                self.world.api().delete(Resource::SEALED, &self.world.namespace, &name);
                self.wanted.remove(&name);
            }
            8 => self.world.api().delete(Resource::SECRET, &self.world.namespace, &name),
            _ => {
                if controller.is_running() && controller.stdout().contains("HTTP server serving") {
                    controller.signal("USR1");
                    self.signals += 1;
                }
            }
        }
    }

    /// Creates or changes an object, sealed with any of the keys that are there.
    fn put(&mut self, name: &str, value: &str) {
        let mut keys = self.world.keys();
        if keys.is_empty() {
            return;
        }
        let index = self.dice.below(keys.len() as u64) as usize;
        let certificate = decoded(&keys.swap_remove(index)).remove("tls.crt").unwrap();
        let namespace = &self.world.namespace;
        let spec =
            json!({"encryptedData": {"foo": sealed_value(&certificate, namespace, name, value)}, "template": {}});
        match self.wanted.contains_key(name) {
            true => drop(self.world.set_spec(name, &spec)),
            false => drop(self.world.create(&json!({
                "apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": name}, "spec": spec,
            }))),
        }
        self.wanted.insert(name.to_owned(), value.to_owned());
    }

    /// Everything comes true, and nothing else is there.
    fn settles(&self, controller: &Controller) {
        let world = self.world;
        assert!(!self.wanted.is_empty(), "nothing was tried");
        for (name, value) in &self.wanted {
            world.wait_for_items(name, &[("foo", value)]);
            let sealed = world.synced(name);
            let secret = world.secret(name).unwrap();
            let owners = secret["metadata"]["ownerReferences"].as_array().unwrap();
            assert_eq!(owners.len(), 1, "{owners:?}");
            assert_eq!(owners[0]["uid"], sealed["metadata"]["uid"], "{name}");
        }
        let keys: Vec<Object> = world.keys();
        let key_names: BTreeSet<String> = keys.iter().map(name_of).collect();
        eventually("nothing is left of what was deleted", || {
            let secrets = world.api().list(Resource::SECRET, &world.namespace, "");
            let others: BTreeSet<String> =
                secrets.iter().map(name_of).filter(|name| !key_names.contains(name)).collect();
            (others == self.wanted.keys().cloned().collect()).then_some(())
        });
        // One first key, and at most one for each time that somebody asked.
        let distinct: BTreeSet<String> = keys.iter().map(|key| decoded(key)["tls.key"].clone()).collect();
        assert_eq!(distinct.len(), keys.len(), "no key is there twice");
        assert!((1..=1 + self.signals).contains(&keys.len()), "{} keys, {} signals", keys.len(), self.signals);
        // And it works.
        let pair = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&pair.secret("another"));
        controller.wait_for_log("another");
        world.create(&pair.sealed_secret(&world.namespace, "last", "foo", "value"));
        world.wait_for_items("last", &[("foo", "value")]);
    }
}

fn name_of(object: &Object) -> String {
    object["metadata"]["name"].as_str().unwrap().to_owned()
}

/// Marsaglia's xorshift with the shifts 13, 7, 17.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}
