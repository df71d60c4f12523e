//! The service account of the pod that this process runs in, if it does.

use std::fs;
use std::path::PathBuf;

const DIRECTORY: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Where a pod finds its API server and its credentials.
#[derive(Debug)]
pub(super) struct ServiceAccount {
    host: String,
    port: String,
    directory: PathBuf,
}

impl ServiceAccount {
    /// The service account, if the variables of a pod are set and a token is mounted.
    pub(super) fn of_this_pod() -> Option<ServiceAccount> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let pod = ServiceAccount {
            host: variable("KUBERNETES_SERVICE_HOST")?,
            port: variable("KUBERNETES_SERVICE_PORT")?,
            directory: PathBuf::from(DIRECTORY),
        };
        fs::metadata(pod.token_file()).is_ok_and(|metadata| !metadata.is_dir()).then_some(pod)
    }

    /// The URL of the API server.
    pub(super) fn server(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("https://{host}:{}", self.port)
    }

    /// File with the bearer token.
    pub(super) fn token_file(&self) -> PathBuf {
        self.directory.join("token")
    }

    /// File with the certificate authorities of the cluster; may be missing.
    pub(super) fn certificate_authority(&self) -> PathBuf {
        self.directory.join("ca.crt")
    }

    /// `POD_NAMESPACE`, else the namespace of the service account, else `default`.
    pub(super) fn namespace(&self) -> String {
        let from_environment = std::env::var("POD_NAMESPACE").ok();
        let from_file = || fs::read_to_string(self.directory.join("namespace")).ok().map(|text| text.trim().to_owned());
        let given = |name: &String| !name.is_empty();
        from_environment.filter(given).or_else(from_file).filter(given).unwrap_or_else(|| "default".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_reached_over_https_at_either_kind_of_address() {
        for (host, want) in [("10.0.0.1", "https://10.0.0.1:443"), ("fd00::1", "https://[fd00::1]:443")] {
            let pod = ServiceAccount { host: host.to_owned(), port: "443".to_owned(), directory: PathBuf::new() };
            assert_eq!(pod.server(), want);
        }
    }
}
