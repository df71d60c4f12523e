//! The documentation against the repository: links lead somewhere, and whatever people read in a message, a condition or an
//! alert has an entry that they can find.

#![allow(clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below, with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.is_dir() {
            true if name != "target" && !name.starts_with('.') => found.extend(files(&path, ending)),
            false if name.ends_with(ending) => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

/// Markdown without its fenced blocks.
fn prose(text: &str) -> String {
    let mut is_inside = false;
    let outside = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_inside ^= is_fence;
        !is_fence && !is_inside
    });
    outside.collect::<Vec<_>>().join("\n")
}

/// The anchor that GitHub and others make of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = Regex::new(r"(?m)^#{1,6} (.+)$").unwrap();
    headings.captures_iter(&prose(text)).map(|found| anchor(&found[1])).collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let links = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut count = 0;
    for path in files(&root(), ".md") {
        let text = fs::read_to_string(&path).unwrap();
        for found in links.captures_iter(&prose(&text)) {
            let link = &found[1];
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", path.display());
            if let Some(heading) = heading {
                let known = anchors(&fs::read_to_string(&target).unwrap());
                assert!(known.contains(heading), "{}: {link}: no such heading among {known:?}", path.display());
            }
        }
    }
    assert!(count > 40, "only {count} links were found");
}

#[test]
fn every_document_is_reached_from_the_first_one() {
    let first = read("docs/README.md");
    for path in files(&root().join("docs"), ".md") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "README.md" || first.contains(&format!("({name})")), "docs/README.md does not name {name}");
    }
    assert!(read("README.md").contains("(docs/README.md)"), "the README does not lead to the documentation");
}

/// The runbook of each alert.
#[test]
fn every_alert_has_an_entry() {
    let known = anchors(&read("docs/troubleshoot.md"));
    let alerts = read("manifests/monitoring/alerts.yaml");
    let runbook = Regex::new(r"(?m)^ *runbook_url: docs/troubleshoot\.md#(\S+)$").unwrap();
    let linked: Vec<_> = runbook.captures_iter(&alerts).map(|found| found[1].to_owned()).collect();
    assert_eq!(linked.len(), alerts.matches("- alert: ").count());
    for heading in linked {
        assert!(known.contains(&heading), "docs/troubleshoot.md has no entry {heading}");
    }
}

/// Words that conditions and events carry as their reason, wherever the controller names them.
#[test]
fn every_reason_has_an_entry() {
    let known = anchors(&read("docs/troubleshoot.md"));
    let words = Regex::new(r#"(?:reason: |Reason::\w+ => |READY, (?:TRUE|FALSE), )"([A-Z]\w+)""#).unwrap();
    let mut reasons = BTreeSet::new();
    for path in sources("controller/src") {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        reasons.extend(words.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    for expected in ["Unsealed", "Pending", "ErrUnsealFailed", "ErrUpdateFailed", "SecretDrifted"] {
        assert!(reasons.contains(expected), "{expected} is not found in the sources any more: {reasons:?}");
    }
    for reason in reasons {
        assert!(known.contains(&reason.to_lowercase()), "docs/troubleshoot.md has no entry {reason}");
    }
}

/// Whoever searches the page for the words that they see must find them.
#[test]
fn every_message_stands_on_the_page() {
    // What the pattern finds in the macros and constructors that make messages.
    const TEXT: &str = r#""((?:[^"\\]|\\(?s:.))*)""#;
    let logged = Regex::new(r"(?s)\b(?:warn|error)!\((.*?)\);").unwrap();
    let logged_text = Regex::new(&format!(r"(?:^|,)\s*{TEXT}\s*,?\s*$")).unwrap();
    let failures = Regex::new(&format!(r"Error::new\(\s*(?:format!\(\s*)?{TEXT}")).unwrap();
    let typed = Regex::new(&format!(r"#\[error\(\s*{TEXT}")).unwrap();
    let advice = Regex::new(&format!(r"advice:\s*(?:format!\(\s*)?{TEXT}")).unwrap();
    let written = Regex::new(&format!(r"write!\(\s*f,\s*{TEXT}")).unwrap();

    let page: String = read("docs/troubleshoot.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut missing = BTreeSet::new();
    let mut count = 0;
    let mut look = |path: &Path, message: &str| {
        let message = message.replace("\\\"", "\"");
        let message = Regex::new(r"\\\n\s*").unwrap().replace_all(&message, "").into_owned();
        // The longest part that is the same in every case.
        let hole = Regex::new(r"\{[^}]*\}").unwrap();
        let part = hole.split(&message).map(str::trim).max_by_key(|part| part.len()).unwrap_or_default();
        // Left are only a name and the system's words.
        if part.len() < 5 {
            return;
        }
        count += 1;
        if !page.contains(part) {
            missing.insert(format!("{}: {part}", path.strip_prefix(root()).unwrap_or(path).display()));
        }
    };
    for path in sources("controller/src").into_iter().chain(sources("kubeseal/src")) {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        for call in logged.captures_iter(&text) {
            if let Some(found) = logged_text.captures(&call[1]) {
                look(&path, &found[1]);
            }
        }
        failures.captures_iter(&text).for_each(|found| look(&path, &found[1]));
    }
    let of_errors = [
        "controller/src/run.rs",
        "controller/src/client.rs",
        "controller/src/api.rs",
        "crypto/src/certificate.rs",
        "crypto/src/private_key.rs",
        "resource/src/key_file.rs",
        "resource/src/merge.rs",
        "resource/src/scope.rs",
        "resource/src/seal.rs",
        "resource/src/unseal.rs",
    ];
    // What cannot be brought about from outside.
    let never = [
        "the certificate could not be signed",
        "does not fit the calendar",
        "generating an RSA key failed",
        "cannot generate",
    ];
    for path in of_errors.map(|path| root().join(path)) {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        let texts = typed.captures_iter(&text).map(|found| found[1].to_owned());
        texts.filter(|text| !never.iter().any(|known| text.contains(known))).for_each(|text| look(&path, &text));
    }
    for path in ["controller/src/decide/failure.rs", "controller/src/decide/cause.rs"].map(|path| root().join(path)) {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        advice.captures_iter(&text).chain(written.captures_iter(&text)).for_each(|found| look(&path, &found[1]));
    }
    assert!(
        missing.is_empty(),
        "docs/troubleshoot.md does not mention:\n{}",
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(count > 100, "only {count} messages were found");
}

/// The other way round: what the page promises can be read somewhere.
#[test]
fn every_log_message_on_the_page_is_one_of_the_controller() {
    let page = read("docs/troubleshoot.md");
    let (_, section) = page.split_once("\n## The controller's log\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let sources: String = sources("controller/src").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let sources = Regex::new(r"\\\n\s*").unwrap().replace_all(&sources, "").into_owned();
    let quoted = Regex::new("`([^`]+)`").unwrap();
    let mut count = 0;
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cell = row.split(" | ").next().unwrap();
        for found in quoted.captures_iter(cell) {
            count += 1;
            let part = found[1].split('…').map(str::trim).max_by_key(|part| part.len()).unwrap();
            assert!(sources.contains(part), "the controller never says {part:?}");
        }
    }
    assert!(count > 25, "only {count} messages");
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let found = files(&root().join(folder), ".rs");
    found.into_iter().filter(|path| !path.to_string_lossy().ends_with("tests.rs")).collect()
}

fn without_tests(source: &str) -> String {
    source.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned()
}
