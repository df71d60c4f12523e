//! What every reconcile works with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::api::Api;
use crate::args::StatusConditions;
use crate::decide::status::{OwnFields, StatusOptions};
use crate::events::Recorder;
use crate::keys::Keys;
use crate::leadership::Leadership;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::object::ObjectKey;
use crate::pending::Pending;
use crate::private_work::PrivateWork;
use crate::queue::Queue;
use crate::rendering::Rendering;
use crate::store::Store;

/// Shared by the watches, the workers and the key tasks.
pub struct Context {
    /// Calls to the API server.
    pub api: Arc<Api>,
    /// Whether this replica is the one that writes.
    pub leadership: Leadership,
    /// Watched objects.
    pub store: Arc<Store>,
    /// What is to be done.
    pub queue: Arc<Queue<ObjectKey>>,
    /// Changed objects whose old success must not stand for long.
    pub pending: Pending,
    /// Own attempts.
    pub memory: Memory,
    /// Sealing keys.
    pub keys: Arc<Keys>,
    /// Where private keys are used.
    pub private_work: PrivateWork,
    /// Where templates are rendered.
    pub rendering: Rendering,
    /// Events.
    pub recorder: Recorder,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Flags.
    pub settings: Settings,
    /// What the schema was seen to do to our own status fields.
    pub own_fields: OwnFieldsSeen,
}

/// The flags that reconciles look at.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `--accept-deprecated-v1-data`
    pub accept_deprecated_data: bool,
    /// `--old-gc-behavior`
    pub old_gc: bool,
    /// `--heal-drift`
    pub heal_drift: bool,
    /// `--skip-recreate`
    pub skip_recreate: bool,
    /// `--update-status`
    pub update_status: bool,
    /// `--status-conditions`
    pub status_conditions: StatusConditions,
    /// `--max-unseal-retries`
    pub fast_retries: u32,
}

impl Context {
    /// What may be written into a status.
    pub fn status_options(&self) -> StatusOptions {
        StatusOptions { conditions: self.settings.status_conditions, own_fields: self.own_fields.get() }
    }
}

/// Remembers what the schema does to our own status fields.
#[derive(Default)]
pub struct OwnFieldsSeen(AtomicU8);

impl OwnFieldsSeen {
    const KEPT: u8 = 1;
    const DROPPED: u8 = 2;

    /// Notes that a status holds them.
    pub fn kept(&self) {
        self.0.store(Self::KEPT, Ordering::Relaxed);
    }

    /// Notes that they were sent and did not come back.
    pub fn dropped(&self) {
        self.0.store(Self::DROPPED, Ordering::Relaxed);
    }

    fn get(&self) -> OwnFields {
        match self.0.load(Ordering::Relaxed) {
            Self::KEPT => OwnFields::Kept,
            Self::DROPPED => OwnFields::Dropped,
            _ => OwnFields::Unknown,
        }
    }
}
