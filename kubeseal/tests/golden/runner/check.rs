//! What is wrong with a run.

use regex::Regex;
use serde_json::{Map, Value};

use super::case::{Entry, Outcome};
use super::envelope::Envelopes;
use super::view::Views;

/// Compares a run with what the case expects.
pub(crate) fn check(case: &Value, outcome: &Outcome, envelopes: &Envelopes) -> Vec<String> {
    let drop = case["drop"].as_array().into_iter().flatten();
    let drop = drop.map(|path| path.as_str().unwrap().split('.').map(str::to_owned).collect()).collect();
    let views = Views { outcome, envelopes, drop };
    let mut want = case[if case["rule"] == "match" { "expect" } else { "want" }].as_object().unwrap().clone();
    want.extend(case["also"].as_object().cloned().unwrap_or_default());
    let mut check = Check { case, outcome, views, want: &want, faults: Vec::new() };
    check.exit();
    check.streams();
    check.files();
    check.requests();
    check.faults
}

struct Check<'a> {
    case: &'a Value,
    outcome: &'a Outcome,
    views: Views<'a>,
    want: &'a Map<String, Value>,
    faults: Vec<String>,
}

impl Check<'_> {
    fn fault(&mut self, text: String) {
        self.faults.push(text);
    }

    fn same(&mut self, what: &str, want: &Value, got: &Value) {
        if want != got {
            let lines = |value: &Value| {
                let text = serde_json::to_string_pretty(value).unwrap();
                text.replace("\\n", "\n").lines().map(str::to_owned).collect::<Vec<_>>()
            };
            let (want, got) = (lines(want), lines(got));
            let missing = want.iter().filter(|line| !got.contains(line)).map(|line| format!("\n    - {line}"));
            let unexpected = got.iter().filter(|line| !want.contains(line)).map(|line| format!("\n    + {line}"));
            self.fault(format!("{what}:{}", missing.chain(unexpected).take(30).collect::<String>()));
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        match self.want.get(name) {
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(list)) => list.iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
            _ => Vec::new(),
        }
    }

    fn exit(&mut self) {
        let got = &self.outcome.exit;
        let right = match self.want.get("exit") {
            None => true,
            Some(Value::String(word)) if word == "nonzero" => got.as_i64().is_some_and(|code| code > 0),
            Some(Value::Array(codes)) => codes.contains(got),
            Some(code) => code == got,
        };
        if !right {
            self.fault(format!("exit: expected {}, got {got}; stderr: {}", self.want["exit"], self.outcome.stderr));
        }
        if let Some(limit) = self.want.get("within").and_then(Value::as_f64)
            && self.outcome.took.as_secs_f64() > limit
        {
            self.fault(format!("took {:?}, allowed {limit} s", self.outcome.took));
        }
    }

    fn streams(&mut self) {
        if let Some(want) = self.want.get("stdout") {
            let kind = want["kind"].as_str().filter(|kind| ["json", "yaml", "text", "data"].contains(kind));
            self.same("stdout", want, &self.views.bytes(&self.outcome.stdout, kind));
        }
        let (stdout, stderr) = (self.views.text(&self.outcome.stdout), self.views.clean(&self.outcome.stderr));
        let sorted = with_sorted_lists(&stderr);
        if let Some(want) = self.want.get("stderr") {
            self.same("stderr", want, &sorted.clone().into());
        }
        if self.want.contains_key("error") {
            if self.outcome.exit == 1 && !sorted.lines().any(|line| line.starts_with("error: ")) {
                self.fault(format!("no line starts with `error: `: {sorted}"));
            }
            for piece in self.list("error") {
                if !sorted.contains(&piece) {
                    self.fault(format!("the error lacks {piece:?}: {sorted}"));
                }
            }
        }
        for (name, text) in [("stdout", &stdout), ("stderr", &stderr)] {
            for piece in self.list(&format!("{name}_contains")) {
                if !text.contains(&piece) {
                    self.fault(format!("{name} lacks {piece:?}: {text}"));
                }
            }
            for piece in self.list(&format!("{name}_lacks")) {
                if text.contains(&piece) {
                    self.fault(format!("{name} contains {piece:?}"));
                }
            }
            for pattern in self.list(&format!("{name}_regex")) {
                if !Regex::new(&format!("(?m){}", pattern.replace("\\Z", "\\z"))).unwrap().is_match(text) {
                    self.fault(format!("{name} does not match {pattern:?}: {text}"));
                }
            }
        }
    }

    fn files(&mut self) {
        let (before, after) = (&self.outcome.before, &self.outcome.after);
        let expected = self.want.get("files").and_then(Value::as_object);
        for (name, want) in expected.into_iter().flatten() {
            let kind = want["kind"].as_str().filter(|kind| ["json", "yaml", "text", "data"].contains(kind));
            let mut got = self.views.entry(after.get(name), kind);
            got.as_object_mut().unwrap().retain(|field, _| want.get(field).is_some());
            self.same(&format!("file {name}"), want, &got);
        }
        let may_change = |name: &str| match expected {
            Some(files) => files.contains_key(name),
            None => self.case["rule"] == "better" && before.contains_key(name),
        };
        let mut faults = Vec::new();
        for name in before.keys().chain(after.keys()) {
            let named = ["modes", "file_contains", "symlinks"]
                .iter()
                .any(|field| self.want.get(*field).is_some_and(|files| files.get(name).is_some()));
            if before.get(name) != after.get(name) && !may_change(name) && !named {
                faults.push(format!("file {name} changed, appeared or vanished unexpectedly"));
            }
        }
        faults.dedup();
        self.faults.extend(faults);
        for name in self.list("unchanged") {
            if before.get(&name) != after.get(&name) {
                self.fault(format!("file {name} should be unchanged"));
            }
        }
        let of = |name: &str| self.want.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, mode) in of("modes") {
            if !matches!(after.get(&name), Some(Entry::File { mode: got, .. }) if *got == mode) {
                self.fault(format!("file {name}: mode should be {mode}: {:?}", after.get(&name).is_some()));
            }
        }
        for (name, to) in of("symlinks") {
            if !matches!(after.get(&name), Some(Entry::Link(got)) if *got == to) {
                self.fault(format!("{name} is no longer a symbolic link to {to}"));
            }
        }
        for (name, pieces) in of("file_contains") {
            let text = self.views.content(&name);
            for piece in pieces.as_array().unwrap().iter().map(|piece| piece.as_str().unwrap()) {
                if !text.contains(piece) {
                    self.fault(format!("file {name} lacks {piece:?}: {text}"));
                }
            }
        }
    }

    fn requests(&mut self) {
        let (Some(want), Some(servers)) = (self.want.get("requests"), &self.outcome.servers) else { return };
        let got = self.views.walk(servers.requests());
        let got = serde_json::from_str(&self.views.clean(&got.to_string())).unwrap();
        self.same("requests", want, &got);
    }
}

/// The reference lists items in a random order.
fn with_sorted_lists(text: &str) -> String {
    let list = Regex::new(r"\(([^()\n]*, [^()\n]*)\)").unwrap();
    let sorted = |found: &regex::Captures<'_>| {
        let mut names: Vec<&str> = found[1].split(", ").collect();
        names.sort_unstable();
        format!("({})", names.join(", "))
    };
    list.replace_all(text, sorted).into_owned()
}
