//! What can be found wrong with the SealedSecrets of a repository without a cluster and without a private key.
//!
//! Nothing here says that something opens: only the private key can tell.

mod finding;
mod sealed;

use std::collections::HashMap;

use sealed_secrets_crypto::PublicKey;

pub use finding::{Finding, Rule, Severity};

use crate::decode::Rules;
use crate::document::{Node, NodeValue, read_stream};
use crate::re_encrypt::{for_each_object, is_sealed_secret};
use crate::scope::Scope;
use crate::sealed_secret::SealedSecret;

/// What a repository's settings ask for.
#[derive(Debug, Clone, Default)]
pub struct Expectations<'a> {
    /// The key that everything should be sealed for.
    pub key: Option<&'a PublicKey>,
    /// The scope that every object should have.
    pub scope: Option<Scope>,
    /// The namespace that every object should have, or gets when it names none.
    pub namespace: Option<&'a str>,
    /// Whether every item should have its key recorded.
    pub record_key: bool,
    /// What is not to be reported.
    pub ignored: &'a [Rule],
}

/// Checks one file, whatever else it holds.
#[must_use]
pub fn lint(input: &[u8], expected: &Expectations<'_>) -> Vec<Finding> {
    let mut findings = Findings { expected, list: Vec::new() };
    match read_stream(input) {
        Err(error) => findings.add(Rule::Unreadable, Some(error.position().line), "", error.problem().to_string()),
        Ok(documents) => {
            let mut seen = HashMap::new();
            for document in &documents {
                let visited = for_each_object(&document.root, &mut Vec::new(), &mut |node, _| {
                    check(node, &mut seen, &mut findings);
                    Ok::<(), std::convert::Infallible>(())
                });
                let Ok(()) = visited;
            }
        }
    }
    findings.list.sort_by_key(|finding| finding.line);
    findings.list
}

/// Checks one SealedSecret by itself.
pub(crate) fn lint_object(node: &Node, expected: &Expectations<'_>) -> Vec<Finding> {
    let mut findings = Findings { expected, list: Vec::new() };
    check(node, &mut HashMap::new(), &mut findings);
    findings.list
}

/// Where the objects of a file were first met, by namespace and name.
type Seen = HashMap<(String, String), u32>;

/// What has been found so far, without what is to be ignored.
struct Findings<'a> {
    expected: &'a Expectations<'a>,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn add(&mut self, rule: Rule, line: Option<u32>, object: &str, message: impl Into<String>) {
        if !self.expected.ignored.contains(&rule) {
            self.list.push(Finding { rule, line, object: object.to_owned(), item: None, message: message.into() });
        }
    }

    fn add_item(&mut self, rule: Rule, line: u32, object: &str, item: &str, message: impl Into<String>) {
        if !self.expected.ignored.contains(&rule) {
            let item = Some(item.to_owned());
            self.list.push(Finding {
                rule,
                line: Some(line),
                object: object.to_owned(),
                item,
                message: message.into(),
            });
        }
    }
}

fn check(node: &Node, seen: &mut Seen, findings: &mut Findings<'_>) {
    let line = node.position.line;
    if is_plaintext_secret(node) {
        let name = text_at(node, &["metadata", "name"]);
        findings.add(
            Rule::PlaintextSecret,
            Some(line),
            &name,
            "is a Secret with values that anyone can read; seal it and take this one away, also from the history",
        );
    }
    if !is_sealed_secret(node) {
        return;
    }
    let name = text_at(node, &["metadata", "name"]);
    match SealedSecret::from_node(node, Rules::Lenient) {
        Err(error) => {
            let line = error.line.unwrap_or(line);
            findings.add(Rule::Field, Some(line), &name, format!("{} {}", error.path, error.problem));
        }
        Ok(sealed) => {
            sealed::check(node, &sealed, findings);
            let identity = (sealed.metadata.namespace.clone(), sealed.metadata.name.clone());
            if !identity.1.is_empty()
                && let Some(first) = seen.insert(identity, line)
            {
                let message = format!("stands in this file twice, first at line {first}; only one of them counts");
                findings.add(Rule::Duplicate, Some(line), &name, message);
            }
        }
    }
}

fn is_plaintext_secret(node: &Node) -> bool {
    let is_secret = text_at(node, &["kind"]) == "Secret" && matches!(&*text_at(node, &["apiVersion"]), "" | "v1");
    is_secret
        && ["data", "stringData"].iter().any(|field| match node.get_any_case(field).map(|items| &items.value) {
            Some(NodeValue::Mapping(entries)) => {
                entries.iter().any(|entry| entry.value.to_text().is_none_or(|text| !text.trim().is_empty()))
            }
            _ => false,
        })
}

/// The text at the end of a way; empty where there is none.
fn text_at(node: &Node, path: &[&str]) -> String {
    let found = path.iter().try_fold(node, |node, field| node.get_any_case(field));
    found.and_then(Node::to_text).unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests;
