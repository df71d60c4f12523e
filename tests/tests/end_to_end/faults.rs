//! A network and an API server that fail: nothing is lost, nothing is asked for in a hurry, and who only wants a
//! certificate notices nothing (row 142).

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use sealed_secrets_tests::{
    Controller, Fault, KeyPair, Object, Proxy, Resource, Rule, World, condition_status, decoded, end_to_end,
    eventually, never,
};

const SEALED: &str = "/sealedsecrets";
const SECRETS: &str = "/secrets";

/// What a controller at rest may ask in a second, however broken everything is: retries have pauses.
const CALLS_PER_SECOND: usize = 12;

#[test]
fn dropped_watches_are_taken_up_again_and_nothing_in_between_is_missed() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        for round in 0..5 {
            bench.put("db", &format!("before {round}"));
            bench.proxy.cut();
            bench.put("db", &format!("value {round}"));
            bench.put(&format!("new-{round}"), "value");
            bench.made("db", &format!("value {round}"));
            bench.made(&format!("new-{round}"), "value");
        }
        bench.rest();
    });
}

/// Row 142: the history that a watch goes on from is gone. Some say so in the watch, some refuse it.
#[test]
fn a_watch_whose_history_is_gone_lists_and_finds_what_changed_meanwhile() {
    for fault in [Fault::GoneEvent, Fault::Refuse(410, None)] {
        end_to_end(|world| {
            let bench = Bench::start(world);
            for name in ["changed", "deleted", "bereft"] {
                bench.put(name, "old");
                bench.made(name, "old");
            }
            bench.proxy.add(Rule::on(SEALED, Fault::Refuse(500, None)));
            bench.proxy.add(Rule::on("", Fault::Refuse(500, None)).watches(true));
            bench.proxy.cut();
            bench.put("changed", "new");
            bench.put("created", "new");
            world.api().delete(Resource::SEALED, &world.namespace, "deleted");
            world.api().delete(Resource::SECRET, &world.namespace, "bereft");
            std::thread::sleep(Duration::from_millis(500));
            bench.proxy.heal();
            // The next watch of either kind, and the one after that.
            for part in [SEALED, SECRETS] {
                bench.proxy.add(Rule::on(part, fault).watches(true).times(2));
            }
            bench.made("changed", "new");
            bench.made("created", "new");
            // A deletion that no watch told of (W14).
            bench.made("bereft", "old");
            eventually("the deleted object is no longer counted", || {
                let page = bench.controller.metrics().text;
                (!page.contains("name=\"deleted\"")).then_some(())
            });
            assert!(bench.faults() >= 4, "the history was gone");
            bench.rest();
        });
    }
}

/// Rows 98 and W15: somebody was faster, again and again.
#[test]
fn conflicts_end_in_the_state_that_is_wanted() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        bench.put("db", "old");
        bench.synced("db");
        for part in [SECRETS, "/status"] {
            bench.proxy.add(Rule::on(part, Fault::Refuse(409, None)).method(Method::PUT).times(4));
        }
        bench.put("db", "new");
        bench.made("db", "new");
        bench.synced("db");
        assert!(bench.faults() >= 8);
        bench.rest();
    });
}

/// Decision 18: who is asked to wait waits, and is not counted as a failure.
#[test]
fn the_pause_that_a_busy_api_server_asks_for_is_kept() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        bench.proxy.add(Rule::on(SECRETS, Fault::Refuse(429, Some(2))).method(Method::POST).times(2));
        bench.proxy.add(Rule::on("/status", Fault::Refuse(429, Some(1))).times(1));
        bench.proxy.add(Rule::on("/events", Fault::Refuse(429, Some(1))).times(1));
        let began = Instant::now();
        bench.put("db", "value");
        bench.made("db", "value");
        bench.synced("db");
        world.event("db", "Unsealed");
        let asked = bench.proxy.asked_since(began);
        let creations: Vec<Instant> = asked
            .iter()
            .filter(|one| one.what.starts_with("POST") && one.what.contains(SECRETS))
            .map(|one| one.at)
            .collect();
        assert_eq!(creations.len(), 3);
        let pauses: Vec<Duration> = creations.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.iter().all(|pause| *pause >= Duration::from_secs(2)), "{pauses:?}");
        assert_eq!(world.event_count("db", "ErrUpdateFailed"), 0);
        bench.rest();
    });
}

