//! Has the controller make a new key.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealed_secrets_crypto::Fingerprint;
use sealed_secrets_flags::{Flag, Kind, Values};
use serde_json::{Value, json};

use super::cluster::{Cluster, published_by};
use crate::cluster::{Collection, Controller};
use crate::error::{Error, Result};
use crate::output::write_stdout;
use crate::say;
use crate::subcommand::report::print_json;
use crate::subcommand::{Subcommand, flags};

/// The variable that says from when on a key is young enough.
const VARIABLE: &str = "SEALED_SECRETS_KEY_CUTOFF_TIME";
/// The flag that counts more than the variable.
const FLAG: &str = "--key-cutoff-time";
/// Between two looks at the certificate.
const PAUSE: Duration = Duration::from_secs(1);

static TABLE: LazyLock<Vec<Flag>> = LazyLock::new(|| {
    super::with_connection(&[
        flags::text("deployment", "the controller's Deployment, if it is not named as its Service is")
            .value_name("NAME"),
        flags::text("container", "the controller's container, if the Deployment has several").value_name("NAME"),
        flags::switch("dry-run", "print the patch for the Deployment, and change nothing"),
        Flag::new("wait", Kind::Duration, "how long to wait for the new key").default("2m0s").no_env(),
        flags::OUTPUT,
    ])
});

pub(super) static RENEW: Subcommand = Subcommand {
    name: "keys renew",
    arguments: "[flags]",
    summary: "have the controller make a new key now",
    about: "\
Sets SEALED_SECRETS_KEY_CUTOFF_TIME on the controller's Deployment to this moment. The
controller is started again by that, finds that its key is older, and makes a new one.
Then it waits until the new certificate is published. Old keys go on opening what they
sealed; kubeseal reencrypt moves files to the new one.

--dry-run prints the patch, for kubectl patch deployment NAME --patch.
",
    examples: &[("A new key now:", "kubeseal keys renew"), ("What would be changed:", "kubeseal keys renew --dry-run")],
    statuses: &[
        (0, "the controller publishes a new key; with --dry-run: the patch was printed"),
        (1, "something went wrong, or no new key was published in time; what was seen instead is said"),
        (2, "the arguments cannot be used"),
    ],
    flags: || &TABLE,
    run,
};

fn run(values: &Values) -> Result<()> {
    RENEW.takes_no(values.positionals().first())?;
    let cluster = Cluster::connect(values)?;
    let name = values.non_empty("deployment").unwrap_or(&cluster.access.controller_name).to_owned();
    let deployments = Collection::Deployments(cluster.namespace());
    let deployment = cluster
        .objects
        .get(deployments, &name)
        .map_err(|error| error.or_hint("--deployment and --controller-namespace say where the Deployment is"))?;
    let container = container(&deployment, values.non_empty("container"))?;
    let cutoff = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let patch = patch(container, &cutoff);
    if values.bool("dry-run") {
        return print_json(&patch);
    }
    let before = cluster.published()?;
    cluster.objects.patch(deployments, &name, &patch)?;
    say(&format!("set {VARIABLE}={cutoff:?} on Deployment {}/{name}", cluster.namespace()));
    let wait = values.duration("wait").to_std().unwrap_or(Duration::ZERO);
    let after = wait_for_another(&cluster, before, wait);
    if flags::wants_json(values) {
        print_json(&json!({
            "deployment": name, "cutoffTime": cutoff,
            "before": before.to_string(), "after": after.map(|key| key.to_string()),
        }))?;
    }
    let Some(after) = after else { return Err(seen_instead(&cluster, &name, before, wait)) };
    if !flags::wants_json(values) {
        write_stdout(format!("{after}\n").as_bytes())?;
    }
    say("the controller publishes a new key; kubeseal reencrypt moves files to it");
    Ok(())
}

/// The container that gets the variable.
fn container<'a>(deployment: &'a Value, asked: Option<&str>) -> Result<&'a Value> {
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let name = |container: &Value| container["name"].as_str().unwrap_or_default().to_owned();
    let names = || containers.iter().map(name).collect::<Vec<_>>().join(", ");
    let found: Vec<&Value> = match asked {
        Some(asked) => containers.iter().filter(|container| name(container) == asked).collect(),
        None if containers.len() == 1 => containers.iter().collect(),
        None => containers.iter().filter(|container| name(container).contains("sealed-secrets")).collect(),
    };
    let [container] = found.as_slice() else {
        return Err(Error::new("it is not clear which container of the Deployment is the controller's")
            .hint(format!("choose one with --container: {}", names())));
    };
    let words = ["command", "args"].iter().filter_map(|field| container[*field].as_array()).flatten();
    if words.filter_map(Value::as_str).any(|word| word == FLAG || word.starts_with(&format!("{FLAG}="))) {
        return Err(Error::new(format!("the Deployment's arguments hold {FLAG}, which counts more than {VARIABLE}"))
            .hint(format!("set {FLAG} to a later time there, as you set it before")));
    }
    Ok(container)
}

