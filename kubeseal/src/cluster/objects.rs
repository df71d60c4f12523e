//! Objects of the API server itself, for the commands that work on keys.

use http::{Method, StatusCode};
use sealed_secrets_resource::Secret;
use sealed_secrets_resource::document::to_json_compact;
use serde_json::Value;

use super::api_server::ApiServer;
use super::failure::Failure;
use super::reply::Answer;
use super::{Access, QUICK, segment};
use crate::error::{Error, Result};

/// Entries of one page of a list. SealedSecrets can be large, and a reply may have 16 MiB.
const PAGE: &str = "200";
const JSON: &str = "application/json";

/// The API server.
pub(crate) struct Objects {
    server: ApiServer,
}

/// A collection of the API.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Collection<'a> {
    /// Secrets of a namespace.
    Secrets(&'a str),
    /// Deployments of a namespace.
    Deployments(&'a str),
    /// SealedSecrets of all namespaces.
    SealedSecrets,
}

impl Collection<'_> {
    fn path(self) -> String {
        match self {
            Collection::Secrets(namespace) => format!("/api/v1/namespaces/{}/secrets", segment(namespace)),
            Collection::Deployments(namespace) => {
                format!("/apis/apps/v1/namespaces/{}/deployments", segment(namespace))
            }
            Collection::SealedSecrets => "/apis/bitnami.com/v1alpha1/sealedsecrets".to_owned(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Collection::Secrets(_) => "secrets",
            Collection::Deployments(_) => "deployments",
            Collection::SealedSecrets => "sealedsecrets",
        }
    }

    fn path_of(self, name: &str) -> String {
        format!("{}/{}", self.path(), segment(name))
    }

    /// What could not be done to one of its objects, and why.
    fn failure(self, action: &str, name: &str) -> impl Fn(Failure) -> Error {
        let object = match self {
            Collection::Secrets(namespace) => format!("Secret {namespace}/{name}"),
            Collection::Deployments(namespace) => format!("Deployment {namespace}/{name}"),
            Collection::SealedSecrets => format!("SealedSecret {name}"),
        };
        let what = format!("cannot {action} {object}");
        move |failure| failure.error(&what)
    }
}

impl Objects {
    /// Gets ready for requests; none is sent yet.
    ///
    /// # Errors
    /// The faults of the kubeconfig.
    pub(crate) fn connect(access: &Access) -> Result<Objects> {
        Ok(Objects { server: ApiServer::connect(access)? })
    }

    /// Every object of a collection; none when the cluster does not know the collection.
    ///
    /// # Errors
    /// `cannot list …`.
    pub(crate) fn list(&self, collection: Collection<'_>, selector: Option<&str>) -> Result<Vec<Value>> {
        let failure = |failure: Failure| failure.error(&format!("cannot list {}", collection.name()));
        let selector = selector.map(|text| format!("&labelSelector={}", segment(text))).unwrap_or_default();
        let (mut items, mut next) = (Vec::new(), String::new());
        loop {
            let from = if next.is_empty() { String::new() } else { format!("&continue={}", segment(&next)) };
            let path = format!("{}?limit={PAGE}{selector}{from}", collection.path());
            let reply = self.send(Method::GET, &path, None)?.map_err(failure)?;
            if reply.status == StatusCode::NOT_FOUND {
                return Ok(items);
            }
            let body = reply.success("get", collection.name()).map_err(failure)?;
            let mut page: Value = serde_json::from_slice(&body).map_err(|_| failure("the reply is not JSON".into()))?;
            if let Value::Array(more) = page["items"].take() {
                items.extend(more);
            }
            next = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
            if next.is_empty() {
                return Ok(items);
            }
        }
    }

    /// One object.
    ///
    /// # Errors
    /// `cannot read …`: there is none, or nobody may read it.
    pub(crate) fn get(&self, collection: Collection<'_>, name: &str) -> Result<Value> {
        let reply = self.send(Method::GET, &collection.path_of(name), None)?;
        read(reply, "get", collection).map_err(collection.failure("read", name))
    }

    /// One Secret.
    ///
    /// # Errors
    /// `cannot read Secret …`: there is none, or nobody may read it.
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Result<Secret> {
        let secrets = Collection::Secrets(namespace);
        let value = self.get(secrets, name)?;
        let secret = Secret::from_json(&value).map_err(|error| format!("the reply is no Secret: {error}").into());
        secret.map_err(secrets.failure("read", name))
    }

    /// One object, if there is one.
    ///
    /// # Errors
    /// `cannot read …`: nobody may read it.
    pub(crate) fn find(&self, collection: Collection<'_>, name: &str) -> Result<Option<Value>> {
        let reply = self.send(Method::GET, &collection.path_of(name), None)?;
        match &reply {
            Ok(reply) if reply.status == StatusCode::NOT_FOUND => Ok(None),
            _ => read(reply, "get", collection).map(Some).map_err(collection.failure("read", name)),
        }
    }

    /// Makes an object. `false`: there is one of this name, which stays as it is.
    ///
    /// # Errors
    /// `cannot create …`.
    pub(crate) fn create(&self, collection: Collection<'_>, object: &impl serde::Serialize) -> Result<bool> {
        let failure = |failure: Failure| failure.error(&format!("cannot create one of {}", collection.name()));
        let body = to_json_compact(object).map_err(|error| failure(error.to_string().into()))?;
        let reply = self.send(Method::POST, &collection.path(), Some(body))?.map_err(failure)?;
        if reply.status == StatusCode::CONFLICT {
            return Ok(false);
        }
        reply.success("post", collection.name()).map(|_| true).map_err(failure)
    }

    /// Changes fields of an object; lists are merged by the names of their entries.
    ///
    /// # Errors
    /// `cannot change …`.
    pub(crate) fn patch(&self, collection: Collection<'_>, name: &str, patch: &Value) -> Result<Value> {
        let failure = collection.failure("change", name);
        let body = to_json_compact(patch).map_err(|error| failure(error.to_string().into()))?;
        let reply = self.send(Method::PATCH, &collection.path_of(name), Some(body))?;
        read(reply, "patch", collection).map_err(failure)
    }

    fn send(&self, method: Method, path: &str, body: Option<String>) -> Result<Answer> {
        self.server.request(method, path, JSON, body.map(Into::into), QUICK)
    }
}

fn read(reply: Answer, verb: &str, collection: Collection<'_>) -> std::result::Result<Value, Failure> {
    let body = reply?.success(verb, collection.name())?;
    serde_json::from_slice(&body).map_err(|_| "the reply is not JSON".into())
}
