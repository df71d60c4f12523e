//! Running the person's editor.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::processes;
use crate::error::{Error, Result, io_cause};
use crate::output::HeldBack;

/// How often is looked whether the editor has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// Opens a file in `$VISUAL`, `$EDITOR` or `vi` and waits for its end. The variables may hold arguments; the shell splits
/// them, as `git` has it done.
///
/// Ctrl-C is the editor's business, which gets it as well. Another signal that ends this process ends the editor first,
/// with whatever it or the shell started: what lived on could write the values again.
///
/// # Errors
/// When it cannot be started or ends without success.
pub(super) fn open(file: &Path, signals: &HeldBack) -> Result<()> {
    let editor =
        ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    let mut child = Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{editor} \"$@\""))
        .arg(&editor)
        .arg(file)
        .spawn()
        .map_err(|error| Error::new(format!("cannot start {editor}: {}", io_cause(&error))))?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if signals.must_end() => {
                processes::end(&mut child);
                return Err(Error::new("interrupted"));
            }
            Ok(None) => sleep(PAUSE),
            Err(error) => return Err(Error::new(format!("cannot wait for {editor}: {}", io_cause(&error)))),
        }
    };
    if status.success() {
        // An editor that took Ctrl-C for itself went on.
        signals.forget_interrupt();
        return Ok(());
    }
    let failure = Error::new(format!("{editor} ended without success ({status}); nothing was changed"));
    Err(if status.code() == Some(127) { failure.hint("$EDITOR names the program to edit with") } else { failure })
}
