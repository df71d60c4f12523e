//! The API server as the tests' administrator sees it: blocking calls on JSON objects.

use std::sync::LazyLock;

use http::{Method, Request};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Drives every connection of the harness; tests themselves are plain blocking code.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads can be started")
});

/// A collection of the API.
#[derive(Clone, Copy, Debug)]
pub struct Resource {
    prefix: &'static str,
    plural: &'static str,
    namespaced: bool,
}

impl Resource {
    /// `secrets`
    pub const SECRET: Resource = Resource::core("secrets");
    /// `sealedsecrets`
    pub const SEALED: Resource = Resource::new("/apis/bitnami.com/v1alpha1", "sealedsecrets");
    /// `events` of the core group
    pub const EVENT: Resource = Resource::core("events");
    /// `services`
    pub const SERVICE: Resource = Resource::core("services");
    /// `endpoints`
    pub const ENDPOINTS: Resource = Resource::core("endpoints");
    /// `pods`
    pub const POD: Resource = Resource::core("pods");
    /// `serviceaccounts`
    pub const ACCOUNT: Resource = Resource::core("serviceaccounts");
    /// `roles`
    pub const ROLE: Resource = Resource::new("/apis/rbac.authorization.k8s.io/v1", "roles");
    /// `rolebindings`
    pub const ROLE_BINDING: Resource = Resource::new("/apis/rbac.authorization.k8s.io/v1", "rolebindings");
    /// `deployments`
    pub const DEPLOYMENT: Resource = Resource::new("/apis/apps/v1", "deployments");
    /// `leases`
    pub const LEASE: Resource = Resource::new("/apis/coordination.k8s.io/v1", "leases");
    /// `namespaces`
    pub const NAMESPACE: Resource = Resource::core("namespaces").cluster_wide();
    /// `clusterroles`
    pub const CLUSTER_ROLE: Resource =
        Resource::new("/apis/rbac.authorization.k8s.io/v1", "clusterroles").cluster_wide();
    /// `clusterrolebindings`
    pub const CLUSTER_ROLE_BINDING: Resource =
        Resource::new("/apis/rbac.authorization.k8s.io/v1", "clusterrolebindings").cluster_wide();
    /// `customresourcedefinitions`
    pub const CRD: Resource =
        Resource::new("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions").cluster_wide();
    /// `resourcequotas`
    pub const QUOTA: Resource = Resource::core("resourcequotas");
    /// `tokenreviews`
    pub const TOKEN_REVIEW: Resource = Resource::new("/apis/authentication.k8s.io/v1", "tokenreviews").cluster_wide();
    /// `subjectaccessreviews`
    pub const ACCESS_REVIEW: Resource =
        Resource::new("/apis/authorization.k8s.io/v1", "subjectaccessreviews").cluster_wide();

    const fn core(plural: &'static str) -> Resource {
        Resource::new("/api/v1", plural)
    }

    const fn new(prefix: &'static str, plural: &'static str) -> Resource {
        Resource { prefix, plural, namespaced: true }
    }

    const fn cluster_wide(self) -> Resource {
        Resource { namespaced: false, ..self }
    }

    /// The path of the collection; `namespace` is passed over for what has none.
    pub fn path(self, namespace: &str) -> String {
        match self.namespaced {
            true => format!("{}/namespaces/{namespace}/{}", self.prefix, self.plural),
            false => format!("{}/{}", self.prefix, self.plural),
        }
    }
}

/// The API server's refusal of a call.
#[derive(Debug)]
pub struct Refusal {
    /// HTTP status.
    pub code: u16,
    /// Its message.
    pub message: String,
}

/// The calls. Each but `try_…` panics when the API server refuses it.
pub struct Api {
    client: kube::Client,
}

impl Api {
    pub(crate) fn new(client: kube::Client) -> Api {
        Api { client }
    }

    /// The object, if there is one.
    pub fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Value> {
        match self.call(Method::GET, &format!("{}/{name}", resource.path(namespace)), None) {
            Ok(object) => Some(object),
            Err(Refusal { code: 404, .. }) => None,
            Err(refusal) => panic!("get {name} of {}: {refusal:?}", resource.plural),
        }
    }

