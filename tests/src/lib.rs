//! The harness of the end-to-end tests: our own binaries on a real API server, a namespace per test.
//!
//! [`end_to_end`] gives a test its [`World`]. What a test plants there in plain text must show up in Secrets and nowhere
//! else, and the controller must get along with the published roles; both is checked after every test, so that no test
//! has to think of it. A test that fails shows the objects, the events and the controller's log of its namespace.

#![cfg(feature = "end-to-end")]
#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking and shows why")]

mod after;
mod api;
mod audit;
mod binary;
mod cluster;
mod controller;
mod http_client;
mod kubeseal;
mod leak;
mod look;
mod metrics;
mod objects;
mod permissions;
mod process_memory;
mod proxy;
mod publish;
mod roles;
mod wait;
mod world;

pub use api::{Api, Refusal, Resource};
pub use audit::Call;
pub use binary::{Finished, kubeseal_program, run_controller};
pub use cluster::{Cluster, definition};
pub use controller::{Controller, Launch};
pub use http_client::Reply;
pub use metrics::Metrics;
pub use objects::{
    KeyPair, Object, base64, condition, condition_status, decoded, key_secret, message, sealed_value, secret,
    undecryptable, without,
};
pub use permissions::{Permission, published_permissions};
pub use proxy::{Asked, Fault, Proxy, Rule};
pub use wait::{DEADLINE, eventually, eventually_within, never};
pub use world::{World, end_to_end, end_to_end_in_kube_system, end_to_end_without_crd};
