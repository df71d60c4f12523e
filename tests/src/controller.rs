//! A controller of a test: its own process, account, ports and log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Method;

use crate::binary::{self, Finished, Process};
use crate::cluster::Cluster;
use crate::http_client::{Reply, send, send_for_bytes};
use crate::metrics::Metrics;
use crate::process_memory;
use crate::proxy::Proxy;
use crate::publish::publish;
use crate::roles::NAME;
use crate::wait::{DEADLINE, eventually};
use crate::world::World;

/// How a controller is to be started.
#[derive(Clone)]
pub struct Launch<'world> {
    world: &'world World,
    args: Vec<String>,
    variables: Vec<(String, String)>,
    in_pod: bool,
    server: Option<String>,
    open_files: Option<u32>,
}

/// A controller that was started.
pub struct Controller {
    process: Mutex<Process>,
    api: String,
    metrics: String,
    /// Whether its end is part of the test.
    may_end: Mutex<bool>,
}

impl<'world> Launch<'world> {
    pub(crate) fn new(world: &'world World) -> Launch<'world> {
        Launch {
            world,
            args: vec!["--key-size=2048".to_owned()],
            variables: Vec::new(),
            in_pod: false,
            server: None,
            open_files: None,
        }
        .arg("--all-namespaces=false")
    }

    /// Adds an argument. It stands behind those that the harness gives, and wins over them.
    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With in-cluster configuration, as in a Pod, instead of a kubeconfig.
    #[must_use]
    pub fn in_pod(mut self) -> Self {
        self.in_pod = true;
        self
    }

    /// Reaches the API server through this.
    #[must_use]
    pub fn through(mut self, proxy: &Proxy) -> Self {
        self.server = Some(proxy.server());
        self
    }

    /// With no more open files than this.
    #[must_use]
    pub fn open_files(mut self, most: u32) -> Self {
        self.open_files = Some(most);
        self
    }

    /// Starts it and waits until it is ready and published.
    pub fn start(self) -> Arc<Controller> {
        let world = self.world;
        let controller = self.spawn();
        controller.wait_until_ready();
        let (address, port) = controller.address().rsplit_once(':').unwrap();
        publish(&world.cluster.api, &world.namespace, address, port.parse().unwrap());
        controller
    }

    /// Starts it and waits for nothing.
    pub fn spawn(self) -> Arc<Controller> {
        let cluster = self.world.cluster;
        let (api, metrics) = (cluster.free_port(), cluster.free_port());
        let address = |port| format!("{}:{port}", cluster.address);
        let process = Process::start(self.command(&address(api), &address(metrics)), b"");
        self.world.keep(Controller {
            process: Mutex::new(process),
            api: format!("http://{}", address(api)),
            metrics: format!("http://{}", address(metrics)),
            may_end: Mutex::new(false),
        })
    }

    /// Runs it to its end, for what it must refuse.
    pub fn run(self) -> Finished {
        let cluster = self.world.cluster;
        let address = || format!("{}:{}", cluster.address, cluster.free_port());
        Process::start(self.command(&address(), &address()), b"").finish()
    }

    fn command(&self, api: &str, metrics: &str) -> std::process::Command {
        let mut command = if self.in_pod {
            let mut command = std::process::Command::new(self.world.cluster.program());
            binary::clear_environment(&mut command);
            command
                .args(["pod", "--namespace", &self.world.namespace, "--serviceaccount", NAME, "--token-file"])
                .arg(self.world.token_file())
                .arg("--")
                .arg(binary::path("controller"))
                .env("KUBECONFIG", &self.world.cluster.kubeconfig);
            command
        } else {
            let mut command = match self.open_files {
                None => binary::command("controller"),
                Some(most) => {
                    let mut command = std::process::Command::new("sh");
                    binary::clear_environment(&mut command);
                    command.args(["-c", &format!("ulimit -n {most} && exec \"$0\" \"$@\"")]);
                    command.arg(binary::path("controller"));
                    command
                }
            };
            command.env("KUBECONFIG", self.kubeconfig()).env("POD_NAMESPACE", &self.world.namespace);
            command
        };
        command
            .arg(format!("--listen-addr={api}"))
            .arg(format!("--listen-metrics-addr={metrics}"))
            .args(&self.args)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn kubeconfig(&self) -> PathBuf {
        let token = std::fs::read_to_string(self.world.token_file()).unwrap();
        let mut kubeconfig = Cluster::get().kubeconfig_with(&token);
        let mut path = self.world.folder().join("kubeconfig");
        if let Some(server) = &self.server {
            kubeconfig["clusters"][0]["cluster"]["server"] = server.clone().into();
            path.set_extension("proxy");
        }
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        path
    }
}

impl Controller {
    /// Asks its API listener; `None` when there is no answer.
    pub fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
        send(method, &format!("{}{path}", self.api), headers, body)
    }

    /// `GET` from its API listener.
    pub fn get(&self, path: &str) -> Reply {
        self.request(Method::GET, path, &[], "").unwrap_or_else(|| panic!("no answer from {path}"))
    }

    /// `POST` to its API listener.
    pub fn post(&self, path: &str, body: &str) -> Reply {
        self.request(Method::POST, path, &[], body).unwrap_or_else(|| panic!("no answer from {path}"))
    }

    /// The certificate that people seal with.
    pub fn certificate(&self) -> String {
        let reply = self.get("/v1/cert.pem");
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// Waits until it serves another certificate than `old`, and returns that.
    pub fn next_certificate(&self, old: &str) -> String {
        eventually("another certificate is served", || Some(self.certificate()).filter(|served| served != old))
    }

    /// `GET` from its metrics listener.
    pub fn get_metrics(&self, path: &str) -> Reply {
        self.try_metrics(path).unwrap_or_else(|| panic!("no answer from {path} of the metrics listener"))
    }

    /// `GET` from its metrics listener, with the body as it came.
    pub fn get_metrics_packed(&self) -> (Reply, Vec<u8>) {
        let url = format!("{}/metrics", self.metrics);
        send_for_bytes(Method::GET, &url, &[("Accept-Encoding", "gzip")], "").expect("no answer from /metrics")
    }

    /// What it counts.
    pub fn metrics(&self) -> Metrics {
        Metrics { text: self.get_metrics("/metrics").body }
    }

    /// Number of attempts so far.
    pub fn attempts(&self) -> f64 {
        self.metrics().own("unseal_requests_total", &[])
    }

    /// Everything on its standard output so far.
    pub fn stdout(&self) -> String {
        self.process().stdout()
    }

    /// Everything on its standard error so far.
    pub fn stderr(&self) -> String {
        self.process().stderr()
    }

    /// Waits until its output, on either stream, contains the text.
    pub fn wait_for_log(&self, text: &str) {
        eventually(&format!("the log says {text:?}"), || {
            (self.stdout().contains(text) || self.stderr().contains(text)).then_some(())
        });
    }

    /// How often each of these texts occurs in its memory.
    pub fn occurrences_in_memory(&self, texts: &[&str]) -> Vec<usize> {
        process_memory::occurrences(self.process().id(), texts)
    }

    /// Sends a signal by its name, such as `USR1`.
    pub fn signal(&self, name: &str) {
        self.process().signal(name);
    }

    /// Ends it with `kill -9`.
    pub fn kill(&self) {
        *self.may_end.lock().unwrap() = true;
        self.process().kill();
    }

    /// Asks it to end, as the kubelet does, and waits for that. Returns the exit code.
    pub fn terminate(&self) -> Option<i32> {
        self.end_by("TERM")
    }

    /// Sends a signal by its name and waits for the end. Returns the exit code, `None` when the signal itself killed it.
    pub fn end_by(&self, signal: &str) -> Option<i32> {
        *self.may_end.lock().unwrap() = true;
        let mut process = self.process();
        process.signal(signal);
        process.wait().code()
    }

    /// Host and port of its API listener.
    pub fn address(&self) -> &str {
        self.api.trim_start_matches("http://")
    }

    /// Waits until `/readyz` says so.
    pub fn wait_until_ready(&self) {
        let began = std::time::Instant::now();
        loop {
            if self.request(Method::GET, "/readyz", &[], "").is_some_and(|reply| reply.status == 200) {
                return;
            }
            if let Some(status) = self.process().ended() {
                panic!("the controller ended instead of becoming ready: {status}");
            }
            assert!(began.elapsed() < DEADLINE, "the controller did not become ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn try_metrics(&self, path: &str) -> Option<Reply> {
        send(Method::GET, &format!("{}{path}", self.metrics), &[], "")
    }

    /// The process, also after a failure with it in hand: its log has to be shown then.
    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it ended although the test did not end it.
    pub(crate) fn ended_by_itself(&self) -> bool {
        self.process().ended().is_some() && !*self.may_end.lock().unwrap()
    }

    /// Whether its process is still there.
    pub fn is_running(&self) -> bool {
        self.process().ended().is_none()
    }
}
