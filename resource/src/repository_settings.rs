//! `.kubeseal.yaml`: what holds for the SealedSecrets of a repository, by path.
//!
//! ```yaml
//! rules:
//! - paths: [prod/**, shared/*.yaml]
//!   certificate: certificates/prod.pem
//!   namespace: shop
//! - paths: staging/
//!   controller: {name: sealed-secrets, namespace: infra, context: staging}
//!   scope: namespace-wide
//!   record-key: false
//! ```
//!
//! The first rule that matches a path holds for it, and no other. Paths are relative to the folder of the file.

use globset::{GlobBuilder, GlobMatcher};

use crate::document::{Node, NodeValue, ReadError, read_object};
use crate::lint::Rule;
use crate::scope::Scope;

/// The name of the file.
pub const FILE_NAME: &str = ".kubeseal.yaml";

/// The rules of one file.
#[derive(Debug, Clone, Default)]
pub struct RepositorySettings {
    rules: Vec<(Option<Vec<GlobMatcher>>, Settings)>,
}

/// What holds for a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// File, relative to the folder of the settings, or URL of the certificate to seal with.
    pub certificate: Option<String>,
    /// The controller to ask for it instead.
    pub controller: Option<ControllerSettings>,
    /// The scope that objects have.
    pub scope: Option<Scope>,
    /// The namespace that objects have.
    pub namespace: Option<String>,
    /// Whether the key is recorded beside the items.
    pub record_key: Option<bool>,
    /// What `kubeseal lint` does not report.
    pub ignore: Vec<Rule>,
}

/// Which controller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ControllerSettings {
    /// Name of its Service.
    pub name: Option<String>,
    /// Namespace of its Service.
    pub namespace: Option<String>,
    /// Context of the kubeconfig.
    pub context: Option<String>,
}

/// Settings that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file is no YAML.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A field is wrong.
    #[error("line {line}: {problem}")]
    Field {
        /// Where, from 1.
        line: u32,
        /// What is wrong there.
        problem: String,
    },
}

impl RepositorySettings {
    /// Reads the file. Fields that nobody knows are errors: a rule that silently does not hold could seal for the wrong key.
    ///
    /// # Errors
    /// [`SettingsError`], naming the line.
    pub fn parse(input: &[u8]) -> Result<RepositorySettings, SettingsError> {
        let mut settings = RepositorySettings::default();
        let Some(document) = read_object(input)? else {
            return Ok(settings);
        };
        for (key, value) in entries(&document.root)? {
            match key {
                "rules" => {
                    let NodeValue::Sequence(rules) = &value.value else {
                        return Err(wrong(value, "rules must be a list"));
                    };
                    settings.rules = rules.iter().map(rule).collect::<Result<_, _>>()?;
                }
                other => return Err(wrong(value, format!("unknown field {other}; rules is the only one here"))),
            }
        }
        Ok(settings)
    }

    /// What holds for a file; `path` is relative to the folder of the settings, with slashes.
    #[must_use]
    pub fn for_path(&self, path: &str) -> Settings {
        let holds = |paths: &Option<Vec<GlobMatcher>>| {
            paths.as_ref().is_none_or(|paths| paths.iter().any(|pattern| pattern.is_match(path)))
        };
        self.rules.iter().find(|(paths, _)| holds(paths)).map(|(_, settings)| settings.clone()).unwrap_or_default()
    }
}

