package installed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sealed-secrets/tests/chart/chart"
)

// controller is our controller in a process of its own, with the arguments, the environment, the account and the rights
// that an installed release gives it.
type controller struct {
	namespace string
	name      string
	process   *exec.Cmd
	log       *lockedBuffer
	// Where the audit log ended when it started.
	since int64
}

// startController starts the container of the Deployment, makes a Pod and Endpoints for it, and waits until it is ready.
func startController(t *testing.T, namespace, name string) *controller {
	t.Helper()
	deployment := get(t, "deployment", namespace, name)
	pod := chart.At(deployment, "spec", "template", "spec")
	container := chart.At(pod, "containers", 0)
	account := chart.Text(pod, "serviceAccountName")
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(kubectl(t, "create", "token", account, "-n", namespace)), 0o600); err != nil {
		t.Fatal(err)
	}
	// The image has the program on its PATH.
	command := append(texts(chart.At(container, "command")), texts(chart.At(container, "args"))...)
	command[0] = filepath.Join(programs, command[0])
	args := append([]string{"pod", "--namespace", namespace, "--serviceaccount", account, "--token-file", token, "--"}, command...)

	log, err := os.Stat(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	started := &controller{namespace: namespace, name: name, process: exec.Command(clusterProgram, args...), log: &lockedBuffer{}, since: log.Size()}
	started.process.Stdout, started.process.Stderr = started.log, started.log
	started.process.Env = os.Environ()
	variables, _ := chart.At(container, "env").([]any)
	for _, variable := range variables {
		started.process.Env = append(started.process.Env, chart.Text(variable, "name")+"="+chart.Text(variable, "value"))
	}
	if err := started.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		started.stop(t)
		if t.Failed() {
			t.Logf("controller %s/%s:\n%s", namespace, name, started.log.text())
		}
	})
	port := chart.At(container, "ports", 0, "containerPort")
	eventually(t, "the controller is ready", func() error { return answers(fmt.Sprintf("http://%s:%v/readyz", clusterAddress, port)) })
	started.publish(t, deployment, port)
	return started
}

// publish does what the kubelet and the endpoints controller would do: the Service leads to the process.
func (running *controller) publish(t *testing.T, deployment chart.Object, port any) {
	t.Helper()
	apply(t, podOf(t, deployment, running.namespace))
	pod := running.name + "-0"
	kubectl(t, "patch", "pod", pod, "-n", running.namespace, "--subresource=status", "--type=merge", "-p",
		fmt.Sprintf(`{"status":{"podIP":%q,"podIPs":[{"ip":%q}]}}`, clusterAddress, clusterAddress))
	service := get(t, "service", running.namespace, running.name)
	labels, _ := chart.At(get(t, "pod", running.namespace, pod), "metadata", "labels").(map[string]any)
	selector, _ := chart.At(service, "spec", "selector").(map[string]any)
	for label, value := range selector {
		if labels[label] != value {
			t.Fatalf("the Service selects %v, the Pod has %v", selector, labels)
		}
	}
	name, _ := json.Marshal(chart.At(service, "spec", "ports", 0, "name"))
	apply(t, fmt.Sprintf(`{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":%q,"namespace":%q},"subsets":[{
		"addresses":[{"ip":%q,"targetRef":{"kind":"Pod","name":%q,"namespace":%q}}],"ports":[{"name":%s,"port":%v}]}]}`,
		running.name, running.namespace, clusterAddress, pod, running.namespace, name, port))
}

// stop asks it to end, as the kubelet does.
func (running *controller) stop(t *testing.T) {
	t.Helper()
	if running.process.ProcessState != nil {
		return
	}
	_ = running.process.Process.Signal(syscall.SIGTERM)
	if err := running.process.Wait(); err != nil {
		t.Errorf("the controller ended with %v", err)
	}
}

// call is one entry of the audit log.
type call struct {
	Verb        string
	Stage       string
	User        struct{ Username string }
	Annotations map[string]string
	ObjectRef   struct{ Resource, Subresource, Namespace, Name, APIGroup string }
}

// right is the call in words: the verb, the resource with its group, and the namespace.
func (one call) right() string {
	resource := one.ObjectRef.Resource
	if one.ObjectRef.Subresource != "" {
		resource += "/" + one.ObjectRef.Subresource
	}
	return one.Verb + " " + resource
}

// allowedBy is the kind and name of the role that permitted the call; empty when none did. The API server tells the first
// that it finds, and it looks at bindings of cluster roles first.
func (one call) allowedBy() string {
	found := ofRole.FindStringSubmatch(one.Annotations["authorization.k8s.io/reason"])
	if found == nil || one.Annotations["authorization.k8s.io/decision"] != "allow" {
		return ""
	}
	return found[1] + " " + found[2]
}

var ofRole = regexp.MustCompile(` of (Role|ClusterRole) "([^"]+)" to `)

// calls are what the controller's account has asked for since it started.
func (running *controller) calls(t *testing.T) []call {
	t.Helper()
	text, err := os.ReadFile(auditLog)
	if err != nil {
		t.Fatal(err)
	}
	account := fmt.Sprintf("system:serviceaccount:%s:%s", running.namespace, running.name)
	var found []call
	for line := range bytes.Lines(text[running.since:]) {
		var one call
		if err := json.Unmarshal(line, &one); err == nil && one.User.Username == account {
			found = append(found, one)
		}
	}
	return found
}

// denied are the calls that the account has no right to.
func (running *controller) denied(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, one := range running.calls(t) {
		if words := one.right() + " in " + one.ObjectRef.Namespace; one.Annotations["authorization.k8s.io/decision"] == "forbid" && !slices.Contains(found, words) {
			found = append(found, words)
		}
	}
	return found
}

func answers(url string) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}

func texts(list any) []string {
	elements, _ := list.([]any)
	var found []string
	for _, element := range elements {
		found = append(found, fmt.Sprint(element))
	}
	return found
}

// lockedBuffer is written by the process and read by the test.
type lockedBuffer struct {
	lock    sync.Mutex
	content strings.Builder
}

func (buffer *lockedBuffer) Write(part []byte) (int, error) {
	buffer.lock.Lock()
	defer buffer.lock.Unlock()
	return buffer.content.Write(part)
}

func (buffer *lockedBuffer) text() string {
	buffer.lock.Lock()
	defer buffer.lock.Unlock()
	return buffer.content.String()
}
