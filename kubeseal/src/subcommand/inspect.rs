//! What can be said about SealedSecrets without opening them, and which key opens each item.

use sealed_secrets_crypto::KeyRing;
use sealed_secrets_flags::Values;
use sealed_secrets_resource::lint::Severity;
use sealed_secrets_resource::{InspectedItem, InspectedObject, KeyFound, inspect};
use serde_json::{Value, json};

use super::report::{count, name_of, print_json};
use super::{Subcommand, flags};
use crate::age_file::Unlock;
use crate::error::{Error, Result};
use crate::input::Input;
use crate::output::write_stdout;
use crate::{args, input, key_files, say};

pub(super) static INSPECT: Subcommand = Subcommand {
    name: "inspect",
    arguments: "[flags] FILE…",
    summary: "show what SealedSecrets hold, as far as it can be said; never a value",
    about: "\
Shows the SealedSecrets of files (- is standard input): scope, items with the size of
value and key, the key that is recorded, and what is wrong. With private keys it tells
which of them opens each item. Values are never shown. Objects of other kinds are left out.
",
    examples: &[
        ("What is in a file:", "kubeseal inspect db.yaml"),
        ("Which key of a backup opens each item:", "kubeseal inspect --from-keys backup.yaml db.yaml"),
    ],
    statuses: &[
        (0, "everything was read, nothing wrong was found"),
        (
            1,
            "a file cannot be read or holds no SealedSecret, something is wrong with one, or no given key opens an item",
        ),
        (2, "the arguments cannot be used"),
    ],
    flags: || &[flags::FROM_KEYS, flags::IDENTITY, flags::PASSPHRASE_FILE, flags::NAMESPACE, flags::OUTPUT],
    run,
};

fn run(values: &Values) -> Result<()> {
    let files = values.positionals();
    if files.is_empty() {
        return Err(INSPECT.misused("inspect needs the name of a file"));
    }
    let ring = match values.list("from-keys") {
        [] => KeyRing::default(),
        files => key_files::read(files, &Unlock::of(values))?,
    };
    let namespace = args::namespace(values);
    let (mut shown, mut failed) = (Vec::new(), false);
    for file in files {
        match objects(file, namespace.as_deref(), &ring) {
            Ok(objects) => {
                failed |= objects.iter().any(is_faulty);
                shown.push((file, objects));
            }
            Err(error) => {
                say(&error.to_string());
                failed = true;
            }
        }
    }
    if flags::wants_json(values) {
        let entries = shown.iter().flat_map(|(file, objects)| objects.iter().map(|object| as_json(file, object)));
        print_json(&entries.collect())?;
    } else {
        let texts = shown.iter().flat_map(|(file, objects)| objects.iter().map(|object| as_text(file, object)));
        write_stdout(texts.collect::<Vec<_>>().join("\n").as_bytes())?;
    }
    if failed { Err(Error::Reported) } else { Ok(()) }
}

fn objects(file: &str, namespace: Option<&str>, ring: &KeyRing) -> Result<Vec<InspectedObject>> {
    let text = if file == "-" { Input::Stdin.read()? } else { input::read_file(file)? };
    let objects = inspect(&text, namespace, ring).map_err(|error| {
        let failure = Error::new(format!("{file}: {error}"));
        if crate::repository::is_template(&text) {
            failure.hint("a template is no YAML before it is rendered")
        } else {
            failure
        }
    })?;
    if objects.is_empty() {
        return Err(Error::new(format!("{file}: the file holds no SealedSecret")));
    }
    Ok(objects)
}

fn is_faulty(object: &InspectedObject) -> bool {
    object.findings.iter().any(|finding| finding.rule.severity() == Severity::Error)
        || object.items.iter().any(|item| item.key == KeyFound::None)
}

fn as_text(file: &str, object: &InspectedObject) -> String {
    let mut text = head(file, object);
    let width = object.items.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
    for item in &object.items {
        text.push_str(&format!("  item {:<width$}  {}\n", item.name, describe(item)));
    }
    for template in &object.templates {
        text.push_str(&format!("  item {template:<width$}  rendered from a template in the cluster\n"));
    }
    for finding in &object.findings {
        text.push_str(&format!("  {finding}\n"));
    }
    text
}

fn head(file: &str, object: &InspectedObject) -> String {
    let mut rows = vec![("scope", object.scope.to_string())];
    if !object.secret_type.is_empty() {
        rows.push(("type", object.secret_type.clone()));
    }
    if object.immutable {
        rows.push(("immutable", "yes".to_owned()));
    }
    if let Some(record) = &object.record {
        rows.push(("recorded", record.clone()));
    }
    let name = name_of(&object.namespace, &object.name);
    let rows = rows.iter().map(|(head, value)| format!("  {head:<10} {value}\n")).collect::<String>();
    format!("{file}:{}: SealedSecret {name}\n{rows}", object.line)
}

fn describe(item: &InspectedItem) -> String {
    let size = match &item.envelope {
        Some(facts) => format!("{}, {}-bit key", count(facts.value_bytes, "byte"), facts.key_bits),
        None => "no sealed value".to_owned(),
    };
    let key = match (item.key, item.recorded) {
        (KeyFound::Opens(key), _) => format!("opens with {key}"),
        (KeyFound::None, _) => "none of the given keys opens it".to_owned(),
        (KeyFound::NotTried, Some(key)) => format!("{key} is recorded"),
        (KeyFound::NotTried, None) => "its key is not recorded".to_owned(),
    };
    format!("{size}, {key}")
}

fn as_json(file: &str, object: &InspectedObject) -> Value {
    let items = object.items.iter().map(|item| {
        json!({
            "name": item.name,
            "valueBytes": item.envelope.as_ref().map(|facts| facts.value_bytes),
            "keyBits": item.envelope.as_ref().map(|facts| facts.key_bits),
            "recordedKey": item.recorded.map(|key| key.to_string()),
            "opensWith": match item.key { KeyFound::Opens(key) => Some(key.to_string()), _ => None },
            "keysTried": item.key != KeyFound::NotTried,
        })
    });
    json!({
        "file": file,
        "line": object.line,
        "namespace": object.namespace,
        "name": object.name,
        "scope": object.scope.to_string(),
        "type": object.secret_type,
        "immutable": object.immutable,
        "deprecatedForm": object.deprecated,
        "sealedWith": object.record,
        "items": items.collect::<Vec<_>>(),
        "templates": object.templates,
        "findings": object.findings.iter().map(super::lint::finding_as_json).collect::<Vec<_>>(),
    })
}
