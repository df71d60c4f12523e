//! Reading what is to be worked on: bytes first, then documents (spec/kubeseal-cli.md 5).

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use sealed_secrets_resource::document::{Node, NodeValue, ReadError, stream};
use sealed_secrets_resource::{Rules, SealedSecret, Secret};
use zeroize::Zeroizing;

use crate::error::{Error, Result, io_cause};

/// Where the input comes from, already opened.
pub(crate) enum Input {
    /// Standard input.
    Stdin,
    /// `--secret-file`.
    File(String, File),
}

/// What to call an input in messages.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    Stdin,
    File(String),
}

impl Name {
    /// Puts the file in front of a message about a place in it.
    pub(crate) fn locate(&self, error: Error) -> Error {
        match self {
            Name::Stdin => error,
            Name::File(path) => error.prefix(&format!("{path}: ")),
        }
    }

    /// The error for text that is no document at all.
    pub(crate) fn unreadable(&self, error: &ReadError) -> Error {
        match self {
            Name::Stdin => Error::new(format!("cannot read the input: {error}")),
            Name::File(path) => Error::new(format!("cannot read {path}: {error}")),
        }
    }
}

impl Input {
    /// What messages call it.
    pub(crate) fn name(&self) -> Name {
        match self {
            Input::Stdin => Name::Stdin,
            Input::File(path, _) => Name::File(path.clone()),
        }
    }

    /// Opens `--secret-file`; without it, or with `-`, standard input.
    ///
    /// # Errors
    /// The reference's words with the cause behind them.
    pub(crate) fn open(path: Option<&str>) -> Result<Input> {
        match path {
            None | Some("-") => Ok(Input::Stdin),
            Some(path) => match File::open(path) {
                Ok(file) => Ok(Input::File(path.to_owned(), file)),
                Err(error) => Err(Error::new(format!(
                    "Could not read file specified with --secret-file: open {path}: {}",
                    io_cause(&error)
                ))),
            },
        }
    }

    /// Whether a person would have to type the input.
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self, Input::Stdin) && io::stdin().is_terminal()
    }

    /// Reads all of it, once, front to back.
    ///
    /// # Errors
    /// Whatever the system says, a directory included.
    pub(crate) fn read(self) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Input::Stdin => {
                read_all(&mut io::stdin().lock(), 0).map_err(|error| Error::file("read", "/dev/stdin", &error))
            }
            Input::File(path, mut file) => read_open_file(&path, &mut file),
        }
    }
}

/// Reads a file that may hold secrets.
///
/// # Errors
/// `open <path>: …` or `read <path>: …`.
pub(crate) fn read_file(path: &str) -> Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path).map_err(|error| Error::file("open", path, &error))?;
    read_open_file(path, &mut file)
}

/// Reads a file that is open already.
///
/// # Errors
/// `read <path>: …`.
pub(crate) fn read_open_file(path: &str, file: &mut File) -> Result<Zeroizing<Vec<u8>>> {
    // Only a guess of the size: pipes and /proc files say 0.
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    read_all(file, usize::try_from(size).unwrap_or(0)).map_err(|error| Error::file("read", path, &error))
}

/// Reads to the end without leaving copies of the content in freed memory, as a growing `Vec` would.
///
/// # Errors
/// Whatever the source says.
pub(crate) fn read_all(source: &mut dyn Read, expected: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    const SMALLEST: usize = 4096;
    let mut buffer = Zeroizing::new(vec![0; (expected + 1).max(SMALLEST)]);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            let mut larger = Zeroizing::new(vec![0; buffer.len() * 2]);
            larger[..filled].copy_from_slice(&buffer);
            buffer = larger;
        }
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// The Secrets of an input, lists expanded, and warnings about names that YAML reads as booleans.
///
/// # Errors
/// The first document that cannot be read or is of another kind; nothing is skipped in silence.
pub(crate) fn secrets(input: &[u8], name: &Name) -> Result<(Vec<Secret>, Vec<String>)> {
    let mut warnings = Vec::new();
    let secrets = objects(input, name, &SECRET, |node| {
        boolean_name_warnings(node, &mut warnings);
        Secret::from_node(node, Rules::Lenient).map_err(|error| Error::new(error.to_string()))
    })?;
    Ok((secrets, warnings))
}

/// The SealedSecrets of an input, lists expanded.
///
/// # Errors
/// As for [`secrets`].
pub(crate) fn sealed_secrets(input: &[u8], name: &Name) -> Result<Vec<SealedSecret>> {
    objects(input, name, &SEALED_SECRET, |node| {
        SealedSecret::from_node(node, Rules::Lenient).map_err(|error| Error::new(error.to_string()))
    })
}

/// The SealedSecrets of an input, lists expanded, by the rules for a single object (spec/kubeseal-cli.md 5.2).
///
/// # Errors
/// As for [`secrets`]; also an object of which nothing could be recovered, because it has neither a name nor items
/// (decision 24).
pub(crate) fn recoverable(input: &[u8], name: &Name) -> Result<Vec<SealedSecret>> {
    objects(input, name, &Expected { fields: &[], ..SEALED_SECRET }, |node| {
        SealedSecret::check_type(node, false).map_err(|error| Error::new(error.to_string()))?;
        let sealed = SealedSecret::from_node(node, Rules::Strict).map_err(|error| Error::new(error.to_string()))?;
        let spec = &sealed.spec;
        if sealed.metadata.name.is_empty()
            && spec.encrypted_data.is_empty()
            && spec.template.data.is_empty()
            && spec.data.is_none()
        {
            let line = node.position.line;
            return Err(Error::new(format!("line {line}: the SealedSecret has neither a name nor items"))
                .hint("field names are case-sensitive here: metadata, spec, encryptedData"));
        }
        Ok(sealed)
    })
}

