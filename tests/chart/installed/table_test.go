package installed

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/chart/matrix"
	"sealed-secrets/tests/made"
)

// Every object that any row of the table of values renders, once, as both ways of applying see it.
func TestTheServerAcceptsEveryObjectOfTheTableOfValues(t *testing.T) {
	apply(t, readFile(t, "testdata/monitors.yaml"))
	for _, name := range []string{"tools", "vault", "shop", "blog", "monitoring"} {
		createNamespace(t, name)
	}
	kubectl(t, "wait", "--for=condition=Established", "crd/servicemonitors.monitoring.coreos.com", "--timeout=60s")
	cases, err := matrix.Cases()
	if err != nil {
		t.Fatal(err)
	}
	var objects []string
	for _, one := range append(cases, matrix.Case{}) {
		rendered, err := chart.Render(one.Release(), one.Values)
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := rendered.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if one.Old {
			if err := tryApply(manifest, "--dry-run=server"); err == nil {
				t.Errorf("%s: marked as old, but accepted", one.Name)
			}
			continue
		}
		for _, object := range strings.Split(manifest, "---\n") {
			if strings.TrimSpace(object) != "" && !slices.Contains(objects, object) {
				objects = append(objects, object)
			}
		}
	}
	if len(objects) < 130 {
		t.Fatalf("only %d objects", len(objects))
	}
	everything := strings.Join(objects, "---\n")
	if err := tryApply(everything, "--dry-run=server"); err != nil {
		t.Error(err)
	}
	if err := tryApply(everything, "--dry-run=server", "--server-side", "--force-conflicts"); err != nil {
		t.Error(err)
	}
}

// A Pod of the default installation is one that the restricted standard admits, and so is one of the static manifests.
func TestPodsSatisfyTheRestrictedStandard(t *testing.T) {
	createNamespace(t, "restricted")
	kubectl(t, "label", "namespace", "restricted", "pod-security.kubernetes.io/enforce=restricted")
	admit := func(deployment chart.Object) error {
		return tryApply(podOf(t, deployment, "restricted"), "--dry-run=server")
	}
	rendered, err := chart.Render(chart.Release{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := rendered.Objects()
	if err != nil {
		t.Fatal(err)
	}
	if err := admit(chart.Find(objects, "Deployment", "sealed-secrets")); err != nil {
		t.Errorf("chart: %v", err)
	}
	for _, file := range []string{"controller.yaml", "controller-norbac.yaml", "controller-podmonitor.yaml"} {
		objects, err := chart.ParseObjects(readFile(t, filepath.Join(made.Root(), "manifests", file)))
		if err != nil {
			t.Fatal(err)
		}
		if err := admit(chart.Find(objects, "Deployment", "sealed-secrets-controller")); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	// The namespace does refuse what is not restricted.
	rendered, err = chart.Render(chart.Release{}, chart.Values{"containerSecurityContext": chart.Values{"enabled": false}})
	if err != nil {
		t.Fatal(err)
	}
	if objects, err = rendered.Objects(); err != nil {
		t.Fatal(err)
	}
	if err := admit(chart.Find(objects, "Deployment", "sealed-secrets")); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
		t.Errorf("a Pod without security context must be refused, and not: %v", err)
	}
}