/// Row 142: seconds in which every call fails, in three ways.
#[test]
fn an_outage_of_seconds_is_waited_out_and_caught_up() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        bench.put("changed", "old");
        bench.put("bereft", "old");
        bench.made("changed", "old");
        bench.made("bereft", "old");
        type Outage = fn(&Bench<'_>);
        let outages: [Outage; 3] = [
            |bench| {
                bench.proxy.add(Rule::on("", Fault::Refuse(500, None)));
                bench.proxy.cut();
            },
            |bench| {
                bench.proxy.add(Rule::on("", Fault::ResetBefore));
                bench.proxy.cut();
            },
            |bench| bench.proxy.close(),
        ];
        for (round, outage) in outages.into_iter().enumerate() {
            let value = format!("value {round}");
            outage(&bench);
            let began = Instant::now();
            bench.put("changed", &value);
            bench.put(&format!("created-{round}"), &value);
            world.api().delete(Resource::SECRET, &world.namespace, "bereft");
            while began.elapsed() < Duration::from_secs(4) {
                bench.serves();
                std::thread::sleep(Duration::from_millis(200));
            }
            let asked = bench.proxy.asked_since(began).len();
            assert!(asked <= 4 * CALLS_PER_SECOND, "{asked} calls in an outage of {:?}", began.elapsed());
            bench.proxy.heal();
            if round == 2 {
                bench.proxy.open();
            }
            bench.made("changed", &value);
            bench.made(&format!("created-{round}"), &value);
            bench.made("bereft", "old");
            bench.synced("changed");
        }
        bench.rest();
    });
}

/// The API server did what it was asked, and nobody was told.
#[test]
fn a_connection_that_is_reset_in_the_middle_of_a_write_leaves_nothing_half_done_or_done_twice() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        for (method, part) in
            [(Method::POST, SECRETS), (Method::PUT, "/status"), (Method::POST, "/events"), (Method::PUT, SECRETS)]
        {
            bench.proxy.add(Rule::on(part, Fault::ResetAfter).method(method).times(1));
        }
        bench.put("db", "one");
        bench.made("db", "one");
        bench.synced("db");
        let made = world.secret("db").unwrap();
        bench.put("db", "two");
        bench.made("db", "two");
        bench.synced("db");
        assert_eq!(world.secret("db").unwrap()["metadata"]["uid"], made["metadata"]["uid"], "it is the same Secret");

        // A key whose creation nobody confirmed is a key all the same, and not made a second time by the schedule.
        bench.proxy.add(Rule::on(SECRETS, Fault::ResetAfter).method(Method::POST).times(1));
        let before = world.keys().len();
        bench.controller.signal("USR1");
        bench.controller.wait_for_log("Failed to generate new key");
        assert_eq!(world.keys().len(), before + 1);
        bench.proxy.heal();
        bench.rest();
    });
}

/// A route that is lost without a word, such as a load balancer that forgot the connection.
#[test]
fn connections_that_fall_silent_are_noticed_within_a_minute() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        bench.put("db", "old");
        bench.synced("db");
        bench.proxy.freeze();
        let frozen = Instant::now();
        bench.put("db", "new");
        bench.put("other", "new");
        let wanted = || [("db", "new"), ("other", "new")].iter().all(|(name, value)| bench.holds(name, value));
        while !wanted() {
            assert!(frozen.elapsed() < Duration::from_secs(65), "not noticed");
            bench.serves();
            std::thread::sleep(Duration::from_millis(300));
        }
        bench.synced("db");
        bench.rest();
    });
}

