//! A repository as people have them: many hands, many styles.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use sealed_secrets_crypto::{Certificate, KeyRing, Label, PrivateKey, PublicKey, SealingKey, SystemRandom};
use sealed_secrets_resource::{SealedFile, UnsealOptions, open_items, seal_value};

/// SealedSecrets that stand in every block of files that [`repository`] makes.
const PER_BLOCK: usize = 20;

pub(crate) fn key_file(name: &str) -> String {
    format!("{}/tests/golden/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn public_key(name: &str) -> PublicKey {
    let certificate = Certificate::first_from_pem(&fs::read(key_file(name)).unwrap()).unwrap();
    certificate.rsa_public_key().unwrap().clone()
}

/// The text of an item under the old key.
pub(crate) fn item(key: &PublicKey, label: &Label, value: &str) -> String {
    seal_value(key, label, value.as_bytes(), &mut SystemRandom).unwrap()
}

/// Writes a repository with at least so many SealedSecrets, sealed for the old key, some with their key recorded; templates
/// that are no YAML, other objects and files of other kinds stand between them.
pub(crate) fn repository(root: &Path, at_least: usize) -> usize {
    let old = public_key("a.crt");
    let blocks = at_least.div_ceil(PER_BLOCK);
    for block in 0..blocks {
        for (name, content) in files(block, &old) {
            let path = root.join(format!("team-{block}/{name}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    blocks * PER_BLOCK
}

/// The files of one block: [`PER_BLOCK`] SealedSecrets in every style.
fn files(block: usize, old: &PublicKey) -> Vec<(String, String)> {
    let namespace = format!("shop-{block}");
    let sealed = |name: &str, item_name: &str| {
        item(old, &Label::strict(&namespace, name), &format!("{namespace}/{name}/{item_name}"))
    };
    let wide =
        |item_name: &str| item(old, &Label::namespace_wide(&namespace), &format!("{namespace}/wide/{item_name}"));
    let everywhere = item(old, &Label::cluster_wide(), &format!("{namespace}/everywhere/a"));
    let head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret";
    let mut files = Vec::new();
    files.push(("plain.yaml".to_owned(), format!(
        "{head}\nmetadata:\n  name: plain\n  namespace: {namespace}\nspec:\n  encryptedData:\n    a: {}\n    b: {}\n  template:\n    type: Opaque\n",
        sealed("plain", "a"), sealed("plain", "b"))));
    files.push(("windows.yml".to_owned(), format!(
        "# from another system\n{head}\nmetadata:\n    name: 'windows' # quoted\n    namespace: \"{namespace}\"\nspec:\n    encryptedData:\n        \
         a: \"{}\"   # keep\n        'b.c': '{}'\n\n    # the end", sealed("windows", "a"), sealed("windows", "b.c")).replace('\n', "\r\n")));
    files.push(("pretty.json".to_owned(), format!(
        "{{\n\t\"kind\": \"SealedSecret\",\n\t\"apiVersion\": \"bitnami.com/v1alpha1\",\n\t\"metadata\": {{\n\t\t\"name\": \"pretty\",\n\t\t\"namespace\": \
         \"{namespace}\"\n\t}},\n\t\"spec\": {{\n\t\t\"encryptedData\": {{\n\t\t\t\"a\": \"{}\",\n\t\t\t\"b\": \"{}\"\n\t\t}}\n\t}}\n}}\n",
        sealed("pretty", "a"), sealed("pretty", "b"))));
    files.push(("line.json".to_owned(), format!(
        r#"{{"kind":"SealedSecret","apiVersion":"bitnami.com/v1alpha1","metadata":{{"name":"line","namespace":"{namespace}"}},"spec":{{"encryptedData":{{"a":"{}"}}}}}}"#,
        sealed("line", "a"))));
    let mut several = "# several objects, one file\n---\nkind: ConfigMap\napiVersion: v1\ndata:\n  a:   'x' # odd\n  b: |\n    ---text\n\n".to_owned();
    for number in 0..8 {
        let name = format!("several-{number}");
        several.push_str(&format!(
            "---\n{head}\nmetadata: {{name: {name}, namespace: {namespace}, annotations: {{note: \"n\"}}}}\nspec:\n  encryptedData:\n    a: {}\n---\napiVersion: v1\nkind: Service\nspec:   {{}}\n",
            sealed(&name, "a")));
    }
    files.push(("several.yaml".to_owned(), several));
    let mut list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service   # stays\n".to_owned();
    for number in 0..4 {
        let name = format!("list-{number}");
        list.push_str(&format!(
            "- {}\n  metadata:\n    name: {name}\n    namespace: {namespace}\n  spec:\n    encryptedData:\n      a: {}\n",
            head.replace('\n', "\n  "), sealed(&name, "a")));
    }
    files.push(("deep/er/list.yaml".to_owned(), list));
    files.push(("folded.yaml".to_owned(), format!(
        "{head}\nmetadata:\n  name: folded\n  namespace: {namespace}\nspec:\n  encryptedData:\n    a: |-\n      {}\n    b: >-\n      {}\n",
        sealed("folded", "a"), sealed("folded", "b"))));
    files.push(("recorded.yaml".to_owned(), format!(
        "{head}\nmetadata:\n  annotations:\n    sealedsecrets.bitnami.com/sealed-with: {}\n    z: last\n  name: recorded\n  namespace: {namespace}\nspec:\n  encryptedData:\n    a: {}\n",
        old.fingerprint(), sealed("recorded", "a"))));
    files.push(("wide.yaml".to_owned(), format!(
        "{head}\nmetadata:\n  annotations:\n    sealedsecrets.bitnami.com/namespace-wide: \"true\"\n  name: wide\n  namespace: {namespace}\nspec:\n  encryptedData:\n    \
         a: {}\n  template:\n    data:\n      url: \"x://{{{{ .a }}}}\"\n    metadata:\n      annotations: {{sealedsecrets.bitnami.com/namespace-wide: \"true\"}}\n",
        wide("a"))));
    files.push(("everywhere.yaml".to_owned(), format!(
        "---\n{head}\nmetadata:\n  annotations:\n    sealedsecrets.bitnami.com/cluster-wide: \"true\"\n  name: everywhere\nspec:\n  encryptedData:\n    a: {everywhere}\n")));
    files.push(("chart/templates/sealed.yaml".to_owned(), format!(
        "{{{{- if .Values.sealed }}}}\n{head}\nmetadata:\n  name: {{{{ .Release.Name }}}}-db\nspec:\n  encryptedData:\n    a: {}\n{{{{- end }}}}\n",
        sealed("plain", "a"))));
    files.push(("README.md".to_owned(), "# SealedSecret\n".to_owned()));
    files.push(("broken-but-other.yaml".to_owned(), "a: [1\nb: }\n".to_owned()));
    files
}

/// Every file below a folder, but for `.git`.
pub(crate) fn contents(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.extend((entry.file_name() != ".git").then(|| entry.path()));
            } else {
                let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

/// Each key alone; importing one takes longer than opening an item.
static RINGS: LazyLock<Vec<(&str, KeyRing)>> = LazyLock::new(|| {
    let ring = |name| {
        let private = PrivateKey::from_pem(&fs::read(key_file(name)).unwrap()).unwrap();
        (name, KeyRing::new(vec![SealingKey::unpublished(private, jiff::Timestamp::UNIX_EPOCH)]))
    };
    ["a.key", "b.key", "c.key"].map(ring).to_vec()
});

/// The values of all items that a key opens, by file, object and item; panics where it does not open one.
pub(crate) fn values(content: &[u8], key: &str) -> Result<BTreeMap<String, String>, String> {
    let ring = RINGS.iter().find(|(name, _)| *name == key).map(|(_, ring)| ring).unwrap();
    let file = SealedFile::read_mixed(content).map_err(|error| error.to_string())?;
    let mut values = BTreeMap::new();
    for sealed in file.objects() {
        let options = UnsealOptions { accept_deprecated_data: true, last: None };
        let opened = open_items(sealed, ring, &options).map_err(|error| error.to_string())?;
        for (item, value) in opened.items {
            values.insert(
                format!("{}/{item}", sealed.metadata.name),
                String::from_utf8_lossy(value.as_slice()).into_owned(),
            );
        }
    }
    Ok(values)
}
