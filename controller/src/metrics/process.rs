//! `process_*` metrics from `/proc`. Where that is not there, they are left out.

use std::fmt::Write;
use std::fs;

/// Clock ticks per second in `/proc`: fixed in Linux' interface to programs, whatever the kernel's own rate.
const TICKS_PER_SECOND: f64 = 100.0;

/// All families whose values can be read.
pub(super) fn render() -> String {
    let mut text = String::new();
    let mut put = |name: &str, kind: &str, help: &str, value: Option<String>| {
        if let Some(value) = value {
            // Writing into a String cannot fail.
            let _ =
                write!(text, "# HELP process_{name} {help}\n# TYPE process_{name} {kind}\nprocess_{name} {value}\n");
        }
    };
    let stat = fs::read_to_string("/proc/self/stat").ok();
    let stat = stat.as_deref().and_then(Stat::parse);
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let network = fs::read_to_string("/proc/self/net/dev").ok();
    let network = network.as_deref().map(network_bytes);
    let boot = fs::read_to_string("/proc/stat").ok().and_then(|text| boot_time(&text));

    put(
        "cpu_seconds_total",
        "counter",
        "Total user and system CPU time spent in seconds.",
        stat.as_ref().map(|stat| (stat.cpu_ticks / TICKS_PER_SECOND).to_string()),
    );
    put("max_fds", "gauge", "Maximum number of open file descriptors.", soft_limit(&limits, "Max open files"));
    put(
        "network_receive_bytes_total",
        "counter",
        "Number of bytes received by the process over the network.",
        network.map(|(received, _)| received.to_string()),
    );
    put(
        "network_transmit_bytes_total",
        "counter",
        "Number of bytes sent by the process over the network.",
        network.map(|(_, sent)| sent.to_string()),
    );
    put(
        "open_fds",
        "gauge",
        "Number of open file descriptors.",
        fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().to_string()),
    );
    put("resident_memory_bytes", "gauge", "Resident memory size in bytes.", kilobytes(&status, "VmRSS:"));
    put(
        "start_time_seconds",
        "gauge",
        "Start time of the process since unix epoch in seconds.",
        boot.zip(stat.as_ref()).map(|(boot, stat)| (boot + stat.start_ticks / TICKS_PER_SECOND).to_string()),
    );
    put("virtual_memory_bytes", "gauge", "Virtual memory size in bytes.", kilobytes(&status, "VmSize:"));
    put(
        "virtual_memory_max_bytes",
        "gauge",
        "Maximum amount of virtual memory available in bytes.",
        soft_limit(&limits, "Max address space"),
    );
    text
}

/// What is needed of `/proc/self/stat`.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: f64,
    start_ticks: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Stat> {
        // The program's name stands in parentheses and may hold anything, also spaces and parentheses.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        // The first of these is field 3 of proc_pid_stat(5).
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Stat { cpu_ticks: field(14)? + field(15)?, start_ticks: field(22)? })
    }
}

fn kilobytes(status: &str, name: &str) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some((number * 1024).to_string())
}

fn soft_limit(limits: &str, name: &str) -> Option<String> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    match line.split_whitespace().next()? {
        // What the reference's library shows for "no limit": the largest unsigned number, as a float prints it.
        "unlimited" => Some("1.8446744073709552e+19".to_owned()),
        number => number.parse::<u64>().ok().map(|number| number.to_string()),
    }
}

fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// Received and sent bytes over all interfaces.
fn network_bytes(text: &str) -> (u64, u64) {
    let interfaces = text.lines().filter_map(|line| line.split_once(':'));
    interfaces.fold((0, 0), |(received, sent), (_, counters)| {
        let counters: Vec<u64> = counters.split_whitespace().map(|number| number.parse().unwrap_or(0)).collect();
        let counter = |index: usize| counters.get(index).copied().unwrap_or(0);
        (received + counter(0), sent + counter(8))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let text = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 4200 1 2";
        let want = Stat { cpu_ticks: 200.0, start_ticks: 4200.0 };
        assert_eq!(Stat::parse(text), Some(want));
        assert_eq!(Stat::parse("7 (a"), None);
    }

    #[test]
    fn kernel_tables_are_read() {
        assert_eq!(kilobytes("VmSize:\t 10 kB\nVmRSS:\t   12 kB\n", "VmRSS:").as_deref(), Some("12288"));
        let limits = "Max open files            1024                 4096                 files\n\
                      Max address space         unlimited            unlimited            bytes\n";
        assert_eq!(soft_limit(limits, "Max open files").as_deref(), Some("1024"));
        assert_eq!(soft_limit(limits, "Max address space").as_deref(), Some("1.8446744073709552e+19"));
        let net = "Inter-|   Receive\n face |bytes\n  lo:  10 1 0 0 0 0 0 0 20 1\neth0: 5 1 0 0 0 0 0 0 7 1\n";
        assert_eq!(network_bytes(net), (15, 27));
        assert_eq!(boot_time("cpu 1\nbtime 1700000000\n"), Some(1_700_000_000.0));
    }
}
