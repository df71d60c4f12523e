//! The controller and kubeseal on a real API server, by the checklist of spec/controller.md section 18.
//!
//! Rows of that checklist stand in the doc comment of the test that covers them.

#![allow(clippy::panic, clippy::unwrap_used)]

mod account;
mod burst;
mod causes;
mod chaos;
mod clients;
mod command_line;
mod conditions;
mod content;
mod credentials;
mod deletion;
mod drift;
mod exposed;
mod faults;
mod forbidden_writes;
mod foreign_content;
mod golden;
mod harness;
mod http;
mod immutable;
mod key_material;
mod key_order;
mod keys;
mod large;
mod leader;
mod legacy;
mod lifecycle;
mod lists;
mod logging;
mod metrics;
mod namespaces;
mod old_collection;
mod ownership;
mod permissions;
mod recreation;
mod refusals;
mod renewal;
mod repositories;
mod restart;
mod rotate;
mod scopes;
mod separate_cluster;
mod status;
mod templates;
mod unreachable;
mod verdicts;
mod verify;
mod watch_for_secrets;
