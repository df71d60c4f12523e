//! Kubeconfig files: where they are, what they hold, and how several become one.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kube::config::{AuthProviderConfig, ExecConfig, NamedExtension};
use sealed_secrets_flags::quote;
use sealed_secrets_resource::document::{Node, NodeValue, read_object};
use serde::Deserialize;
use serde_path_to_error::Segment;
use zeroize::Zeroizing;

use super::oidc;
use crate::error::{Error, Result, io_cause};
use crate::log::Log;

/// What the kubeconfig files hold together. Names are unique: the first file that defines one wins.
#[derive(Debug, Default)]
pub(super) struct Kubeconfig {
    pub(super) current_context: String,
    pub(super) contexts: HashMap<String, Context>,
    pub(super) clusters: HashMap<String, Cluster>,
    pub(super) users: HashMap<String, User>,
}

/// Which cluster, user and namespace belong together.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Context {
    pub(super) cluster: Option<String>,
    pub(super) user: Option<String>,
    pub(super) namespace: Option<String>,
}

/// How to reach an API server.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Cluster {
    pub(super) server: Option<String>,
    pub(super) insecure_skip_tls_verify: Option<bool>,
    pub(super) certificate_authority: Option<String>,
    pub(super) certificate_authority_data: Option<String>,
    pub(super) tls_server_name: Option<String>,
    pub(super) proxy_url: Option<String>,
    pub(super) extensions: Option<Vec<NamedExtension>>,
    /// The file that defines this cluster.
    #[serde(skip)]
    pub(super) origin: PathBuf,
}

/// How to prove who is asking. No `Debug`: nearly everything in here is secret.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct User {
    pub(super) client_certificate: Option<String>,
    pub(super) client_certificate_data: Option<String>,
    pub(super) client_key: Option<String>,
    pub(super) client_key_data: Option<String>,
    pub(super) token: Option<String>,
    #[serde(rename = "tokenFile")]
    pub(super) token_file: Option<String>,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    #[serde(rename = "as")]
    pub(super) impersonate: Option<String>,
    #[serde(rename = "as-uid")]
    pub(super) impersonate_uid: Option<String>,
    #[serde(rename = "as-groups")]
    pub(super) impersonate_groups: Option<Vec<String>>,
    #[serde(rename = "as-user-extra")]
    pub(super) impersonate_user_extra: Option<HashMap<String, Vec<String>>>,
    pub(super) auth_provider: Option<AuthProviderConfig>,
    pub(super) exec: Option<ExecConfig>,
    /// The file that defines this user.
    #[serde(skip)]
    pub(super) origin: PathBuf,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("User(redacted)")
    }
}

/// Reads `--kubeconfig`, else the files of `KUBECONFIG`, else `~/.kube/config`. Only the first must exist.
///
/// # Errors
/// A file that cannot be read or is no kubeconfig; never with a value from it.
pub(super) fn load(explicit: Option<&str>, log: &Log) -> Result<Kubeconfig> {
    let mut merged = Kubeconfig::default();
    if let Some(path) = explicit {
        if let Err(error) = fs::metadata(path)
            && error.kind() == io::ErrorKind::NotFound
        {
            return Err(Error::file("stat", path, &error));
        }
        if let Some(file) = read(Path::new(path), log)? {
            merged.add(file);
        }
        return Ok(merged);
    }
    for path in default_files() {
        if let Some(file) = read(&path, log)? {
            merged.add(file);
        }
    }
    Ok(merged)
}

