//! A case: what it lays out, and the run of it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use sealed_secrets_resource::document::{Entry as MapEntry, Node, NodeValue, read_stream};
use sealed_secrets_resource::{decode_base64, encode_base64};
use serde_json::Value;

use super::envelope::Envelopes;
use super::{Servers, Stage, check};

/// Where the corpus is, seen from any package of the workspace.
pub(crate) fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../kubeseal/tests/golden")
}

/// Reads a YAML file whose root may be a list.
pub(crate) fn read_yaml(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    let indented = text.starts_with("- ");
    let text = if indented { format!("cases:\n{text}") } else { text };
    let documents = read_stream(text.as_bytes()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let value = to_value(&documents[0].root);
    if indented { value["cases"].clone() } else { value }
}

/// As the corpus was written: a bare `y` is text in it.
fn to_value(node: &Node) -> Value {
    let letter = |node: &Node| node.bool_word().filter(|word| word.len() == 1).map(str::to_owned);
    match &node.value {
        NodeValue::Sequence(items) => items.iter().map(to_value).collect(),
        NodeValue::Mapping(entries) => {
            let key = |entry: &MapEntry| letter(&entry.key_node).unwrap_or_else(|| entry.key.clone());
            entries.iter().map(|entry| (key(entry), to_value(&entry.value))).collect()
        }
        _ => letter(node).map_or_else(|| node.to_json(), Value::String),
    }
}

pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// What a run left behind.
pub(crate) struct Outcome {
    pub(crate) directory: PathBuf,
    pub(crate) servers: Option<Box<dyn Servers>>,
    /// A number, or `timeout`.
    pub(crate) exit: Value,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    pub(crate) before: BTreeMap<String, Entry>,
    pub(crate) after: BTreeMap<String, Entry>,
}

/// Something in the directory of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    File { mode: String, content: Vec<u8> },
    Directory { mode: String },
    Link(String),
}

