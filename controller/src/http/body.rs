//! The one SealedSecret in the body of a request (spec/controller.md 10.2). Nothing of a body is ever logged (W45).

use std::collections::BTreeMap;

use sealed_secrets_resource::document::{Node, NodeValue, read_object};
use sealed_secrets_resource::{API_VERSION, DecodeError, KIND, Rules, SealedSecret};

/// Why a body is no SealedSecret. Says what is missing, never what is there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing in it.
    #[error("the body is empty")]
    Empty,
    /// Not readable.
    #[error("the body is no YAML or JSON object: {0}")]
    NoDocument(String),
    /// More than one.
    #[error("more than one YAML document is not supported")]
    SeveralDocuments,
    /// Incomplete.
    #[error("field {0:?} is missing")]
    Missing(&'static str),
    /// Something else.
    #[error("the object is no {KIND} of {API_VERSION}")]
    OtherKind,
    /// A field of a wrong type.
    #[error("the SealedSecret is malformed: {0}")]
    Malformed(String),
}

/// Reads the first document of the body, YAML or JSON.
pub fn read_first(body: &[u8]) -> Result<SealedSecret, Unusable> {
    let separator = separators(body);
    if separator == Separator::BeforeContent {
        return Err(Unusable::Empty);
    }
    let document = read_object(body).map_err(|problem| Unusable::NoDocument(problem.to_string()))?;
    let root = document.ok_or(Unusable::Empty)?.root;
    if text(&root, "kind")? != KIND || text(&root, "apiVersion")? != API_VERSION {
        return Err(Unusable::OtherKind);
    }
    SealedSecret::from_node(&root, Rules::Strict).map_err(|problem| Unusable::Malformed(without_keys(&problem)))
}

/// Reads a body that holds nothing but this one document.
pub fn read_only(body: &[u8]) -> Result<SealedSecret, Unusable> {
    match separators(body) {
        Separator::None => read_first(body),
        Separator::BeforeContent | Separator::AfterContent => Err(Unusable::SeveralDocuments),
    }
}

/// The object once per item, each without template and with nothing in its metadata but what decides how items open; once
/// as it is if it has the deprecated form.
///
/// So a body with thousands of items neither holds a core for long nor is worked on once nobody waits for the answer.
pub fn parts(mut sealed: SealedSecret) -> impl Iterator<Item = SealedSecret> + Send {
    let items = match sealed.spec.data {
        Some(_) => None,
        None => Some(std::mem::take(&mut sealed.spec.encrypted_data)),
    };
    let whole = items.is_none().then(|| sealed.clone());
    let shell = bare(sealed);
    let each = items.unwrap_or_default().into_iter().map(move |item| {
        let mut part = shell.clone();
        part.spec.encrypted_data = BTreeMap::from([item]);
        part
    });
    whole.into_iter().chain(each)
}

/// Names the field, and not the key in it: somebody may have mistaken one for the other.
fn without_keys(problem: &DecodeError) -> String {
    match problem.line {
        Some(line) => format!("line {line}: {} {}", problem.field, problem.problem),
        None => format!("{} {}", problem.field, problem.problem),
    }
}

fn bare(mut sealed: SealedSecret) -> SealedSecret {
    sealed.metadata.annotations.retain(|name, _| name.starts_with("sealedsecrets.bitnami.com/"));
    sealed.metadata.labels.clear();
    sealed.spec = Default::default();
    sealed.status = None;
    sealed
}

fn text<'a>(root: &'a Node, field: &'static str) -> Result<&'a str, Unusable> {
    match root.get(field).map(|node| &node.value) {
        Some(NodeValue::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(Unusable::Missing(field)),
    }
}

/// Where a `---` line stands that is not simply the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    None,
    /// A second one with nothing before it: the first document is empty.
    BeforeContent,
    /// Behind the first document. As in the reference, also one with nothing behind it counts.
    AfterContent,
}

