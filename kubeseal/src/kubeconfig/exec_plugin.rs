//! Credentials from a program that the kubeconfig names (client-go's exec plugins).
//!
//! Not left to kube: it hands our standard input, which holds the Secret, to the plugin, runs the plugin twice, and shows
//! what the plugin printed in its errors.

use std::io::{self, IsTerminal, Read};
use std::process::{Command, Stdio};

use kube::config::{ExecConfig, ExecInteractiveMode};
use sealed_secrets_resource::document::read_object;
use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::file::Cluster;
use crate::error::{Error, Result, io_cause};
use crate::input::read_all;

/// What a plugin gives: a token, a client certificate with its key, or both.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credentials {
    pub(super) token: Option<String>,
    /// PEM text.
    pub(super) client_certificate_data: Option<String>,
    /// PEM text.
    pub(super) client_key_data: Option<String>,
}

/// The reserved name of the cluster extension that is handed to plugins.
const CLUSTER_EXTENSION: &str = "client.authentication.k8s.io/exec";

/// Largest answer that is read: a certificate and its key take some kilobytes.
const LARGEST_ANSWER: u64 = 16 << 20;

/// Runs the plugin and reads its answer.
///
/// # Errors
/// A plugin that cannot be run, fails, or answers something else; its output is never repeated.
pub(super) fn run(plugin: &ExecConfig, cluster: &Cluster) -> Result<Credentials> {
    let name = plugin.command.as_deref().unwrap_or_default();
    let complain = |problem: &str| {
        let error = Error::new(format!("getting credentials: exec plugin {name}: {problem}"));
        match &plugin.install_hint {
            Some(hint) => error.hint(hint.trim()),
            None => error,
        }
    };
    let terminal = io::stdin().is_terminal();
    let interactive = match &plugin.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !terminal => return Err(complain("standard input is not a terminal")),
        _ => terminal,
    };
    let mut plugin_run = Command::new(name)
        .args(plugin.args.iter().flatten())
        .envs(plugin.env.iter().flatten().filter_map(|variable| Some((variable.get("name")?, variable.get("value")?))))
        .env("KUBERNETES_EXEC_INFO", exec_info(plugin, cluster, interactive))
        .stdin(if interactive { Stdio::inherit() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|error| complain(&io_cause(&error)))?;
    let output = plugin_run.stdout.take().map(|stdout| read_all(&mut stdout.take(LARGEST_ANSWER + 1), 0));
    let answer = output.unwrap_or_else(|| Ok(Zeroizing::default()));
    if answer.as_ref().is_ok_and(|answer| answer.len() as u64 > LARGEST_ANSWER) {
        // It may be about to print for ever.
        let _ = plugin_run.kill();
        let _ = plugin_run.wait();
        return Err(complain("it printed more than 16 MiB"));
    }
    let status = plugin_run.wait().map_err(|error| complain(&io_cause(&error)))?;
    let answer = answer.map_err(|error| complain(&io_cause(&error)))?;
    if !status.success() {
        return Err(complain(&format!("failed with {status}")));
    }
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    match read_answer(&answer) {
        None => Err(complain("its answer is no ExecCredential with a status")),
        // Without any, the request would be sent as nobody's, and refused for a reason that names no plugin.
        Some(Credentials { token, client_certificate_data: certificate, client_key_data: key })
            if !(given(&token) || given(&certificate) && given(&key)) =>
        {
            Err(complain("its answer holds neither a token nor a client certificate with its key"))
        }
        Some(credentials) => Ok(credentials),
    }
}

fn read_answer(answer: &[u8]) -> Option<Credentials> {
    #[derive(Deserialize)]
    struct ExecCredential {
        status: Option<Credentials>,
    }
    let document = read_object(answer).ok()??;
    serde_json::from_value::<ExecCredential>(document.root.to_json()).ok()?.status
}

/// What the plugin is told about the run.
fn exec_info(plugin: &ExecConfig, cluster: &Cluster, interactive: bool) -> String {
    let mut spec = json!({ "interactive": interactive });
    if plugin.provide_cluster_info {
        let mut about = json!({ "server": cluster.server });
        let from_file =
            || std::fs::read(cluster.certificate_authority.as_deref().filter(|path| !path.is_empty())?).ok();
        let authority = cluster.certificate_authority_data.clone();
        let authority = authority.or_else(|| from_file().map(|pem| sealed_secrets_resource::encode_base64(&pem)));
        let extension = cluster.extensions.iter().flatten().find(|extension| extension.name == CLUSTER_EXTENSION);
        for (field, value) in [
            ("tls-server-name", cluster.tls_server_name.clone().map(Into::into)),
            ("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify.map(Into::into)),
            ("certificate-authority-data", authority.map(Into::into)),
            ("proxy-url", cluster.proxy_url.clone().map(Into::into)),
            ("config", extension.map(|extension| extension.extension.clone())),
        ] {
            if let Some(value) = value {
                about[field] = value;
            }
        }
        spec["cluster"] = about;
    }
    json!({ "kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec }).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn shell(script: &str) -> ExecConfig {
        ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            command: Some("/bin/sh".to_owned()),
            args: Some(vec!["-c".to_owned(), script.to_owned()]),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..ExecConfig::default()
        }
    }

    #[test]
    fn a_plugin_s_answer_may_be_json_or_yaml() {
        for script in [r#"echo '{"kind":"ExecCredential","status":{"token":"t"}}'"#, "printf 'status:\\n  token: t\\n'"]
        {
            let credentials = run(&shell(script), &Cluster::default()).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(credentials.token.as_deref(), Some("t"));
        }
    }

    #[test]
    fn what_a_plugin_printed_is_not_repeated() {
        for script in [
            "echo hunter2; exit 3",
            "echo hunter2",
            "yes hunter2",
            "echo '{\"status\":{\"token\":[\"hunter2\"]}}'",
            "echo '{}'",
        ] {
            let Err(error) = run(&shell(script), &Cluster::default()) else { panic!("{script} was accepted") };
            assert!(
                error.to_string().contains("exec plugin /bin/sh") && !error.to_string().contains("hunter2"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_plugin_is_told_about_the_cluster_when_it_asks() {
        let cluster = Cluster {
            server: Some("https://s".to_owned()),
            tls_server_name: Some("n".to_owned()),
            ..Cluster::default()
        };
        let mut plugin = shell("");
        assert!(!exec_info(&plugin, &cluster, false).contains("https://s"));
        plugin.provide_cluster_info = true;
        let info: serde_json::Value = serde_json::from_str(&exec_info(&plugin, &cluster, true)).unwrap();
        assert_eq!(
            info["spec"],
            json!({"interactive": true, "cluster": {"server": "https://s", "tls-server-name": "n"}})
        );
    }

    #[test]
    fn a_missing_plugin_shows_its_hint() {
        let plugin = ExecConfig {
            command: Some("/nonexistent/plugin".to_owned()),
            install_hint: Some("install it first".to_owned()),
            ..ExecConfig::default()
        };
        let Err(error) = run(&plugin, &Cluster::default()) else { panic!("it ran") };
        assert!(error.to_string().ends_with("no such file or directory\nhint: install it first"), "{error}");
    }
}
