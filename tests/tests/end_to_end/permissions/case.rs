//! A controller that lacks a permission, and what is asked of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealed_secrets_tests::{Controller, KeyPair, Launch, Proxy, Resource, World, decoded, eventually};
use serde_json::json;

/// Calls that a controller may make in so many seconds after a refusal: five fast repetitions, then a few slow ones.
const WINDOW: Duration = Duration::from_secs(5);
const CALLS_IN_WINDOW: usize = 45;
const REFUSALS_IN_WINDOW: usize = 15;

/// One row at work.
pub(super) struct Case<'a> {
    pub(super) world: &'a World,
    /// A namespace in which nothing but the cluster role counts.
    pub(super) watched: String,
    pub(super) pair: KeyPair,
    pub(super) proxy: Option<Proxy>,
    pub(super) controller: Option<Arc<Controller>>,
    /// Since when the permission is missing.
    pub(super) begin: Timestamp,
}

impl<'a> Case<'a> {
    pub(super) fn launch(&self, flags: &[&str]) -> Launch<'a> {
        let launch = self.world.controller().arg("--key-renew-period=0");
        let launch = launch.arg(&format!("--additional-namespaces={}", self.watched));
        let launch = self.proxy.iter().fold(launch, Launch::through);
        flags.iter().fold(launch, |launch, flag| launch.arg(flag))
    }

    pub(super) fn controller(&self) -> &Controller {
        self.controller.as_ref().unwrap()
    }

    /// Creates the SealedSecret, or gives it another value.
    pub(super) fn put(&self, name: &str, value: &str) {
        let sealed = self.pair.sealed_secret(&self.watched, name, "foo", value);
        match self.world.api().get(Resource::SEALED, &self.watched, name) {
            None => self.world.create(&sealed),
            Some(_) => self.world.api().set(Resource::SEALED, &self.watched, name, "/spec", &sealed["spec"]),
        };
    }

    pub(super) fn items(&self, name: &str) -> Option<String> {
        let secret = self.world.api().get(Resource::SECRET, &self.watched, name)?;
        decoded(&secret).remove("foo")
    }

    pub(super) fn made(&self, name: &str, value: &str) {
        eventually(&format!("Secret {name} holds {value:?}"), || {
            self.items(name).filter(|held| held == value).map(drop)
        });
    }

    pub(super) fn synced(&self, name: &str) {
        eventually(&format!("SealedSecret {name} is synced"), || {
            let found = self.world.api().get(Resource::SEALED, &self.watched, name)?;
            (sealed_secrets_tests::condition_status(&found, "Synced") == "True").then_some(())
        });
    }

    pub(super) fn events(&self, name: &str) -> Vec<sealed_secrets_tests::Object> {
        let query = format!("fieldSelector=involvedObject.name%3D{name}");
        self.world.api().list(Resource::EVENT, &self.watched, &query)
    }

    pub(super) fn delete_secret(&self, name: &str) {
        self.world.api().delete(Resource::SECRET, &self.watched, name);
    }

    pub(super) fn hold_secret(&self, name: &str, finalizers: &serde_json::Value) {
        let patch = json!({"metadata": {"finalizers": finalizers}});
        self.world.api().merge(Resource::SECRET, &self.watched, name, &patch);
    }

    pub(super) fn logged(&self, text: &str) {
        // Quotes are escaped in the log.
        let escaped = text.replace('"', "\\\"");
        eventually(&format!("the log says {text:?}"), || {
            let log = self.controller().stdout() + &self.controller().stderr();
            (log.contains(text) || log.contains(&escaped)).then_some(())
        });
    }

    pub(super) fn serves(&self) {
        assert_eq!(self.controller().get("/healthz").status, 200);
        assert!(self.controller().is_running());
        self.controller().certificate();
    }

    /// No crash and no busy loop since the permission is missing.
    pub(super) fn is_calm(&self) {
        let Some(controller) = &self.controller else { return };
        self.serves();
        let (began, looked_from) = (Instant::now(), self.world.calls().len());
        while began.elapsed() < WINDOW {
            assert!(controller.is_running());
            std::thread::sleep(Duration::from_millis(100));
        }
        let calls = self.world.calls().split_off(looked_from);
        let refused = calls.iter().filter(|call| call.code == 403).count();
        assert!(
            calls.len() < CALLS_IN_WINDOW && refused < REFUSALS_IN_WINDOW,
            "{} calls, {refused} refused",
            calls.len()
        );
        let since = self.world.calls().into_iter().filter(|call| call.received >= self.begin && call.code == 403);
        assert!(since.count() > 0, "the permission was never needed");
    }
}