fn rule(node: &Node) -> Result<(Option<Vec<GlobMatcher>>, Settings), SettingsError> {
    let (mut paths, mut settings) = (None, Settings::default());
    for (key, value) in entries(node)? {
        match key {
            "paths" => paths = Some(patterns(value)?),
            "certificate" => settings.certificate = Some(text(value, key)?),
            "controller" => settings.controller = Some(controller(value)?),
            "scope" => {
                let scope = text(value, key)?.parse().map_err(|problem| wrong(value, format!("scope {problem}")))?;
                settings.scope = Some(scope);
            }
            "namespace" => settings.namespace = Some(text(value, key)?),
            "record-key" => match value.value {
                NodeValue::Bool(record) => settings.record_key = Some(record),
                _ => return Err(wrong(value, "record-key must be true or false")),
            },
            "ignore" => {
                for (value, name) in texts(value, key)? {
                    let rule = name.parse().map_err(|problem| wrong(value, format!("{name} {problem}")))?;
                    settings.ignore.push(rule);
                }
            }
            other => {
                let known = "paths, certificate, controller, scope, namespace, record-key and ignore are known";
                return Err(wrong(value, format!("unknown field {other}; {known}")));
            }
        }
    }
    if settings.certificate.is_some() && settings.controller.is_some() {
        return Err(wrong(node, "a rule names either a certificate or a controller"));
    }
    Ok((paths, settings))
}

fn controller(node: &Node) -> Result<ControllerSettings, SettingsError> {
    let mut controller = ControllerSettings::default();
    for (key, value) in entries(node)? {
        let place = match key {
            "name" => &mut controller.name,
            "namespace" => &mut controller.namespace,
            "context" => &mut controller.context,
            other => {
                return Err(wrong(value, format!("unknown field {other}; name, namespace and context are known")));
            }
        };
        *place = Some(text(value, key)?);
    }
    Ok(controller)
}

/// Patterns as in `.gitignore`: one without a slash holds in every folder, one that ends with a slash for all below.
fn patterns(node: &Node) -> Result<Vec<GlobMatcher>, SettingsError> {
    let mut patterns = Vec::new();
    for (node, pattern) in texts(node, "paths")? {
        let anchored = pattern.trim_start_matches("./").trim_start_matches('/');
        let mut full = match anchored.trim_end_matches('/').contains('/') || pattern.starts_with(['/', '.']) {
            true => anchored.to_owned(),
            false => format!("**/{anchored}"),
        };
        if full.ends_with('/') {
            full.push_str("**");
        }
        let glob = GlobBuilder::new(&full).literal_separator(true).build();
        patterns.push(glob.map_err(|error| wrong(node, format!("paths: {}", error.kind())))?.compile_matcher());
    }
    if patterns.is_empty() { Err(wrong(node, "paths must name at least one pattern")) } else { Ok(patterns) }
}

fn entries(node: &Node) -> Result<Vec<(&str, &Node)>, SettingsError> {
    match &node.value {
        NodeValue::Mapping(entries) => Ok(entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect()),
        _ => Err(wrong(node, format!("expected fields, found a {}", node.kind()))),
    }
}

/// One text or a list of them.
fn texts<'n>(node: &'n Node, field: &str) -> Result<Vec<(&'n Node, String)>, SettingsError> {
    match &node.value {
        NodeValue::Sequence(items) => items.iter().map(|item| Ok((item, text(item, field)?))).collect(),
        _ => Ok(vec![(node, text(node, field)?)]),
    }
}

fn text(node: &Node, field: &str) -> Result<String, SettingsError> {
    match &node.value {
        NodeValue::String(text) if !text.trim().is_empty() => Ok(text.clone()),
        NodeValue::String(_) => Err(wrong(node, format!("{field} must not be empty"))),
        _ => Err(wrong(node, format!("{field} must be text, found a {}; quote it", node.kind()))),
    }
}

