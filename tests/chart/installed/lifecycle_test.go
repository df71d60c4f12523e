package installed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/chart/published"
)

// What a release consists of by default, by the names that the original gives for a release named sealed-secrets.
var released = []string{
	"serviceaccount/sealed-secrets",
	"clusterrole/secrets-unsealer",
	"clusterrolebinding/sealed-secrets",
	"role/sealed-secrets-key-admin",
	"rolebinding/sealed-secrets-key-admin",
	"role/sealed-secrets-service-proxier",
	"rolebinding/sealed-secrets-service-proxier",
	"service/sealed-secrets",
	"service/sealed-secrets-metrics",
	"deployment/sealed-secrets",
}

// What people have in a cluster that no upgrade may touch.
var belongings = []string{"secret/sealed-secrets-keyabcde", "sealedsecret/db", "secret/db"}

func TestAReleaseIsInstalledUpgradedRolledBackAndRemoved(t *testing.T) {
	const namespace = "lifecycle"
	uninstallAtEnd(t, "sealed-secrets", namespace)
	kubectl(t, "delete", "crd", "sealedsecrets.bitnami.com", "--ignore-not-found")
	notes := helm(t, "install", "sealed-secrets", chart.Folder(), "--namespace", namespace, "--create-namespace")
	kubectl(t, "get", "crd", "sealedsecrets.bitnami.com")
	if !strings.Contains(notes, "kubeseal --controller-name sealed-secrets --controller-namespace lifecycle") {
		t.Errorf("the notes do not say how to reach the controller:\n%s", notes)
	}
	first := identities(t, namespace, released)

	values := "replicas: 2\nlogFormat: json\npdb: {create: true}\nreplicaCount: 7\n"
	notes = helmWith(t, values, "upgrade", "sealed-secrets", chart.Folder(), "--namespace", namespace)
	if !strings.Contains(notes, "WARNING: some values have no effect:\n\n- replicaCount\n") {
		t.Errorf("the notes do not name the unknown value:\n%s", notes)
	}
	if replicas := chart.At(get(t, "deployment", namespace, "sealed-secrets"), "spec", "replicas"); replicas != 2.0 {
		t.Errorf("replicas: %v", replicas)
	}
	if get(t, "poddisruptionbudget", namespace, "sealed-secrets") == nil {
		t.Error("no PodDisruptionBudget")
	}
	assertSame(t, "upgrade", first, identities(t, namespace, released))

	helm(t, "rollback", "sealed-secrets", "1", "--namespace", namespace)
	if replicas := chart.At(get(t, "deployment", namespace, "sealed-secrets"), "spec", "replicas"); replicas != 1.0 {
		t.Errorf("replicas after the rollback: %v", replicas)
	}
	if get(t, "poddisruptionbudget", namespace, "sealed-secrets") != nil {
		t.Error("the PodDisruptionBudget stays")
	}
	assertSame(t, "rollback", first, identities(t, namespace, released))

	createBelongings(t, namespace)
	kept := identities(t, namespace, belongings)
	helm(t, "uninstall", "sealed-secrets", "--namespace", namespace)
	if left := kubectl(t, append([]string{"get", "--namespace", namespace, "--ignore-not-found", "-o", "name"}, released...)...); left != "" {
		t.Errorf("what stays:\n%s", left)
	}
	// Helm leaves the definition, and with it every SealedSecret, alone.
	assertSame(t, "uninstall", kept, identities(t, namespace, belongings))
}

func TestARefusedUpgradeChangesNothing(t *testing.T) {
	const namespace = "refused"
	uninstallAtEnd(t, "sealed-secrets", namespace)
	helm(t, "install", "sealed-secrets", chart.Folder(), "--namespace", namespace, "--create-namespace")
	before := chart.Text(get(t, "deployment", namespace, "sealed-secrets"), "metadata", "resourceVersion")
	_, err := attempt("replicas: many\n", helmProgram, "upgrade", "sealed-secrets", chart.Folder(), "--namespace", namespace, "--values=-")
	if err == nil || !strings.Contains(err.Error(), "/replicas") {
		t.Errorf("%v", err)
	}
	if after := chart.Text(get(t, "deployment", namespace, "sealed-secrets"), "metadata", "resourceVersion"); after != before {
		t.Error("the Deployment changed")
	}
}

// With the cluster at hand the addresses of the API server and an existing certificate are looked up.
func TestWhatIsLookedUpInTheCluster(t *testing.T) {
	const namespace = "looked-up"
	uninstallAtEnd(t, "sealed-secrets", namespace)
	apply(t, `{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"kubernetes","namespace":"default"},"subsets":[{"addresses":[{"ip":"10.77.0.1"}],"ports":[{"port":6443,"protocol":"TCP"}]}]}`)
	values := "networkPolicy: {enabled: true, egress: {enabled: true}}\ningress: {enabled: true, tls: true, selfSigned: true}\n"
	helmWith(t, values, "install", "sealed-secrets", chart.Folder(), "--namespace", namespace, "--create-namespace")
	egress := chart.At(get(t, "networkpolicy", namespace, "sealed-secrets"), "spec", "egress", 0)
	endpoints := get(t, "endpoints", "default", "kubernetes")
	address, port := chart.Text(endpoints, "subsets", 0, "addresses", 0, "ip"), chart.At(endpoints, "subsets", 0, "ports", 0, "port")
	if chart.Text(egress, "to", 0, "ipBlock", "cidr") != address+"/32" || chart.At(egress, "ports", 0, "port") != port || address == "" {
		t.Errorf("egress %v is not to %v", egress, endpoints)
	}
	certificate := func() string {
		return chart.Text(get(t, "secret", namespace, "sealed-secrets.local-tls"), "data", "tls.crt")
	}
	first := certificate()
	helmWith(t, values, "upgrade", "sealed-secrets", chart.Folder(), "--namespace", namespace)
	if second := certificate(); second != first || first == "" {
		t.Error("the certificate changed with an upgrade")
	}
}

