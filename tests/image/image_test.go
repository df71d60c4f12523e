// Package image unpacks the images that `make image` wrote, and runs them as a cluster would: `make image-test`.
package image

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// deadline for whatever a test waits for. Nothing is measured: it only ends a test that would wait for ever.
const deadline = 120 * time.Second

const namespace = "image"

func TestMain(m *testing.M) {
	if text := os.Getenv(stageVariable); text != "" {
		if err := stage(text); err != nil {
			fmt.Fprintln(os.Stderr, "container:", err)
			os.Exit(125)
		}
		os.Exit(0)
	}
	for _, name := range []string{"IMAGES", "KUBECONFIG", "CLUSTER_BIN", "CLUSTER_ADDRESS"} {
		if os.Getenv(name) == "" {
			fmt.Fprintf(os.Stderr, "%s is not set; run these tests with `make image-test`\n", name)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func image(t *testing.T, name string) *unpacked {
	t.Helper()
	found := unpack(t, filepath.Join(os.Getenv("IMAGES"), name+".tar"), runtime.GOARCH)
	if found == nil {
		t.Fatalf("%s has no image for %s", name, runtime.GOARCH)
	}
	return found
}

// plain is the container that the image itself asks for.
func (image *unpacked) plain(args ...string) container {
	return container{Root: image.root, User: 1001, Args: append(slices.Clone(image.config.Config.Entrypoint), args...), Env: image.config.Config.Env}
}

// output runs a container to its end.
func output(t *testing.T, container container, stdin string) string {
	t.Helper()
	command, err := container.start()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("%v: %v\n%s", container.Args, err, stderr.String())
	}
	return stdout.String()
}

func kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	context, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	command := exec.CommandContext(context, os.Getenv("CLUSTER_BIN"), append([]string{"kubectl"}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := command.Run(); err != nil {
		t.Fatalf("kubectl %v: %v\n%s", args, err, stderr.String())
	}
	return stdout.String()
}

func TestEachImageSaysWhatItIs(t *testing.T) {
	for name, programs := range map[string][]string{
		"sealed-secrets-controller": {"controller", "kubeseal"},
		"sealed-secrets-kubeseal":   {"kubeseal"},
	} {
		image := image(t, name)
		config := image.config.Config
		if config.User != "1001" || !slices.Equal(config.Entrypoint, programs[:1]) {
			t.Errorf("%s: user %q, entry point %q", name, config.User, config.Entrypoint)
		}
		_, api := config.ExposedPorts["8080/tcp"]
		_, metrics := config.ExposedPorts["8081/tcp"]
		if isController := programs[0] == "controller"; api != isController || metrics != isController {
			t.Errorf("%s: ports %v", name, config.ExposedPorts)
		}
		for _, program := range programs {
			container := image.plain("--version")
			container.Args[0] = program
			printed := strings.TrimSpace(output(t, container, ""))
			label := config.Labels["com.bitnami.sealed-secrets."+program+".version"]
			// A release is tagged without the v that the programs print.
			if label == "" || strings.TrimPrefix(printed, program+" version: v") != label || label != config.Labels["org.opencontainers.image.version"] {
				t.Errorf("%s: %s prints %q, its label is %q", name, program, printed, label)
			}
		}
		if image.manifest.Annotations["org.opencontainers.image.title"] != name || image.config.Created.Year() < 1970 {
			t.Errorf("%s: %v", name, image.manifest.Annotations)
		}
	}
}

func TestNothingIsInTheImageThatDoesNotBelongThere(t *testing.T) {
	image := image(t, "sealed-secrets-controller")
	err := filepath.WalkDir(image.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(image.root, path)
		if info.Mode().Perm()&0o022 != 0 && name != "tmp" {
			t.Errorf("others may write %s", name)
		}
		if !entry.IsDir() && info.Mode().Perm()&0o111 != 0 && filepath.Dir(name) != "usr/local/bin" {
			t.Errorf("%s can be run", name)
		}
		if info.Mode()&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			t.Errorf("%s changes the user", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAuthoritiesAndTimeZonesAreInTheImage(t *testing.T) {
	image := image(t, "sealed-secrets-controller")
	authorities, err := os.ReadFile(filepath.Join(image.root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) || bytes.Count(authorities, []byte("BEGIN CERTIFICATE")) < 100 {
		t.Error("too few authorities")
	}
	for _, zone := range []string{"Europe/Berlin", "America/New_York", "UTC"} {
		data, err := os.ReadFile(filepath.Join(image.root, "usr/share/zoneinfo", zone))
		if err == nil {
			_, err = time.LoadLocationFromTZData(zone, data)
		}
		if err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
}

// As the user of the image, and as OpenShift chooses one, for whom there is no entry in any file.
func TestTheControllerWorksReadOnlyAsAnyUser(t *testing.T) {
	installOnce(t)
	for _, user := range []struct{ uid, gid int }{{1001, 1001}, {1000770000, 0}} {
		t.Run(strconv.Itoa(user.uid), func(t *testing.T) {
			image := image(t, "sealed-secrets-controller")
			api, metrics := freeAddress(t), freeAddress(t)
			host, port := apiServer(t)
			controller := image.plain("--update-status", "--key-prefix", "sealed-secrets-key", "--listen-addr", api, "--listen-metrics-addr", metrics)
			controller.User, controller.Group = user.uid, user.gid
			controller.Mounts = map[string]string{"var/run/secrets/kubernetes.io/serviceaccount": account(t)}
			controller.Env = append(slices.Clone(controller.Env), "KUBERNETES_SERVICE_HOST="+host, "KUBERNETES_SERVICE_PORT="+port)
			command, err := controller.start()
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			command.Stdout, command.Stderr = &log, &log
			if err := command.Start(); err != nil {
				t.Fatalf("%v: may this machine make mount namespaces?", err)
			}
			ended := make(chan error, 1)
			go func() { ended <- command.Wait() }()
			t.Cleanup(func() {
				command.Process.Kill()
				if t.Failed() {
					t.Log(log.String())
				}
			})
			wait(t, "the controller is ready", func() error {
				select {
				case err := <-ended:
					t.Fatalf("it ended: %v\n%s", err, log.String())
				default:
				}
				_, err := get("http://" + api + "/readyz")
				return err
			})
			lookAtProcess(t, command.Process.Pid, user.uid)
			if page, err := get("http://" + metrics + "/metrics"); err != nil || !strings.Contains(page, "process_resident_memory_bytes") {
				t.Errorf("metrics: %v", err)
			}

			name := "db-" + strconv.Itoa(user.uid)
			secret := kubectl(t, "", "create", "secret", "generic", name, "-n", namespace, "--from-literal=password=s3cret", "--dry-run=client", "-o", "json")
			sealing := image.plain("--cert", "http://"+api+"/v1/cert.pem")
			sealing.Args[0] = "kubeseal"
			sealing.User = user.uid
			kubectl(t, output(t, sealing, secret), "apply", "-f", "-")
			kubectl(t, "", "wait", "--for=condition=Synced", "sealedsecret/"+name, "-n", namespace, "--timeout=60s")
			if value := kubectl(t, "", "get", "secret", name, "-n", namespace, "-o", "jsonpath={.data.password}"); value != "czNjcmV0" {
				t.Errorf("the Secret holds %q", value)
			}

			command.Process.Signal(syscall.SIGTERM)
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("it ended with %v", err)
				}
			case <-time.After(deadline):
				t.Error("it does not end")
			}
		})
	}
}

// lookAtProcess checks what the container runs as, from outside.
func lookAtProcess(t *testing.T, parent, user int) {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	if err != nil {
		t.Fatal(err)
	}
	// The main thread of a Go program does not start everything.
	process := strings.TrimSpace(string(children))
	if process == "" {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
		for _, task := range tasks {
			text, _ := os.ReadFile(task)
			process += strings.TrimSpace(string(text))
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join("/proc", process, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	status := map[string]string{}
	for line := range strings.Lines(read("status")) {
		name, value, _ := strings.Cut(line, ":")
		status[name] = strings.TrimSpace(value)
	}
	mapping := strings.Fields(read("uid_map"))
	isUser := strings.Fields(status["Uid"])[0] == strconv.Itoa(user)
	isMapped := len(mapping) == 3 && mapping[0] == strconv.Itoa(user) && mapping[2] == "1"
	if !isUser && !isMapped {
		t.Errorf("it runs as %s of %v", status["Uid"], mapping)
	}
	if strings.Trim(status["CapEff"], "0") != "" || strings.Trim(status["CapPrm"], "0") != "" || status["NoNewPrivs"] != "1" {
		t.Errorf("capabilities %s, no new privileges %s", status["CapEff"], status["NoNewPrivs"])
	}
	root := ""
	for line := range strings.Lines(read("mountinfo")) {
		if fields := strings.Fields(line); len(fields) > 5 && fields[4] == "/" {
			root = fields[5]
		}
	}
	if !slices.Contains(strings.Split(root, ","), "ro") {
		t.Errorf("the root is mounted %s", root)
	}
}

func installOnce(t *testing.T) {
	t.Helper()
	manifests := filepath.Join("..", "..", "manifests")
	kubectl(t, "", "apply", "-f", filepath.Join(manifests, "crd.yaml"))
	kubectl(t, "", "wait", "--for=condition=Established", "crd/sealedsecrets.bitnami.com", "--timeout=60s")
	kubectl(t, "", "create", "namespace", namespace)
	text, err := os.ReadFile(filepath.Join(manifests, "controller.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kubectl(t, strings.ReplaceAll(string(text), "namespace: kube-system", "namespace: "+namespace), "apply", "-f", "-")
}

// account is what the kubelet mounts for a service account.
func account(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	token := kubectl(t, "", "create", "token", "sealed-secrets-controller", "-n", namespace)
	authority, err := base64.StdEncoding.DecodeString(viewConfig(t).Clusters[0].Cluster.Authority)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"token": []byte(strings.TrimSpace(token)), "ca.crt": authority, "namespace": []byte(namespace)} {
		// Readable by the group, as fsGroup makes it; here for everybody.
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func apiServer(t *testing.T) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(strings.TrimPrefix(viewConfig(t).Clusters[0].Cluster.Server, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

type kubeconfig struct {
	Clusters []struct {
		Cluster struct {
			Server    string
			Authority string `json:"certificate-authority-data"`
		}
	}
}

func viewConfig(t *testing.T) kubeconfig {
	t.Helper()
	var config kubeconfig
	if err := json.Unmarshal([]byte(kubectl(t, "", "config", "view", "--raw", "--flatten", "-o", "json")), &config); err != nil {
		t.Fatal(err)
	}
	return config
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", os.Getenv("CLUSTER_ADDRESS")+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func get(url string) (string, error) {
	reply, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(reply.Body); err != nil {
		return "", err
	}
	if reply.StatusCode != http.StatusOK {
		return "", errors.New(reply.Status)
	}
	return body.String(), nil
}

func wait(t *testing.T, what string, check func() error) {
	t.Helper()
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := check()
		if err == nil {
			return
		}
		if time.Since(began) > deadline {
			t.Fatalf("gave up waiting: %s: %v", what, err)
		}
	}
}
