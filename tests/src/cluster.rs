//! The API server of this run, and what every test on it shares.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use kube::config::{KubeConfigOptions, Kubeconfig};
use sealed_secrets_resource::document::read_stream;
use serde_json::{Value, json};

use crate::api::{Api, RUNTIME, Resource};
use crate::wait::eventually;

const HOW: &str = "run the end-to-end tests with `make test`, or with \
    `cluster run -- cargo test -p sealed-secrets-tests --features end-to-end` (tests/cluster)";

/// The cluster that `cluster run` started around this process.
pub struct Cluster {
    /// Calls as its administrator.
    pub api: Api,
    pub(crate) address: String,
    /// The kubeconfig of its administrator.
    pub kubeconfig: PathBuf,
    pub(crate) audit_log: PathBuf,
    program: PathBuf,
    server: String,
    authority: String,
    crd: OnceLock<()>,
    next_port: AtomicU16,
}

impl Cluster {
    /// The cluster.
    ///
    /// # Panics
    /// When there is none, with a sentence that says how to run these tests.
    pub fn get() -> &'static Cluster {
        static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
        match CLUSTER.get_or_init(Cluster::from_environment) {
            Ok(cluster) => cluster,
            Err(reason) => panic!("{reason}; {HOW}"),
        }
    }

    fn from_environment() -> Result<Cluster, String> {
        let variable =
            |name: &str| std::env::var(name).map_err(|_| format!("there is no test cluster: {name} is not set"));
        let kubeconfig = PathBuf::from(variable("KUBECONFIG")?);
        let address = variable("CLUSTER_ADDRESS")?;
        let audit_log = PathBuf::from(variable("CLUSTER_AUDIT_LOG")?);
        let program = PathBuf::from(variable("CLUSTER_BIN")?);

        let unreadable = |error: &dyn std::fmt::Display| format!("{} cannot be used: {error}", kubeconfig.display());
        let file = Kubeconfig::read_from(&kubeconfig).map_err(|error| unreadable(&error))?;
        let entry = file.clusters.first().and_then(|named| named.cluster.clone()).ok_or("the kubeconfig is empty")?;
        let config = Kubeconfig::read_from(&kubeconfig).map_err(|error| unreadable(&error))?;
        let mut config = RUNTIME
            .block_on(kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()))
            .map_err(|error| unreadable(&error))?;
        // A refusal is an answer; the tests look at it.
        config.default_retry = false;
        let _context = RUNTIME.enter();
        let client = kube::Client::try_from(config).map_err(|error| unreadable(&error))?;

        Ok(Cluster {
            api: Api::new(client),
            address,
            audit_log,
            program,
            server: entry.server.unwrap_or_default(),
            authority: entry.certificate_authority_data.unwrap_or_default(),
            kubeconfig,
            crd: OnceLock::new(),
            // Below the range that outgoing connections take theirs from. Another process on this network starts elsewhere.
            next_port: AtomicU16::new(10_000 + u16::try_from(std::process::id() % 200).unwrap() * 100),
        })
    }

    /// The program that runs the cluster.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Installs the definition of SealedSecrets unless it is there, and waits until it is served.
    pub fn install_crd(&self) {
        self.crd.get_or_init(|| self.install_definition(&definition()));
    }

    /// Installs this form of the definition.
    pub fn install_definition(&self, definition: &Value) {
        self.api.create_if_missing(Resource::CRD, "", definition);
        let served = |name: &str| {
            let found = self.api.get(Resource::CRD, "", name)?;
            let conditions = found["status"]["conditions"].as_array()?.clone();
            conditions.iter().any(|one| one["type"] == "Established" && one["status"] == "True").then_some(())
        };
        eventually("the CRD is established", || served("sealedsecrets.bitnami.com"));
        // Established comes a moment before the endpoints do.
        eventually("SealedSecrets are served", || {
            self.api.call(http::Method::GET, "/apis/bitnami.com/v1alpha1/sealedsecrets?limit=1", None).ok()
        });
    }

    /// A client that shows no credentials but those that a request has of its own.
    pub(crate) fn client_of_nobody(&self) -> kube::Client {
        let file: Kubeconfig = serde_json::from_value(self.kubeconfig_with("")).unwrap();
        let options = KubeConfigOptions::default();
        let mut config = RUNTIME.block_on(kube::Config::from_custom_kubeconfig(file, &options)).unwrap();
        config.auth_info = Default::default();
        config.default_retry = false;
        let _context = RUNTIME.enter();
        kube::Client::try_from(config).unwrap()
    }

    /// The kubeconfig of somebody who has this token.
    pub(crate) fn kubeconfig_with(&self, token: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test",
                "cluster": {"server": self.server, "certificate-authority-data": self.authority}}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        })
    }

    /// A port of the cluster's address that nobody listens on, and that nobody else in this process is given.
    pub(crate) fn free_port(&self) -> u16 {
        loop {
            let port = self.next_port.fetch_add(1, Ordering::Relaxed);
            if TcpListener::bind((self.address.as_str(), port)).is_ok() {
                return port;
            }
        }
    }
}

/// Our definition of SealedSecrets.
pub fn definition() -> Value {
    manifest("crd.yaml").swap_remove(0)
}

/// The documents of one of `manifests/`.
pub(crate) fn manifest(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../manifests").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    read_stream(&text).unwrap().iter().map(|document| document.root.to_json()).collect()
}
