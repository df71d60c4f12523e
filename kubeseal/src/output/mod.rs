//! Where results go: standard output, or `--sealed-secret-file` all at once (spec/kubeseal-cli.md 9).

mod before;
mod file;
mod replacement;
mod signals;

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use sealed_secrets_resource::document::{Format, to_json_pretty, to_yaml};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
pub(crate) use before::{check_replaceable, unchanged_meanwhile};
pub(crate) use file::directory_of;
use file::{Access, Target};
pub(crate) use replacement::{Replacement, replace_regular};
pub(crate) use signals::HeldBack;

/// Takes the results of a run.
///
/// Standard output gets each result as it comes. A file is touched by [`Output::commit`] alone: nothing of it changes, and
/// nothing lies beside it, while the run may still fail or be interrupted.
pub(crate) struct Output {
    sink: Sink,
    renderer: Renderer,
}

/// Turns resources into text, in the format that an output has.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    format: String,
}

enum Sink {
    Stdout,
    File { target: Target, access: Access, content: Zeroizing<Vec<u8>>, written: bool },
}

impl Output {
    /// Results go to `file` or to standard output, resources in `format` (`-o`), which is looked at when the first one is
    /// written.
    ///
    /// # Errors
    /// When the file could not be created where it shall stand. Nothing is left behind by the check.
    pub(crate) fn prepare(file: Option<&str>, format: &str) -> Result<Output> {
        Output::open(file, format, Access::AsBefore)
    }

    /// The same for plaintext: nobody else may read the file, whatever its mode was (decision 9).
    ///
    /// # Errors
    /// As for [`Output::prepare`].
    pub(crate) fn prepare_private(file: Option<&str>, format: &str) -> Result<Output> {
        Output::open(file, format, Access::OwnerOnly)
    }

    /// The result replaces the file that the input came from; what is no regular file cannot be replaced, then the result
    /// goes to standard output. The name does not choose the format (decision 6).
    ///
    /// # Errors
    /// As for [`Output::prepare`].
    pub(crate) fn in_place(file: &str, format: &str) -> Result<Output> {
        let mut output = Output::open(Some(file), format, Access::AsBefore)?;
        output.renderer = Renderer { format: format.to_owned() };
        if !output.replaces_a_file() {
            output.sink = Sink::Stdout;
        }
        Ok(output)
    }

    /// Whether the result becomes a file of its own, not something on standard output or through a pipe.
    pub(crate) fn replaces_a_file(&self) -> bool {
        matches!(self.sink, Sink::File { target: Target::Replace(_), .. })
    }

    /// Whether the result shows on a terminal, under whatever name.
    pub(crate) fn is_terminal(&self) -> bool {
        match &self.sink {
            Sink::Stdout => io::stdout().is_terminal(),
            Sink::File { target, .. } => target.is_terminal(),
        }
    }

    /// Renders as this output does.
    pub(crate) fn renderer(&self) -> Renderer {
        self.renderer.clone()
    }

    fn open(file: Option<&str>, format: &str, access: Access) -> Result<Output> {
        let renderer = |format: &str| Renderer { format: format.to_owned() };
        let Some(name) = file else { return Ok(Output { sink: Sink::Stdout, renderer: renderer(format) }) };
        let format = if name.ends_with(".yaml") || name.ends_with(".yml") { "yaml" } else { format };
        let target = Target::of(name).map_err(|error| replacement_error("open", name, &error))?;
        let sink = Sink::File { target, access, content: Zeroizing::default(), written: false };
        Ok(Output { sink, renderer: renderer(format) })
    }

