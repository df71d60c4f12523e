//! The key to seal a file's items for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use sealed_secrets_crypto::PublicKey;
use sealed_secrets_flags::{Source as FlagSource, Values};

use super::FileSettings;
use crate::args;
use crate::certificate_source::{fetch_from, sealing_key};
use crate::certificate_url::{Location, locate};
use crate::cluster::{Access, Controller};
use crate::error::{Error, Result};
use crate::kubeconfig::Overrides;
use crate::log::Log;

/// Finds certificates, and fetches each once.
///
/// The command line counts first, then `.kubeseal.yaml`, then the environment, then the controller of the flags.
pub(crate) struct Targets {
    /// `--cert` as the command line gives it.
    asked: Option<String>,
    /// The same from the environment.
    fallback: Option<String>,
    access: Access,
    keys: Mutex<HashMap<Source, Result<PublicKey>>>,
    idle: Mutex<HashMap<Source, Vec<Controller>>>,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// A file or a URL.
    Certificate(String),
    /// A controller, by namespace and name of its Service and the context.
    Controller(String, String, Option<String>),
}

impl Targets {
    /// By `--cert` and the flags for the controller.
    pub(crate) fn new(values: &Values) -> Targets {
        let given = values.non_empty("cert").map(str::to_owned);
        let explicit = values.source("cert") == FlagSource::CommandLine;
        Targets {
            asked: given.clone().filter(|_| explicit),
            fallback: given.filter(|_| !explicit),
            access: args::access(values),
            keys: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    /// By the settings alone.
    pub(crate) fn from_settings() -> Targets {
        let access = Access {
            overrides: Overrides::default(),
            log: Log::default(),
            controller_namespace: String::new(),
            controller_name: String::new(),
        };
        Targets { asked: None, fallback: None, access, keys: Mutex::default(), idle: Mutex::default() }
    }

    /// By this certificate alone.
    pub(crate) fn only(certificate: &str, values: &Values) -> Targets {
        Targets { asked: Some(certificate.to_owned()), ..Targets::new(values) }
    }

    /// The key for a file. Its certificate must not have expired.
    ///
    /// # Errors
    /// When the certificate cannot be had or used.
    pub(crate) fn key(&self, file: &FileSettings) -> Result<PublicKey> {
        self.key_from(&self.source(file), file)
    }

    /// The key that the controller uses, whatever certificate is configured.
    ///
    /// # Errors
    /// As for [`Targets::key`].
    pub(crate) fn controller_key(&self, file: &FileSettings) -> Result<PublicKey> {
        self.key_from(&self.controller_source(file), file)
    }

    /// The key of a certificate that is a file; nothing where the settings name none, or one that needs a network.
    ///
    /// # Errors
    /// As for [`Targets::key`].
    pub(crate) fn offline_key(&self, file: &FileSettings) -> Result<Option<PublicKey>> {
        match self.source(file) {
            Source::Certificate(cert) if matches!(locate(&cert)?, Location::File) => self.key(file).map(Some),
            _ => Ok(None),
        }
    }

    /// Does something with a connection to the controller of a file; connections are used again.
    ///
    /// # Errors
    /// When there is no connection, and whatever `work` says.
    pub(crate) fn with_controller<T>(
        &self,
        file: &FileSettings,
        work: impl FnOnce(&Controller) -> Result<T>,
    ) -> Result<T> {
        let source = self.controller_source(file);
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().get_mut(&source).and_then(Vec::pop);
        let controller = match waiting {
            Some(controller) => controller,
            None => Controller::connect(&self.access_for(file))?,
        };
        let result = work(&controller);
        idle().entry(source).or_default().push(controller);
        result
    }

    /// Where the controller of a file is.
    pub(crate) fn access_for(&self, file: &FileSettings) -> Access {
        let mut access = self.access.clone();
        if let Some(controller) = &file.settings.controller {
            let set = |place: &mut String, value: &Option<String>| {
                if let Some(value) = value {
                    value.clone_into(place);
                }
            };
            set(&mut access.controller_name, &controller.name);
            set(&mut access.controller_namespace, &controller.namespace);
            if controller.context.is_some() {
                access.overrides.context.clone_from(&controller.context);
            }
        }
        access
    }

    /// Whether the command line names the certificate for all files.
    pub(crate) fn are_one(&self) -> bool {
        self.asked.is_some()
    }

    fn source(&self, file: &FileSettings) -> Source {
        if let Some(cert) = &self.asked {
            return Source::Certificate(cert.clone());
        }
        if let Some(cert) = &file.settings.certificate {
            let is_file = matches!(locate(cert), Ok(Location::File));
            let place = if is_file { file.folder.join(cert).to_string_lossy().into_owned() } else { cert.clone() };
            return Source::Certificate(place);
        }
        match &self.fallback {
            Some(cert) if file.settings.controller.is_none() => Source::Certificate(cert.clone()),
            _ => self.controller_source(file),
        }
    }

    fn controller_source(&self, file: &FileSettings) -> Source {
        let access = self.access_for(file);
        Source::Controller(access.controller_namespace, access.controller_name, access.overrides.context)
    }

    fn key_from(&self, source: &Source, file: &FileSettings) -> Result<PublicKey> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = keys.get(source) {
            return known.clone();
        }
        let key = match source {
            Source::Certificate(cert) => fetch_from(Some(cert), &self.access)
                .and_then(|pem| sealing_key(&pem, Some(cert), Timestamp::now()))
                .map_err(|error| name(error, cert)),
            Source::Controller(..) => fetch_from(None, &self.access_for(file))
                .and_then(|pem| sealing_key(&pem, None, Timestamp::now()))
                .map_err(|error| error.or_hint("--cert or .kubeseal.yaml can name a certificate instead")),
        };
        keys.insert(source.clone(), key.clone());
        key
    }
}

/// Says which certificate it is about, where the message does not.
fn name(error: Error, cert: &str) -> Error {
    if error.to_string().contains(cert) { error } else { error.prefix(&format!("{cert}: ")) }
}