impl Case {
    /// Every case that needs a real cluster, or every one that does not.
    pub(crate) fn all(on_a_cluster: bool) -> Vec<Case> {
        let mut files: Vec<_> =
            fs::read_dir(corpus().join("cases")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let values = files.iter().flat_map(|file| read_yaml(file).as_array().unwrap().clone());
        let cases = values.filter(|value| (value["cluster"] == true) == on_a_cluster);
        cases.map(|value| Case { name: value["name"].as_str().unwrap().to_owned(), value }).collect()
    }

    /// Runs the case; what is wrong, one line or block each.
    pub(super) fn run(&self, stage: &Stage) -> Vec<String> {
        let place = tempfile::tempdir().unwrap();
        let directory = fs::canonicalize(place.path()).unwrap();
        let mut envelopes = Envelopes::new(&self.value);
        let servers = self.value.get("mock").map(|spec| (stage.mock)(spec, &directory));
        let outcome = self.execute(stage, directory, servers, &mut envelopes);
        check::check(&self.value, &outcome, &envelopes)
    }

    fn execute(
        &self,
        stage: &Stage,
        directory: PathBuf,
        servers: Option<Box<dyn Servers>>,
        envelopes: &mut Envelopes,
    ) -> Outcome {
        let url = servers.as_ref().map_or("http://127.0.0.1:1".to_owned(), |servers| servers.url().to_owned());
        let mut expand = |text: &str| expand(text, &directory, &url, envelopes);
        lay_out(&self.value, &directory, &mut expand);
        let mut environment: BTreeMap<String, String> = [
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("HOME", directory.join("home").display().to_string()),
            ("TMPDIR", directory.join("tmp").display().to_string()),
            ("TZ", "UTC".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        environment.extend(stage.environment.iter().cloned());
        if let Some(kubeconfig) = self.value.get("kubeconfig") {
            let path = directory.join(kubeconfig.as_str().unwrap_or("kc"));
            environment.insert("KUBECONFIG".to_owned(), path.display().to_string());
        }
        for (name, value) in self.value["env"].as_object().into_iter().flatten() {
            environment.insert(name.clone(), expand(&text_of(value)));
        }
        environment.retain(|_, value| value != "UNSET");
        let args: Vec<String> =
            self.value["args"].as_array().into_iter().flatten().map(|arg| expand(&text_of(arg))).collect();
        let stdin = stdin(&self.value["stdin"], &mut expand);

        let before = snapshot(&directory);
        let start = Instant::now();
        let spawned = Spawn { case: &self.value, stage, directory: &directory, environment, args, stdin }.run();
        let took = start.elapsed();
        let after = snapshot(&directory);
        let stderr = String::from_utf8_lossy(&spawned.2).into_owned();
        Outcome { directory, servers, exit: spawned.0, stdout: spawned.1, stderr, took, before, after }
    }
}

/// Numbers and booleans stand in arguments and variables as they are written.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Fills in what stands in double braces.
fn expand(text: &str, directory: &Path, url: &str, envelopes: &mut Envelopes) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("{{") {
        result.push_str(before);
        let (word, after) = inside.split_once("}}").map_or((inside, None), |(word, after)| (word, Some(after)));
        let value = match word.split_once(':') {
            Some(("seal", what)) => Some(envelopes.seal(what)),
            Some(("file64", path)) => Some(encode_base64(&fs::read(corpus().join(path)).unwrap())),
            None if word == "dir" => Some(directory.display().to_string()),
            None if word == "mock" => Some(url.to_owned()),
            None if word == "mockhost" => url.split_once("//").map(|(_, host)| host.to_owned()),
            _ => None,
        };
        match (value, after) {
            (Some(value), Some(after)) => {
                result.push_str(&value);
                rest = after;
            }
            // Some other text with braces, such as a template.
            _ => {
                result.push_str("{{");
                rest = inside;
            }
        }
    }
    result + rest
}

fn lay_out(case: &Value, directory: &Path, expand: &mut dyn FnMut(&str) -> String) {
    fs::create_dir(directory.join("keys")).unwrap();
    for key in fs::read_dir(corpus().join("keys")).unwrap() {
        let key = key.unwrap();
        fs::copy(key.path(), directory.join("keys").join(key.file_name())).unwrap();
    }
    fs::create_dir(directory.join("home")).unwrap();
    fs::create_dir(directory.join("tmp")).unwrap();
    for (name, file) in case["files"].as_object().into_iter().flatten() {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if file["directory"] == true {
            fs::create_dir(&path).unwrap();
        } else if let Some(target) = file["symlink"].as_str() {
            symlink(target, &path).unwrap();
            continue;
        } else if let Some(sources) = file.get("copy") {
            let sources = sources.as_array().map_or(std::slice::from_ref(sources), Vec::as_slice);
            let read = |source: &Value| fs::read(corpus().join(source.as_str().unwrap())).unwrap();
            fs::write(&path, sources.iter().flat_map(read).collect::<Vec<u8>>()).unwrap();
        } else {
            let text = file.as_str().or(file["text"].as_str()).unwrap_or_else(|| panic!("what is in {name}?"));
            fs::write(&path, expand(text)).unwrap();
        }
        if let Some(mode) = file.get("mode") {
            let mode = u32::from_str_radix(&text_of(mode), 8).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
    }
    if let Some(Value::Object(kubeconfig)) = case.get("kubeconfig") {
        let server = expand(kubeconfig.get("server").map_or("{{mock}}", |server| server.as_str().unwrap()));
        let namespace = kubeconfig.get("namespace").and_then(Value::as_str);
        let namespace = namespace.map(|name| format!(", namespace: {name}")).unwrap_or_default();
        let text = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{server: \"{server}\"}}\n\
             contexts:\n- name: x\n  context: {{cluster: c, user: u{namespace}}}\ncurrent-context: x\n\
             users:\n- name: u\n  user: {{}}\n"
        );
        fs::write(directory.join("kc"), text).unwrap();
    }
}

fn stdin(spec: &Value, expand: &mut dyn FnMut(&str) -> String) -> Vec<u8> {
    let text = |name: &str| spec[name].as_str().unwrap_or_default();
    match spec {
        Value::Null => Vec::new(),
        Value::String(text) => expand(text).into_bytes(),
        _ if spec.get("base64").is_some() => decode_base64(text("base64")).unwrap().to_vec(),
        _ if spec.get("file").is_some() => fs::read(corpus().join(text("file"))).unwrap(),
        _ => {
            let count = usize::try_from(spec["count"].as_u64().unwrap()).unwrap();
            format!("{}{}{}", text("head"), text("repeat").repeat(count), text("tail")).into_bytes()
        }
    }
}

/// Everything below the directory but what every case has.
fn snapshot(directory: &Path) -> BTreeMap<String, Entry> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(here) = open.pop() {
        for entry in fs::read_dir(&here).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            if name == "keys" {
                continue;
            }
            let metadata = fs::symlink_metadata(&path).unwrap();
            let mode = format!("{:04o}", metadata.mode() & 0o7777);
            let entry = if metadata.is_symlink() {
                Entry::Link(fs::read_link(&path).unwrap().display().to_string())
            } else if metadata.is_dir() {
                open.push(path);
                Entry::Directory { mode }
            } else {
                Entry::File { mode, content: fs::read(&path).unwrap() }
            };
            if !matches!(name.as_str(), "home" | "tmp") {
                found.insert(name, entry);
            }
        }
    }
    found
}

struct Spawn<'a> {
    case: &'a Value,
    stage: &'a Stage,
    directory: &'a Path,
    environment: BTreeMap<String, String>,
    args: Vec<String>,
    stdin: Vec<u8>,
}