    /// Writes a resource in the format of this output.
    ///
    /// # Errors
    /// An unknown format, or a failure of standard output.
    pub(crate) fn write_resource(&mut self, resource: &impl Serialize) -> Result<()> {
        let text = self.renderer.render(resource)?;
        self.write_bytes(text.as_bytes())
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// A failure of standard output.
    pub(crate) fn write_bytes(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.sink {
            Sink::Stdout => write_stdout(bytes),
            Sink::File { content, written, .. } => {
                *written |= !bytes.is_empty();
                append_without_copies(content, bytes);
                Ok(())
            }
        }
    }

    /// Puts the file in place. Without any result an existing file stays as it is (decision 10).
    ///
    /// # Errors
    /// Whatever the system says; an existing file is unharmed then, and no new one is left behind.
    pub(crate) fn commit(self) -> Result<()> {
        match self.sink {
            Sink::File { target, access, content, written: true } => target.write(&content, access),
            _ => Ok(()),
        }
    }
}

impl Renderer {
    /// A resource in the format of this output.
    ///
    /// # Errors
    /// An unknown format.
    pub(crate) fn render(&self, resource: &impl Serialize) -> Result<Zeroizing<String>> {
        let text = match format(&self.format)? {
            Format::Json => to_json_pretty(resource),
            Format::Yaml => to_yaml(resource),
        };
        text.map(Zeroizing::new).map_err(|error| Error::new(error.to_string()))
    }
}

/// What a value of `-o` stands for.
///
/// # Errors
/// An unknown format.
pub(crate) fn format(text: &str) -> Result<Format> {
    match text.to_ascii_lowercase().as_str() {
        "" | "json" => Ok(Format::Json),
        "yaml" => Ok(Format::Yaml),
        _ => Err(Error::new(format!("unsupported output format: {text}")).hint("json and yaml are supported")),
    }
}

/// Writes to standard output and flushes, so that a failure is seen.
///
/// # Errors
/// [`Error::BrokenPipe`] when nobody reads any more, otherwise the system's words.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| write_error("/dev/stdout", &error))
}

fn write_error(name: &str, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe { Error::BrokenPipe } else { Error::file("write", name, error) }
}

/// The error for a file that cannot be replaced. It is never written in place instead, where an interruption would leave half
/// of it.
fn replacement_error(operation: &str, name: &str, error: &io::Error) -> Error {
    let failure = Error::file(operation, name, error);
    let directory = directory_of(Path::new(name)).display();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => failure.hint(format!(
            "the result is a new file that takes the place of the old one: this needs the permission to write into the directory {directory}"
        )),
        io::ErrorKind::ResourceBusy => failure.hint(format!(
            "a file that is mounted cannot be replaced: mount its directory instead of {name} alone"
        )),
        _ => failure,
    }
}

/// Appends without leaving the old content in freed memory when the buffer grows.
fn append_without_copies(content: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if content.capacity() - content.len() < bytes.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((content.len() + bytes.len()) * 2));
        larger.extend_from_slice(content);
        *content = larger;
    }
    content.extend_from_slice(bytes);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_of_the_file_beats_the_format() {
        for (name, asked, want) in [
            ("x.yaml", "json", "yaml"),
            ("x.yml", "xml", "yaml"),
            ("x.YAML", "json", "json"),
            ("x.json", "yaml", "yaml"),
        ] {
            let place = tempfile::tempdir().unwrap();
            let output = Output::prepare(place.path().join(name).to_str(), asked).unwrap();
            assert_eq!(output.renderer.format, want, "{name} {asked}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_says_what_would_help() {
        for (name, errno, want) in [
            ("a/b.yaml", 13, "open a/b.yaml: permission denied\nhint: the result is a new file"),
            ("b.yaml", 30, "into the directory ."),
            ("a/b.yaml", 16, "open a/b.yaml: device or resource busy\nhint: a file that is mounted cannot be replaced"),
        ] {
            let error = replacement_error("open", name, &io::Error::from_raw_os_error(errno)).to_string();
            assert!(error.contains(want), "{error}");
        }
        let error = replacement_error("open", "b", &io::Error::from_raw_os_error(2)).to_string();
        assert_eq!(error, "error: open b: no such file or directory");
    }

    #[test]
    fn a_growing_buffer_holds_everything() {
        let mut content = Zeroizing::default();
        for _ in 0..100 {
            append_without_copies(&mut content, b"0123456789");
        }
        assert_eq!(content.len(), 1000);
    }
}
