//! What docs/use.md says of a repository, with a controller that is a script; tests/chart/installed runs it with a real one.

use std::path::Path;
use std::process::Command;

use super::generate::values;
use super::odd_files::{sealed, write};
use super::server::{Kubeseal, Run};

#[test]
fn the_example_of_the_documentation_holds() {
    let document = include_str!("../../../docs/use.md");
    let (_, section) = document.split_once("\n## A repository of SealedSecrets\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap_or((section, ""));
    let blocks = section.split("\n```sh\n").skip(1).map(|rest| rest.split_once("\n```\n").unwrap().0);
    let script: Vec<&str> = blocks.collect();
    assert!(script.len() >= 4 && script.concat().contains("cat >deploy/.kubeseal.yaml"), "{script:?}");

    let server = super::controller();
    let kubeseal = Kubeseal::new().cluster(&server.url, "{}");
    // The certificate that the other parts of the page fetch, and the file that they make.
    write(&kubeseal, "sealed.yaml", sealed("db").replace("\n    a: ", "\n    password: "));
    let program = kubeseal.command(&[]);
    let folder = Path::new(program.get_program()).parent().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-euo", "pipefail", "-c", &script.join("\n")]).env_clear().current_dir(kubeseal.path());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    let run = Run::of(&shell.output().unwrap());
    assert_eq!(run.code, Some(0), "{run:?}");
    let text = kubeseal.read("deploy/prod/db.yaml");
    let opened = values(text.as_bytes(), "b.key").unwrap();
    assert_eq!(
        opened.iter().map(|(item, value)| (item.as_str(), value.as_str())).collect::<Vec<_>>(),
        [("db/password", "n3w")]
    );
    assert!(text.contains("sealed-with: SHA256:") && run.stdout.contains("password"), "{text}{run:?}");
    // Every field of the table is one, and the other way round.
    let known = "paths, certificate, controller, scope, namespace, record-key and ignore are known";
    write(&kubeseal, "deploy/.kubeseal.yaml", "rules: [{x: y}]\n");
    assert!(kubeseal.run(&["lint", "deploy"], "").stderr.contains(known));
    let mut rows: Vec<&str> = section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut fields: Vec<&str> =
        known.trim_end_matches(" are known").split(", ").flat_map(|word| word.split(" and ")).collect();
    rows.sort_unstable();
    fields.sort_unstable();
    assert_eq!(rows, fields);
}
