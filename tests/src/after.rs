//! What is checked after every test, and what is shown after one that failed.

use crate::api::Resource;
use crate::leak;
use crate::world::World;

impl World {
    /// Panics when a controller crashed, was refused a call, or showed what it must keep.
    pub(crate) fn check_after(&self) {
        for (index, controller) in self.controllers().iter().enumerate() {
            assert!(!controller.ended_by_itself(), "controller {index} ended by itself");
            assert!(!controller.stderr().contains("panicked at"), "controller {index} panicked");
        }
        let plain = self.plain.lock().unwrap().clone();
        leak::check(&self.texts(), &plain);
        self.check_permissions();
    }

    /// The controller asks for nothing that the published roles do not allow, except once for a lease.
    fn check_permissions(&self) {
        if self.expects_refusals() {
            return;
        }
        let refused: Vec<_> = self.calls().into_iter().filter(|call| call.code == 403 && !call.permitted).collect();
        let (leases, others): (Vec<_>, Vec<_>) = refused.into_iter().partition(|call| call.resource == "leases");
        assert!(others.is_empty(), "the controller was refused: {others:?}");
        let starts = self.controllers().len();
        assert!(leases.len() <= starts, "the controller asked for leases again and again: {leases:?}");
    }

    /// Every text that people without access to Secrets can read.
    fn texts(&self) -> Vec<(String, String)> {
        let mut texts = self.heard.lock().unwrap().clone();
        for (index, controller) in self.controllers().iter().enumerate() {
            texts.push((format!("stdout of controller {index}"), controller.stdout()));
            texts.push((format!("stderr of controller {index}"), controller.stderr()));
            if controller.is_running() {
                let metrics = controller.try_metrics("/metrics").map(|reply| reply.body).unwrap_or_default();
                texts.push((format!("metrics of controller {index}"), metrics));
            }
        }
        for namespace in self.namespaces() {
            for (what, resource) in [("SealedSecret", Resource::SEALED), ("Event", Resource::EVENT)] {
                for object in self.api().list(resource, &namespace, "") {
                    texts.push((format!("{what} {}", object["metadata"]["name"]), object.to_string()));
                }
            }
        }
        texts
    }

    /// Prints what was there when the test failed.
    pub(crate) fn show(&self) {
        for namespace in self.namespaces() {
            eprintln!("--- namespace {namespace}");
            for object in self.api().list(Resource::SEALED, &namespace, "") {
                eprintln!(
                    "SealedSecret {}\n  metadata {}\n  status {}",
                    object["metadata"]["name"],
                    brief(&object),
                    object["status"]
                );
            }
            for object in self.api().list(Resource::SECRET, &namespace, "") {
                let items: Vec<_> = object["data"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
                eprintln!(
                    "Secret {} {} items {items:?}\n  metadata {}",
                    object["metadata"]["name"],
                    object["type"],
                    brief(&object)
                );
            }
            for event in self.api().list(Resource::EVENT, &namespace, "") {
                eprintln!(
                    "Event {} ×{} {}: {}",
                    event["involvedObject"]["name"], event["count"], event["reason"], event["message"]
                );
            }
        }
        for (index, controller) in self.controllers().iter().enumerate() {
            eprintln!("--- controller {index}, stdout\n{}", controller.stdout());
            eprintln!("--- controller {index}, stderr\n{}", controller.stderr());
        }
        for (place, text) in self.heard.lock().unwrap().clone().iter().filter(|(_, text)| !text.is_empty()) {
            eprintln!("--- {place}\n{text}");
        }
    }
}

fn brief(object: &serde_json::Value) -> serde_json::Value {
    let mut metadata = object["metadata"].clone();
    if let Some(fields) = metadata.as_object_mut() {
        fields.remove("managedFields");
    }
    metadata
}
