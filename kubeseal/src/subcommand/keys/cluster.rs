//! What the cluster knows of keys.

use sealed_secrets_crypto::{Certificate, Fingerprint};
use sealed_secrets_flags::Values;
use sealed_secrets_resource::{KEY_LABEL, KeyEntry, SealedSecret, Secret, UNLABELLED_KEY};

use crate::args;
use crate::cluster::{Access, Collection, Controller, Objects};
use crate::error::{Error, Result};

/// A cluster, and the namespace of its controller.
pub(super) struct Cluster {
    pub(super) objects: Objects,
    pub(super) access: Access,
}

impl Cluster {
    /// As the flags say.
    ///
    /// # Errors
    /// The faults of the kubeconfig.
    pub(super) fn connect(values: &Values) -> Result<Cluster> {
        let access = args::access(values);
        Ok(Cluster { objects: Objects::connect(&access)?, access })
    }

    pub(super) fn namespace(&self) -> &str {
        &self.access.controller_namespace
    }

    /// Every key Secret of the namespace, whatever its label says, and the one that has none; the youngest first.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub(super) fn keys(&self) -> Result<Vec<KeyEntry>> {
        self.keys_of(self.namespace())
    }

    /// The same of another namespace.
    ///
    /// # Errors
    /// As [`Cluster::keys`].
    pub(super) fn keys_of(&self, namespace: &str) -> Result<Vec<KeyEntry>> {
        let needs = |error: Error| error.or_hint("this needs the permission to list and get Secrets in that namespace");
        let secrets = Collection::Secrets(namespace);
        let mut found = self.objects.list(secrets, Some(KEY_LABEL)).map_err(needs)?;
        if found.iter().all(|secret| secret["metadata"]["name"] != UNLABELLED_KEY) {
            found.extend(self.objects.find(secrets, UNLABELLED_KEY).map_err(needs)?);
        }
        let secrets = found.iter().map(|value| {
            // Items of a list do not repeat their kind.
            Secret::from_json(value).map(KeyEntry::of).map_err(|error| {
                let name = value["metadata"]["name"].as_str().unwrap_or_default();
                Error::new(format!("cannot read Secret {namespace}/{name}: {error}"))
            })
        });
        let mut entries = secrets.collect::<Result<Vec<_>>>()?;
        sort(&mut entries);
        Ok(entries)
    }

    /// The error for a namespace without any key.
    pub(super) fn no_keys(&self) -> Error {
        Error::new(format!("there are no key Secrets in namespace {}", self.namespace()))
            .hint("--controller-namespace names the namespace of the controller")
    }

    /// Every SealedSecret of the cluster.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub(super) fn sealed_secrets(&self) -> Result<Vec<SealedSecret>> {
        let found = self.objects.list(Collection::SealedSecrets, None)?;
        let read = |value| {
            SealedSecret::from_json(value).map_err(|error| {
                let metadata = &value["metadata"];
                let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
                Error::new(format!("cannot read SealedSecret {}/{}: {error}", text("namespace"), text("name")))
            })
        };
        found.iter().map(read).collect()
    }

    /// The key that the controller publishes.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(super) fn published(&self) -> Result<Fingerprint> {
        published_by(&Controller::connect(&self.access)?)
    }
}

/// The key of the certificate that a controller publishes.
pub(super) fn published_by(controller: &Controller) -> Result<Fingerprint> {
    let failure = |error: sealed_secrets_crypto::CertificateError| {
        Error::new(format!("the controller's certificate cannot be used: {error}"))
    };
    let certificate = Certificate::first_from_pem(&controller.certificate()?).map_err(failure)?;
    Ok(certificate.rsa_public_key().map_err(failure)?.fingerprint())
}

/// The youngest first, those of unknown age last.
pub(super) fn sort(entries: &mut [KeyEntry]) {
    entries.sort_by(|a, b| b.made().cmp(&a.made()).then_with(|| a.secret.metadata.name.cmp(&b.secret.metadata.name)));
}
