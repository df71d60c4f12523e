//! How much a template may cost.

/// What the templates of one object may use together. Beyond it rendering ends with an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output of all entries.
    pub output_bytes: usize,
    /// Bytes that may be built while rendering, whether they are still held or not.
    pub allocated_bytes: usize,
    /// Steps: about one per action, loop turn, call, and element walked.
    pub steps: u64,
    /// Levels of templates, blocks, calls and nested values, together.
    pub depth: usize,
    /// Calls of slow functions: keys, certificates, password hashes.
    pub slow_calls: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { output_bytes: 1 << 20, allocated_bytes: 64 << 20, steps: 2_000_000, depth: 500, slow_calls: 16 }
    }
}

/// The bound that a template went past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// [`Limits::output_bytes`]
    #[error("the output is too large")]
    Output,
    /// [`Limits::allocated_bytes`]
    #[error("the values are too large")]
    Allocated,
    /// [`Limits::steps`]
    #[error("the template takes too many steps")]
    Steps,
    /// [`Limits::depth`]
    #[error("the nesting is too deep")]
    Depth,
    /// [`Limits::slow_calls`]
    #[error("too many keys, certificates or password hashes")]
    SlowCalls,
    /// The caller's time is up.
    #[error("the template takes too long")]
    Time,
}
