package installed

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sealed-secrets/tests/chart/chart"
)

// installation is a way to install the chart, and the namespace where SealedSecrets are made.
type installation struct {
	name   string
	values string
	// Where SealedSecrets are made; "" for the release's own namespace.
	application string
	// Whether the controller itself deletes Secrets whose SealedSecret is gone.
	collects bool
	// Whether nothing binds what SealedSecrets need, so that keys and certificate are all there is.
	keysOnly bool
	// Calls that are refused all the same, and meant to be.
	denied []string
}

// What the controller falls back to where the API server does not send lists over the watch, as this one mostly does.
var onOlderServers = []string{"secrets-unsealer: list sealedsecrets", "secrets-unsealer: list secrets"}

const quickKeys = "keySize: 2048\n"

var installations = []installation{
	{name: "everywhere", values: quickKeys, application: "app-everywhere"},
	{name: "some-namespaces", values: quickKeys + `
additionalNamespaces: [app-some]
rbac: {clusterRole: false, namespacedRoles: true}
watchForSecrets: true
oldGCBehavior: true
`, application: "app-some", collects: true},
	{name: "listed-namespaces", values: quickKeys + "additionalNamespaces: [app-listed]\noldGCBehavior: true\n", application: "app-listed", collects: true},
	{name: "own-namespace", values: quickKeys + "rbac: {namespacedRoles: true}\nallNamespaces: false\n"},
	{name: "without-leases", values: quickKeys + "rbac: {leases: false}\n", application: "app-without-leases",
		denied: []string{"get leases in without-leases"}},
	// The administrator has not made the role yet. Only here the rules about keys are all that there is.
	{name: "keys-only", values: quickKeys + "rbac: {clusterRole: false, clusterRoleName: made-by-nobody}\nallNamespaces: false\nskipRecreate: true\n", keysOnly: true,
		denied: []string{"list sealedsecrets in keys-only", "watch sealedsecrets in keys-only", "watch secrets in keys-only"}},
}

// In each installation the controller does all its work with the rights that the chart gives it, and is refused nothing. So
// a rule that is taken away shows as a refused call here.
func TestTheRolesOfEachInstallationSuffice(t *testing.T) {
	used := map[string]bool{}
	granted := map[string]bool{}
	for _, way := range installations {
		t.Run(way.name, func(t *testing.T) {
			installDefinition(t)
			uninstallAtEnd(t, "sealed-secrets", way.name)
			if way.application != "" {
				createNamespace(t, way.application)
			} else {
				way.application = way.name
			}
			helmWith(t, way.values, "install", "sealed-secrets", chart.Folder(), "--namespace", way.name, "--create-namespace", "--skip-crds")
			running := startController(t, way.name, "sealed-secrets")
			if way.keysOnly {
				running.kubeseal(t, kubeconfigOf(t, way.name), "", "--fetch-cert")
			} else {
				story(t, running, way)
			}
			running.stop(t)
			for _, words := range running.denied(t) {
				if !slices.Contains(way.denied, words) {
					t.Errorf("refused: %s", words)
				}
			}
			for _, one := range running.calls(t) {
				if role := one.allowedBy(); role != "" {
					used[role+": "+one.right()] = true
				}
			}
			for _, right := range rightsOf(t, way.name, way.application) {
				granted[right] = true
			}
		})
	}
	if t.Failed() {
		return
	}
	for right := range granted {
		isFallback := func(fallback string) bool { return strings.HasSuffix(right, " "+fallback) }
		if !used[right] && !slices.ContainsFunc(onOlderServers, isFallback) {
			t.Errorf("granted, but never what a call needed: %s", right)
		}
	}
	if len(granted) < 30 {
		t.Errorf("only %d rights were looked at: %v", len(granted), granted)
	}
}

