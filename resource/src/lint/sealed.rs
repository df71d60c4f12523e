//! The checks of one SealedSecret.

use sealed_secrets_crypto::MIN_BITS;

use super::{Findings, Rule};
use crate::annotation::{CLUSTER_WIDE, LAST_APPLIED, NAMESPACE_WIDE, SEALED_WITH, is_true};
use crate::document::{Node, NodeValue};
use crate::envelope_facts::{EnvelopeFacts, EnvelopeProblem};
use crate::item_form::is_item_name;
use crate::metadata::ObjectMeta;
use crate::recorded_keys::RecordedKeys;
use crate::renewal::is_templated;
use crate::scope::Scope;
use crate::sealed_secret::{API_VERSION, SealedSecret};

pub(super) fn check(node: &Node, sealed: &SealedSecret, findings: &mut Findings<'_>) {
    let at = Object { node, name: display_name(&sealed.metadata) };
    identity(&at, sealed, findings);
    scopes(&at, sealed, findings);
    annotations(&at, sealed, findings);
    items(&at, sealed, findings);
    records(&at, sealed, findings);
}

/// Where findings are.
struct Object<'n> {
    node: &'n Node,
    name: String,
}

impl Object<'_> {
    fn line(&self, path: &[&str]) -> u32 {
        let mut node = self.node;
        for field in path {
            match node.get_any_case(field) {
                Some(inside) => node = inside,
                None => break,
            }
        }
        node.position.line
    }

    fn add(&self, findings: &mut Findings<'_>, rule: Rule, path: &[&str], message: impl Into<String>) {
        findings.add(rule, Some(self.line(path)), &self.name, message);
    }
}

fn display_name(metadata: &ObjectMeta) -> String {
    match (metadata.namespace.as_str(), metadata.name.as_str()) {
        ("", name) => name.to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    }
}

fn identity(at: &Object<'_>, sealed: &SealedSecret, findings: &mut Findings<'_>) {
    let group = at.node.get_any_case("apiVersion").and_then(Node::to_text).unwrap_or_default();
    if group != API_VERSION {
        let found = if group.is_empty() { "is missing".to_owned() } else { format!("is {group}") };
        at.add(findings, Rule::ApiVersion, &["apiVersion"], format!("apiVersion {found}, clusters know {API_VERSION}"));
    }
    for field in ["name", "namespace"] {
        let value = at.node.get_any_case("metadata").and_then(|metadata| metadata.get_any_case(field));
        if let Some((word, text)) = value.and_then(|value| Some((value.bool_word()?, value.to_text()?)))
            && word != text
        {
            let message = format!("metadata.{field} is the unquoted word {word}, which YAML reads as {text}; quote it");
            at.add(findings, Rule::BooleanName, &["metadata", field], message);
        }
    }
    let (metadata, scope) = (&sealed.metadata, sealed.scope());
    if metadata.name.is_empty() && (scope == Scope::Strict || metadata.generate_name.is_empty()) {
        let needed = if scope == Scope::Strict { ": what is sealed is bound to it" } else { "" };
        at.add(findings, Rule::Name, &["metadata"], format!("metadata.name is missing{needed}"));
    }
    let templated = is_templated(sealed) || metadata.namespace.contains("{{");
    match findings.expected.namespace {
        Some(expected) if !metadata.namespace.is_empty() && metadata.namespace != expected && !templated => {
            let message = format!("is for namespace {}, the settings say {expected}", metadata.namespace);
            at.add(findings, Rule::Namespace, &["metadata", "namespace"], message);
        }
        None if metadata.namespace.is_empty() && scope != Scope::ClusterWide => {
            let message = format!("metadata.namespace is missing: what is sealed in scope {scope} is bound to it");
            at.add(findings, Rule::Namespace, &["metadata"], message);
        }
        _ => {}
    }
}

fn scopes(at: &Object<'_>, sealed: &SealedSecret, findings: &mut Findings<'_>) {
    let (scope, own) = (sealed.scope(), &sealed.metadata.annotations);
    if let Some(expected) = findings.expected.scope.filter(|expected| *expected != scope) {
        at.add(findings, Rule::Scope, &["metadata"], format!("its scope is {scope}, the settings say {expected}"));
    }
    for name in [CLUSTER_WIDE, NAMESPACE_WIDE] {
        if let Some(value) = own.get(name).filter(|value| !matches!(value.as_str(), "true" | "false")) {
            let message = format!("annotation {name} is {value:?}; only \"true\" counts, so the scope is {scope}");
            at.add(findings, Rule::ScopeAnnotation, &["metadata", "annotations", name], message);
        }
    }
    if is_true(own, CLUSTER_WIDE) && is_true(own, NAMESPACE_WIDE) {
        let message = "has the annotations of two scopes; cluster-wide counts";
        at.add(findings, Rule::ScopeAnnotation, &["metadata", "annotations"], message);
    }
    let template = Scope::from_annotations(&sealed.spec.template.metadata.annotations);
    if template != Scope::Strict && template != scope {
        let message = format!("its template says {template}, the object itself {scope}, which is what counts");
        at.add(findings, Rule::TemplateScope, &["spec", "template", "metadata", "annotations"], message);
    }
}