fn wrong(node: &Node, problem: impl Into<String>) -> SettingsError {
    SettingsError::Field { line: node.position.line, problem: problem.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn namespace(settings: &str, path: &str) -> Option<String> {
        RepositorySettings::parse(settings.as_bytes()).unwrap().for_path(path).namespace
    }

    #[test]
    fn the_first_rule_that_matches_holds_alone() {
        let settings = "rules:\n- paths: prod/\n  namespace: a\n  record-key: true\n- paths: ['*.json', x/y.yaml]\n  namespace: b\n- namespace: c\n  scope: cluster-wide\n";
        for (path, want) in [
            ("prod/db.yaml", "a"),
            ("prod/deep/db.json", "a"),
            ("other/prod/db.yaml", "a"),
            ("db.json", "b"),
            ("deep/er/db.json", "b"),
            ("x/y.yaml", "b"),
            ("w/x/y.yaml", "c"),
            ("production/db.yaml", "c"),
        ] {
            assert_eq!(namespace(settings, path).as_deref(), Some(want), "{path}");
        }
        let parsed = RepositorySettings::parse(settings.as_bytes()).unwrap();
        assert_eq!((parsed.for_path("prod/x").record_key, parsed.for_path("prod/x").scope), (Some(true), None));
    }

    #[test]
    fn patterns_read_as_those_of_gitignore() {
        for (pattern, path, holds) in [
            ("prod/**", "prod/a/b.yaml", true),
            ("prod/*", "prod/a.yaml", true),
            ("prod/*", "prod/a/b.yaml", false),
            ("/prod/", "prod/a/b.yaml", true),
            ("/prod/", "x/prod/b.yaml", false),
            ("./a.yaml", "a.yaml", true),
            ("./a.yaml", "x/a.yaml", false),
            ("**/sealed/*.yaml", "a/b/sealed/c.yaml", true),
            ("{a,b}/*.yaml", "b/c.yaml", true),
            ("*.yml", "a.yaml", false),
        ] {
            let settings = format!("rules: [{{paths: '{pattern}', namespace: x}}]");
            assert_eq!(namespace(&settings, path).is_some(), holds, "{pattern} {path}");
        }
    }

    #[test]
    fn every_field_is_read_and_an_empty_file_says_nothing() {
        let text = "rules:\n- certificate: a.pem\n  ignore: [plaintext-secret, record]\n---\n";
        let read = RepositorySettings::parse(text.as_bytes()).unwrap().for_path("x");
        assert_eq!(read.certificate.as_deref(), Some("a.pem"));
        assert_eq!(read.ignore, [Rule::PlaintextSecret, Rule::Record]);
        let text = "rules:\n- controller: {name: s, namespace: m, context: c}\n";
        let controller = RepositorySettings::parse(text.as_bytes()).unwrap().for_path("x").controller.unwrap();
        assert_eq!([controller.name, controller.namespace, controller.context].map(Option::unwrap), ["s", "m", "c"]);
        for nothing in ["", "# later\n", "rules: []\n"] {
            assert_eq!(RepositorySettings::parse(nothing.as_bytes()).unwrap().for_path("x"), Settings::default());
        }
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (text, want) in [
            ("rule: []\n", "line 1: unknown field rule; rules is the only one here"),
            ("rules: x\n", "line 1: rules must be a list"),
            ("rules:\n- x\n", "line 2: expected fields, found a string"),
            ("rules:\n- certifcate: x\n", "line 2: unknown field certifcate; paths, certificate,"),
            ("rules:\n- scope: wide\n", "line 2: scope must be one of: strict,"),
            ("rules:\n- namespace: on\n", "line 2: namespace must be text, found a boolean; quote it"),
            ("rules:\n- certificate: ''\n", "line 2: certificate must not be empty"),
            ("rules:\n- record-key: maybe\n", "line 2: record-key must be true or false"),
            ("rules:\n- ignore: nothing\n", "line 2: nothing is no check of kubeseal lint"),
            ("rules:\n- paths: []\n", "line 2: paths must name at least one pattern"),
            ("rules:\n- paths: 'a/{b'\n", "line 2: paths: "),
            ("rules:\n- certificate: a\n  controller: {}\n", "line 2: a rule names either"),
            ("rules:\n- controller: {port: x}\n", "line 2: unknown field port; name, namespace and context"),
            ("rules: [\n", "line "),
        ] {
            let error = RepositorySettings::parse(text.as_bytes()).map(drop).unwrap_err().to_string();
            assert!(error.starts_with(want), "{text:?}: {error}");
        }
    }
}
