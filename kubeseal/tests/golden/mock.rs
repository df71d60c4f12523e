//! The API server and the web server that a case talks to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::runner::Servers;
use crate::runner::case::{corpus, read_yaml};
use crate::server::{Reply, Request, Server};

pub(crate) struct Mock {
    server: Server,
    /// Names of the request headers that count.
    headers: Vec<String>,
}

impl Mock {
    pub(crate) fn start(spec: &Value, directory: &Path) -> Box<dyn Servers> {
        let sets = read_yaml(&corpus().join("mock.yaml"));
        let named = spec.as_str().map_or_else(|| &spec["use"], |_| spec);
        let named = named.as_array().cloned().unwrap_or_else(|| vec![named.clone()]);
        let mut routes = Map::new();
        for name in named.iter().filter_map(Value::as_str) {
            routes.extend(sets[name].as_object().unwrap().clone());
        }
        routes.extend(spec["routes"].as_object().cloned().unwrap_or_default());

        let directory = directory.display().to_string();
        let (url, counts) = (std::sync::Arc::new(std::sync::OnceLock::<String>::new()), Mutex::new(BTreeMap::new()));
        let own_url = std::sync::Arc::clone(&url);
        let script = move |request: &Request, _| {
            if request.line.starts_with("CONNECT ") {
                return Reply::Send(502, Vec::new(), Vec::new());
            }
            let earlier = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(request.line.clone()).or_insert(0);
                *count += 1;
                *count - 1
            };
            let without_timeout = request.line.split("?timeout=").next().unwrap();
            let Some(replies) = routes.get(&request.line).or_else(|| routes.get(without_timeout)) else {
                let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure",
                    "message": "no such mock route", "reason": "NotFound", "code": 404});
                return Reply::Send(404, Vec::new(), status.to_string().into_bytes());
            };
            let replies = replies.as_array().map_or(std::slice::from_ref(replies), Vec::as_slice);
            let url = own_url.get().unwrap();
            let fill_in = |text: &str| text.replace("{{mock}}", url).replace("{{dir}}", &directory);
            answer(&replies[earlier.min(replies.len() - 1)], request, &fill_in)
        };
        let server = match &spec["tls"] {
            Value::Null | Value::Bool(false) => Server::start(script),
            Value::Bool(true) => Server::start_tls_as(&pair("server"), None, script),
            _ => Server::start_tls_as(&pair("server"), Some(&pair("client")[0]), script),
        };
        url.set(server.url.clone()).unwrap();
        let headers = spec["headers"].as_array().into_iter().flatten();
        Box::new(Mock { server, headers: headers.map(|name| name.as_str().unwrap().to_owned()).collect() })
    }

    fn record(&self, request: &Request) -> Value {
        let mut record = json!({"request": request.line.split("?timeout=").next().unwrap()});
        if request.line.starts_with("CONNECT ") {
            return record;
        }
        let mut headers = Map::new();
        for name in &self.headers {
            let prefix = format!("{}: ", name.to_lowercase());
            let values: Vec<&str> = request.headers.iter().filter_map(|line| line.strip_prefix(&prefix)).collect();
            if !values.is_empty() {
                headers.insert(name.clone(), values.into());
            }
        }
        if !self.headers.is_empty() {
            record["headers"] = headers.into();
        }
        if !request.body.is_empty() {
            record["body"] = serde_json::from_str(&request.body).unwrap_or_else(|_| request.body.clone().into());
        }
        record
    }
}

impl Servers for Mock {
    fn url(&self) -> &str {
        &self.server.url
    }

    fn requests(&self) -> Value {
        self.server.requests().iter().map(|request| self.record(request)).collect()
    }
}

fn pair(name: &str) -> [String; 2] {
    ["crt", "key"].map(|suffix| corpus().join(format!("keys/{name}.{suffix}")).display().to_string())
}

fn answer(reply: &Value, request: &Request, fill_in: &dyn Fn(&str) -> String) -> Reply {
    thread::sleep(Duration::from_secs_f64(reply["delay"].as_f64().unwrap_or(0.0)));
    let body = if let Some(json) = reply.get("json") {
        json.to_string().into_bytes()
    } else if let Some(text) = reply["text"].as_str() {
        fill_in(text).into_bytes()
    } else if let Some(file) = reply["file"].as_str() {
        std::fs::read(corpus().join(file)).unwrap()
    } else if reply["echo"] == true {
        let mut object: Map<String, Value> = serde_json::from_str(&request.body).unwrap();
        object.remove("kind");
        object.remove("apiVersion");
        let more = reply["metadata"].as_object().cloned().unwrap_or_default();
        object["metadata"].as_object_mut().unwrap().extend(more);
        Value::Object(object).to_string().into_bytes()
    } else {
        Vec::new()
    };
    let mut headers: Vec<String> = reply["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}: {}", fill_in(&value.as_str().map_or(value.to_string(), str::to_owned))))
        .collect();
    if !headers.iter().any(|line| line.to_lowercase().starts_with("content-type: ")) {
        headers.push(format!(
            "Content-Type: {}",
            if reply.get("json").is_some() { "application/json" } else { "text/plain" }
        ));
    }
    let status = reply["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
    match reply["promise"].as_u64() {
        None => Reply::Send(status, headers, body),
        Some(more) => Reply::Cut(status, headers, body, usize::try_from(more).unwrap()),
    }
}