/// What may stand in an input (decision 7).
struct Expected {
    kind: &'static str,
    list_kind: &'static str,
    /// A document without any of these says nothing and is left out; if there are none here, every document counts.
    fields: &'static [&'static str],
}

const SECRET: Expected = Expected {
    kind: "Secret",
    list_kind: "SecretList",
    fields: &["kind", "apiVersion", "metadata", "immutable", "data", "stringData", "type"],
};

const SEALED_SECRET: Expected = Expected {
    kind: "SealedSecret",
    list_kind: "SealedSecretList",
    fields: &["kind", "apiVersion", "metadata", "spec", "status"],
};

fn objects<T>(
    input: &[u8],
    name: &Name,
    expected: &Expected,
    mut decode: impl FnMut(&Node) -> Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    for document in stream(input).map_err(|error| name.unreadable(&error))? {
        let document = document.map_err(|error| name.unreadable(&error))?;
        let says_something = |field: &&str| document.root.get_any_case(field).is_some();
        if expected.fields.is_empty() || expected.fields.iter().any(says_something) {
            collect(&document.root, expected, &mut decode, &mut found).map_err(|error| name.locate(error))?;
        }
    }
    Ok(found)
}

fn collect<T>(
    node: &Node,
    expected: &Expected,
    decode: &mut impl FnMut(&Node) -> Result<T>,
    found: &mut Vec<T>,
) -> Result<()> {
    let line = node.position.line;
    let kind = node.get_any_case("kind").and_then(Node::to_text).unwrap_or_default();
    if kind == "List" || kind == expected.list_kind {
        return match node.get_any_case("items").map(|items| &items.value) {
            None | Some(NodeValue::Null) => Ok(()),
            Some(NodeValue::Sequence(items)) => {
                items.iter().try_for_each(|item| collect(item, expected, decode, found))
            }
            Some(_) => Err(Error::new(format!("line {line}: items of the {kind} must be a list"))),
        };
    }
    if !kind.is_empty() && kind != expected.kind {
        let wanted = expected.kind;
        return Err(Error::new(format!(
            "line {line}: the input is of kind {kind:?}, expected a {wanted} or a List of them"
        )));
    }
    found.push(decode(node)?);
    Ok(())
}

/// Unquoted words such as `n` and `on` are booleans to YAML 1.1 and turn into another name (decision 27).
fn boolean_name_warnings(node: &Node, warnings: &mut Vec<String>) {
    let Some(metadata) = node.get_any_case("metadata") else { return };
    for field in ["name", "namespace"] {
        let Some(value) = metadata.get_any_case(field) else { continue };
        let (Some(word), Some(text)) = (value.bool_word(), value.to_text()) else { continue };
        if word != text {
            let line = value.position.line;
            warnings.push(format!(
                "warning: line {line}: metadata.{field} is the unquoted word {word}, which YAML reads as {text:?}; \
                 write \"{word}\" in quotes if you mean the word"
            ));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn names(input: &str) -> Vec<String> {
        secrets(input.as_bytes(), &Name::Stdin).unwrap().0.into_iter().map(|secret| secret.metadata.name).collect()
    }

    #[test]
    fn everything_is_read_whatever_the_size_guess_was() {
        let data: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        for guess in [0, 1, 99_999, 100_000, 200_000] {
            assert_eq!(*read_all(&mut data.as_slice(), guess).unwrap(), data);
        }
    }

    #[test]
    fn lists_are_expanded_and_documents_that_say_nothing_left_out() {
        assert_eq!(
            names("kind: List\nitems:\n- {metadata: {name: a}}\n- {kind: Secret, metadata: {name: b}}\n"),
            ["a", "b"]
        );
        assert_eq!(
            names("kind: SecretList\nitems: [{metadata: {name: a}}]\n---\nfoo: bar\n---\nMETADATA: {name: c}\n"),
            ["a", "c"]
        );
        assert_eq!(names("kind: List\n---\nkind: List\nitems: null\n"), [""; 0]);
        assert_eq!(names(""), [""; 0]);
    }

    #[test]
    fn other_kinds_are_refused_by_name() {
        for input in [
            "kind: ConfigMap\ndata: {}\n",
            "kind: List\nitems: [{kind: ConfigMap}]\n",
            "kind: Secret\n---\nkind: ConfigMap\n",
        ] {
            let Err(error) = secrets(input.as_bytes(), &Name::Stdin) else { panic!("{input} was accepted") };
            assert!(error.to_string().contains("\"ConfigMap\""), "{error}");
        }
        let Err(error) = sealed_secrets(b"kind: Secret\n", &Name::Stdin) else { panic!("a Secret was accepted") };
        assert!(error.to_string().contains("expected a SealedSecret"), "{error}");
    }

    #[test]
    fn boolean_words_as_names_are_warned_about() {
        let (found, warnings) = secrets(b"metadata:\n  name: y\n  namespace: \"n\"\n", &Name::Stdin).unwrap();
        assert_eq!((found[0].metadata.name.as_str(), found[0].metadata.namespace.as_str()), ("true", "n"));
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("line 2: metadata.name") && warnings[0].contains("quotes"), "{}", warnings[0]);
        assert!(secrets(b"metadata: {name: true, namespace: no-way}\n", &Name::Stdin).unwrap().1.is_empty());
    }

    #[test]
    fn errors_do_not_show_what_the_input_holds() {
        for input in [
            "stringData: {k: \"hunter2-secret\n",
            "data: {k: hunter2-secret%}\n",
            "{\"stringData\": {\"k\": \"hunter2-secret\"",
            "metadata: hunter2-secret\n",
        ] {
            let Err(error) = secrets(input.as_bytes(), &Name::Stdin) else { panic!("{input} was accepted") };
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