fn annotations(at: &Object<'_>, sealed: &SealedSecret, findings: &mut Findings<'_>) {
    let places: [(&[&str], &ObjectMeta); 2] = [
        (&["metadata", "annotations"], &sealed.metadata),
        (&["spec", "template", "metadata", "annotations"], &sealed.spec.template.metadata),
    ];
    for (path, metadata) in places {
        let map = path.iter().try_fold(at.node, |node, field| node.get_any_case(field)).map(|map| &map.value);
        if let Some(NodeValue::Mapping(entries)) = map {
            for entry in entries.iter().filter(|entry| !matches!(entry.value.value, NodeValue::String(_))) {
                let message =
                    format!("annotation {} is a {}, it must be text; quote it", entry.key, entry.value.kind());
                findings.add(Rule::Field, Some(entry.value.position.line), &at.name, message);
            }
        }
        for name in LAST_APPLIED.iter().filter(|name| metadata.annotations.contains_key(**name)) {
            let message = format!(
                "annotation {name} holds what kubectl applied, in clear text; take it away, also from the history"
            );
            at.add(findings, Rule::LastApplied, &[path, &[name]].concat(), message);
        }
    }
}

fn items(at: &Object<'_>, sealed: &SealedSecret, findings: &mut Findings<'_>) {
    let spec = &sealed.spec;
    match (spec.data.is_some(), spec.encrypted_data.is_empty()) {
        (true, true) => {
            let message = "has the deprecated form with spec.data; kubeseal reencrypt makes items of it";
            at.add(findings, Rule::DeprecatedForm, &["spec", "data"], message);
        }
        (true, false) => {
            let message = "has items and the deprecated spec.data; programs refuse it";
            at.add(findings, Rule::BothForms, &["spec", "data"], message);
        }
        (false, true) if spec.template.data.is_empty() => {
            at.add(findings, Rule::NoItems, &["spec"], "has no items");
        }
        _ => {}
    }
    for (item, text) in &spec.encrypted_data {
        let line = at.line(&["spec", "encryptedData", item]);
        if !is_item_name(item) {
            let message = "a Secret cannot have an item of this name: letters, digits, - . and _ are allowed";
            findings.add_item(Rule::ItemName, line, &at.name, item, message);
        }
        match EnvelopeFacts::of(text) {
            Err(EnvelopeProblem::Base64(problem)) => {
                findings.add_item(Rule::Base64, line, &at.name, item, problem.to_string());
            }
            Err(problem) => findings.add_item(Rule::Envelope, line, &at.name, item, problem.to_string()),
            Ok(facts) => {
                if facts.key_bits < MIN_BITS {
                    let message = format!(
                        "was sealed for a key of {} bits; this program opens from {MIN_BITS} bits on",
                        facts.key_bits
                    );
                    findings.add_item(Rule::SmallKey, line, &at.name, item, message);
                }
                if let Some(key) = findings.expected.key.filter(|key| !facts.may_be_for(key)) {
                    let message =
                        format!("was not sealed for the configured certificate, whose key is {}", key.fingerprint());
                    findings.add_item(Rule::KeySize, line, &at.name, item, message);
                }
            }
        }
    }
}

fn records(at: &Object<'_>, sealed: &SealedSecret, findings: &mut Findings<'_>) {
    let path = &["metadata", "annotations", SEALED_WITH];
    let items = &sealed.spec.encrypted_data;
    let Some(text) = sealed.metadata.annotations.get(SEALED_WITH) else {
        if findings.expected.record_key && !items.is_empty() {
            let message = format!("annotation {SEALED_WITH} is missing; kubeseal reencrypt writes it");
            at.add(findings, Rule::MissingRecord, &["metadata"], message);
        }
        return;
    };
    let recorded = RecordedKeys::parse(text);
    for problem in recorded.problems(text, items.keys().map(String::as_str)) {
        at.add(findings, Rule::Record, path, format!("annotation {SEALED_WITH} {problem}"));
    }
    for item in items.keys() {
        let line = at.line(&["spec", "encryptedData", item]);
        match (recorded.of(item), findings.expected.key) {
            (Some(key), Some(expected)) if key != expected.fingerprint() => {
                let message = format!(
                    "is recorded to be sealed with {key}, the configured certificate's key is {}",
                    expected.fingerprint()
                );
                findings.add_item(Rule::RecordedKey, line, &at.name, item, message);
            }
            (None, _) if findings.expected.record_key => {
                let message = "its key is not recorded; kubeseal reencrypt records it";
                findings.add_item(Rule::MissingRecord, line, &at.name, item, message);
            }
            _ => {}
        }
    }
}
