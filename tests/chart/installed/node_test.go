package installed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sealed-secrets/tests/chart/chart"
)

// node does for the Deployments of the controller what a cluster's own controllers and a kubelet would do: it runs the
// program with the arguments, variables and account of the template, publishes it behind its Services, and says in the
// status of the Deployment that it runs. There is one Pod at most, and always our program: where the template names the
// image of the original, it is told to write what the original writes.
type node struct {
	t       *testing.T
	folder  string
	running map[string]*process
}

type process struct {
	template string
	command  *exec.Cmd
	ended    chan struct{}
	log      *syncBuffer
}

type syncBuffer struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (buffer *syncBuffer) Write(text []byte) (int, error) {
	buffer.lock.Lock()
	defer buffer.lock.Unlock()
	return buffer.text.Write(text)
}

func (buffer *syncBuffer) String() string {
	buffer.lock.Lock()
	defer buffer.lock.Unlock()
	return buffer.text.String()
}

// startNode plays until the test ends.
func startNode(t *testing.T) {
	t.Helper()
	node := &node{t: t, folder: t.TempDir(), running: map[string]*process{}}
	watch := exec.Command(clusterProgram, "kubectl", "get", "deployments", "--all-namespaces", "--watch", "--output-watch-events", "-o", "json")
	events, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for decoder := json.NewDecoder(events); ; {
			var event struct {
				Type   string
				Object chart.Object
			}
			if err := decoder.Decode(&event); err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
					t.Log("the watch of the Deployments ended:", err)
				}
				return
			}
			if err := node.follow(event.Object, event.Type == "DELETED"); err != nil {
				t.Errorf("node: %v", err)
			}
		}
	}()
	t.Cleanup(func() {
		watch.Process.Kill()
		<-done
		watch.Wait()
		for name, process := range node.running {
			if t.Failed() {
				t.Logf("%s:\n%s", name, process.log)
			}
			process.stop()
		}
	})
}

func (node *node) follow(deployment chart.Object, isDeleted bool) error {
	namespace, name := chart.Text(deployment, "metadata", "namespace"), chart.Text(deployment, "metadata", "name")
	key := namespace + "/" + name
	template, err := json.Marshal(chart.At(deployment, "spec", "template"))
	if err != nil {
		return err
	}
	if old := node.running[key]; old != nil {
		if !isDeleted && old.template == string(template) {
			return node.report(deployment)
		}
		old.stop()
		delete(node.running, key)
	}
	if isDeleted || chart.At(deployment, "spec", "replicas") == 0.0 {
		return nil
	}
	started, err := node.start(deployment, string(template))
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	node.running[key] = started
	return node.report(deployment)
}

func (process *process) stop() {
	process.command.Process.Signal(syscall.SIGTERM)
	<-process.ended
}

func (node *node) start(deployment chart.Object, template string) (*process, error) {
	namespace := chart.Text(deployment, "metadata", "namespace")
	spec := chart.At(deployment, "spec", "template", "spec")
	account := chart.Text(spec, "serviceAccountName")
	if account == "" {
		account = "default"
	}
	token, err := attempt("", clusterProgram, "kubectl", "create", "token", account, "--namespace", namespace)
	if err != nil {
		return nil, err
	}
	// `cluster pod` mounts whatever is in the folder.
	folder, err := os.MkdirTemp(node.folder, "account")
	if err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "token")
	if err := os.WriteFile(file, []byte(strings.TrimSpace(token)), 0o600); err != nil {
		return nil, err
	}
	api, metrics, err := twoAddresses()
	if err != nil {
		return nil, err
	}
	args := []string{"pod", "--namespace", namespace, "--serviceaccount", account, "--token-file", file, "--", filepath.Join(programs, "controller")}
	container := chart.At(spec, "containers", 0)
	given, _ := chart.At(container, "args").([]any)
	for _, arg := range given {
		args = append(args, fmt.Sprint(arg))
	}
	args = append(args, "--listen-addr="+api, "--listen-metrics-addr="+metrics)
	environment := os.Environ()
	if strings.Contains(chart.Text(container, "image"), "/bitnami/sealed-secrets-controller:") {
		args = append(args, "--status-conditions=synced", "--leader-elect=false")
	}
	variables, _ := chart.At(container, "env").([]any)
	for _, variable := range variables {
		environment = append(environment, chart.Text(variable, "name")+"="+chart.Text(variable, "value"))
	}
	started := &process{template: template, command: exec.Command(clusterProgram, args...), ended: make(chan struct{}), log: &syncBuffer{}}
	started.command.Env = environment
	started.command.Stdout, started.command.Stderr = started.log, started.log
	if err := started.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		started.command.Wait()
		close(started.ended)
	}()
	if err := started.waitUntilReady(api); err != nil {
		started.stop()
		return nil, fmt.Errorf("%w\n%s", err, started.log)
	}
	return started, node.publish(deployment, api, metrics)
}

