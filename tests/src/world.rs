//! The world of one test: a namespace, an account with the published roles, controllers, planted values.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use sealed_secrets_crypto::{Random, SystemRandom};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::api::{Api, Resource};
use crate::audit::{self, Call};
use crate::cluster::Cluster;
use crate::controller::{Controller, Launch};
use crate::roles::Roles;

/// The namespace of the published manifests.
const KUBE_SYSTEM: &str = "kube-system";

/// Runs a test in a namespace of its own.
///
/// # Panics
/// When the test does, or when something was seen that no test may cause (see the crate's documentation).
pub fn end_to_end(test: impl FnOnce(&World)) {
    Cluster::get().install_crd();
    end_to_end_without_crd(test);
}

/// [`end_to_end`] on a cluster that need not know SealedSecrets yet.
///
/// # Panics
/// As [`end_to_end`].
pub fn end_to_end_without_crd(test: impl FnOnce(&World)) {
    let cluster = Cluster::get();
    let test_name = std::thread::current().name().unwrap_or_default().rsplit("::").next().unwrap().replace('_', "-");
    let short = test_name[..test_name.len().min(40)].trim_matches('-');
    let namespace = format!("{short}-{}", random_word());
    create_namespace(&cluster.api, &namespace);
    in_world(World::begin(cluster, namespace), test);
}

/// Runs a test in `kube-system`, where the controller lives unless somebody says otherwise. One test can, because the
/// namespace stays with what is in it.
///
/// # Panics
/// As [`end_to_end`].
pub fn end_to_end_in_kube_system(test: impl FnOnce(&World)) {
    let cluster = Cluster::get();
    cluster.install_crd();
    in_world(World::begin(cluster, KUBE_SYSTEM.to_owned()), test);
}

fn in_world(world: World, test: impl FnOnce(&World)) {
    let outcome = catch_unwind(AssertUnwindSafe(|| test(&world)));
    let outcome = outcome.and_then(|()| catch_unwind(AssertUnwindSafe(|| world.check_after())));
    if outcome.is_err() {
        // Whatever goes wrong while looking must not hide the first failure.
        let _ = catch_unwind(AssertUnwindSafe(|| world.show()));
    }
    world.remove();
    if let Err(reason) = outcome {
        resume_unwind(reason);
    }
}

/// The world of one test.
pub struct World {
    /// The API server.
    pub cluster: &'static Cluster,
    /// The namespace of the controller and of what it watches.
    pub namespace: String,
    others: Mutex<Vec<String>>,
    pub(crate) plain: Mutex<Vec<String>>,
    pub(crate) heard: Mutex<Vec<(String, String)>>,
    controllers: Mutex<Vec<Arc<Controller>>>,
    roles: Roles,
    folder: TempDir,
    audit_begin: u64,
    refusals_expected: AtomicBool,
}

impl World {
    fn begin(cluster: &'static Cluster, namespace: String) -> World {
        let audit_begin = audit::end(&cluster.audit_log);
        let roles = Roles::grant(&cluster.api, &namespace);
        let folder = TempDir::new().unwrap();
        // Alone in its folder, because `cluster pod` shows the controller the whole of it.
        std::fs::create_dir(folder.path().join("account")).unwrap();
        std::fs::write(folder.path().join("account/token"), roles.token(&cluster.api, None)).unwrap();
        World {
            cluster,
            namespace,
            others: Mutex::default(),
            plain: Mutex::default(),
            heard: Mutex::default(),
            controllers: Mutex::default(),
            roles,
            folder,
            audit_begin,
            refusals_expected: AtomicBool::new(false),
        }
    }

