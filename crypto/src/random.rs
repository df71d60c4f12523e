//! Randomness comes in as an argument, so that tests can fix it and no rule of ours hides a generator.

use crate::backend::{Backend, Chosen};

/// A cryptographically secure source of random bytes.
pub trait Random {
    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Errors
    /// [`RandomError`] when the source cannot deliver; `bytes` must not be used then.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// The generator of the compiled-in backend, seeded by the operating system.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        Chosen::random(bytes)
    }
}

/// The operating system's random generator failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random number generator failed")]
pub struct RandomError;
