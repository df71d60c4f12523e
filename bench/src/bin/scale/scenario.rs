//! One cluster, one number of objects, one number of keys: what a controller needs for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use sealed_secrets_bench::rounds::spread;
use sealed_secrets_crypto::PrivateKey;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::audit::Record;
use crate::cluster::Cluster;
use crate::floor::{self, Floor};
use crate::objects::{foreign, key, key_secret, next_second, sealed};
use crate::process::{Controller, Memory, processor, processor_of_machine};

const NAMESPACES: usize = 10;
/// Objects created one by one on an idle controller, and restarts right after which one is created.
const SINGLES: usize = 31;
const RESTARTS: usize = 5;
/// Secrets of nobody's concern, and their size.
const FOREIGN: usize = 3000;
const FOREIGN_BYTES: usize = 50 << 10;
/// How often a controller is started for that. Its memory differs by half a MiB from start to start.
const STARTS: usize = 7;
/// Items of the one large object.
pub const ITEMS: usize = 300;
/// Nothing is going on any more when nothing went on for this long.
const CALM: Duration = Duration::from_secs(2);
/// How often all objects are looked at, if the log does not say that they are synced.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(15);
/// Longest wait for all objects to be synced.
const PATIENCE: Duration = Duration::from_secs(3600);

/// What is to be measured.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// SealedSecrets.
    pub objects: usize,
    /// Sealing keys; each sealed an equal part of the objects while it was the current one.
    pub keys: usize,
    /// The folder with the key pairs.
    pub key_folder: PathBuf,
    /// The controller.
    pub program: PathBuf,
    /// Its flags.
    pub arguments: Vec<String>,
    /// Whether to measure what does not depend on the number of objects and keys as well.
    pub extras: bool,
}

/// What was measured; times in seconds, memory in bytes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Figures {
    /// See [`Scenario`].
    pub objects: usize,
    /// See [`Scenario`].
    pub keys: usize,
    /// Of the machine.
    pub cores: usize,
    /// The mean of what was measured before and after the cold start.
    pub floor: Floor,
    /// From the start until the last object is synced.
    pub cold_wall: f64,
    /// Share of the machine that was used by neither controller nor servers nor us meanwhile.
    pub cold_others: f64,
    /// Processor time of the controller, without what a start on nothing takes.
    pub cold_processor: f64,
    /// Uses of private keys, if the controller counts them.
    pub cold_decryptions: Option<f64>,
    /// Calls by kind.
    pub cold_calls: BTreeMap<String, usize>,
    /// From a start on what is in sync until nothing goes on.
    pub restart_quiet: f64,
    /// Calls by kind.
    pub restart_calls: BTreeMap<String, usize>,
    /// Uses of private keys.
    pub restart_decryptions: Option<f64>,
    /// From a SealedSecret to its Secret on an idle controller, median.
    pub single: f64,
    /// The same for one created as soon as a restarted controller is ready.
    pub single_after_restart: f64,
    /// Memory without any SealedSecret.
    pub empty: Memory,
    /// Memory after all were opened.
    pub full: Memory,
    /// Memory for each foreign Secret.
    pub foreign: Option<f64>,
    /// From an object of many items to its Secret.
    pub many_items: Option<f64>,
}

/// Measures.
pub async fn run(scenario: &Scenario, manifests: &Path, work: &Path) -> Result<Figures, Failure> {
    let mut figures = Figures {
        objects: scenario.objects,
        keys: scenario.keys,
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        ..Figures::default()
    };
    let keys: Vec<PrivateKey> =
        (0..scenario.keys).map(|index| key(&scenario.key_folder, index)).collect::<Result<_, _>>()?;
    let stage = Stage::set(scenario, &keys, manifests, work).await?;
    let start_alone = stage.start_on_nothing(&mut figures).await?;
    stage.make_history(&keys).await?;
    stage.cold_start(&mut figures, start_alone).await?;
    stage.restart(&mut figures).await?;
    stage.singles(&mut figures).await?;
    if scenario.extras {
        stage.large_object(&mut figures).await?;
        stage.foreign_secrets(&mut figures).await?;
    }
    Ok(figures)
}

/// A cluster with everything in place.
struct Stage<'a> {
    scenario: &'a Scenario,
    cluster: Cluster,
    token: PathBuf,
    log: PathBuf,
    newest: &'a PrivateKey,
}

