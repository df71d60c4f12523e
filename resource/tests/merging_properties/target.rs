//! Writes one SealedSecret in random styles.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sealed_secrets_crypto::{PrivateKey, SystemRandom};
use sealed_secrets_resource::{Scope, seal_value};

#[path = "../editing_properties/document.rs"]
#[allow(dead_code, reason = "the random decisions alone are used")]
mod document;

pub(crate) use document::Choices;

pub(crate) struct Target {
    pub(crate) text: String,
    /// The items and their values.
    pub(crate) items: BTreeMap<String, String>,
    /// How each item is written.
    pub(crate) kept: Vec<(String, String)>,
    pub(crate) comments: Vec<String>,
    pub(crate) scope: Scope,
    /// Has aliases: some merges are refused.
    pub(crate) unusual: bool,
}

static KEY: LazyLock<PrivateKey> =
    LazyLock::new(|| PrivateKey::from_pem(include_bytes!("../data/appendix-a.key")).unwrap());

pub(crate) fn generate(choices: &mut Choices) -> Target {
    let scope = [Scope::Strict, Scope::NamespaceWide, Scope::ClusterWide][choices.below(3)];
    let mut writer =
        Writer { choices, scope, items: BTreeMap::new(), kept: Vec::new(), comments: Vec::new(), unusual: false };
    let json = writer.choices.one_in(4);
    let mut text = if json { writer.json() } else { writer.yaml() };
    let Writer { items, mut kept, mut comments, unusual, .. } = writer;
    if choices.one_in(3) {
        text = text.trim_end().to_owned();
    }
    if choices.one_in(3) {
        text = text.replace('\n', "\r\n");
        for (_, piece) in &mut kept {
            *piece = piece.replace('\n', "\r\n");
        }
    }
    // A block at the end of the file loses its last line end.
    for (_, piece) in &mut kept {
        piece.truncate(piece.trim_end().len());
    }
    // Parts of the file were put in another order after they were written.
    comments.retain(|comment| text.contains(comment.as_str()));
    comments.sort_by_key(|comment| text.find(comment.as_str()));
    Target { text, items, kept, comments, scope, unusual }
}

struct Writer<'c> {
    choices: &'c mut Choices,
    scope: Scope,
    items: BTreeMap<String, String>,
    kept: Vec<(String, String)>,
    comments: Vec<String>,
    unusual: bool,
}

/// Names as they are, and as they are written.
const NAMES: [(&str, &str); 5] =
    [("user", "user"), ("password", "\"password\""), ("tls.key", "'tls.key'"), ("on", "\"on\""), ("x", "x")];