    /// The calls as the cluster's administrator.
    pub fn api(&self) -> &'static Api {
        &self.cluster.api
    }

    /// How a controller of this namespace, and for it alone, is started.
    pub fn controller(&self) -> Launch<'_> {
        Launch::new(self)
    }

    /// Another namespace, which goes with this one.
    pub fn another_namespace(&self) -> String {
        let name = format!("{}-{}", &self.namespace[..self.namespace.len().min(56)], random_word());
        create_namespace(self.api(), &name);
        self.others.lock().unwrap().push(name.clone());
        name
    }

    /// A value that nobody has used before and that is looked for afterwards wherever it must not be.
    pub fn plant(&self) -> String {
        let value = format!("planted-{}-{}", random_word(), random_word());
        self.plain.lock().unwrap().push(value.clone());
        value
    }

    /// Every call of the controller's account so far.
    pub fn calls(&self) -> Vec<Call> {
        audit::calls(&self.cluster.audit_log, self.audit_begin, &self.account())
    }

    /// The audit log since the test began, one JSON document on each line.
    pub fn audit_log(&self) -> String {
        audit::text(&self.cluster.audit_log, self.audit_begin)
    }

    /// Every call of the controller's account since then that was meant to change something.
    pub fn writes_since(&self, time: Timestamp) -> Vec<Call> {
        let mut calls = self.calls();
        calls.retain(|call| {
            let verb = ["create", "update", "patch", "delete"].contains(&call.verb.as_str());
            verb && call.received >= time && call.resource != "selfsubjectaccessreviews" && call.resource != "leases"
        });
        calls
    }

    /// From here on a call that the API server refuses is part of the test.
    pub fn expect_refusals(&self) {
        self.refusals_expected.store(true, Ordering::Relaxed);
    }

    pub(crate) fn expects_refusals(&self) -> bool {
        self.refusals_expected.load(Ordering::Relaxed)
    }

    /// The name that the audit log and access reviews have for the controller's account.
    pub fn account(&self) -> String {
        self.roles.user()
    }

    /// Name of what binds the account in the whole cluster, and of the cluster role that it may have of its own.
    pub(crate) fn binding_name(&self) -> String {
        self.roles.binding()
    }

    /// A folder for this test's files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Every namespace of this test.
    pub(crate) fn namespaces(&self) -> Vec<String> {
        let others = self.others.lock().unwrap().clone();
        std::iter::once(self.namespace.clone()).chain(others).collect()
    }

    /// Gives the account a new token, as the kubelet does: beside the old one and then in its place. Returns it.
    pub fn replace_token(&self, bound_to: Option<&Value>) -> String {
        let token = self.roles.token(self.api(), bound_to);
        let draft = self.folder.path().join("account/draft");
        std::fs::write(&draft, &token).unwrap();
        std::fs::rename(draft, self.token_file()).unwrap();
        token
    }

    pub(crate) fn token_file(&self) -> PathBuf {
        self.folder.path().join("account/token")
    }

    /// A token of an account that has no rights but those of every account.
    pub fn token_of_anybody(&self) -> String {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "anybody"}});
        self.api().create_if_missing(Resource::ACCOUNT, &self.namespace, &account);
        let path = format!("{}/anybody/token", Resource::ACCOUNT.path(&self.namespace));
        let answer = self.api().call(http::Method::POST, &path, Some(("application/json", &json!({"spec": {}}))));
        answer.unwrap()["status"]["token"].as_str().unwrap().to_owned()
    }

    /// The kubeconfig of that account.
    pub fn kubeconfig_of_anybody(&self) -> PathBuf {
        let path = self.folder().join("anybody");
        std::fs::write(&path, self.cluster.kubeconfig_with(&self.token_of_anybody()).to_string()).unwrap();
        path
    }

    pub(crate) fn keep(&self, controller: Controller) -> Arc<Controller> {
        let controller = Arc::new(controller);
        self.controllers.lock().unwrap().push(Arc::clone(&controller));
        controller
    }

    /// Every controller that was started, whether it still runs or not.
    pub(crate) fn controllers(&self) -> Vec<Arc<Controller>> {
        self.controllers.lock().unwrap().clone()
    }

    /// Remembers a text that must not hold anything planted.
    pub fn heard(&self, place: &str, text: &str) {
        self.heard.lock().unwrap().push((place.to_owned(), text.to_owned()));
    }

    fn remove(&self) {
        for controller in self.controllers() {
            controller.kill();
        }
        for namespace in self.namespaces().iter().filter(|namespace| *namespace != KUBE_SYSTEM) {
            self.api().delete(Resource::NAMESPACE, "", namespace);
        }
        self.roles.revoke(self.api());
    }
}

fn create_namespace(api: &Api, name: &str) {
    let namespace: Value = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    api.create(Resource::NAMESPACE, "", &namespace);
}

/// Five letters.
fn random_word() -> String {
    let mut bytes = [0; 5];
    SystemRandom.fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}
