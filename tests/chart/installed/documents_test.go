package installed

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/made"
)

var errEnded = errors.New("the process ended")

// within waits until the check says that all is well, or cannot become so.
func within(check func() error) error {
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := check()
		if err == nil || errors.Is(err, errEnded) || time.Since(began) > deadline {
			return err
		}
	}
}

var block = regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$")

// commands are the blocks of a document that are to be run, as one script. Empty `section` means all of it.
func commands(t *testing.T, document, section string) string {
	t.Helper()
	text := readFile(t, filepath.Join(made.Root(), "docs", document))
	if section != "" {
		_, rest, found := strings.Cut(text, "\n## "+section+"\n")
		if !found {
			t.Fatalf("%s has no section %s", document, section)
		}
		text, _, _ = strings.Cut(rest, "\n## ")
	}
	var script strings.Builder
	for number, found := range block.FindAllStringSubmatch(text, -1) {
		fmt.Fprintf(&script, "echo '== block %d' >&2\n%s", number+1, found[1])
	}
	if script.Len() == 0 {
		t.Fatalf("%s %s has no commands", document, section)
	}
	return script.String()
}

// person is a folder to work in, with the manifests of this repository and our programs at hand.
func person(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"manifests":    filepath.Join(made.Root(), "manifests"),
		"bin/kubectl":  clusterProgram,
		"bin/helm":     helmProgram,
		"bin/kubeseal": filepath.Join(programs, "kubeseal"),
	} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// runScript runs a script as a person would type it. The first command that fails ends it.
func runScript(t *testing.T, folder, script string) {
	t.Helper()
	command := exec.Command("bash", "-euo", "pipefail", "-xc", script)
	command.Dir = folder
	command.Env = append(os.Environ(), "PATH="+filepath.Join(folder, "bin")+":"+os.Getenv("PATH"))
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// tidyUp removes whatever a document installs, before and after: other tests use these names as well.
func tidyUp(t *testing.T) {
	t.Helper()
	remove := func() {
		for _, namespace := range []string{"kube-system", "team"} {
			helm(t, "uninstall", "sealed-secrets", "--namespace", namespace, "--ignore-not-found")
			kubectl(t, "delete", "secret", "--namespace", namespace, "--selector", "sealedsecrets.bitnami.com/sealed-secrets-key", "--ignore-not-found")
			kubectl(t, "delete", "lease", "--namespace", namespace, "sealed-secrets", "sealed-secrets-controller", "--ignore-not-found")
			kubectl(t, "delete", "endpoints", "--namespace", namespace, "--ignore-not-found", "sealed-secrets", "sealed-secrets-metrics", "sealed-secrets-controller", "sealed-secrets-controller-metrics")
		}
		for _, file := range []string{"controller-norbac.yaml", "rbac.yaml"} {
			kubectl(t, "delete", "-f", filepath.Join(made.Root(), "manifests", file), "--ignore-not-found")
		}
		for _, namespace := range []string{"shop", "team"} {
			kubectl(t, "delete", "namespace", namespace, "--ignore-not-found", "--timeout=90s")
		}
		kubectl(t, "delete", "sealedsecrets,secrets", "--all", "--namespace", "default", "--ignore-not-found")
	}
	// The kinds have to be known.
	installDefinition(t)
	remove()
	installDefinition(t)
	t.Cleanup(func() {
		installDefinition(t)
		remove()
	})
}

func TestTheDocumentAboutInstallingIsTrue(t *testing.T) {
	tidyUp(t)
	startNode(t)
	runScript(t, person(t), commands(t, "install.md", ""))
}

func TestTheReadmeOfTheChartIsTrue(t *testing.T) {
	tidyUp(t)
	startNode(t)
	runScript(t, person(t), commands(t, "../manifests/helm/sealed-secrets/README.md", ""))
}

func TestTheDocumentsAboutUsingAndOperatingAreTrue(t *testing.T) {
	tidyUp(t)
	startNode(t)
	folder := person(t)
	kubectl(t, "create", "namespace", "shop")
	runScript(t, folder, `helm install sealed-secrets manifests/helm/sealed-secrets --namespace kube-system \
  --set fullnameOverride=sealed-secrets-controller,image.registry=registry.example.com,image.repository=sealed-secrets-controller
kubectl rollout status --namespace kube-system deployment/sealed-secrets-controller --timeout=90s`)
	runScript(t, folder, commands(t, "use.md", ""))
	runScript(t, folder, commands(t, "operate.md", ""))
}

func TestTheWayFromTheOriginalAndBackIsTrue(t *testing.T) {
	for _, way := range []struct{ section, install, flags string }{
		{"With Helm", "helm install sealed-secrets \"$ORIGINAL\" --namespace kube-system --skip-crds\nkubectl rollout status --namespace kube-system deployment/sealed-secrets --timeout=90s\n", "--controller-name sealed-secrets"},
		{"With YAML", "kubectl apply -f original.yaml\nkubectl rollout status --namespace kube-system deployment/sealed-secrets-controller --timeout=90s\n", ""},
	} {
		t.Run(way.section, func(t *testing.T) {
			tidyUp(t)
			startNode(t)
			folder := person(t)
			t.Setenv("ORIGINAL", originalChart(t))
			// The original's manifests are ours without the permission on leases.
			lease := regexp.MustCompile(`(?m)^- apiGroups: \[coordination\.k8s\.io\]\n(?:  .*\n)*`)
			own := readFile(t, filepath.Join(made.Root(), "manifests", "controller.yaml"))
			original := lease.ReplaceAllString(regexp.MustCompile(`(?m)^ *#.*\n`).ReplaceAllString(own, ""), "")
			if strings.Contains(original, "coordination.k8s.io") || original == own {
				t.Fatal("the permission on leases is not found in controller.yaml any more")
			}
			if err := os.WriteFile(filepath.Join(folder, "original.yaml"), []byte(original), 0o600); err != nil {
				t.Fatal(err)
			}
			kubectl(t, "create", "namespace", "shop")
			runScript(t, folder, way.install+fmt.Sprintf(`
kubectl create secret generic db --namespace shop --from-literal=password=s3cret --dry-run=client -o yaml | kubeseal %s -o yaml >db.yaml
kubectl apply -f db.yaml
kubectl wait --for=condition=Synced sealedsecret/db --namespace shop --timeout=90s`, way.flags))
			before := identities(t, "shop", []string{"secret/db", "sealedsecret/db"})
			version := chart.Text(get(t, "secret", "shop", "db"), "metadata", "resourceVersion")

			runScript(t, folder, commands(t, "migrate.md", way.section))

			assertSame(t, "there and back", before, identities(t, "shop", []string{"secret/db", "sealedsecret/db"}))
			if now := chart.Text(get(t, "secret", "shop", "db"), "metadata", "resourceVersion"); now != version {
				t.Errorf("the Secret was written: %s, then %s", version, now)
			}
		})
	}
}
