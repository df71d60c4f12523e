//! Our kubeseal, as people run it.

use serde_json::Value;

use crate::binary::{self, Finished, Process};
use crate::roles::NAME;
use crate::world::World;

impl World {
    /// Runs `kubeseal` as the cluster's administrator against this namespace's controller.
    pub fn kubeseal(&self, args: &[&str], input: &str) -> Finished {
        self.kubeseal_with(&self.cluster.kubeconfig, args, input)
    }

    /// Runs `kubeseal` as an account of this namespace that has no rights but those of every account.
    pub fn kubeseal_as_anybody(&self, args: &[&str], input: &str) -> Finished {
        self.kubeseal_with(&self.kubeconfig_of_anybody(), args, input)
    }

    /// Runs a subcommand of `kubeseal`, one word or two, as the cluster's administrator against this namespace's controller.
    pub fn subcommand(&self, words: &[&str], args: &[&str]) -> Finished {
        let mut command = binary::command("kubeseal");
        command.env("KUBECONFIG", &self.cluster.kubeconfig).env("HOME", self.folder());
        command.args(words).args(["--controller-namespace", &self.namespace, "--controller-name", NAME]).args(args);
        let finished = Process::start(command, b"").finish();
        self.heard("what kubeseal printed on stderr", &finished.stderr);
        finished
    }

    /// Runs `kubeseal` against this namespace's controller with nothing but these variables: no kubeconfig, unless one of
    /// them names it.
    pub fn kubeseal_in(&self, variables: &[(&str, &str)], args: &[&str], input: &str) -> Finished {
        let mut command = binary::command("kubeseal");
        command.current_dir(self.folder()).envs(variables.iter().copied());
        self.run_kubeseal(command, args, input)
    }

    /// The same in a Pod of the account that has no rights but those of every account.
    pub fn kubeseal_in_pod(&self, variables: &[(&str, &str)], args: &[&str], input: &str) -> Finished {
        // Alone in its folder, because `cluster pod` shows the program the whole of it.
        let folder = self.folder().join("pod");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("token"), self.token_of_anybody()).unwrap();
        let mut command = std::process::Command::new(self.cluster.program());
        binary::clear_environment(&mut command);
        command
            .args(["pod", "--namespace", &self.namespace, "--serviceaccount", "anybody", "--token-file"])
            .arg(folder.join("token"))
            .arg("--")
            .arg(binary::path("kubeseal"))
            .env("KUBECONFIG", &self.cluster.kubeconfig)
            .envs(variables.iter().copied());
        self.run_kubeseal(command, args, input)
    }

    fn kubeseal_with(&self, kubeconfig: &std::path::Path, args: &[&str], input: &str) -> Finished {
        self.kubeseal_in(&[("KUBECONFIG", kubeconfig.to_str().unwrap())], args, input)
    }

    fn run_kubeseal(&self, mut command: std::process::Command, args: &[&str], input: &str) -> Finished {
        command.env("HOME", self.folder());
        command.args(["--controller-namespace", &self.namespace, "--controller-name", NAME]).args(args);
        let finished = Process::start(command, input.as_bytes()).finish();
        self.heard("what kubeseal printed on stderr", &finished.stderr);
        finished
    }

    /// Seals Secrets with the certificate that the API server's service proxy hands out.
    pub fn seal_all(&self, secrets: &[Value], args: &[&str]) -> Vec<Value> {
        let input: String = secrets.iter().map(|secret| format!("{secret}\n")).collect();
        let finished = self.kubeseal(args, &input);
        assert_eq!(finished.code, Some(0), "kubeseal {args:?}: {}", finished.stderr);
        let sealed = serde_json::Deserializer::from_str(&finished.stdout).into_iter::<Value>();
        sealed.map(|document| document.unwrap()).collect()
    }

    /// [`World::seal_all`] for one Secret.
    pub fn seal(&self, secret: &Value, args: &[&str]) -> Value {
        let mut sealed = self.seal_all(std::slice::from_ref(secret), args);
        assert_eq!(sealed.len(), 1);
        sealed.swap_remove(0)
    }
}