impl Spawn<'_> {
    /// Exit, standard output, standard error.
    fn run(&self) -> (Value, Vec<u8>, Vec<u8>) {
        let quote = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let args: Vec<String> = self.args.iter().map(|arg| quote(arg)).collect();
        let kubeseal = quote(&self.stage.kubeseal.display().to_string());
        let mut line = format!("umask 022; exec -a kubeseal {kubeseal} {}", args.join(" "));
        if let Some(target) = self.case["stdout_to"].as_str() {
            line += &format!(" >{}", quote(target));
        }
        match self.case["tty"].as_str() {
            None => self.wait(Command::new("bash").args(["--norc", "-c", &line])),
            Some(stream) => self.on_a_terminal(stream, &line),
        }
    }

    /// Through `script`, which has a terminal to offer; the other streams are files.
    fn on_a_terminal(&self, stream: &str, line: &str) -> (Value, Vec<u8>, Vec<u8>) {
        let place = tempfile::tempdir().unwrap();
        let file = |name: &str| place.path().join(name).display().to_string();
        fs::write(file("in"), &self.stdin).unwrap();
        let line = match stream {
            "stdin" => format!("{line} >{} 2>{}", file("out"), file("err")),
            _ => format!("{line} <{} >{}", file("in"), file("out")),
        };
        let mut script = Command::new("script");
        script.args(["-qec", &format!("exec bash --norc -c \"{}\"", line.replace('"', "\\\"")), "/dev/null"]);
        let (exit, terminal, _) = self.wait(script.env("SHELL", "/bin/sh"));
        let read = |name: &str| fs::read(file(name)).unwrap_or_default();
        (exit, read("out"), if stream == "stdin" { read("err") } else { terminal })
    }

    fn wait(&self, command: &mut Command) -> (Value, Vec<u8>, Vec<u8>) {
        let shell = command.get_envs().find_map(|(name, value)| (name == "SHELL").then(|| value.unwrap().to_owned()));
        command.env_clear().envs(&self.environment).current_dir(self.directory);
        command.envs(shell.map(|shell| ("SHELL", shell)));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut input, data) = (child.stdin.take().unwrap(), self.stdin.clone());
        // Who fails early does not read everything.
        let writer = thread::spawn(move || drop(input.write_all(&data)));
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let read = |stream: &mut dyn Read| {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            bytes
        };
        let out = thread::spawn(move || read(&mut out));
        let err = thread::spawn(move || read(&mut err));
        let exit = wait_for(&mut child, Duration::from_secs(self.case["timeout"].as_u64().unwrap_or(20)));
        writer.join().unwrap();
        (exit, out.join().unwrap(), err.join().unwrap())
    }
}

fn wait_for(child: &mut Child, limit: Duration) -> Value {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code().or(status.signal().map(|signal| -signal)).into();
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return "timeout".into();
        }
        thread::sleep(Duration::from_millis(3));
    }
}
