package installed

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/made"
)

const controllerName = "sealed-secrets-controller"

// What has been published under these names for years, and is patched and selected by them.
var staticObjects = []string{
	"CustomResourceDefinition /sealedsecrets.bitnami.com",
	"ServiceAccount kube-system/sealed-secrets-controller",
	"ClusterRole /secrets-unsealer",
	"ClusterRoleBinding /sealed-secrets-controller",
	"Role kube-system/sealed-secrets-key-admin",
	"RoleBinding kube-system/sealed-secrets-controller",
	"Role kube-system/sealed-secrets-service-proxier",
	"RoleBinding kube-system/sealed-secrets-service-proxier",
	"Service kube-system/sealed-secrets-controller",
	"Service kube-system/sealed-secrets-controller-metrics",
	"Deployment kube-system/sealed-secrets-controller",
}

func TestStaticManifestsHaveTheirElevenObjects(t *testing.T) {
	isRole := func(object string) bool {
		return strings.Contains(strings.Fields(object)[0], "Role") || strings.HasPrefix(object, "ServiceAccount")
	}
	var roles, others []string
	for _, object := range staticObjects {
		if isRole(object) {
			roles = append(roles, object)
		} else {
			others = append(others, object)
		}
	}
	for file, want := range map[string][]string{
		"controller.yaml":            staticObjects,
		"controller-norbac.yaml":     others,
		"rbac.yaml":                  roles,
		"crd.yaml":                   staticObjects[:1],
		"controller-podmonitor.yaml": append(slices.Clone(staticObjects), "PodMonitor kube-system/sealed-secrets-controller"),
	} {
		var found []string
		for _, object := range staticManifest(t, file) {
			found = append(found, identity(object))
			name := chart.Text(object, "metadata", "name")
			if label := chart.Text(object, "metadata", "labels", "name"); label != name && object["kind"] != "CustomResourceDefinition" {
				t.Errorf("%s: %s: label name is %q", file, identity(object), label)
			}
		}
		slices.Sort(found)
		if !slices.Equal(found, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s: %v", file, found)
		}
	}
	deployment := chart.Find(staticManifest(t, "controller-norbac.yaml"), "Deployment", controllerName)
	if account := chart.At(deployment, "spec", "template", "spec", "serviceAccountName"); account != nil {
		t.Errorf("controller-norbac.yaml names the account %v", account)
	}
}

func TestServicesOfTheStaticManifestsLeadToTheContainer(t *testing.T) {
	objects := staticManifest(t, "controller-podmonitor.yaml")
	deployment := chart.Find(objects, "Deployment", controllerName)
	labels := chart.Text(deployment, "spec", "template", "metadata", "labels", "name")
	ports, _ := chart.At(deployment, "spec", "template", "spec", "containers", 0, "ports").([]any)
	for service, want := range map[string]int{controllerName: 8080, controllerName + "-metrics": 8081} {
		found := chart.Find(objects, "Service", service)
		port := chart.At(found, "spec", "ports", 0)
		reaches := slices.ContainsFunc(ports, func(one any) bool { return chart.At(one, "containerPort") == chart.At(port, "targetPort") })
		if chart.Text(found, "spec", "selector", "name") != labels || chart.At(port, "port") != want || !reaches || chart.At(port, "name") != nil {
			t.Errorf("%s: %v does not lead to %v with %q", service, found["spec"], ports, labels)
		}
	}
	monitor := chart.Find(objects, "PodMonitor", controllerName)
	scraped := chart.Text(monitor, "spec", "podMetricsEndpoints", 0, "port")
	if !slices.ContainsFunc(ports, func(one any) bool { return chart.Text(one, "name") == scraped && scraped == "metrics" }) {
		t.Errorf("the PodMonitor looks at port %q", scraped)
	}
}

func TestStaticManifestsApplyInEveryWay(t *testing.T) {
	apply(t, readFile(t, "testdata/monitors.yaml"))
	kubectl(t, "wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com", "--timeout=60s")
	for _, file := range []string{"controller.yaml", "controller-norbac.yaml", "controller-podmonitor.yaml", "rbac.yaml", "crd.yaml"} {
		text := readFile(t, filepath.Join(made.Root(), "manifests", file))
		t.Cleanup(func() { removeAll(t, text) })
		for _, args := range [][]string{{"--dry-run=server"}, {"--dry-run=server", "--server-side"}, {"--server-side", "--force-conflicts"}, nil} {
			if err := tryApply(text, args...); err != nil {
				t.Errorf("%s %v: %v", file, args, err)
			}
		}
		// Applied a second time nothing changes.
		if output, err := attempt(text, clusterProgram, "kubectl", "diff", "-f", "-"); err != nil || output != "" {
			t.Errorf("%s: %v\n%s", file, err, output)
		}
	}
}

func TestKustomizeMovesTheBaseToAnotherNamespace(t *testing.T) {
	files := filesys.MakeFsInMemory()
	for _, name := range []string{"kustomization.yaml", "controller.yaml"} {
		if err := files.WriteFile("/base/"+name, []byte(readFile(t, filepath.Join(made.Root(), "manifests", name)))); err != nil {
			t.Fatal(err)
		}
	}
	overlay := "resources: [../base]\nnamespace: moved\nimages:\n- {name: docker.io/bitnami/sealed-secrets-controller, newName: example.com/mine, newTag: v1}\n"
	if err := files.WriteFile("/overlay/kustomization.yaml", []byte(overlay)); err != nil {
		t.Fatal(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "/overlay")
	if err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "kube-system") {
		t.Errorf("something stays in kube-system:\n%s", text)
	}
	objects, err := chart.ParseObjects(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if len(objects) != len(staticObjects) {
		t.Errorf("%d objects", len(objects))
	}
	deployment := chart.Find(objects, "Deployment", controllerName)
	if image := chart.Text(deployment, "spec", "template", "spec", "containers", 0, "image"); image != "example.com/mine:v1" {
		t.Errorf("image: %s", image)
	}
	createNamespace(t, "moved")
	if err := tryApply(string(text), "--dry-run=server"); err != nil {
		t.Error(err)
	}
}

func staticManifest(t *testing.T, file string) []chart.Object {
	t.Helper()
	objects, err := chart.ParseObjects(readFile(t, filepath.Join(made.Root(), "manifests", file)))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func identity(object chart.Object) string {
	return chart.Text(object, "kind") + " " + chart.Text(object, "metadata", "namespace") + "/" + chart.Text(object, "metadata", "name")
}

// removeAll deletes objects, except the definition of SealedSecrets: that would take away those of other tests.
func removeAll(t *testing.T, text string) {
	t.Helper()
	var rest []string
	for _, document := range strings.Split(text, "---\n") {
		if !strings.Contains(document, "kind: CustomResourceDefinition") && strings.Contains(document, "kind:") {
			rest = append(rest, document)
		}
	}
	if len(rest) > 0 {
		run(t, strings.Join(rest, "---\n"), clusterProgram, "kubectl", "delete", "--ignore-not-found", "-f", "-")
	}
}
