//! Taking permissions away from the controller's account, one at a time.

use serde_json::{Value, json};

use crate::api::Resource;
use crate::cluster::manifest;
use crate::roles::NAME;
use crate::wait::eventually;
use crate::world::World;

/// One verb on one resource, as one of the account's published roles grants it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// `ClusterRole` or `Role`.
    pub role: String,
    /// For example `sealedsecrets/status`.
    pub resource: String,
    /// For example `update`.
    pub verb: String,
}

/// Every permission that `manifests/rbac.yaml` grants to the controller's account.
pub fn published_permissions() -> Vec<Permission> {
    let mut all = Vec::new();
    for role in account_roles() {
        for rule in role["rules"].as_array().into_iter().flatten() {
            for (resource, verb) in pairs(rule) {
                all.push(Permission { role: text(&role["kind"]), resource, verb });
            }
        }
    }
    all.sort();
    all
}

impl World {
    /// Gives the account a copy of the cluster role of its own, which a test may change. From here on refused calls are
    /// no failure of the test.
    pub fn own_cluster_role(&self) {
        self.expect_refusals();
        self.write_cluster_role(None);
        self.api().delete(Resource::CLUSTER_ROLE_BINDING, "", &self.binding_name());
        let binding = self.binding("ClusterRoleBinding", &self.binding_name());
        self.api().create(Resource::CLUSTER_ROLE_BINDING, "", &binding);
        self.wait_for_permission("list", "sealedsecrets", &self.namespace, true);
    }

    /// As [`World::own_cluster_role`], but the role counts in this other namespace alone, so that in its own namespace
    /// the account has nothing but its Role and, as in the chart, the right to read the Secret of the first releases.
    pub fn bind_cluster_role_only_in(&self, namespace: &str) {
        self.expect_refusals();
        self.write_cluster_role(None);
        self.api().delete(Resource::CLUSTER_ROLE_BINDING, "", &self.binding_name());
        let binding = self.binding("RoleBinding", NAME);
        self.api().create(Resource::ROLE_BINDING, namespace, &binding);
        let legacy = json!({"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["sealed-secrets-key"]});
        let role = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
            "metadata": {"name": "legacy-key"}, "rules": [legacy]});
        self.api().create(Resource::ROLE, &self.namespace, &role);
        let mut binding = self.binding("RoleBinding", "legacy-key");
        binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "legacy-key"});
        self.api().create(Resource::ROLE_BINDING, &self.namespace, &binding);
        self.wait_for_permission("list", "sealedsecrets", namespace, true);
        self.wait_for_permission("list", "sealedsecrets", &self.namespace, false);
    }

    /// Takes a permission from the role that grants it, and waits until the API server goes by that in the namespace.
    pub fn take(&self, permission: &Permission, namespace: &str) {
        self.write_role(&permission.role, Some(permission));
        self.wait_for_permission(&permission.verb, &permission.resource, namespace, false);
    }

    /// Makes the role what is published again.
    pub fn give_back(&self, permission: &Permission, namespace: &str) {
        self.write_role(&permission.role, None);
        self.wait_for_permission(&permission.verb, &permission.resource, namespace, true);
    }

    fn write_role(&self, kind: &str, without: Option<&Permission>) {
        match kind {
            "ClusterRole" => self.write_cluster_role(without),
            _ => {
                let role = account_role("Role");
                let change = json!({"rules": rules_without(&role, without)});
                self.api().merge(Resource::ROLE, &self.namespace, &text(&role["metadata"]["name"]), &change);
            }
        }
    }

    fn write_cluster_role(&self, without: Option<&Permission>) {
        let mut role = account_role("ClusterRole");
        role["rules"] = rules_without(&role, without);
        role["metadata"] = json!({"name": self.binding_name()});
        match self.api().get(Resource::CLUSTER_ROLE, "", &self.binding_name()) {
            Some(_) => self.api().replace(Resource::CLUSTER_ROLE, "", &self.binding_name(), &role),
            None => self.api().create(Resource::CLUSTER_ROLE, "", &role),
        };
    }

    /// Binds the account to its own cluster role.
    fn binding(&self, kind: &str, name: &str) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.binding_name()},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": self.namespace}],
        })
    }

    /// Waits until the API server answers like this. Roles take effect a moment after they were written.
    fn wait_for_permission(&self, verb: &str, resource: &str, namespace: &str, allowed: bool) {
        let group = match resource {
            "sealedsecrets" | "sealedsecrets/status" => "bitnami.com",
            "leases" => "coordination.k8s.io",
            _ => "",
        };
        let name = match (resource, verb) {
            ("leases", "get" | "update") => NAME,
            ("namespaces", _) => namespace,
            _ => "",
        };
        let (plural, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": self.account(),
            "resourceAttributes": {"namespace": namespace, "group": group, "resource": plural,
                "subresource": subresource, "verb": verb, "name": name},
        }});
        eventually(&format!("{verb} {resource} in {namespace} is allowed: {allowed}"), || {
            let answer = self.api().create(Resource::ACCESS_REVIEW, "", &review);
            (answer["status"]["allowed"] == allowed).then_some(())
        });
    }
}

/// The rules of a role without one verb of one resource.
fn rules_without(role: &Value, without: Option<&Permission>) -> Value {
    let mut rules = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let mut rule = rule.clone();
        let is_about =
            |permission: &Permission| pairs(&rule).iter().any(|(resource, _)| *resource == permission.resource);
        if let Some(taken) = without.filter(|permission| is_about(permission)) {
            rule["verbs"].as_array_mut().unwrap().retain(|verb| verb != taken.verb.as_str());
        }
        if rule["verbs"] != json!([]) {
            rules.push(rule);
        }
    }
    rules.into()
}

fn pairs(rule: &Value) -> Vec<(String, String)> {
    let words = |field: &str| -> Vec<String> { rule[field].as_array().into_iter().flatten().map(text).collect() };
    let verbs = words("verbs");
    let resources = words("resources").into_iter();
    resources.flat_map(|resource| verbs.iter().map(move |verb| (resource.clone(), verb.clone()))).collect()
}

/// The roles that are bound to the controller's account.
fn account_roles() -> Vec<Value> {
    let documents = manifest("rbac.yaml");
    let is_bound = |role: &Value| {
        documents.iter().any(|binding| {
            binding["roleRef"]["kind"] == role["kind"]
                && binding["roleRef"]["name"] == role["metadata"]["name"]
                && binding["subjects"][0]["kind"] == "ServiceAccount"
        })
    };
    documents.iter().filter(|document| is_bound(document)).cloned().collect()
}

fn account_role(kind: &str) -> Value {
    let mut roles = account_roles();
    roles.retain(|role| role["kind"] == kind);
    assert_eq!(roles.len(), 1, "one {kind} for the account");
    roles.swap_remove(0)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