fn default_files() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => {
            let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
            home.map(|home| PathBuf::from(home).join(".kube/config")).into_iter().collect()
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct KubeconfigFile {
    current_context: Option<String>,
    contexts: Option<Vec<NamedContext>>,
    clusters: Option<Vec<NamedCluster>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Option<Context>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

/// Reads one file; a missing one is nothing.
fn read(path: &Path, log: &Log) -> Result<Option<KubeconfigFile>> {
    let shown = quote(&path.to_string_lossy());
    let complain = |problem: &str| Error::new(format!("error loading config file {shown}: {problem}"));
    let content = match fs::read(path) {
        Ok(content) => Zeroizing::new(content),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(complain(&io_cause(&error))),
    };
    log.line(6, concat!(file!(), ":", line!()), || format!("Config loaded from file:  {}", path.display()));
    let document = read_object(&content).map_err(|error| complain(&error.to_string()))?;
    let Some(document) = document else { return Ok(Some(KubeconfigFile::default())) };
    let mut file: KubeconfigFile = serde_path_to_error::deserialize(document.root.to_json())
        .map_err(|fault| complain(&describe(&fault, &document.root)))?;
    file.resolve_paths(path.parent().unwrap_or(Path::new("")));
    for cluster in file.clusters.iter_mut().flatten().filter_map(|named| named.cluster.as_mut()) {
        path.clone_into(&mut cluster.origin);
    }
    for user in file.users.iter_mut().flatten().filter_map(|named| named.user.as_mut()) {
        path.clone_into(&mut user.origin);
    }
    Ok(Some(file))
}

/// Where the file is no kubeconfig, and what should stand there. The parser's own message would quote what does stand
/// there, which may be a token.
fn describe(fault: &serde_path_to_error::Error<serde_json::Error>, root: &Node) -> String {
    let mut node = root;
    for segment in fault.path() {
        let next = match segment {
            Segment::Seq { index } => match &node.value {
                NodeValue::Sequence(items) => items.get(*index),
                _ => None,
            },
            Segment::Map { key } => node.get(key),
            _ => None,
        };
        let Some(next) = next else { break };
        node = next;
    }
    let text = fault.inner().to_string();
    let wanted = match text.rsplit_once(", expected ") {
        Some((_, wanted)) => format!("expected {wanted}"),
        None if text.starts_with("missing field ") => text,
        None => "the value cannot be used".to_owned(),
    };
    let line = node.position.line;
    format!("line {line}: {}: {wanted}", fault.path())
}

impl KubeconfigFile {
    /// Relative paths in a kubeconfig are relative to its directory.
    fn resolve_paths(&mut self, directory: &Path) {
        let resolve = |field: &mut Option<String>| {
            if let Some(path) = field.as_mut().filter(|path| !path.is_empty() && Path::new(path.as_str()).is_relative())
            {
                *path = directory.join(&*path).to_string_lossy().into_owned();
            }
        };
        for cluster in self.clusters.iter_mut().flatten().filter_map(|named| named.cluster.as_mut()) {
            resolve(&mut cluster.certificate_authority);
        }
        for user in self.users.iter_mut().flatten().filter_map(|named| named.user.as_mut()) {
            resolve(&mut user.client_certificate);
            resolve(&mut user.client_key);
            resolve(&mut user.token_file);
            if let Some(provider) = &mut user.auth_provider {
                let mut authority = provider.config.remove(oidc::AUTHORITY);
                resolve(&mut authority);
                provider.config.extend(authority.map(|path| (oidc::AUTHORITY.to_owned(), path)));
            }
            if let Some(exec) =
                user.exec.as_mut().filter(|exec| exec.command.as_ref().is_some_and(|command| command.contains('/')))
            {
                resolve(&mut exec.command);
            }
        }
    }
}

impl Kubeconfig {
    /// Adds what earlier files did not define.
    fn add(&mut self, file: KubeconfigFile) {
        if self.current_context.is_empty() {
            self.current_context = file.current_context.unwrap_or_default();
        }
        // Within one file the last entry of a name counts, between files the first.
        let contexts: HashMap<_, _> =
            file.contexts.into_iter().flatten().map(|named| (named.name, named.context)).collect();
        let clusters: HashMap<_, _> =
            file.clusters.into_iter().flatten().map(|named| (named.name, named.cluster)).collect();
        let users: HashMap<_, _> = file.users.into_iter().flatten().map(|named| (named.name, named.user)).collect();
        for (name, context) in contexts {
            self.contexts.entry(name).or_insert_with(|| context.unwrap_or_default());
        }
        for (name, cluster) in clusters {
            self.clusters.entry(name).or_insert_with(|| cluster.unwrap_or_default());
        }
        for (name, user) in users {
            self.users.entry(name).or_insert_with(|| user.unwrap_or_default());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn file(directory: &Path, name: &str, text: &str) -> String {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    #[test]
    fn between_files_the_first_definition_wins_and_paths_follow_their_file() {
        let place = tempfile::tempdir().unwrap();
        let first = file(
            place.path(),
            "a",
            "clusters:\n- name: c\n  cluster: {server: one, certificate-authority: ca.crt}\ncurrent-context: ''\n",
        );
        let second = file(
            place.path(),
            "b",
            "clusters:\n- name: c\n  cluster: {server: two}\n- name: d\n  cluster: {server: three}\ncurrent-context: x\nusers: null\n",
        );
        let mut merged = Kubeconfig::default();
        for path in [&first, &second] {
            merged.add(read(Path::new(path), &Log::default()).unwrap().unwrap());
        }
        assert_eq!(merged.clusters["c"].server.as_deref(), Some("one"));
        assert_eq!(merged.clusters["c"].certificate_authority.as_deref(), place.path().join("ca.crt").to_str());
        assert_eq!(merged.clusters["d"].server.as_deref(), Some("three"));
        assert_eq!(merged.current_context, "x");
    }

    #[test]
    fn a_missing_file_matters_only_when_it_was_named() {
        assert!(read(Path::new("/nonexistent/kubeconfig"), &Log::default()).unwrap().is_none());
        let error = load(Some("/nonexistent/kubeconfig"), &Log::default()).unwrap_err();
        assert_eq!(error.to_string(), "error: stat /nonexistent/kubeconfig: no such file or directory");
    }

    #[test]
    fn errors_do_not_show_what_the_file_holds() {
        let place = tempfile::tempdir().unwrap();
        for text in [
            "users: [{name: u, user: {token: hunter2",
            "users: hunter2",
            "users: [{user: {token: [hunter2]}}]",
            "hunter2",
        ] {
            let path = file(place.path(), "k", text);
            let Err(error) = read(Path::new(&path), &Log::default()) else { panic!("{text} was accepted") };
            assert!(error.to_string().starts_with("error: error loading config file"), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_told_by_line_and_field() {
        let place = tempfile::tempdir().unwrap();
        for (text, want) in [
            (
                "clusters:\n- name: c\n  cluster:\n    server: 5\n",
                "line 4: clusters[0].cluster.server: expected a string",
            ),
            (
                "clusters:\n- name: c\n- name: d\n  cluster: {insecure-skip-tls-verify: \"hunter2\"}\n",
                "line 4: clusters[1].cluster.insecure-skip-tls-verify: expected a boolean",
            ),
            (
                "users:\n- name: u\n  user:\n    exec:\n      interactiveMode: hunter2\n",
                "line 5: users[0].user.exec.interactiveMode: expected one of `Never`, `IfAvailable`, `Always`",
            ),
            (
                "users: [{name: u, user: {token: [\"hunter2, expected x\"]}}]\n",
                "line 1: users[0].user.token: expected a string",
            ),
            ("users:\n- user: {token: hunter2}\n", "line 2: users[0]: missing field `name`"),
            ("clusters: hunter2\n", "line 1: clusters: expected a sequence"),
        ] {
            let path = file(place.path(), "k", text);
            let Err(error) = read(Path::new(&path), &Log::default()) else { panic!("{text} was accepted") };
            assert_eq!(error.to_string(), format!("error: error loading config file {path:?}: {want}"));
        }
    }

    #[test]
    fn an_empty_file_is_an_empty_configuration() {
        let place = tempfile::tempdir().unwrap();
        let path = file(place.path(), "k", "# nothing yet\n");
        assert!(load(Some(&path), &Log::default()).unwrap().clusters.is_empty());
    }
}
