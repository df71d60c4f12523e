//! Annotations with a meaning for Sealed Secrets. All but [`SEALED_WITH`] count only when exactly `"true"`.

use std::collections::BTreeMap;

/// On a SealedSecret: may be unsealed under any name in any namespace.
pub const CLUSTER_WIDE: &str = "sealedsecrets.bitnami.com/cluster-wide";
/// On a SealedSecret: may be unsealed under any name in its namespace.
pub const NAMESPACE_WIDE: &str = "sealedsecrets.bitnami.com/namespace-wide";
/// On an existing Secret: the controller may take it over.
pub const MANAGED: &str = "sealedsecrets.bitnami.com/managed";
/// On an existing Secret: merge into it instead of replacing it.
pub const PATCH: &str = "sealedsecrets.bitnami.com/patch";
/// In the template: the Secret gets no owner reference.
pub const SKIP_SET_OWNER_REFERENCES: &str = "sealedsecrets.bitnami.com/skip-set-owner-references";
/// On a SealedSecret: which key sealed the items (design.md section 5; ours, ignored by the reference).
pub const SEALED_WITH: &str = "sealedsecrets.bitnami.com/sealed-with";
/// Written by `kubectl apply`; holds the clear text of the Secret it was applied from.
pub const LAST_APPLIED: [&str; 2] =
    ["kubectl.kubernetes.io/last-applied-configuration", "kubecfg.ksonnet.io/last-applied-configuration"];

/// Whether the annotation is exactly `"true"`; `True`, `1` and `yes` are not.
#[must_use]
pub fn is_true(annotations: &BTreeMap<String, String>, name: &str) -> bool {
    annotations.get(name).is_some_and(|value| value == "true")
}
