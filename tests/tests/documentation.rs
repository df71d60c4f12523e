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

/// Messages whose words are not ours: Helm's, the API server's and a web server's.
const FOREIGN: [&str; 5] = [
    "no endpoints available",
    "values don't meet the specifications of the schema(s)",
    "ClusterRole \"secrets-unsealer\" … exists and cannot be imported into the current release",
    "cannot fetch …: 404 Not Found",
    "error calling …",
];

/// What the page shows of files and flags, in quotes like a message.
const SHOWN: [&str; 5] = [
    "automountServiceAccountToken: false",
    "item: value",
    "{{ index . \"my-item\" }}",
    "team=a,tier in (web, db),!old",
    "no key could decrypt secret (item, item)",
];

/// Whoever searches the page for the words that they see must find them.
#[test]
fn every_message_stands_on_the_page() {
    // What the pattern finds in the macros and constructors that make messages.
    const TEXT: &str = r#""((?:[^"\\]|\\(?s:.))*)""#;
    let logged = Regex::new(r"(?s)\b(?:warn|error)!\((.*?)\);").unwrap();
    let logged_text = Regex::new(&format!(r"(?:^|,)\s*{TEXT}\s*,?\s*$")).unwrap();
    let failures = Regex::new(&format!(r"Error::new\(\s*(?:format!\(\s*)?{TEXT}")).unwrap();
    let typed = Regex::new(&format!(r"#\[error\(\s*{TEXT}")).unwrap();
    // A literal that becomes a text: what `Ready` and `Stalled` advise.
    let advice = Regex::new(&format!(r"(?:{TEXT}\s*\.to_owned\(\)|format!\(\s*{TEXT})")).unwrap();
    let written = Regex::new(&format!(r"write!\(\s*f,\s*{TEXT}")).unwrap();
    let failing = Regex::new(&format!(r"fail (?:\(printf )?{TEXT}")).unwrap();
    let invalid = Regex::new(&format!(r#"invalid\("[a-z-]+", {TEXT}\)"#)).unwrap();

    let page: String = read("docs/troubleshoot.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut missing = BTreeSet::new();
    let mut count = 0;
    let mut look = |path: &Path, message: &str| {
        let message = plain(message);
        // The longest part that is the same in every case.
        let part = message.split('…').map(str::trim).max_by_key(|part| part.len()).unwrap_or_default();
        // Left are only a name and the system's words.
        if part.len() < 5 {
            return;
        }
        count += 1;
        if !page.contains(part) {
            missing.insert(format!("{}: {part}", path.strip_prefix(root()).unwrap_or(path).display()));
        }
    };
    for path in ["controller/src", "kubeseal/src"].into_iter().flat_map(sources) {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        for call in logged.captures_iter(&text) {
            if let Some(found) = logged_text.captures(&call[1]) {
                look(&path, &found[1]);
            }
        }
        failures.captures_iter(&text).chain(invalid.captures_iter(&text)).for_each(|found| look(&path, &found[1]));
    }
    // What cannot be brought about from outside.
    let never = [
        "the certificate could not be signed",
        "does not fit the calendar",
        "generating an RSA key failed",
        "encryption failed",
        "the system's random number generator failed",
    ];
    // Only functions of templates use these, and what a function says is not shown.
    let withheld = ["crypto/src/issue.rs", "crypto/src/signing_key.rs"].map(|path| root().join(path));
    for path in SOURCES.into_iter().flat_map(sources).filter(|path| !withheld.contains(path)) {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        let texts = typed.captures_iter(&text).map(|found| found[1].to_owned());
        texts.filter(|text| !never.iter().any(|known| text.contains(known))).for_each(|text| look(&path, &text));
    }
    for path in ["controller/src/decide/failure.rs", "controller/src/decide/cause.rs"].map(|path| root().join(path)) {
        let text = without_tests(&fs::read_to_string(&path).unwrap());
        for found in advice.captures_iter(&text) {
            look(&path, found.get(1).or(found.get(2)).unwrap().as_str());
        }
        written.captures_iter(&text).for_each(|found| look(&path, &found[1]));
    }
    for path in chart_templates() {
        let text = fs::read_to_string(&path).unwrap();
        // What to write instead follows, at length.
        let clauses = failing.captures_iter(&text).map(|found| plain(&found[1]));
        clauses.for_each(|text| look(&path, text.split(": ").flat_map(|part| part.split(" (")).next().unwrap()));
    }
    assert!(
        missing.is_empty(),
        "docs/troubleshoot.md does not mention:\n{}",
        missing.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(count > 250, "only {count} messages were found");
}

/// The other way round: what the page promises can be read somewhere.
#[test]
fn every_message_on_the_page_is_said_somewhere() {
    let mut said: String = String::new();
    for path in SOURCES.into_iter().flat_map(sources) {
        said.push_str(&plain(&without_tests(&fs::read_to_string(path).unwrap())));
    }
    // Braces are not what differs from case to case there.
    chart_templates().iter().for_each(|path| said.push_str(&fs::read_to_string(path).unwrap()));
    said = said.replace("%s", "…").replace("%d", "…").replace("%v", "…");
    // Two backticks in a row enclose what holds one.
    let quoted = Regex::new("``(.+?)``|`([^`]+)`").unwrap();
    let page = prose(&read("docs/troubleshoot.md")).split_whitespace().collect::<Vec<_>>().join(" ");
    let mut unknown = BTreeSet::new();
    let mut count = 0;
    for found in quoted.captures_iter(&page) {
        let message = found.get(1).or(found.get(2)).unwrap().as_str().trim();
        let is_command = ["kubectl ", "kubeseal ", "--", "openssl "].iter().any(|start| message.starts_with(start));
        // One word is a name, of which the page has many.
        if is_command || !message.contains(' ') || FOREIGN.contains(&message) || SHOWN.contains(&message) {
            continue;
        }
        count += 1;
        if !message.split('…').map(str::trim).all(|part| said.contains(part)) {
            unknown.insert(message.to_owned());
        }
    }
    assert!(
        unknown.is_empty(),
        "nobody says what docs/troubleshoot.md quotes:\n{}",
        unknown.into_iter().collect::<Vec<_>>().join("\n")
    );
    assert!(count > 250, "only {count} messages");
    for listed in FOREIGN.iter().chain(&SHOWN) {
        assert!(page.contains(listed), "{listed} is not on the page any more");
    }
}

/// Where messages come from.
const SOURCES: [&str; 5] = ["controller/src", "kubeseal/src", "resource/src", "flags/src", "crypto/src"];

/// The text of a program as people see it: without escapes, `…` for what differs from case to case, and names of constants
/// filled in.
fn plain(text: &str) -> String {
    let constants = [
        ("{TLS_PRIVATE_KEY}", "tls.key"),
        ("{TLS_CERTIFICATE}", "tls.crt"),
        ("{KIND}", "SealedSecret"),
        ("{API_VERSION}", "bitnami.com/v1alpha1"),
    ];
    let text = Regex::new(r"\\\n\s*").unwrap().replace_all(text, "").replace("\\\"", "\"");
    let text = constants.iter().fold(text, |text, (name, value)| text.replace(name, value));
    Regex::new(r"\{[^{}\n]*\}|%[a-z]").unwrap().replace_all(&text, "…").into_owned()
}

fn chart_templates() -> Vec<PathBuf> {
    let folder = root().join("manifests/helm/sealed-secrets/templates");
    [".tpl", ".yaml", ".txt"].into_iter().flat_map(|ending| files(&folder, ending)).collect()
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let found = files(&root().join(folder), ".rs");
    found.into_iter().filter(|path| !path.to_string_lossy().ends_with("tests.rs")).collect()
}

/// The part of a source that is in the program. Tests stand last.
fn without_tests(source: &str) -> String {
    let tests = Regex::new(r"#\[cfg\(test\)\]\n(?:#\[.*\]\n)*mod tests \{").unwrap();
    tests.split(source).next().unwrap().to_owned()
}
