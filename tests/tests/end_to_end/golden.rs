//! The cases of the golden corpus that need a real cluster (kubeseal/tests/golden/README.md): the controller in kube-system
//! with the corpus's key `a`, which it does not renew.

#[path = "../../../kubeseal/tests/golden/runner/mod.rs"]
mod runner;

use runner::case::corpus;
use runner::{Case, Stage, report, run};
use sealed_secrets_tests::{Resource, end_to_end_in_kube_system, key_secret, kubeseal_program};

#[test]
fn on_a_cluster_kubeseal_does_what_was_recorded_or_better() {
    let cases = Case::all(true);
    assert!(cases.len() >= 15, "cases are missing: only {} were found", cases.len());
    end_to_end_in_kube_system(|world| {
        let read = |name: &str| std::fs::read_to_string(corpus().join("keys").join(name)).unwrap();
        let key = key_secret("sealed-secrets-key-a", &read("a.key"), &read("a.crt"));
        world.api().create(Resource::SECRET, &world.namespace, &key);
        world.controller().arg("--key-renew-period=0").start();
        let stage = Stage {
            kubeseal: kubeseal_program(),
            mock: |_, _| panic!("a case for a real cluster has servers of its own"),
            environment: vec![("KUBECONFIG".to_owned(), world.cluster.kubeconfig.display().to_string())],
            // Verification is rate-limited; one case is about just that.
            threads: 1,
        };
        let failures = run(&cases, &stage);
        assert!(failures.is_empty(), "{} of {} cases fail\n{}", failures.len(), cases.len(), report(&failures));
    });
}
