//! Makes a controller of a test reachable as kubeseal reaches it: through the API server's service proxy.
//!
//! No kubelet and no endpoints controller runs in the test cluster, so the Pod and the Endpoints, which the proxy wants
//! to see, are written here.

use serde_json::{Value, json};

use crate::api::{Api, Resource};
use crate::cluster::manifest;
use crate::roles::NAME;

/// Makes the Service of `manifests/controller.yaml` lead to `address:port`.
pub(crate) fn publish(api: &Api, namespace: &str, address: &str, port: u16) {
    let published = manifest("controller.yaml");
    let named = |document: &&Value| document["kind"] == "Service" && document["metadata"]["name"] == NAME;
    let mut service = published.iter().find(named).expect("controller.yaml has the Service").clone();
    service["metadata"]["namespace"] = namespace.into();
    api.create_if_missing(Resource::SERVICE, namespace, &service);

    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"containers": [{"name": "controller", "image": "controller"}]},
    });
    api.create_if_missing(Resource::POD, namespace, &pod);
    let status = json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}});
    api.merge(Resource::POD, namespace, &format!("{NAME}/status"), &status);

    let mut reached = json!({"port": port, "protocol": "TCP"});
    if let Some(name) = service["spec"]["ports"][0].get("name") {
        reached["name"] = name.clone();
    }
    let endpoints = json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": NAME, "namespace": namespace},
        "subsets": [{
            "addresses": [{"ip": address, "targetRef": {"kind": "Pod", "namespace": namespace, "name": NAME}}],
            "ports": [reached],
        }],
    });
    match api.get(Resource::ENDPOINTS, namespace, NAME) {
        None => drop(api.create(Resource::ENDPOINTS, namespace, &endpoints)),
        Some(_) => drop::<Value>(api.replace(Resource::ENDPOINTS, namespace, NAME, &endpoints)),
    }
}