// story lets the controller do everything that it does for people.
func story(t *testing.T, running *controller, way installation) {
	t.Helper()
	somebody := kubeconfigOf(t, way.name)
	kubeseal := func(stdin string, args ...string) string {
		t.Helper()
		return running.kubeseal(t, somebody, stdin, args...)
	}
	secret := func(name, password string) string {
		return fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"name":%q,"namespace":%q},"stringData":{"password":%q}}`, name, way.application, password)
	}
	becomes := func(name, password string) {
		t.Helper()
		want := base64.StdEncoding.EncodeToString([]byte(password))
		eventually(t, "the Secret "+name+" has its password", func() error {
			if found := chart.Text(get(t, "secret", way.application, name), "data", "password"); found != want {
				return fmt.Errorf("it is %q", found)
			}
			return nil
		})
	}

	// Seal, validate and re-encrypt as somebody without any right of their own.
	sealed := kubeseal(secret("db", "first"))
	kubeseal(sealed, "--validate")
	sealed = kubeseal(sealed, "--re-encrypt")
	apply(t, sealed)
	becomes("db", "first")
	eventually(t, "the status", func() error {
		if synced := chart.Text(get(t, "sealedsecret", way.application, "db"), "status", "conditions", 0, "status"); synced != "True" {
			return fmt.Errorf("Synced is %q", synced)
		}
		return nil
	})
	apply(t, kubeseal(secret("db", "second")))
	becomes("db", "second")
	kubectl(t, "delete", "secret", "db", "-n", way.application)
	becomes("db", "second")

	// What cannot be opened, and still cannot after a change: one event, counted twice.
	refused := strings.ReplaceAll(sealed, `"db"`, `"stolen"`)
	apply(t, refused)
	event := func(count float64) {
		t.Helper()
		eventually(t, "the event", func() error {
			for _, one := range list(t, "events", way.application, "--field-selector", "involvedObject.name=stolen") {
				if times, _ := chart.At(one, "count").(float64); times >= count {
					return nil
				}
			}
			return fmt.Errorf("not seen %v times", count)
		})
	}
	event(1)
	kubectl(t, "patch", "sealedsecret", "stolen", "-n", way.application, "--type=merge", "-p", `{"spec":{"template":{"type":"Opaque"}}}`)
	event(2)

	hold := func(finalizers string) {
		t.Helper()
		kubectl(t, "patch", "secret", "db", "-n", way.application, "--type=merge", "-p", `{"metadata":{"finalizers":`+finalizers+`}}`)
	}
	if way.collects {
		// Held, so that the garbage collector of this cluster cannot be faster.
		hold(`["test.example/hold"]`)
	}
	kubectl(t, "delete", "sealedsecret", "db", "-n", way.application)
	if way.collects {
		eventually(t, "the controller deletes the Secret", func() error {
			if !slices.ContainsFunc(running.calls(t), func(one call) bool { return one.right() == "delete secrets" }) {
				return fmt.Errorf("no such call")
			}
			return nil
		})
		hold("null")
	}
	eventually(t, "the Secret goes with its SealedSecret", func() error {
		if get(t, "secret", way.application, "db") != nil {
			return fmt.Errorf("it stays")
		}
		return nil
	})
}

// Whoever is known to the cluster may reach the controller, and gains nothing else by it.
func TestEverybodyMayReachTheControllerAndNothingElse(t *testing.T) {
	const namespace = "reached"
	uninstallAtEnd(t, "sealed-secrets", namespace)
	helm(t, "install", "sealed-secrets", chart.Folder(), "--namespace", namespace, "--create-namespace", "--skip-crds")
	somebody := kubeconfigOf(t, namespace)
	for question, want := range map[string]bool{
		"get services/sealed-secrets":                                  true,
		"get services/http:sealed-secrets:http --subresource=proxy":    true,
		"create services/http:sealed-secrets:http --subresource=proxy": true,
		"get services/http:sealed-secrets: --subresource=proxy":        true,
		"delete services/http:sealed-secrets:http --subresource=proxy": false,
		"get services/sealed-secrets-metrics --subresource=proxy":      false,
		"update services/sealed-secrets":                               false,
		"list services":                                                false,
		"get pods":                                                     false,
		"get secrets":                                                  false,
		"get configmaps":                                               false,
		"get leases.coordination.k8s.io":                               false,
		"get sealedsecrets.bitnami.com":                                false,
	} {
		args := append([]string{"kubectl", "--kubeconfig", somebody, "auth", "can-i", "-n", namespace}, strings.Fields(question)...)
		// The answer no is also a failure of the command.
		if answer, err := attempt("", clusterProgram, args...); strings.TrimSpace(answer) != map[bool]string{true: "yes", false: "no"}[want] {
			t.Errorf("%s: %s %v", question, answer, err)
		}
	}
}

// kubeseal runs kubeseal as the person of a kubeconfig.
func (running *controller) kubeseal(t *testing.T, kubeconfig, stdin string, args ...string) string {
	t.Helper()
	return run(t, stdin, filepath.Join(programs, "kubeseal"), append([]string{
		"--kubeconfig", kubeconfig, "--controller-name", running.name, "--controller-namespace", running.namespace}, args...)...)
}

// kubeconfigOf is that of an account that no role was given to.
func kubeconfigOf(t *testing.T, namespace string) string {
	t.Helper()
	name := "somebody"
	kubectl(t, "create", "serviceaccount", name, "-n", namespace)
	token := strings.TrimSpace(kubectl(t, "create", "token", name, "-n", namespace))
	var config chart.Object
	if err := json.Unmarshal([]byte(kubectl(t, "config", "view", "--raw", "--flatten", "-o", "json")), &config); err != nil {
		t.Fatal(err)
	}
	users, _ := config["users"].([]any)
	for _, user := range users {
		user.(map[string]any)["user"] = map[string]any{"token": token}
	}
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// rightsOf are the rights that the release gives to its account: the role, and the words of call.right.
func rightsOf(t *testing.T, release, application string) []string {
	t.Helper()
	var rights []string
	for _, role := range []chart.Object{
		get(t, "role", release, "sealed-secrets-key-admin"),
		get(t, "role", application, "secrets-unsealer"),
		get(t, "clusterrole", "", "secrets-unsealer"),
	} {
		rules, _ := role["rules"].([]any)
		for _, rule := range rules {
			for _, resource := range texts(chart.At(rule, "resources")) {
				for _, verb := range texts(chart.At(rule, "verbs")) {
					right := fmt.Sprintf("%s %s: %s %s", chart.Text(role, "kind"), chart.Text(role, "metadata", "name"), verb, resource)
					rights = append(rights, right)
				}
			}
		}
	}
	return rights
}