impl<'a> Stage<'a> {
    async fn set(
        scenario: &'a Scenario,
        keys: &'a [PrivateKey],
        manifests: &Path,
        work: &Path,
    ) -> Result<Stage<'a>, Failure> {
        let cluster = Cluster::find().await?;
        cluster.install(manifests)?;
        let token = work.join("token");
        cluster.write_token(&token).await?;
        for index in 0..NAMESPACES {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(index)}});
            cluster.create(&namespace).await?;
        }
        let newest = keys.last().ok_or("at least one key is needed")?;
        Ok(Stage { scenario, cluster, token, log: work.join("controller"), newest })
    }

    /// Memory and processor time of a controller that has a key and nothing to do.
    async fn start_on_nothing(&self, figures: &mut Figures) -> Result<f64, Failure> {
        let first = key(&self.scenario.key_folder, 0)?;
        self.cluster.create(&key_secret(0, &first, next_second().await?)?).await?;
        let mut record = self.record()?;
        let mut controller = self.start()?;
        controller.ready().await?;
        self.quiet(&mut record, &controller).await?;
        figures.empty = controller.memory()?;
        let used = controller.processor()?;
        controller.end().await?;
        Ok(used)
    }

    /// Creates keys and objects as years of use would: every object was sealed with the key that was current when it was
    /// created, and every key sealed as many.
    async fn make_history(&self, keys: &[PrivateKey]) -> Result<(), Failure> {
        let mut secrets = Vec::new();
        for (index, key) in keys.iter().enumerate() {
            let mine = (0..self.scenario.objects).filter(|object| object % keys.len() == index);
            let objects: Vec<Value> = mine
                .map(|object| sealed(&namespace(object / keys.len()), &format!("db-{object}"), key.public_key(), 1))
                .collect::<Result<_, _>>()?;
            if index > 0 {
                // The certificate begins with the second in which the first of its objects is made.
                secrets.push(key_secret(index, key, next_second().await?)?);
            }
            self.cluster.create_all(&objects).await?;
        }
        self.cluster.create_all(&secrets).await
    }

    /// The first start: everything has to be opened and written.
    async fn cold_start(&self, figures: &mut Figures, start_alone: f64) -> Result<(), Failure> {
        let before = floor::measure(&self.cluster, self.newest, 0).await?;
        let busy = self.busy(0.0)?;
        let mut record = self.record()?;
        let began = Timestamp::now();
        let controller = self.start()?;
        let statuses = |record: &Record| -> Vec<Timestamp> {
            let writes = record.work().filter(|call| call.resource == "sealedsecrets/status" && call.code == 200);
            writes.map(|call| call.answered).collect()
        };
        let mut looked = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            record.read()?;
            // Each is written at least once. A write that nobody waited for the end of may be missing in the log.
            let may_be_all = statuses(&record).len() >= self.scenario.objects || looked.elapsed() > LOOKED_AT_EVERY;
            if may_be_all {
                if self.cluster.synced().await? >= self.scenario.objects {
                    break;
                }
                looked = Instant::now();
            }
            if controller.started.elapsed() > PATIENCE {
                return Err("not all objects became synced".into());
            }
        }
        let last = statuses(&record).into_iter().max().unwrap_or(began);
        figures.cold_wall = last.duration_since(began).as_secs_f64();
        let elapsed = controller.started.elapsed().as_secs_f64();
        let others = self.busy(controller.processor()?)? - busy;
        figures.cold_others = (others / elapsed / figures.cores as f64).max(0.0);
        self.quiet(&mut record, &controller).await?;
        figures.cold_processor = controller.processor()? - start_alone;
        figures.cold_decryptions = controller.decryptions();
        figures.cold_calls = record.counts();
        figures.full = controller.memory()?;
        controller.end().await?;
        let after = floor::measure(&self.cluster, self.newest, 1).await?;
        figures.floor = before.between(after);
        Ok(())
    }

    /// A start on what is in sync.
    async fn restart(&self, figures: &mut Figures) -> Result<(), Failure> {
        let mut record = self.record()?;
        let controller = self.start()?;
        figures.restart_quiet = self.quiet(&mut record, &controller).await?;
        figures.restart_calls = record.counts();
        figures.restart_decryptions = controller.decryptions();
        controller.end().await
    }

    /// From SealedSecret to Secret: on an idle controller, and on one that has just begun.
    async fn singles(&self, figures: &mut Figures) -> Result<(), Failure> {
        let (mut idle, mut fresh) = (Vec::new(), Vec::new());
        for round in 0..RESTARTS {
            let mut record = self.record()?;
            let mut controller = self.start()?;
            controller.ready().await?;
            fresh.push(self.single(&mut record, &format!("fresh-{round}"), 1).await?);
            self.quiet(&mut record, &controller).await?;
            for index in 0..SINGLES / RESTARTS {
                idle.push(self.single(&mut record, &format!("idle-{round}-{index}"), 1).await?);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            controller.end().await?;
        }
        figures.single = spread(&idle).median;
        figures.single_after_restart = spread(&fresh).median;
        Ok(())
    }

    async fn single(&self, record: &mut Record, name: &str, items: usize) -> Result<f64, Failure> {
        let namespace = namespace(0);
        self.cluster.create(&sealed(&namespace, name, self.newest.public_key(), items)?).await?;
        let object = format!("{namespace}/{name}");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            record.read()?;
            let answered = |resource| record.first("create", resource, &object).map(|call| call.answered);
            if let (Some(asked), Some(made)) = (answered("sealedsecrets"), answered("secrets")) {
                return Ok(made.duration_since(asked).as_secs_f64());
            }
        }
        Err(format!("no Secret was made for {object}").into())
    }

    /// One object of many items.
    async fn large_object(&self, figures: &mut Figures) -> Result<(), Failure> {
        let mut record = self.record()?;
        let mut controller = self.start()?;
        controller.ready().await?;
        self.quiet(&mut record, &controller).await?;
        let mut times = Vec::new();
        for round in 0..3 {
            times.push(self.single(&mut record, &format!("large-{round}"), ITEMS).await?);
        }
        figures.many_items = Some(spread(&times).median);
        controller.end().await
    }

    /// Memory with and without many large Secrets that are nobody's concern.
    async fn foreign_secrets(&self, figures: &mut Figures) -> Result<(), Failure> {
        let without = self.resident_after_start().await?;
        let secrets: Vec<Value> =
            (0..FOREIGN).map(|index| foreign(&namespace(index), &format!("foreign-{index}"), FOREIGN_BYTES)).collect();
        self.cluster.create_all(&secrets).await?;
        let with = self.resident_after_start().await?;
        figures.foreign = Some((with - without).max(0.0) / FOREIGN as f64);
        Ok(())
    }

    async fn resident_after_start(&self) -> Result<f64, Failure> {
        let mut samples = Vec::new();
        for _ in 0..STARTS {
            let mut record = self.record()?;
            let mut controller = self.start()?;
            controller.ready().await?;
            self.quiet(&mut record, &controller).await?;
            samples.push(controller.memory()?.resident as f64);
            controller.end().await?;
        }
        Ok(spread(&samples).median)
    }

    /// Waits until the controller neither asks nor computes; gives the time from its start until it last did.
    async fn quiet(&self, record: &mut Record, controller: &Controller) -> Result<f64, Failure> {
        const SAMPLE: Duration = Duration::from_millis(100);
        /// Watches and the lease need less.
        const BUSY: f64 = 0.02;
        let (mut used, mut seen) = (controller.processor()?, record.asked());
        let mut active = controller.started.elapsed();
        while controller.started.elapsed() - active < CALM {
            tokio::time::sleep(SAMPLE).await;
            record.read()?;
            let now = (controller.processor()?, record.asked());
            if now.0 - used > BUSY || now.1 != seen {
                active = controller.started.elapsed();
            }
            (used, seen) = now;
        }
        Ok(active.as_secs_f64())
    }

    /// Processor time of the machine beside the controller (which has used so much), the servers and this process.
    fn busy(&self, controller: f64) -> Result<f64, Failure> {
        Ok(processor_of_machine()? - controller - self.cluster.processor()? - processor(std::process::id())?)
    }

    fn start(&self) -> Result<Controller, Failure> {
        let Scenario { program, arguments, .. } = self.scenario;
        Controller::start(&self.cluster, &self.token, program, arguments, &self.log)
    }

    fn record(&self) -> Result<Record, Failure> {
        Record::begin(&self.cluster.audit_log, self.cluster.account())
    }
}

fn namespace(index: usize) -> String {
    format!("team-{}", index % NAMESPACES)
}
