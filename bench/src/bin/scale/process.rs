//! The controller as a process: what it uses, what it says of itself.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sealed_secrets_bench::Failure;

use crate::cluster::Cluster;

/// Unit of the times in `/proc/PID/stat`: Linux has shown hundredths of a second to programs since ever.
const TICK: f64 = 0.01;
const PATIENCE: Duration = Duration::from_secs(120);

/// A running controller; ends with its owner.
pub struct Controller {
    child: Child,
    api: String,
    metrics: String,
    /// When it was started.
    pub started: Instant,
}

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Memory {
    /// Now.
    pub resident: u64,
    /// At most, so far.
    pub peak: u64,
}

impl Controller {
    /// Starts it with nothing but the two addresses and `arguments`; its log goes to files.
    pub fn start(
        cluster: &Cluster,
        token: &Path,
        program: &Path,
        arguments: &[String],
        log: &Path,
    ) -> Result<Controller, Failure> {
        let (api, metrics) = (format!("{}:8080", cluster.address), format!("{}:8081", cluster.address));
        let mut command: Command = cluster.as_pod(token, program);
        command.args([format!("--listen-addr={api}"), format!("--listen-metrics-addr={metrics}")]).args(arguments);
        let stream = |name: &str| fs::File::options().create(true).append(true).open(log.with_extension(name));
        command.stdin(Stdio::null()).stdout(stream("out")?).stderr(stream("err")?);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        Ok(Controller { child, api, metrics, started })
    }

    /// Waits until it says that it is ready or, if it has no word for that, until it answers at all.
    pub async fn ready(&mut self) -> Result<(), Failure> {
        loop {
            let is_ready = match get(&self.api, "/readyz") {
                Some((404, _)) => get(&self.api, "/healthz").is_some_and(|(code, _)| code == 200),
                Some((code, _)) => code == 200,
                None => false,
            };
            if is_ready {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the controller has ended: {status}").into());
            }
            if self.started.elapsed() > PATIENCE {
                return Err("the controller does not become ready".into());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Processor time used so far, in seconds, also by threads that have ended.
    pub fn processor(&self) -> Result<f64, Failure> {
        processor(self.child.id())
    }

    /// Its memory now.
    pub fn memory(&self) -> Result<Memory, Failure> {
        let file = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let text = fs::read_to_string(&file)?;
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            kibibytes.map(|number| number * 1024).ok_or_else(|| format!("{} has no {name}", file.display()))
        };
        Ok(Memory { resident: field("VmRSS")?, peak: field("VmHWM")? })
    }

    /// Uses of a private key so far, if its metrics tell.
    pub fn decryptions(&self) -> Option<f64> {
        let (_, page) = get(&self.metrics, "/metrics")?;
        let is_count = |name: &str| name.contains("decrypt") && name.ends_with("_total");
        let samples = page.lines().filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            is_count(series.split('{').next()?).then(|| value.parse::<f64>().ok())?
        });
        samples.fold(None, |sum: Option<f64>, value| Some(sum.unwrap_or_default() + value))
    }

    /// Asks it to end, and waits for that.
    pub async fn end(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-s", "TERM", &self.child.id().to_string()]).status()?;
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed() > PATIENCE {
                return Err("the controller does not end".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processor time of a process in seconds.
pub fn processor(process: u32) -> Result<f64, Failure> {
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program stands in brackets and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')').ok_or("stat without a name")?.1.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).ok_or("stat is too short");
    Ok((ticks(11)? + ticks(12)?) * TICK)
}

/// Processor time of the calling thread in seconds.
pub fn processor_of_thread() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split_whitespace().next().ok_or("schedstat is empty")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// Processor time of the whole machine in seconds, without waiting.
pub fn processor_of_machine() -> Result<f64, Failure> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().ok_or("stat is empty")?;
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = ticks.iter().take(8).enumerate().filter(|(index, _)| ![3, 4].contains(index));
    Ok(busy.map(|(_, ticks)| ticks * TICK).sum())
}

/// Status and body of a plain HTTP answer.
fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut connection = TcpStream::connect(address).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let code = head.split(' ').nth(1)?.parse().ok()?;
    Some((code, body.to_owned()))
}