    /// Every object of the namespace; none while the collection itself does not exist.
    pub fn list(&self, resource: Resource, namespace: &str, query: &str) -> Vec<Value> {
        match self.call(Method::GET, &format!("{}?{query}", resource.path(namespace)), None) {
            Ok(mut list) => match list["items"].take() {
                Value::Array(items) => items,
                _ => Vec::new(),
            },
            Err(Refusal { code: 404, .. }) => Vec::new(),
            Err(refusal) => panic!("list {}: {refusal:?}", resource.plural),
        }
    }

    /// Creates the object.
    pub fn create(&self, resource: Resource, namespace: &str, object: &Value) -> Value {
        self.try_create(resource, namespace, object)
            .unwrap_or_else(|refusal| panic!("create one of {}: {refusal:?}", resource.plural))
    }

    /// Creates the object, unless one of that name exists, made by whoever was faster.
    pub fn create_if_missing(&self, resource: Resource, namespace: &str, object: &Value) {
        match self.try_create(resource, namespace, object) {
            Ok(_) | Err(Refusal { code: 409, .. }) => {}
            Err(refusal) => panic!("create one of {}: {refusal:?}", resource.plural),
        }
    }

    /// Creates the object.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn try_create(&self, resource: Resource, namespace: &str, object: &Value) -> Result<Value, Refusal> {
        self.call(Method::POST, &resource.path(namespace), Some(("application/json", object)))
    }

    /// Replaces the object, or `name/status`.
    pub fn replace(&self, resource: Resource, namespace: &str, name: &str, object: &Value) -> Value {
        let path = format!("{}/{name}", resource.path(namespace));
        self.call(Method::PUT, &path, Some(("application/json", object)))
            .unwrap_or_else(|refusal| panic!("replace {name} of {}: {refusal:?}", resource.plural))
    }

    /// Applies a merge patch to the object, or to `name/status`.
    pub fn merge(&self, resource: Resource, namespace: &str, name: &str, patch: &Value) -> Value {
        self.patch(resource, namespace, name, "application/merge-patch+json", patch)
    }

    /// Sets one field, as a whole, whatever happens to the rest meanwhile.
    pub fn set(&self, resource: Resource, namespace: &str, name: &str, pointer: &str, value: &Value) -> Value {
        let patch = serde_json::json!([{"op": "add", "path": pointer, "value": value}]);
        self.patch(resource, namespace, name, "application/json-patch+json", &patch)
    }

    /// Deletes the object; nothing happens when it is gone.
    pub fn delete(&self, resource: Resource, namespace: &str, name: &str) {
        match self.call(Method::DELETE, &format!("{}/{name}", resource.path(namespace)), None) {
            Ok(_) | Err(Refusal { code: 404 | 409, .. }) => {}
            Err(refusal) => panic!("delete {name} of {}: {refusal:?}", resource.plural),
        }
    }

    fn patch(&self, resource: Resource, namespace: &str, name: &str, kind: &str, patch: &Value) -> Value {
        let path = format!("{}/{name}", resource.path(namespace));
        self.call(Method::PATCH, &path, Some((kind, patch)))
            .unwrap_or_else(|refusal| panic!("patch {name} of {}: {refusal:?}", resource.plural))
    }

    /// Any call.
    ///
    /// # Errors
    /// When the API server refuses it.
    pub fn call(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, Refusal> {
        let mut request = Request::builder().method(method).uri(path);
        let mut bytes = Vec::new();
        if let Some((kind, value)) = body {
            request = request.header("Content-Type", kind);
            bytes = value.to_string().into_bytes();
        }
        let request = request.body(bytes).unwrap();
        match RUNTIME.block_on(self.client.request(request)) {
            Ok(answer) => Ok(answer),
            Err(kube::Error::Api(status)) => Err(Refusal { code: status.code, message: status.message }),
            Err(error) => panic!("{path}: the API server did not answer: {error}"),
        }
    }
}
