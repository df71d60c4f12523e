//! The controller's account with the roles of `manifests/rbac.yaml`, in a namespace of a test.

use serde_json::{Value, json};

use crate::api::{Api, Resource};
use crate::cluster::manifest;
use crate::wait::eventually;

/// Name of the account, the Service and the bindings.
pub(crate) const NAME: &str = "sealed-secrets-controller";

/// The account and its rights, exactly as published except for the namespace.
pub(crate) struct Roles {
    namespace: String,
}

impl Roles {
    /// Creates them and waits until the API server goes by them.
    pub(crate) fn grant(api: &Api, namespace: &str) -> Roles {
        let roles = Roles { namespace: namespace.to_owned() };
        let documents: Vec<Value> = manifest("rbac.yaml").into_iter().map(|document| roles.moved(document)).collect();
        for document in &documents {
            let resource = resource_of(document["kind"].as_str().unwrap());
            match document["kind"].as_str() {
                // The one object that all tests share.
                Some("ClusterRole") => api.create_if_missing(resource, "", document),
                _ => drop(api.create(resource, namespace, document)),
            }
        }
        for document in documents.iter().filter(|document| roles.is_bound(&documents, document)) {
            roles.wait_for(api, document);
        }
        roles
    }

    /// The name that the audit log has for the account.
    pub(crate) fn user(&self) -> String {
        format!("system:serviceaccount:{}:{NAME}", self.namespace)
    }

    /// A token of the account; bound to a Secret, it is worth nothing any more once that is gone.
    pub(crate) fn token(&self, api: &Api, bound_to: Option<&Value>) -> String {
        let path = format!("{}/{NAME}/token", Resource::ACCOUNT.path(&self.namespace));
        let mut request = json!({"spec": {"expirationSeconds": 3600}});
        if let Some(secret) = bound_to {
            let about = &secret["metadata"];
            request["spec"]["boundObjectRef"] =
                json!({"apiVersion": "v1", "kind": "Secret", "name": about["name"], "uid": about["uid"]});
        }
        let answer = api.call(http::Method::POST, &path, Some(("application/json", &request))).unwrap();
        answer["status"]["token"].as_str().unwrap().to_owned()
    }

    /// Removes what does not go with the namespace.
    pub(crate) fn revoke(&self, api: &Api) {
        api.delete(Resource::CLUSTER_ROLE_BINDING, "", &self.binding());
        // There is one when the test asked for a role of its own.
        api.delete(Resource::CLUSTER_ROLE, "", &self.binding());
    }

    /// Name of the binding.
    pub(crate) fn binding(&self) -> String {
        format!("{NAME}-{}", self.namespace)
    }

    /// The document for this namespace instead of kube-system.
    fn moved(&self, mut document: Value) -> Value {
        if document["kind"] == "ClusterRoleBinding" {
            document["metadata"]["name"] = self.binding().into();
        }
        if document["metadata"].get("namespace").is_some() {
            document["metadata"]["namespace"] = self.namespace.clone().into();
        }
        for subject in document.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
            if subject["kind"] == "ServiceAccount" {
                subject["namespace"] = self.namespace.clone().into();
            }
        }
        document
    }

    /// Whether a role is one of the account's.
    fn is_bound(&self, documents: &[Value], role: &Value) -> bool {
        documents.iter().any(|binding| {
            binding["roleRef"]["kind"] == role["kind"]
                && binding["roleRef"]["name"] == role["metadata"]["name"]
                && binding["subjects"][0]["kind"] == "ServiceAccount"
        })
    }

    /// Roles take effect a moment after they were written; a controller that is faster would be refused.
    fn wait_for(&self, api: &Api, role: &Value) {
        let words = |rule: &Value, field: &str| -> Vec<String> {
            rule[field].as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
        };
        let names = |rule: &Value| match words(rule, "resourceNames") {
            names if names.is_empty() => vec![String::new()],
            names => names,
        };
        for rule in role["rules"].as_array().unwrap() {
            for (resource, verb, name) in words(rule, "resources").into_iter().flat_map(|resource| {
                let names = names(rule);
                words(rule, "verbs").into_iter().flat_map(move |verb| {
                    let resource = resource.clone();
                    names.clone().into_iter().map(move |name| (resource.clone(), verb.clone(), name))
                })
            }) {
                let (resource, subresource) = resource.split_once('/').unwrap_or((&resource, ""));
                let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
                    "user": self.user(),
                    "resourceAttributes": {"namespace": self.namespace, "group": words(rule, "apiGroups")[0],
                        "resource": resource, "subresource": subresource, "verb": verb, "name": name},
                }});
                eventually(&format!("{verb} {resource} {name} is allowed"), || {
                    let answer = api.create(Resource::ACCESS_REVIEW, "", &review);
                    (answer["status"]["allowed"] == true).then_some(())
                });
            }
        }
    }
}

fn resource_of(kind: &str) -> Resource {
    match kind {
        "ServiceAccount" => Resource::ACCOUNT,
        "ClusterRole" => Resource::CLUSTER_ROLE,
        "ClusterRoleBinding" => Resource::CLUSTER_ROLE_BINDING,
        "Role" => Resource::ROLE,
        "RoleBinding" => Resource::ROLE_BINDING,
        kind => panic!("manifests/rbac.yaml has a {kind}, which the harness does not know"),
    }
}