func (process *process) waitUntilReady(address string) error {
	return within(func() error {
		select {
		case <-process.ended:
			return errEnded
		default:
		}
		reply, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return err
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return errors.New(reply.Status)
		}
		return nil
	})
}

// publish makes the Services of the Deployment lead to the process. The API server's proxy wants a Pod behind an address.
func (node *node) publish(deployment chart.Object, api, metrics string) error {
	namespace, name := chart.Text(deployment, "metadata", "namespace"), chart.Text(deployment, "metadata", "name")
	pod := podOf(node.t, deployment, namespace)
	if _, err := attempt("", clusterProgram, "kubectl", "delete", "pod", name+"-0", "--namespace", namespace, "--ignore-not-found", "--force", "--grace-period=0"); err != nil {
		return err
	}
	if _, err := attempt(pod, clusterProgram, "kubectl", "create", "-f", "-"); err != nil {
		return err
	}
	status := fmt.Sprintf(`{"status":{"phase":"Running","podIP":%q,"podIPs":[{"ip":%q}]}}`, clusterAddress, clusterAddress)
	if _, err := attempt("", clusterProgram, "kubectl", "patch", "pod", name+"-0", "--namespace", namespace, "--subresource=status", "--type=merge", "-p", status); err != nil {
		return err
	}
	for service, address := range map[string]string{name: api, name + "-metrics": metrics} {
		port, err := attempt("", clusterProgram, "kubectl", "get", "service", service, "--namespace", namespace, "-o", "jsonpath={.spec.ports[0].name}")
		if err != nil {
			return err
		}
		_, number, err := net.SplitHostPort(address)
		if err != nil {
			return err
		}
		endpoints := fmt.Sprintf(`{"apiVersion":"v1","kind":"Endpoints","metadata":{"name":%q,"namespace":%q},"subsets":[{"addresses":[{"ip":%q,"targetRef":{"kind":"Pod","name":%q,"namespace":%q}}],"ports":[{"name":%q,"port":%s}]}]}`,
			service, namespace, clusterAddress, name+"-0", namespace, port, number)
		if _, err := attempt(endpoints, clusterProgram, "kubectl", "apply", "-f", "-"); err != nil {
			return err
		}
	}
	return nil
}

// report is what the Deployment controller writes when a rollout is over.
func (node *node) report(deployment chart.Object) error {
	generation := chart.At(deployment, "metadata", "generation")
	if chart.At(deployment, "status", "observedGeneration") == generation {
		return nil
	}
	status := fmt.Sprintf(`{"status":{"observedGeneration":%.0f,"replicas":1,"updatedReplicas":1,"readyReplicas":1,"availableReplicas":1}}`, generation)
	_, err := attempt("", clusterProgram, "kubectl", "patch", "deployment", chart.Text(deployment, "metadata", "name"),
		"--namespace", chart.Text(deployment, "metadata", "namespace"), "--subresource=status", "--type=merge", "-p", status)
	// It may be gone already; then another event says so.
	if err != nil && strings.Contains(err.Error(), "NotFound") {
		return nil
	}
	return err
}

func twoAddresses() (string, string, error) {
	var addresses [2]string
	for index := range addresses {
		listener, err := net.Listen("tcp", clusterAddress+":0")
		if err != nil {
			return "", "", err
		}
		defer listener.Close()
		addresses[index] = listener.Addr().String()
	}
	return addresses[0], addresses[1], nil
}
