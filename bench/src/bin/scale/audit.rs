//! The API server's own record: who asked for what, and when it was answered.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use sealed_secrets_bench::Failure;
use serde_json::Value;

use crate::objects::OWN_NAMESPACE;

/// One answered call.
#[derive(Debug, Clone)]
pub struct Call {
    /// `get`, `create` …
    pub verb: String,
    /// `secrets`, `sealedsecrets/status` …
    pub resource: String,
    /// Namespace and name of what it was about.
    pub object: String,
    /// HTTP status of the answer.
    pub code: u64,
    /// Whether the controller made it.
    pub is_controllers: bool,
    /// When it came in.
    pub received: Timestamp,
    /// When it was answered.
    pub answered: Timestamp,
}

/// A place in the record, and the calls behind it.
pub struct Record {
    file: File,
    account: String,
    /// What was read and holds no whole line yet.
    rest: Vec<u8>,
    /// Calls since the beginning of this record.
    pub calls: Vec<Call>,
}

impl Record {
    /// Begins at the present end of the log.
    pub fn begin(log: &Path, account: String) -> Result<Record, Failure> {
        let mut file = File::open(log)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Record { file, account, rest: Vec::new(), calls: Vec::new() })
    }

    /// Reads what was added.
    pub fn read(&mut self) -> Result<(), Failure> {
        self.file.read_to_end(&mut self.rest)?;
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = self.rest.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.calls.extend(call(line, &self.account));
        }
        Ok(())
    }

    /// The controller's calls about objects, without those that keep its watches and its lease or read its keys.
    pub fn work(&self) -> impl Iterator<Item = &Call> {
        let passive = |call: &&Call| {
            ["list", "watch"].contains(&call.verb.as_str())
                || call.object.starts_with(OWN_NAMESPACE)
                || call.resource.ends_with("reviews")
        };
        self.calls.iter().filter(move |call| call.is_controllers && !passive(call))
    }

    /// Number of the controller's calls so far but for its lease; watches that go on count once they end.
    pub fn asked(&self) -> usize {
        let asked = |call: &&Call| call.is_controllers && call.verb != "watch" && !call.resource.ends_with("leases");
        self.calls.iter().filter(asked).count()
    }

    /// Number of the controller's calls by verb and resource.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.work() {
            *counts.entry(format!("{} {}", call.verb, call.resource)).or_default() += 1;
        }
        counts
    }

    /// When a call of this kind about this object was answered first.
    pub fn first(&self, verb: &str, resource: &str, object: &str) -> Option<&Call> {
        self.calls.iter().find(|call| call.verb == verb && call.resource == resource && call.object == object)
    }
}

fn call(line: &[u8], account: &str) -> Option<Call> {
    let entry: Value = serde_json::from_slice(line).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let about = &entry["objectRef"];
    let resource = match about["subresource"].as_str() {
        None => text(&about["resource"]),
        Some(part) => format!("{}/{part}", text(&about["resource"])),
    };
    Some(Call {
        verb: text(&entry["verb"]),
        resource,
        object: format!("{}/{}", text(&about["namespace"]), text(&about["name"])),
        code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
        is_controllers: entry["user"]["username"] == account,
        received: text(&entry["requestReceivedTimestamp"]).parse().ok()?,
        answered: text(&entry["stageTimestamp"]).parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_log_is_taken_apart() {
        let line = br#"{"stage":"ResponseComplete","verb":"update","user":{"username":"u"},
            "objectRef":{"resource":"sealedsecrets","namespace":"ns","name":"db","subresource":"status"},
            "requestReceivedTimestamp":"2026-11-22T06:13:45.100000Z","stageTimestamp":"2026-11-22T06:13:45.101500Z"}"#;
        let call = call(line, "u").unwrap();
        assert_eq!((call.verb.as_str(), call.resource.as_str()), ("update", "sealedsecrets/status"));
        assert_eq!((call.object.as_str(), call.is_controllers), ("ns/db", true));
        assert_eq!(call.answered.duration_since(call.received).as_micros(), 1500);
    }
}
