// Package installed holds what is tested on a real API server: `make chart` starts one around this package.
package installed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/made"
)

// deadline for whatever a test waits for. Nothing is measured: it only ends a test that would wait for ever.
const deadline = 90 * time.Second

// What `make chart` and the cluster set.
var (
	helmProgram    = os.Getenv("HELM")
	programs       = os.Getenv("PROGRAMS")
	clusterProgram = os.Getenv("CLUSTER_BIN")
	clusterAddress = os.Getenv("CLUSTER_ADDRESS")
	auditLog       = os.Getenv("CLUSTER_AUDIT_LOG")
)

func TestMain(m *testing.M) {
	os.Exit(runAll(m))
}

func runAll(m *testing.M) int {
	for _, name := range []string{"HELM", "PROGRAMS", "CLUSTER_BIN", "CLUSTER_ADDRESS", "CLUSTER_AUDIT_LOG", "KUBECONFIG"} {
		if os.Getenv(name) == "" {
			fmt.Fprintf(os.Stderr, "%s is not set; run these tests with `make chart`\n", name)
			return 1
		}
	}
	home, err := os.MkdirTemp("", "sealed-secrets-chart")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(home)
	// Neither program may find, or change, what the person who runs this has.
	for _, name := range []string{"HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME"} {
		os.Setenv(name, home)
	}
	return m.Run()
}

// attempt runs a program and returns its standard output, or an error with its standard error.
func attempt(stdin string, program string, args ...string) (string, error) {
	context, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	command := exec.CommandContext(context, program, args...)
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := command.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}

func run(t *testing.T, stdin string, program string, args ...string) string {
	t.Helper()
	output, err := attempt(stdin, program, args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, "", clusterProgram, append([]string{"kubectl"}, args...)...)
}

// apply applies objects as an administrator would, with strict validation.
func apply(t *testing.T, objects string) {
	t.Helper()
	run(t, objects, clusterProgram, "kubectl", "apply", "--validate=strict", "-f", "-")
}

func tryApply(objects string, args ...string) error {
	_, err := attempt(objects, clusterProgram, append([]string{"kubectl", "apply", "--validate=strict", "-f", "-"}, args...)...)
	return err
}

func helm(t *testing.T, args ...string) string {
	t.Helper()
	return run(t, "", helmProgram, args...)
}

// helmWith is helm with values.
func helmWith(t *testing.T, values string, args ...string) string {
	t.Helper()
	return run(t, values, helmProgram, append(args, "--values=-")...)
}

// uninstallAtEnd removes a release, and with the namespace whatever is left, when the test ends.
func uninstallAtEnd(t *testing.T, release, namespace string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() {
			output, err := attempt("", clusterProgram, "kubectl", "get", "all,sealedsecrets,secrets,events", "-n", namespace)
			t.Log(output, err)
		}
		helm(t, "uninstall", release, "--namespace", namespace, "--ignore-not-found")
		removeNamespace(t, namespace)
	})
}

// removeNamespace does not wait for the end, so no two tests may use one name.
func removeNamespace(t *testing.T, name string) {
	t.Helper()
	if name != "kube-system" && name != "default" {
		kubectl(t, "delete", "namespace", name, "--ignore-not-found", "--wait=false")
	}
}

// createNamespace creates a namespace that goes when the test ends.
func createNamespace(t *testing.T, name string) {
	t.Helper()
	kubectl(t, "create", "namespace", name)
	t.Cleanup(func() { removeNamespace(t, name) })
}

// get reads one object; nil when it does not exist.
func get(t *testing.T, resource, namespace, name string) chart.Object {
	t.Helper()
	output := kubectl(t, "get", resource, name, "--namespace", namespace, "--ignore-not-found", "-o", "json")
	if strings.TrimSpace(output) == "" {
		return nil
	}
	var object chart.Object
	if err := json.Unmarshal([]byte(output), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// list reads all objects of a kind.
func list(t *testing.T, resource, namespace string, args ...string) []any {
	t.Helper()
	var found chart.Object
	output := kubectl(t, append([]string{"get", resource, "--namespace", namespace, "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(output), &found); err != nil {
		t.Fatal(err)
	}
	items, _ := found["items"].([]any)
	return items
}

// eventually waits until the check says that all is well.
func eventually(t *testing.T, what string, check func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > deadline {
			t.Fatalf("gave up waiting: %s: %v", what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// installDefinition makes the API server serve SealedSecrets by our definition.
func installDefinition(t *testing.T) {
	t.Helper()
	apply(t, readFile(t, filepath.Join(made.Root(), "manifests", "crd.yaml")))
	kubectl(t, "wait", "--for=condition=Established", "crd/sealedsecrets.bitnami.com", "--timeout=60s")
	eventually(t, "SealedSecrets are served", func() error {
		_, err := attempt("", clusterProgram, "kubectl", "get", "sealedsecrets", "-n", "default")
		return err
	})
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
