//! Uses of keys in the files of repositories.

use sealed_secrets_resource::document::read_stream;
use sealed_secrets_resource::document::{Node, NodeValue};
use sealed_secrets_resource::{Rules, SealedSecret, keys_of_file};

use crate::repository::{Contents, read, walk};
use crate::subcommand::keys::usage::Usage;
use crate::subcommand::report::display_name;

/// Adds every SealedSecret below the paths. Whatever cannot be looked into may need any key.
pub(super) fn add(usage: &mut Usage, paths: &[String]) {
    let found = walk(paths);
    for unread in found.failures.into_iter().chain(found.warnings) {
        usage.add_unknown(unread);
    }
    for file in &found.files {
        let name = file.path.display().to_string();
        match read(&file.path, sealed_secrets_resource::KIND) {
            Ok(Contents::Irrelevant) => {}
            Ok(Contents::Relevant(text)) => add_file(usage, &name, &text),
            Err(_) => usage.add_unknown(name),
        }
    }
}

fn add_file(usage: &mut Usage, name: &str, text: &[u8]) {
    match read_stream(text) {
        Ok(documents) => documents.iter().for_each(|document| add_object(usage, name, &document.root)),
        Err(_) => usage.add_unknown(name.to_owned()),
    }
}

fn add_object(usage: &mut Usage, name: &str, node: &Node) {
    let kind = node.get("kind").and_then(Node::to_text).unwrap_or_default();
    if kind == sealed_secrets_resource::KIND {
        match SealedSecret::from_node(node, Rules::Strict) {
            Ok(sealed) => {
                let name = format!("{name}: {}", display_name(&sealed.metadata));
                usage.add(name, keys_of_file(&sealed));
            }
            Err(_) => usage.add_unknown(name.to_owned()),
        }
    } else if let Some(NodeValue::Sequence(items)) = node.get("items").map(|items| &items.value) {
        items.iter().for_each(|item| add_object(usage, name, item));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const A: &str = "SHA256:mXxmlmL6V8HbbvvZnFs6REGCFZxzonTznKHcXa6Sy3k";

    #[test]
    fn what_tells_nothing_counts_as_unknown() {
        let place = tempfile::tempdir().unwrap();
        let object = |record: &str| {
            format!(
                "kind: SealedSecret\nmetadata: {{name: x, annotations: {{sealedsecrets.bitnami.com/sealed-with: \"{record}\"}}}}\nspec: {{encryptedData: {{x: AA}}}}\n"
            )
        };
        for (name, text) in [
            ("recorded.yaml", object(A)),
            ("unrecorded.yaml", object("")),
            ("template.yaml", format!("{{{{ if .x }}}}\n{}{{{{ end }}}}\n", object(A))),
            ("other.yaml", "kind: Deployment\n# no SealedSecret here\n".to_owned()),
            ("list.yaml", format!("kind: List\nitems:\n- {}", object(A).replace('\n', "\n  ").trim_end())),
        ] {
            std::fs::write(place.path().join(name), text).unwrap();
        }
        let mut usage = Usage::default();
        add(&mut usage, &[place.path().to_str().unwrap().to_owned(), "/no/such/path".to_owned()]);
        let users: Vec<String> = usage.users(A.parse().unwrap()).map(str::to_owned).collect();
        let file = |user: &String| user.rsplit('/').next().unwrap().to_owned();
        assert_eq!(users.iter().map(file).collect::<Vec<_>>(), ["list.yaml: x", "recorded.yaml: x"]);
        let unknown: Vec<String> = usage.unknown.iter().map(file).collect();
        assert_eq!(unknown, ["path: no such file or directory", "template.yaml", "unrecorded.yaml: x"]);
    }
}