/// Row 147, decision 29: a write that hangs.
#[test]
fn an_object_whose_secret_write_hangs_does_not_claim_to_be_synced() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        bench.put("db", "old");
        bench.synced("db");
        let hang = Fault::Delay(Duration::from_secs(8));
        bench.proxy.add(Rule::on(SECRETS, hang).method(Method::PUT).times(1));
        bench.put("db", "new");
        let began = Instant::now();
        eventually("the old success is taken back", || {
            let found = world.sealed_secret("db")?;
            (condition_status(&found, "Synced") == "Unknown").then_some(())
        });
        assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
        // One object that hangs holds up nobody else.
        bench.put("other", "value");
        bench.made("other", "value");
        assert!(!bench.holds("db", "new"));
        bench.made("db", "new");
        bench.synced("db");
    });
}

/// An API server that is too slow for the lease for a moment costs the lead, and nothing else.
#[test]
fn a_lead_that_is_lost_and_comes_back_loses_no_event() {
    end_to_end(|world| {
        let bench = Bench::start(world);
        bench.proxy.add(Rule::on("/events", Fault::Delay(Duration::from_secs(60))).times(1));
        bench.put("db", "value");
        bench.synced("db");
        bench.proxy.add(Rule::on("/leases", Fault::Refuse(500, None)));
        bench.controller.wait_for_log("lease not renewed");
        // It stops writing before the Lease has run out; a change shows that it did.
        std::thread::sleep(Duration::from_secs(11));
        bench.put("late", "value");
        never("it is unsealed", Duration::from_secs(1), || world.secret("late").is_some());
        assert_eq!(world.events("db", "Unsealed"), [] as [Object; 0]);
        bench.proxy.heal();
        world.event("db", "Unsealed");
        bench.made("late", "value");
        bench.rest();
    });
}

/// A controller behind a proxy, with a key that the test knows.
struct Bench<'a> {
    world: &'a World,
    proxy: Proxy,
    controller: Arc<Controller>,
    pair: KeyPair,
}

impl<'a> Bench<'a> {
    fn start(world: &'a World) -> Bench<'a> {
        let pair = KeyPair::valid_from("2024-01-01T00:00:00Z");
        world.create(&pair.secret("key"));
        let proxy = Proxy::start();
        let controller = world.controller().arg("--key-renew-period=0").through(&proxy).start();
        Bench { world, proxy, controller, pair }
    }

    /// Creates the SealedSecret, or gives it another value, past the proxy.
    fn put(&self, name: &str, value: &str) -> Object {
        let sealed = self.pair.sealed_secret(&self.world.namespace, name, "foo", value);
        match self.world.sealed_secret(name) {
            None => self.world.create(&sealed),
            Some(_) => self.world.set_spec(name, &sealed["spec"]),
        }
    }

    fn holds(&self, name: &str, value: &str) -> bool {
        self.world.secret(name).is_some_and(|found| decoded(&found)["foo"] == value)
    }

    fn made(&self, name: &str, value: &str) {
        eventually(&format!("Secret {name} holds {value:?}"), || self.holds(name, value).then_some(()));
    }

    fn synced(&self, name: &str) {
        self.world.synced(name);
    }

    /// Number of requests that a rule was about.
    fn faults(&self) -> usize {
        let first = Instant::now().checked_sub(Duration::from_secs(600)).unwrap_or_else(Instant::now);
        self.proxy.asked_since(first).iter().filter(|one| one.is_faulty).count()
    }

    /// What nobody who only wants a certificate may notice.
    fn serves(&self) {
        assert_eq!(self.controller.get("/healthz").status, 200);
        assert_eq!(self.controller.certificate(), self.pair.certificate);
    }

    /// Nothing is wrong any more: it works, and it is quiet.
    fn rest(&self) {
        self.serves_anything();
        self.put("last", "value");
        self.made("last", "value");
        self.world.synced("last");
        self.world.event("last", "Unsealed");
        std::thread::sleep(Duration::from_secs(1));
        let began = Instant::now();
        never("it ends", Duration::from_secs(3), || !self.controller.is_running());
        let asked = self.proxy.asked_since(began);
        assert!(asked.len() <= 4, "it does not rest: {asked:?}");
    }

    fn serves_anything(&self) {
        assert_eq!(self.controller.get("/healthz").status, 200);
        self.controller.certificate();
    }
}
