//! What nobody can be faster than: the private operations and the API server's own work, on this machine, now.

use std::time::Instant;

use sealed_secrets_bench::Failure;
use sealed_secrets_bench::rounds::spread;
use sealed_secrets_crypto::{Hints, KeyRing, Label, PrivateKey, SealingKey, SystemRandom, seal};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::Record;
use crate::cluster::Cluster;
use crate::objects::foreign;
use crate::process::processor_of_thread;

const OPERATIONS: u32 = 100;
/// What the servers do of their own accord comes and goes, so that one block alone says little.
const BLOCKS: usize = 7;
const CREATIONS: u32 = 150;
const NAMESPACE: &str = "floor";

/// In seconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Floor {
    /// Processor time of one RSA-4096 private operation.
    pub private_operation: f64,
    /// Processor time that the servers need to create one Secret.
    pub creation: f64,
    /// How long a client waits for that.
    pub creation_latency: f64,
}

/// Measures; `round` makes the names of what is created differ.
pub async fn measure(cluster: &Cluster, key: &PrivateKey, round: usize) -> Result<Floor, Failure> {
    let private_operation = private_operation(key)?;
    if round == 0 {
        cluster.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})).await?;
    }
    let mut record = Record::begin(&cluster.audit_log, String::new())?;
    let mut costs = Vec::new();
    let mut idle = cluster.idle_share().await?;
    for block in 0..BLOCKS {
        let (before, began) = (cluster.processor()?, Instant::now());
        for index in 0..CREATIONS {
            cluster.create(&foreign(NAMESPACE, &format!("s-{round}-{block}-{index}"), 64)).await?;
        }
        let (used, elapsed) = (cluster.processor()? - before, began.elapsed().as_secs_f64());
        let after = cluster.idle_share().await?;
        costs.push((used - elapsed * (idle + after) / 2.0) / f64::from(CREATIONS));
        idle = after;
    }
    record.read()?;
    let waits = record.calls.iter().filter(|call| call.verb == "create" && call.resource == "secrets");
    let waits: Vec<f64> = waits.map(|call| call.answered.duration_since(call.received).as_secs_f64()).collect();
    let (creation, creation_latency) = (spread(&costs).median, spread(&waits).median);
    Ok(Floor { private_operation, creation, creation_latency })
}

fn private_operation(key: &PrivateKey) -> Result<f64, Failure> {
    let label = Label::strict("ns", "name");
    let envelope = seal(key.public_key(), &label, b"value", &mut SystemRandom)?;
    let ring = KeyRing::new(vec![SealingKey::unpublished(key.clone(), jiff::Timestamp::UNIX_EPOCH)]);
    // The first use imports the key.
    ring.open(&label, &envelope, &Hints::default())?;
    let before = processor_of_thread()?;
    for _ in 0..OPERATIONS {
        ring.open(&label, &envelope, &Hints::default())?;
    }
    Ok((processor_of_thread()? - before) / f64::from(OPERATIONS))
}

impl Floor {
    /// The mean of what was measured before and after something.
    pub fn between(self, other: Floor) -> Floor {
        let mean = |of: fn(&Floor) -> f64| (of(&self) + of(&other)) / 2.0;
        Floor {
            private_operation: mean(|floor| floor.private_operation),
            creation: mean(|floor| floor.creation),
            creation_latency: mean(|floor| floor.creation_latency),
        }
    }
}