impl Writer<'_> {
    fn annotation(&self) -> Option<&'static str> {
        match self.scope {
            Scope::Strict => None,
            Scope::NamespaceWide => Some("sealedsecrets.bitnami.com/namespace-wide"),
            Scope::ClusterWide => Some("sealedsecrets.bitnami.com/cluster-wide"),
        }
    }

    fn sealed(&self, value: &str) -> String {
        let label = self.scope.label("shop", "db");
        seal_value(KEY.public_key(), &label, value.as_bytes(), &mut SystemRandom).unwrap()
    }

    fn comment(&mut self) -> String {
        let comment = format!("# c{}.", self.comments.len());
        self.comments.push(comment.clone());
        comment
    }

    /// The end of a line, perhaps with a comment.
    fn end(&mut self) -> String {
        if self.choices.one_in(4) { format!(" {}\n", self.comment()) } else { "\n".to_owned() }
    }

    fn yaml(&mut self) -> String {
        let mut text = String::new();
        if self.choices.one_in(2) {
            text += &format!("{}\n", self.comment());
        }
        if self.choices.one_in(3) {
            text += "---\n";
        }
        text += "kind: SealedSecret";
        text += &self.end();
        let annotations =
            self.annotation().map(|name| format!("annotations: {{{name}: 'true'}}, ")).unwrap_or_default();
        text += &format!("metadata: {{{annotations}name: db, namespace: shop}}{}", self.end());
        let unit = " ".repeat(1 + self.choices.below(4));
        let spec_first = self.choices.one_in(2);
        let status = "status: {observedGeneration: 1}\n";
        text += if spec_first { "" } else { status };
        text += &format!("spec:{}", self.end());
        let mut parts = vec![self.encrypted_data(&unit), self.template(&unit)];
        if self.choices.one_in(3) {
            parts.push(format!("{unit}future: [1, {{x: y}}]\n"));
        }
        let first = self.choices.below(parts.len());
        parts.rotate_left(first);
        text += &parts.concat();
        text + if spec_first { status } else { "" }
    }

    fn encrypted_data(&mut self, unit: &str) -> String {
        let count = self.choices.below(4);
        if count == 0 {
            let empty = self.choices.pick(&["encryptedData:\n", "encryptedData: {}\n", "encryptedData: null\n", ""]);
            return if empty.is_empty() { String::new() } else { format!("{unit}{empty}") };
        }
        let first = self.choices.below(NAMES.len());
        if self.choices.one_in(4) {
            let mut entries = Vec::new();
            for index in 0..count {
                let (name, written) = NAMES[(first + index) % NAMES.len()];
                let entry = format!("{written}: {}", self.sealed(name));
                self.add(name, &entry);
                entries.push(entry);
            }
            let separator = self.choices.pick(&[", ", ",", ",\n          "]);
            return format!("{unit}encryptedData: {{{}}}{}", entries.join(separator), self.end());
        }
        let mut text = format!("{unit}encryptedData:{}", self.end());
        let mut anchor: Option<&str> = None;
        for index in 0..count {
            let (name, written) = NAMES[(first + index) % NAMES.len()];
            let column = unit.repeat(2);
            if self.choices.one_in(5) {
                text += &format!("{column}{}\n", self.comment());
            }
            if let Some(value) = anchor.take_if(|_| self.choices.one_in(2)) {
                let entry = format!("{column}{written}: *a\n");
                // Not among what is kept: it gets the value itself when its anchor's is replaced.
                self.items.insert(name.to_owned(), value.to_owned());
                self.unusual = true;
                text += &entry;
                continue;
            }
            let sealed = self.sealed(name);
            let entry = match self.choices.below(6) {
                0 => format!("'{sealed}'"),
                1 => format!("\"{sealed}\""),
                2 => format!(">-\n{column}{unit}{sealed}"),
                3 => format!("|\n{column}{unit}{}\n{column}{unit}{}", &sealed[..100], &sealed[100..]),
                4 if anchor.is_none() => {
                    anchor = Some(name);
                    self.unusual = true;
                    format!("&a {sealed}")
                }
                _ => sealed,
            };
            let end = if entry.contains('\n') { "\n".to_owned() } else { self.end() };
            let entry = format!("{column}{written}: {entry}{end}");
            self.add(name, &entry);
            text += &entry;
        }
        text
    }

    fn add(&mut self, name: &str, entry: &str) {
        self.items.insert(name.to_owned(), name.to_owned());
        self.kept.push((name.to_owned(), entry.to_owned()));
    }

    fn template(&mut self, unit: &str) -> String {
        match self.choices.below(6) {
            0 => String::new(),
            1 => format!("{unit}template: null\n"),
            2 => format!("{unit}template: {{metadata: {{labels: {{app: web}}}}, type: Opaque}}{}", self.end()),
            3 => format!("{unit}template:\n{unit}{unit}type: Opaque{}", self.end()),
            4 => format!("{unit}template:\n{unit}{unit}metadata:{}", self.end()),
            _ => {
                let (comment, column) = (self.end(), unit.repeat(3));
                format!(
                    "{unit}template:\n{unit}{unit}metadata:\n{column}labels:{comment}{column}{unit}app: 'web'\n{column}annotations: {{}}\n"
                )
            }
        }
    }

    fn json(&mut self) -> String {
        let (eol, colon) = [("", ":"), (" ", ": "), ("\n  ", ": "), ("\n\t", " : ")][self.choices.below(4)];
        let line = |depth: usize| match eol.strip_prefix('\n') {
            Some(unit) => format!("\n{}", unit.repeat(depth)),
            None => eol.to_owned(),
        };
        let mut entries = Vec::new();
        let first = self.choices.below(NAMES.len());
        for index in 0..self.choices.below(4) {
            let name = NAMES[(first + index) % NAMES.len()].0;
            let entry = format!("\"{name}\"{colon}\"{}\"", self.sealed(name));
            self.add(name, &entry);
            entries.push(format!("{}{entry}", line(3)));
        }
        let items = if entries.is_empty() { "{}".to_owned() } else { format!("{{{}{}}}", entries.join(","), line(2)) };
        let annotations =
            self.annotation().map(|name| format!("\"annotations\":{{\"{name}\":\"true\"}},")).unwrap_or_default();
        let template = self.choices.pick(&[
            "",
            ",\"template\":{\"metadata\":{\"labels\":{\"app\":\"web\"}}}",
            ",\"template\":null",
        ]);
        format!(
            "{{{l1}\"kind\"{colon}\"SealedSecret\",{l1}\"metadata\"{colon}{{{annotations}\"name\":\"db\",\"namespace\":\"shop\"}},{l1}\"spec\"\
             {colon}{{{l2}\"encryptedData\"{colon}{items}{template}{l1}}}{l0}}}\n",
            l0 = line(0),
            l1 = line(1),
            l2 = line(2),
        )
    }
}