/// Merged by names, so that everything else stays. A variable that came from elsewhere gets a value of its own: it cannot
/// have both.
fn patch(container: &Value, cutoff: &str) -> Value {
    let mut variable = json!({"name": VARIABLE, "value": cutoff});
    let variables = container["env"].as_array().into_iter().flatten();
    if variables.into_iter().any(|one| one["name"] == VARIABLE && one.get("valueFrom").is_some()) {
        variable["valueFrom"] = Value::Null;
    }
    json!({"spec": {"template": {"spec": {"containers": [{"name": container["name"], "env": [variable]}]}}}})
}

/// The key that is published next. While the controller is started again nobody answers, which is no failure.
fn wait_for_another(cluster: &Cluster, before: Fingerprint, wait: Duration) -> Option<Fingerprint> {
    let began = Instant::now();
    loop {
        let controller = Controller::connect(&cluster.access);
        if let Ok(key) = controller.and_then(|controller| published_by(&controller))
            && key != before
        {
            return Some(key);
        }
        if began.elapsed() >= wait {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}

/// The error that tells what is there instead of a new key.
fn seen_instead(cluster: &Cluster, name: &str, before: Fingerprint, wait: Duration) -> Error {
    let mut seen = Vec::new();
    match cluster.published() {
        Ok(_) => seen.push(format!("{before} is still published")),
        Err(error) => seen.push(error.message()),
    }
    if let Ok(deployment) = cluster.objects.get(Collection::Deployments(cluster.namespace()), name) {
        seen.push(rollout(&deployment));
    }
    Error::new(format!("no new key was published within {} seconds: {}", wait.as_secs(), seen.join("; "))).hint(
        format!(
            "kubectl -n {} rollout status deployment/{name} and the controller's log say more",
            cluster.namespace()
        ),
    )
}

/// How far the Deployment is.
fn rollout(deployment: &Value) -> String {
    let (spec, status) = (&deployment["spec"], &deployment["status"]);
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let wanted = spec["replicas"].as_i64().unwrap_or(1);
    if wanted == 0 {
        return "the Deployment is scaled to 0 replicas".to_owned();
    }
    if spec["paused"] == true {
        return "the Deployment is paused".to_owned();
    }
    if number(&status["observedGeneration"]) < number(&deployment["metadata"]["generation"]) {
        return "the Deployment's change has not been looked at".to_owned();
    }
    let problem = status["conditions"].as_array().into_iter().flatten().find_map(|condition| {
        let is_bad = condition["type"] == "Progressing" && condition["status"] == "False"
            || condition["type"] == "ReplicaFailure" && condition["status"] == "True";
        condition["message"].as_str().filter(|_| is_bad)
    });
    let problem = problem.map(|text| format!(": {text}")).unwrap_or_default();
    let (updated, available) = (number(&status["updatedReplicas"]), number(&status["availableReplicas"]));
    format!("{updated} of {wanted} replicas are updated, {available} available{problem}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn deployment(containers: Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": containers}}}})
    }

    #[test]
    fn the_container_is_the_only_one_the_one_that_is_named_so_or_the_one_asked_for() {
        let two = json!([{"name": "proxy"}, {"name": "sealed-secrets-controller"}]);
        let odd = json!([{"name": "a"}, {"name": "b"}]);
        for (containers, asked, want) in [
            (json!([{"name": "x"}]), None, Some("x")),
            (two.clone(), None, Some("sealed-secrets-controller")),
            (two, Some("proxy"), Some("proxy")),
            (odd.clone(), None, None),
            (odd.clone(), Some("b"), Some("b")),
            (odd, Some("c"), None),
            (json!([]), None, None),
            (json!([{"name": "x", "args": ["--key-cutoff-time", "x"]}]), None, None),
            (json!([{"name": "x", "command": ["controller", "--key-cutoff-time=x"]}]), None, None),
            (json!([{"name": "x", "args": ["--key-cutoff-times"]}]), None, Some("x")),
        ] {
            let deployment = deployment(containers.clone());
            let found = container(&deployment, asked).ok().and_then(|found| found["name"].as_str());
            assert_eq!(found, want, "{containers} {asked:?}");
        }
    }

    #[test]
    fn the_state_of_a_rollout_is_told() {
        for (deployment, want) in [
            (json!({"spec": {"replicas": 0}}), "the Deployment is scaled to 0 replicas"),
            (json!({"spec": {"paused": true}}), "the Deployment is paused"),
            (
                json!({"metadata": {"generation": 2}, "spec": {}, "status": {"observedGeneration": 1}}),
                "the Deployment's change has not been looked at",
            ),
            (
                json!({"spec": {"replicas": 2}, "status": {"updatedReplicas": 1, "availableReplicas": 2, "conditions": [
                    {"type": "Available", "status": "True", "message": "fine"},
                    {"type": "ReplicaFailure", "status": "True", "message": "quota"}]}}),
                "1 of 2 replicas are updated, 2 available: quota",
            ),
        ] {
            assert_eq!(rollout(&deployment), want);
        }
    }
}
