//! The test cluster around this process: calls as its administrator, and what they cost its servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use http::Request;
use sealed_secrets_bench::Failure;
use serde_json::{Value, json};

use crate::objects::OWN_NAMESPACE;
use crate::process;

const ACCOUNT: &str = "sealed-secrets-controller";
/// Objects written at a time.
const AT_ONCE: usize = 16;
/// How long the idle servers are watched at a time; also enough for the log to have what was called before.
const IDLE: Duration = Duration::from_millis(1500);

/// See the module's documentation.
pub struct Cluster {
    client: kube::Client,
    /// The program that runs it.
    pub program: PathBuf,
    /// The address that listeners take.
    pub address: String,
    /// The API server's record of calls.
    pub audit_log: PathBuf,
    servers: u32,
}

impl Cluster {
    /// Finds the cluster by the variables that it sets.
    pub async fn find() -> Result<Cluster, Failure> {
        let variable = |name: &str| {
            std::env::var(name).map_err(|_| Failure::from(format!("{name} is not set: run this in the test cluster")))
        };
        let mut config = kube::Config::infer().await?;
        config.default_retry = false;
        Ok(Cluster {
            client: kube::Client::try_from(config)?,
            program: variable("CLUSTER_BIN")?.into(),
            address: variable("CLUSTER_ADDRESS")?,
            audit_log: variable("CLUSTER_AUDIT_LOG")?.into(),
            servers: servers()?,
        })
    }

    /// Applies our definition and roles.
    pub fn install(&self, manifests: &Path) -> Result<(), Failure> {
        self.kubectl(&["apply", "-f", &manifests.join("crd.yaml").to_string_lossy()])?;
        self.kubectl(&["apply", "-f", &manifests.join("rbac.yaml").to_string_lossy()])?;
        self.kubectl(&["wait", "--for=condition=Established", "crd/sealedsecrets.bitnami.com"])
    }

    fn kubectl(&self, arguments: &[&str]) -> Result<(), Failure> {
        let output = Command::new(&self.program).arg("kubectl").args(arguments).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("kubectl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }

    /// The name that the audit log has for the controller's account.
    pub fn account(&self) -> String {
        format!("system:serviceaccount:{OWN_NAMESPACE}:{ACCOUNT}")
    }

    /// A token of the controller's account, in this file.
    pub async fn write_token(&self, file: &Path) -> Result<(), Failure> {
        let path = format!("/api/v1/namespaces/{OWN_NAMESPACE}/serviceaccounts/{ACCOUNT}/token");
        let answer = self.post(&path, &json!({"spec": {"expirationSeconds": 36_000}})).await?;
        let token = answer["status"]["token"].as_str().ok_or("the API server gave no token")?;
        Ok(fs::write(file, token)?)
    }

    /// The command line that becomes `program` as a Pod of the controller would see the world.
    pub fn as_pod(&self, token: &Path, program: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["pod", "--namespace", OWN_NAMESPACE, "--serviceaccount", ACCOUNT, "--token-file"])
            .arg(token)
            .arg("--")
            .arg(program);
        command
    }

    /// Creates an object of these: SealedSecret, Secret, Namespace.
    pub async fn create(&self, object: &Value) -> Result<(), Failure> {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let path = match object["kind"].as_str() {
            Some("SealedSecret") => format!("/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets"),
            Some("Secret") => format!("/api/v1/namespaces/{namespace}/secrets"),
            Some("Namespace") => "/api/v1/namespaces".to_owned(),
            kind => return Err(format!("objects of kind {kind:?} are not made here").into()),
        };
        self.post(&path, object).await.map(drop)
    }

    /// Creates all of them, several at a time.
    pub async fn create_all(&self, objects: &[Value]) -> Result<(), Failure> {
        let creations = stream::iter(objects).map(|object| self.create(object));
        creations.buffer_unordered(AT_ONCE).try_collect().await
    }

    /// Number of SealedSecrets that are synced.
    pub async fn synced(&self) -> Result<usize, Failure> {
        let request = Request::get("/apis/bitnami.com/v1alpha1/sealedsecrets").body(Vec::new())?;
        let list: Value = self.client.request(request).await?;
        let conditions = |object: &Value| object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        let is_synced =
            |object: &&Value| conditions(object).iter().any(|one| one["type"] == "Synced" && one["status"] == "True");
        Ok(list["items"].as_array().map_or(0, |items| items.iter().filter(is_synced).count()))
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = Request::post(path).header("Content-Type", "application/json").body(serde_json::to_vec(body)?)?;
        Ok(self.client.request(request).await.map_err(|error| format!("POST {path}: {error}"))?)
    }

    /// Processor time that the servers (API server and etcd) have used so far, in seconds.
    pub fn processor(&self) -> Result<f64, Failure> {
        process::processor(self.servers)
    }

    /// Share of one core that the servers use while nobody asks them anything.
    pub async fn idle_share(&self) -> Result<f64, Failure> {
        let (before, began) = (self.processor()?, Instant::now());
        tokio::time::sleep(IDLE).await;
        Ok((self.processor()? - before) / began.elapsed().as_secs_f64())
    }
}

/// The process of the servers: it shares our network, which tells it from those of other clusters.
fn servers() -> Result<u32, Failure> {
    let network = |process: &str| fs::read_link(format!("/proc/{process}/ns/net")).ok();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let command = fs::read(format!("/proc/{name}/cmdline")).unwrap_or_default();
        if command.windows(9).any(|part| part == b"__servers")
            && network(&name) == network("self")
            && let Ok(process) = name.parse()
        {
            return Ok(process);
        }
    }
    Err("the process of the API server is not found".into())
}