fn separators(body: &[u8]) -> Separator {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let (mut separator_seen, mut content_seen) = (false, false);
    for line in body.split(|byte| *byte == b'\n') {
        let is_separator =
            line.strip_prefix(b"---").is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace));
        let is_blank = match line.trim_ascii_start().first() {
            None => true,
            Some(first) => *first == b'#' || (line[0] == b'%' && !separator_seen && !content_seen),
        };
        match (is_separator, content_seen, separator_seen) {
            (true, true, _) => return Separator::AfterContent,
            (true, false, true) => return Separator::BeforeContent,
            (true, false, false) => {
                separator_seen = true;
                // `--- {}` is a separator with content.
                content_seen = line.get(3..).is_some_and(|rest| !rest.trim_ascii().is_empty());
            }
            (false, ..) => content_seen |= !is_blank,
        }
    }
    Separator::None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_first_document_is_one_and_an_empty_first_one_is_none() {
        let cases = [
            ("a: b\n", Separator::None),
            ("---\na: b\n", Separator::None),
            ("# c\n---\na: b\n...\n", Separator::None),
            ("a: |\n  ---\n", Separator::None),
            ("---x: y\n", Separator::None),
            ("---\n---\na: b\n", Separator::BeforeContent),
            ("---\n# c\n---\na: b\n", Separator::BeforeContent),
            ("a: b\n---", Separator::AfterContent),
            ("--- {a: b}\n---\n", Separator::AfterContent),
        ];
        for (body, want) in cases {
            assert_eq!(separators(body.as_bytes()), want, "{body:?}");
        }
    }

    #[test]
    fn a_part_has_one_item_and_what_decides_how_it_opens() {
        let text = r#"{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "metadata": {"name": "n",
            "namespace": "ns", "labels": {"a": "b"}, "creationTimestamp": "2026-11-22T06:13:45Z",
            "annotations": {"x": "y", "sealedsecrets.bitnami.com/cluster-wide": "true"}},
            "spec": {"template": {"data": {"t": "{{ .a }}"}}, "encryptedData": {"a": "AA==", "b": "BB=="}}}"#;
        let parts: Vec<SealedSecret> = parts(read_first(text.as_bytes()).unwrap()).collect();
        let items: Vec<_> = parts.iter().map(|part| part.spec.encrypted_data.keys().collect::<Vec<_>>()).collect();
        assert_eq!(items, [["a"], ["b"]]);
        for part in parts {
            assert_eq!(part.metadata.annotations.len(), 1);
            assert_eq!((part.metadata.name.as_str(), part.metadata.namespace.as_str()), ("n", "ns"));
            assert!(part.metadata.creation_timestamp.is_some());
            assert!(part.spec.template.data.is_empty());
        }
    }

    #[test]
    fn what_is_logged_of_a_body_never_holds_its_values() {
        let secret = "apiVersion: v1\ndata: {password: czNjcmV0}\nstringData: {x: s3cret}\n";
        for body in [secret.to_owned(), format!("{secret}kind: Secret\n"), format!("{secret}bad: [")] {
            let problem = read_only(body.as_bytes()).unwrap_err().to_string();
            assert!(!problem.contains("czNjcmV0") && !problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn what_is_logged_of_a_body_never_holds_its_keys_and_is_short() {
        let long = format!("s3cret{}", "x".repeat(1 << 20));
        let begin = format!("apiVersion: {API_VERSION}\nkind: {KIND}\n");
        for (key, rest, field) in [
            ("s3cret", "metadata: {labels: {KEY: [x]}}", "metadata.labels must be a string, found a list"),
            (&long, "metadata: {? KEY : [x], annotations: {? KEY : [x]}}", "metadata.annotations must"),
            (&long, "spec: {template: {data: {? KEY : [x]}}}", "spec.template.data must"),
            (&long, "spec: {template: {metadata: {labels: {? KEY : {a: b}}}}}", "spec.template.metadata.labels must"),
            (&long, "metadata: {ownerReferences: [{name: [KEY]}]}", "metadata.ownerReferences[0].name must"),
            (&long, "metadata: {finalizers: [{? KEY : x}]}", "metadata.finalizers[0] must"),
            (&long, "spec: {data: KEY}", "spec.data holds illegal base64"),
            (&long, "spec: {encryptedData: {? KEY : *KEY}}", ""),
            (&long, "? KEY : [", ""),
            (&long, "a: !KEY [x]\nb: {\"KEY", ""),
            (&long, "a: &KEY [*KEY]\n", ""),
        ] {
            let problem = read_only(format!("{begin}{}", rest.replace("KEY", key)).as_bytes()).unwrap_err().to_string();
            assert!(!problem.contains("s3cret") && problem.len() < 300, "{rest}: {:.300}", problem);
            assert!(problem.contains(field), "{rest}: {problem}");
        }
        let named = read_only(format!("apiVersion: s3cret\nkind: {long}\n").as_bytes()).unwrap_err().to_string();
        assert!(!named.contains("s3cret"), "{named:.300}");
    }
}
