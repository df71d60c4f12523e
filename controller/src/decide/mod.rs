//! Every rule of the controller, as pure functions: what is known goes in, what to do comes out.
//!
//! Nothing here reads a clock, the network or the environment; the lint below holds that line.

#![deny(clippy::disallowed_methods)]

pub mod cause;
pub mod desired;
pub mod drift;
pub mod failure;
pub mod lease;
pub mod news;
pub mod order;
pub mod ownership;
pub mod plan;
pub mod renewal;
pub mod retry;
pub mod status;
pub mod volatile;

#[cfg(test)]
pub mod fixtures;