// From a release with the objects of the original chart to ours and back, in each way that Helm has.
func TestAReleaseOfTheOriginalIsTakenOverAndGivenBack(t *testing.T) {
	original := originalChart(t)
	for _, way := range []struct {
		name    string
		values  string
		upgrade []string
	}{
		{"plain", "{}", nil},
		{"reuse", "keyrenewperiod: 2160h\n", []string{"--reuse-values"}},
		{"reset-then-reuse", "watchForSecrets: true\n", []string{"--reset-then-reuse-values"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			namespace := "taken-over-" + way.name
			uninstallAtEnd(t, "sealed-secrets", namespace)
			helmWith(t, way.values, "install", "sealed-secrets", original, "--namespace", namespace, "--create-namespace", "--skip-crds")
			createBelongings(t, namespace)
			first := identities(t, namespace, append(slices.Clone(released), belongings...))
			same := func(step string) {
				t.Helper()
				assertSame(t, step, first, identities(t, namespace, append(slices.Clone(released), belongings...)))
			}

			helm(t, append([]string{"upgrade", "sealed-secrets", chart.Folder(), "--namespace", namespace}, way.upgrade...)...)
			same("upgrade to ours")
			deployment := get(t, "deployment", namespace, "sealed-secrets")
			container := chart.At(deployment, "spec", "template", "spec", "containers", 0)
			if lease := chart.Text(container, "env", 0, "value"); lease != "sealed-secrets" {
				t.Errorf("not our Deployment: %v", container)
			}
			if rules, _ := chart.At(get(t, "role", namespace, "sealed-secrets-key-admin"), "rules").([]any); len(rules) != 4 {
				t.Errorf("the lease is not granted: %v", rules)
			}

			helm(t, "rollback", "sealed-secrets", "1", "--namespace", namespace)
			same("rollback to the original")

			helm(t, append([]string{"upgrade", "sealed-secrets", chart.Folder(), "--namespace", namespace}, way.upgrade...)...)
			helm(t, append([]string{"upgrade", "sealed-secrets", original, "--namespace", namespace}, way.upgrade...)...)
			same("upgrade to the original")
			container = chart.At(get(t, "deployment", namespace, "sealed-secrets"), "spec", "template", "spec", "containers", 0)
			if env := chart.At(container, "env"); env != nil {
				t.Errorf("something of ours stays: %v", env)
			}
		})
	}
}

// Values that the original chart does not have.
var ours = []string{
	"replicas", "image.digest", "statusConditions", "healDrift", "oldGCBehavior", "acceptDeprecatedV1Data", "keySize", "keyOrderPriority",
	"certificateCommonName", "allNamespaces", "labelSelector", "leaderElect", "readTimeout", "writeTimeout", "logInfoStderr", "extraEnv",
	"podSecurityContext.seccompProfile", "containerSecurityContext.allowPrivilegeEscalation", "topologySpreadConstraints", "rbac.leases",
}

// originalChart is a chart that stands in for the original: its objects, and its values, so that they are carried over.
func originalChart(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/original")); err != nil {
		t.Fatal(err)
	}
	defaults, err := published.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	for path, value := range defaults {
		if slices.Contains(ours, path) {
			continue
		}
		section := values
		steps := strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			if section[step] == nil {
				section[step] = map[string]any{}
			}
			section = section[step].(map[string]any)
		}
		section[steps[len(steps)-1]] = value
	}
	text, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "values.yaml"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	return folder
}

func createBelongings(t *testing.T, namespace string) {
	t.Helper()
	installDefinition(t)
	apply(t, fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: sealed-secrets-keyabcde, namespace: %[1]s, labels: {sealedsecrets.bitnami.com/sealed-secrets-key: active}}
type: kubernetes.io/tls
data: {tls.crt: QQ==, tls.key: QQ==}
---
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: db, namespace: %[1]s}
spec: {encryptedData: {password: AgAA}}
---
apiVersion: v1
kind: Secret
metadata: {name: db, namespace: %[1]s}
data: {password: cGFzc3dvcmQ=}
`, namespace))
}

// identities are the uids of objects. An object that was replaced has another one.
func identities(t *testing.T, namespace string, objects []string) map[string]string {
	t.Helper()
	output := kubectl(t, append([]string{"get", "--namespace", namespace, "--ignore-not-found", "-o", "json"}, objects...)...)
	var items struct{ Items []chart.Object }
	if err := json.Unmarshal([]byte(output), &items); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, object := range items.Items {
		found[strings.ToLower(chart.Text(object, "kind"))+"/"+chart.Text(object, "metadata", "name")] = chart.Text(object, "metadata", "uid")
	}
	for _, one := range objects {
		if found[one] == "" {
			t.Errorf("%s is missing", one)
		}
	}
	return found
}

func assertSame(t *testing.T, step string, before, after map[string]string) {
	t.Helper()
	for one, identity := range before {
		if after[one] != identity {
			t.Errorf("%s: %s was replaced or is gone", step, one)
		}
	}
}
