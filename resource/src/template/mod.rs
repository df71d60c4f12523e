//! Go's `text/template` with Sprig, for `spec.template.data` (wire format section 6).
//!
//! An engine of our own: values are bytes, types and messages are Go's, and nothing a template does goes past
//! [`Limits`]. Where Go's order is random (maps) ours is sorted.

mod context;
mod error;
mod execute;
pub mod function;
mod functions;
mod language;
mod limits;
pub mod list;
pub mod map;
pub mod named;
pub mod object;
mod print;
mod syntax;
pub mod text;
mod unicode;
pub mod value;

#[cfg(test)]
mod bounds_tests;
#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod grammar_tests;
#[cfg(test)]
mod oracle_tests;
#[cfg(test)]
mod secrecy_tests;

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use sealed_secrets_crypto::Random;

use crate::secret::SecretBytes;
use function::Function;
use map::Map;
use text::Text;
use value::Value;

pub use context::Context;
pub use error::{ErrorKind, RenderError};
pub use limits::{Limit, Limits};

/// What rendering takes from the world.
pub struct RenderEnvironment<'a> {
    /// What `now` gives.
    pub now: Timestamp,
    /// What random functions draw from.
    pub random: &'a mut dyn Random,
    /// What the templates of the object may use together.
    pub limits: Limits,
    /// Says that the time for this object is up; asked every thousand steps and before every slow call.
    pub stop: &'a dyn Fn() -> bool,
}

impl fmt::Debug for RenderEnvironment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RenderEnvironment")
            .field("now", &self.now)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The errors by entry.
pub type RenderErrors = BTreeMap<String, RenderError>;

/// Renders every entry of `spec.template.data` with the decrypted items as its root.
///
/// # Errors
/// The errors of all entries that fail. Once an entry has used up what all share, those after it are only parsed.
pub fn render_all(
    templates: &BTreeMap<String, String>,
    values: &BTreeMap<String, SecretBytes>,
    environment: RenderEnvironment<'_>,
) -> Result<BTreeMap<String, SecretBytes>, RenderErrors> {
    let RenderEnvironment { now, random, limits, stop } = environment;
    let mut context = Context::new(now, random, stop, limits);
    let (mut rendered, mut errors) = (BTreeMap::new(), BTreeMap::new());
    // One root for all: no function changes a map of strings.
    let items = values.iter().map(|(name, value)| (Text::from(name.as_str()), Text::from(value.as_slice())));
    let root = Value::Map(Map::texts(items));
    let mut is_used_up = false;
    for (entry, text) in templates {
        let outcome = match is_used_up {
            false => render(entry, text, root.clone(), &mut context).map(Some),
            true => parse(entry, text).map(|_| None),
        };
        context.surface();
        match outcome {
            Ok(output) => rendered.extend(output.map(|output| (entry.clone(), output))),
            Err(error) => {
                is_used_up |= matches!(error.kind(), ErrorKind::Limit(limit) if limit != Limit::Depth);
                errors.insert(entry.clone(), error);
            }
        }
    }
    if errors.is_empty() { Ok(rendered) } else { Err(errors) }
}

/// Parses every entry and executes none, for those who may not see values (verify).
///
/// # Errors
/// The errors of all entries that do not parse.
pub fn check_syntax(templates: &BTreeMap<String, String>) -> Result<(), RenderErrors> {
    let mut errors = RenderErrors::new();
    for (entry, text) in templates {
        if let Err(error) = parse(entry, text) {
            errors.insert(entry.clone(), error);
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Whether rendering the template twice may give two results: it names a function of the clock or of randomness.
/// A template that does not parse is not volatile.
#[must_use]
pub fn is_volatile(template: &str) -> bool {
    parse("", template).is_ok_and(|parsed| parsed.volatile)
}

/// Levels of blocks and parentheses that a template may be written with. Execution has a bound of its own.
const PARSE_DEPTH: usize = 200;

fn parse<'t>(entry: &str, text: &'t str) -> Result<syntax::Parsed<'t>, RenderError> {
    Ok(syntax::parse(entry, text, find_function, PARSE_DEPTH)?)
}

fn render(entry: &str, text: &str, root: Value, context: &mut Context<'_>) -> Result<SecretBytes, RenderError> {
    let parsed = parse(entry, text)?;
    execute::execute(entry, text, &parsed.templates, root, context).map(SecretBytes::from)
}

/// Sprig's functions come first: its `slice` hides that of the language.
fn find_function(name: &str) -> Option<&'static Function> {
    let tables = functions::TABLES.iter().copied().chain([language::TABLE]);
    tables.flatten().find(|function| function.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_that_name_the_clock_or_randomness_are_volatile() {
        for template in
            ["{{ now }}", "{{ if .x }}{{ randAlphaNum 3 }}{{ end }}", "{{ define \"a\" }}{{ print (uuidv4) }}{{ end }}"]
        {
            assert!(is_volatile(template), "{template}");
        }
        for template in ["now", "{{ .now }}", "{{ upper .x }}", "{{ now"] {
            assert!(!is_volatile(template), "{template}");
        }
    }

    #[test]
    fn checking_the_syntax_executes_nothing() {
        let templates = |text: &str| BTreeMap::from([("e".to_owned(), text.to_owned())]);
        assert_eq!(check_syntax(&templates("{{ fail \"x\" }}{{ range 1000000000 }}{{ end }}")), Ok(()));
        let errors = check_syntax(&templates("\n{{ env \"HOME\" }}")).unwrap_err();
        assert_eq!(errors["e"].to_string(), "template: e:2: function \"env\" not defined");
        assert_eq!(errors["e"].kind(), ErrorKind::Parse);
    }
}
