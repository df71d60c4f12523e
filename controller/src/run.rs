//! The life of the process: listeners, keys, watches, workers, and the end (spec/controller.md 2 and 13, W30, W32).

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info};

use crate::api::{Api, ApiError};
use crate::args::{NamespaceScope, Options, VERSION};
use crate::client::{self, ClientError};
use crate::context::{Context, OwnFieldsSeen, Settings};
use crate::election::Election;
use crate::events::Recorder;
use crate::http::bodies::Bodies;
use crate::http::gate::Gate;
use crate::http::rotate::Rotator;
use crate::http::scrape::MetricsService;
use crate::http::verify::Verifier;
use crate::http::{self, ApiService};
use crate::keys::Keys;
use crate::leadership::Leadership;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::pending::{self, Pending};
use crate::private_work::PrivateWork;
use crate::queue::Queue;
use crate::readiness::Readiness;
use crate::rendering::Rendering;
use crate::renew::{RenewError, Renewer};
use crate::store::Store;
use crate::throttle::Throttle;
use crate::{key_secrets, watch, workers};

/// Longest time for work in progress to end after a signal. Kubernetes allows 30 s before it kills.
const FAREWELL: Duration = Duration::from_secs(25);

/// Why the controller cannot start. The exit code is 2.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No way to the API server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// An address is taken or is none.
    #[error("cannot listen on {address}: {problem}")]
    Listen {
        /// As given.
        address: String,
        /// The system's word.
        problem: std::io::Error,
    },
    /// Signals cannot be received.
    #[error("cannot receive signals: {0}")]
    Signals(std::io::Error),
    /// The API server refused something that is needed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The first key could not be made.
    #[error(transparent)]
    FirstKey(#[from] RenewError),
}

/// Runs until a signal ends it.
pub async fn run(options: Options, environment: &dyn Fn(&str) -> Option<String>) -> Result<(), StartError> {
    info!(version = VERSION, "Starting sealed-secrets controller");
    let listen = |kind| signal(kind).map_err(StartError::Signals);
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let renew = listen(SignalKind::user_defined1())?;
    let end = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let mut end = std::pin::pin!(end);

    let stop = CancellationToken::new();
    let mut tasks = Tasks::default();
    let started = tokio::select! {
        started = start(options, environment, renew, &stop, &mut tasks) => started.map(|()| Began::Wholly),
        // The start may be waiting for the API server.
        () = &mut end => Ok(Began::Partly),
    };
    if let Ok(Began::Wholly) = started {
        end.await;
    }
    if started.is_ok() {
        info!("Shutting down controller");
    }
    stop.cancel();
    // Also after a start that was refused: the Lease that it took would make the next one wait.
    if tokio::time::timeout(FAREWELL, tasks.end()).await.is_err() {
        error!("work in progress did not end in time and is cut off");
    }
    started.map(drop)
}

/// How far a start came before its end was asked for.
enum Began {
    Wholly,
    Partly,
}

/// What runs until the end.
#[derive(Default)]
struct Tasks {
    listeners: JoinSet<()>,
    /// Everything that writes.
    writers: JoinSet<()>,
    election: JoinSet<()>,
    resign: CancellationToken,
}

impl Tasks {
    /// Waits for the end of everything. The lead is given back as soon as nothing is written any more, whatever clients of
    /// the listeners do.
    async fn end(mut self) {
        let resigned = async {
            while self.writers.join_next().await.is_some() {}
            self.resign.cancel();
            while self.election.join_next().await.is_some() {}
        };
        let closed = async { while self.listeners.join_next().await.is_some() {} };
        tokio::join!(resigned, closed);
    }
}

