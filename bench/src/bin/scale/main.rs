//! What a controller needs for thousands of SealedSecrets and dozens of keys, beside what nobody could do without.
//!
//! Takes any controller that runs with the published roles. Each scenario gets a cluster of its own.

#![allow(clippy::print_stdout, reason = "tables on standard output are what this program is for")]
// In a program nothing is reachable from outside; `pub` says "for other modules".
#![allow(unreachable_pub)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod audit;
mod cluster;
mod floor;
mod objects;
mod process;
mod report;
mod scenario;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealed_secrets_bench::Failure;

use crate::scenario::{Figures, Scenario};

const USAGE: &str = "usage: scale CLUSTER MANIFESTS WORK CONTROLLER OBJECTS KEYS [FLAG...]
    CLUSTER      the program that runs a test cluster
    MANIFESTS    the folder of crd.yaml and rbac.yaml
    WORK         a folder; key pairs are kept there between runs
    CONTROLLER   what is measured, with these flags
    OBJECTS      numbers of SealedSecrets, such as 1000,4000
    KEYS         numbers of sealing keys, such as 1,12,60";

/// How this program calls itself inside a cluster.
const INSIDE: &str = "--inside";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [mark, rest @ ..] if mark == INSIDE => inside(rest),
        [cluster, manifests, work, controller, objects, keys, flags @ ..] => {
            let numbers = |text: &str| text.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>();
            let (objects, keys) = (numbers(objects)?, numbers(keys)?);
            let work = Path::new(work);
            objects::make_keys(&work.join("keys"), keys.iter().copied().max().unwrap_or(1))?;
            let mut all = Vec::new();
            for (index, (count, keys)) in
                objects.iter().flat_map(|count| keys.iter().map(move |keys| (count, keys))).enumerate()
            {
                let folder = work.join(format!("cluster-{index}"));
                let figures = in_cluster(cluster, &folder, [manifests, controller], (count, keys), index == 0, flags)?;
                print!("{}", report::table(&figures, &all));
                all.push(figures);
            }
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

/// Starts a cluster and this program in it, and takes what it measured.
fn in_cluster(
    cluster: &str,
    folder: &Path,
    [manifests, controller]: [&String; 2],
    (objects, keys): (&usize, &usize),
    extras: bool,
    flags: &[String],
) -> Result<Figures, Failure> {
    let _ = std::fs::remove_dir_all(folder);
    let output = Command::new(cluster)
        .args(["run", "--dir"])
        .arg(folder)
        .arg("--")
        .arg(std::env::current_exe()?)
        .args([INSIDE, manifests, &folder.to_string_lossy(), controller])
        .args([objects.to_string(), keys.to_string(), extras.to_string()])
        .args(flags)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(serde_json::from_str(text.lines().last().unwrap_or_default())?),
        false => Err(format!("{objects} objects, {keys} keys: {}", output.status).into()),
    }
}

fn inside(arguments: &[String]) -> Result<(), Failure> {
    let [manifests, folder, controller, objects, keys, extras, flags @ ..] = arguments else {
        return Err(USAGE.into());
    };
    let folder = PathBuf::from(folder);
    let work = folder.with_extension("files");
    std::fs::create_dir_all(&work)?;
    let scenario = Scenario {
        objects: objects.parse()?,
        keys: keys.parse()?,
        key_folder: folder.with_file_name("keys"),
        program: controller.into(),
        arguments: flags.to_vec(),
        extras: extras.parse()?,
    };
    // One thread: the cores belong to what is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(scenario::run(&scenario, Path::new(manifests), &work))?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
