//! What the measuring programs of `make bench` share: interleaved rounds, starting programs, counting instructions, tables.
//!
//! Nothing here but [`subject`] depends on the code under test, so that a program which only starts others stays small:
//! what a process has in memory when it starts another counts towards that other's maximum.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

pub mod instructions;
pub mod launch;
pub mod rounds;
pub mod runs;
pub mod subject;
pub mod table;

/// What ends a measuring program early.
pub type Failure = Box<dyn std::error::Error>;