/// Starts everything; what runs on is in `tasks` and ends with `stop`.
async fn start(
    options: Options,
    environment: &dyn Fn(&str) -> Option<String>,
    renew: Signal,
    stop: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<(), StartError> {
    let client = client::connect(environment).await?;
    let namespace = client::own_namespace(environment);
    let leadership = match &options.lease {
        Some(_) => Leadership::follower(),
        None => Leadership::always(),
    };
    let api = Arc::new(Api::new(client.clone(), options.call_rate.map(Throttle::new), leadership.clone()));
    let metrics = Arc::new(Metrics::new(VERSION));
    let keys = Arc::new(Keys::new(options.keys.order, Arc::clone(&metrics)));
    // The standard library goes by the quota of the cgroup (v1 and v2) and by the CPUs that the process may run on, not by
    // the host's cores. It gives whole cores, at least one.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let worker_count = workers::count(cores);
    debug!(cores, workers = worker_count, "limits");
    let private_work = PrivateWork::new(cores);
    let store = Arc::new(Store::default());
    let readiness = Arc::new(Readiness::default());

    // Before the keys: making the first one can take longer on a small machine than a liveness probe waits.
    let bodies = Bodies::new(stop.clone());
    let gate = || Gate::new(options.request_rate, options.timeouts.read, bodies.clone());
    let verifier = Verifier {
        gate: gate(),
        keys: Arc::clone(&keys),
        private_work: private_work.clone(),
        accept_deprecated_data: options.accept_deprecated_data,
    };
    let rotator = Rotator {
        gate: gate(),
        keys: Arc::clone(&keys),
        private_work: private_work.clone(),
        accept_deprecated_data: options.accept_deprecated_data,
    };
    let service = ApiService {
        keys: Arc::clone(&keys),
        verifier,
        rotator,
        metrics: Arc::clone(&metrics),
        readiness: Arc::clone(&readiness),
    };
    let queue = Arc::new(Queue::new());
    let metrics_service = MetricsService {
        metrics: Arc::clone(&metrics),
        store: Arc::clone(&store),
        keys: Arc::clone(&keys),
        queue: Arc::clone(&queue),
        leadership: leadership.clone(),
    };
    listen(&options, &options.listen, "HTTP server serving", service, stop, tasks).await?;
    let address = &options.listen_metrics;
    listen(&options, address, "HTTP metrics server serving", metrics_service, stop, tasks).await?;

    if let Some(lease) = &options.lease {
        let host = environment("HOSTNAME").unwrap_or_default();
        // Without limit and without having to lead.
        let api = Api::new(client.clone(), None, Leadership::always());
        let election = Election::new(api, &namespace, lease, &host, leadership.clone());
        let mut answered = election.answered();
        tasks.election.spawn(election.run(tasks.resign.clone()));
        // An election that ended has answered.
        let _ = answered.wait_for(|answered| *answered).await;
    }

    let renewer = Renewer {
        api: Arc::clone(&api),
        keys: Arc::clone(&keys),
        private_work: private_work.clone(),
        options: options.keys.clone(),
        namespace: namespace.clone(),
        leadership: leadership.clone(),
        metrics: Arc::clone(&metrics),
    };
    let seen_to = renewer.first_key().await?;
    readiness.keys_loaded();
    tasks.writers.spawn(renewer.run(renew, seen_to, stop.clone()));

    let (recorder, events) = Recorder::new(Arc::clone(&api), stop.clone());
    tasks.writers.spawn(events);
    let (pending, expected) = Pending::new();
    let context = Arc::new(Context {
        api,
        leadership,
        store,
        queue,
        pending,
        memory: Memory::default(),
        keys,
        private_work,
        rendering: Rendering::new(),
        recorder,
        metrics,
        settings: settings(&options),
        own_fields: OwnFieldsSeen::default(),
    });
    let scopes = scopes(&context.api, &options.scope, &namespace).await?;
    let key_feed = key_feed(&options, &context, &namespace).await;
    let key_lists = usize::from(key_feed == KeyFeed::Watch);
    readiness.expect_lists(scopes.len() * watch::lists(options.skip_recreate) + key_lists);
    for scope in scopes {
        if let Some(namespace) = &scope {
            info!(namespace, "Starting informer");
        }
        let follow = watch::follow(
            Arc::clone(&context),
            client.clone(),
            scope,
            options.label_selector.clone(),
            Arc::clone(&readiness),
            stop.clone(),
        );
        tasks.writers.spawn(follow);
    }
    match key_feed {
        KeyFeed::None => {}
        KeyFeed::Watch => {
            let follow = key_secrets::follow(Arc::clone(&context), client, namespace, readiness, stop.clone());
            tasks.writers.spawn(follow);
        }
        KeyFeed::Lists => {
            tasks.writers.spawn(key_secrets::follow_by_lists(Arc::clone(&context), namespace, stop.clone()));
        }
    }
    if options.update_status {
        tasks.writers.spawn(pending::run(Arc::clone(&context), expected, stop.clone()));
    }
    tasks.writers.spawn(workers::run(context, worker_count, stop.clone()));
    Ok(())
}

/// How the key Secrets of others are noticed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyFeed {
    None,
    Watch,
    Lists,
}

/// By the flag; and while there is an election as far as permissions go, because another replica makes the keys.
async fn key_feed(options: &Options, context: &Context, namespace: &str) -> KeyFeed {
    if options.watch_keys {
        return KeyFeed::Watch;
    }
    if !context.leadership.is_elected() {
        return KeyFeed::None;
    }
    match context.api.may_watch_secrets(namespace).await {
        Ok(true) => KeyFeed::Watch,
        Ok(false) | Err(_) => KeyFeed::Lists,
    }
}

async fn listen(
    options: &Options,
    address: &str,
    announcement: &'static str,
    service: impl http::Service,
    stop: &CancellationToken,
    tasks: &mut Tasks,
) -> Result<(), StartError> {
    let listener =
        http::bind(address).await.map_err(|problem| StartError::Listen { address: address.to_owned(), problem })?;
    info!(addr = address, "{announcement}");
    tasks.listeners.spawn(http::serve(listener, Arc::new(service), options.timeouts, stop.clone()));
    Ok(())
}

/// What is watched: everything (`None`), or the namespaces that exist, the own one first.
async fn scopes(api: &Api, scope: &NamespaceScope, own: &str) -> Result<Vec<Option<String>>, ApiError> {
    let NamespaceScope::Named(additional) = scope else {
        return Ok(vec![None]);
    };
    let others = additional.iter().filter(|name| *name != own);
    let found = join_all(others.map(async |name| (name, api.namespace_exists(name).await))).await;
    let mut scopes = vec![Some(own.to_owned())];
    for (name, exists) in found {
        match exists? {
            true => scopes.push(Some(name.clone())),
            false => error!(namespace = name, "namespace doesn't exist"),
        }
    }
    Ok(scopes)
}

fn settings(options: &Options) -> Settings {
    Settings {
        accept_deprecated_data: options.accept_deprecated_data,
        old_gc: options.old_gc,
        heal_drift: options.heal_drift,
        skip_recreate: options.skip_recreate,
        update_status: options.update_status,
        status_conditions: options.status_conditions,
        fast_retries: options.fast_retries,
    }
}
