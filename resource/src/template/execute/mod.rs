//! Executes parsed templates, with Go's order of evaluation and Go's messages.

mod argument;
mod evaluate;
mod failure;
mod slot;
mod walk;

use zeroize::Zeroizing;

use super::context::Context;
use super::error::RenderError;
use super::syntax::Templates;
use super::value::Value;
use failure::Place;
use slot::Slot;

/// Renders the template `entry` of `templates` with `root` as its dot.
pub(super) fn execute(
    entry: &str,
    text: &str,
    templates: &Templates<'_>,
    root: Value,
    context: &mut Context<'_>,
) -> Result<Zeroizing<Vec<u8>>, RenderError> {
    let Some(block) = templates.get(entry) else {
        let message = format!("template: {entry}: {entry:?} is an incomplete or empty template");
        return Err(RenderError::execution(message, String::new()));
    };
    let root = Slot::from(root);
    let mut execution = Execution {
        entry,
        text,
        templates,
        context,
        template: entry,
        variables: vec![("$", root.clone())],
        place: Place::Nowhere,
        output: Zeroizing::new(Vec::new()),
    };
    execution.block(block, &root)?;
    Ok(execution.output)
}

/// The state of one rendering.
struct Execution<'t, 's, 'c, 'e> {
    entry: &'t str,
    text: &'t str,
    templates: &'t Templates<'s>,
    context: &'c mut Context<'e>,
    /// The template being executed: the entry's own or one that it defines.
    template: &'t str,
    /// Variables in scope, the innermost last.
    variables: Vec<(&'s str, Slot)>,
    /// Where errors point to.
    place: Place<'t, 's>,
    output: Zeroizing<Vec<u8>>,
}
