//! What the API server was asked, by its own account.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

/// One call that the API server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`
    pub verb: String,
    /// For example `secrets` or `sealedsecrets/status`.
    pub resource: String,
    /// Namespace of what was asked for.
    pub namespace: String,
    /// Name of what was asked for, empty for a collection.
    pub name: String,
    /// What stands behind the question mark, such as selectors.
    pub query: String,
    /// HTTP status of the answer.
    pub code: u64,
    /// Whether the account had the permission; admission may have refused the call all the same.
    pub permitted: bool,
    /// When the request came in.
    pub received: Timestamp,
}

/// Where the log ends now.
pub(crate) fn end(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |about| about.len())
}

/// The calls of one user that were logged behind `from`, each once. A call is logged before it is answered.
pub(crate) fn calls(log: &Path, from: u64, user: &str) -> Vec<Call> {
    let mark = format!("\"username\":\"{user}\"");
    // A watch is logged when it starts and when it ends, also one that is refused.
    let mut seen = HashSet::new();
    let lines = text(log, from);
    let calls = lines.lines().filter(|line| line.contains(&mark)).filter_map(call);
    calls.filter(|(id, _)| seen.insert(id.clone())).map(|(_, call)| call).collect()
}

/// The lines behind `from`; the last one may be half written.
pub(crate) fn text(log: &Path, from: u64) -> String {
    let mut file = File::open(log).unwrap_or_else(|error| panic!("audit log {}: {error}", log.display()));
    file.seek(SeekFrom::Start(from)).unwrap();
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// The API server's number for the call, and the call.
fn call(line: &str) -> Option<(String, Call)> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verb = text(&entry["verb"]);
    // It began before what is looked at.
    if verb == "watch" && entry["stage"] == "ResponseComplete" && entry["responseStatus"]["code"] == 200 {
        return None;
    }
    let about = &entry["objectRef"];
    let resource = match about["subresource"].as_str() {
        None => text(&about["resource"]),
        Some(part) => format!("{}/{part}", text(&about["resource"])),
    };
    let call = Call {
        verb,
        resource,
        namespace: text(&about["namespace"]),
        name: text(&about["name"]),
        query: text(&entry["requestURI"]).split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default(),
        code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
        permitted: entry["annotations"]["authorization.k8s.io/decision"] != "forbid",
        received: text(&entry["requestReceivedTimestamp"]).parse().ok()?,
    };
    Some((text(&entry["auditID"]), call))
}
