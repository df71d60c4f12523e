//! No value gets into what anybody may read of an error.

#![allow(clippy::disallowed_methods)] // Reads the recorded cases.

use super::corpus_tests::{Case, Counting, Items, corpus, usual_items};
use super::*;

fn error(template: &str, items: &Items) -> Option<RenderError> {
    let templates = BTreeMap::from([("t".to_owned(), template.to_owned())]);
    let now = Timestamp::UNIX_EPOCH;
    let environment =
        RenderEnvironment { now, random: &mut Counting::default(), limits: Limits::default(), stop: &|| false };
    render_all(&templates, items, environment).err().map(|errors| errors["t"].clone())
}

#[test]
fn what_anybody_may_read_ends_before_the_functions_own_words() {
    let items = Items::from([("password".to_owned(), SecretBytes::from(b"hunter2".to_vec()))]);
    let cases = [
        (
            "{{ index .password .password }}",
            "t:1:3: executing \"t\" at <index .password .password>: error calling index",
            false,
        ),
        ("{{ range .password }}{{ end }}", "t:1:9: executing \"t\" at <.password>: range can't iterate over", true),
        ("{{ .password.x }}", "t:1:12: executing \"t\" at <.password.x>: can't evaluate field x in type string", false),
        ("{{ fail .password }}", "t:1:3: executing \"t\" at <fail .password>: error calling fail", true),
        ("{{ upper 1 }}", "t:1:9: executing \"t\" at <1>: expected string; found 1", false),
        ("{{ nosuch }}", "t:1: function \"nosuch\" not defined", false),
        (
            "{{ range 3000000 }}{{ end }}",
            "t:1:9: executing \"t\" at <{{range 3000000}}{{end}}>: the template takes too many steps",
            false,
        ),
        (
            "{{ printf \"%p\" .password }}",
            "t:1:3: executing \"t\" at <printf \"%p\" .password>: error calling printf: %p is not available: addresses say nothing",
            false,
        ),
    ];
    for (template, shown, withheld) in cases {
        let error = error(template, &items).unwrap();
        assert_eq!(error.to_string(), format!("template: {shown}"));
        assert_eq!(error.in_full().to_string().contains("hunter2"), withheld, "{template}");
        assert!(!format!("{error:?}").contains("hunter2"), "{template}");
    }
}

/// Every failing case of the corpus, with items whose values stand nowhere in a template.
#[test]
fn no_failing_case_of_the_corpus_shows_a_value() {
    let mut items = usual_items();
    for (number, value) in items.values_mut().enumerate() {
        *value =
            SecretBytes::from(format!("{}s3ntinel{number}", String::from_utf8_lossy(value.as_slice())).into_bytes());
    }
    let (mut failing, mut withheld) = (0, 0);
    for file in std::fs::read_dir(corpus()).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") || path.ends_with("bounds.jsonl") {
            continue;
        }
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: Case = serde_json::from_str(line).unwrap();
            let Some(error) = error(&case.template, &items) else { continue };
            failing += 1;
            withheld += usize::from(error.in_full().to_string().contains("s3ntinel"));
            assert!(!error.to_string().contains("s3ntinel"), "{}: {error}", case.template);
        }
    }
    assert!(failing > 300, "only {failing} cases fail");
    assert!(withheld > 10, "only {withheld} errors quote a value in full: the check would miss a leak");
}
