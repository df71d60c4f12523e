//! Memory of a controller that has nothing to do, beside the smallest program that follows SealedSecrets with kube.
//!
//! Runs inside the test cluster, with the definition of SealedSecrets installed.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sealed_secrets_bench::Failure;
use sealed_secrets_bench::rounds::spread;
use sealed_secrets_bench::table::{Table, mebibytes, times};

const ROUNDS: usize = 5;
/// Longest wait for readiness: the first start makes a key.
const PATIENCE: Duration = Duration::from_secs(120);
/// The memory counts once it has not changed for this long.
const CALM: Duration = Duration::from_secs(3);

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [controller, watch, namespace] = arguments.as_slice() else {
        return Err("usage: idle CONTROLLER WATCH NAMESPACE".into());
    };
    let address =
        std::env::var("CLUSTER_ADDRESS").map_err(|_| "CLUSTER_ADDRESS is not set: run this in the cluster")?;
    let (mut first, mut later, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    first.push(controller_memory(controller, namespace, &address)?);
    for _ in 0..ROUNDS {
        bare.push(watch_memory(watch)?);
        later.push(controller_memory(controller, namespace, &address)?);
    }

    let heads = ["", "resident", "against bare", "of it anonymous", "most so far", "against bare"];
    let mut table = Table::new("Memory of an idle controller", heads);
    let median = |samples: &[Memory], of: fn(&Memory) -> u64| {
        spread(&samples.iter().map(|one| of(one) as f64).collect::<Vec<_>>()).median
    };
    for (name, samples) in [
        ("bare watch of SealedSecrets with kube", &bare),
        ("controller", &later),
        ("controller that made its key", &first),
    ] {
        let (resident, peak) = (median(samples, |one| one.resident), median(samples, |one| one.peak));
        table.row([
            name.to_owned(),
            mebibytes(resident),
            times(resident / median(&bare, |one| one.resident)),
            mebibytes(median(samples, |one| one.anonymous)),
            mebibytes(peak),
            times(peak / median(&bare, |one| one.peak)),
        ]);
    }
    print!("{table}");
    Ok(())
}

/// In bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Memory {
    resident: u64,
    /// What is not backed by the program's file.
    anonymous: u64,
    peak: u64,
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn controller_memory(program: &str, namespace: &str, address: &str) -> Result<Memory, Failure> {
    let (api, metrics) = (format!("{address}:8080"), format!("{address}:8081"));
    let mut command = Command::new(program);
    command
        .args([format!("--listen-addr={api}"), format!("--listen-metrics-addr={metrics}")])
        .env("POD_NAMESPACE", namespace)
        .stdout(Stdio::null());
    let mut running = Running(command.spawn().map_err(|error| format!("{program}: {error}"))?);
    let start = Instant::now();
    while !answers_ready(&api) {
        if let Some(status) = running.0.try_wait()? {
            return Err(format!("{program} has ended: {status}").into());
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("{program} is not ready after {} s", PATIENCE.as_secs()).into());
        }
        sleep(Duration::from_millis(50));
    }
    settled(&running)
}

fn watch_memory(program: &str) -> Result<Memory, Failure> {
    let mut command = Command::new(program);
    command.stdout(Stdio::piped());
    let mut running = Running(command.spawn().map_err(|error| format!("{program}: {error}"))?);
    let output = running.0.stdout.take().ok_or("no standard output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    if line.is_empty() {
        return Err(format!("{program} has ended before its list was complete").into());
    }
    settled(&running)
}

fn answers_ready(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(connection, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// The memory once it stays the same; a process that never rests is read in the end all the same.
fn settled(running: &Running) -> Result<Memory, Failure> {
    let file = format!("/proc/{}/status", running.0.id());
    let (start, mut since, mut held) = (Instant::now(), Instant::now(), read(Path::new(&file))?);
    while since.elapsed() < CALM && start.elapsed() < 10 * CALM {
        sleep(CALM / 30);
        let now = read(Path::new(&file))?;
        if now != held {
            (held, since) = (now, Instant::now());
        }
    }
    Ok(held)
}

fn read(file: &Path) -> Result<Memory, Failure> {
    let text = fs::read_to_string(file)?;
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kibibytes = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kibibytes.map(|number| number * 1024).ok_or_else(|| format!("{} has no {name}", file.display()))
    };
    Ok(Memory { resident: field("VmRSS")?, anonymous: field("RssAnon")?, peak: field("VmHWM")? })
}
