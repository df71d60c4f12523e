package installed

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/made"
)

// sent is one row of testdata/objects.yaml.
type sent struct {
	Name   string
	Object map[string]any
	// What the original's schema says to each way of sending.
	Plain, Strict, Apply bool
	// Ours says that our schema takes it in every way.
	Ours bool
}

func TestWhateverTheOriginalsDefinitionAcceptsOursAccepts(t *testing.T) {
	installDefinition(t)
	apply(t, readFile(t, "testdata/original-definition.yaml"))
	kubectl(t, "wait", "--for=condition=Established", "crd/sealedsecrets.original.example.com", "--timeout=60s")
	eventually(t, "the original's SealedSecrets are served", func() error {
		_, err := attempt("", clusterProgram, "kubectl", "get", "sealedsecrets.original.example.com", "-n", "default")
		return err
	})
	var table []sent
	if err := yaml.Unmarshal([]byte(readFile(t, "testdata/objects.yaml")), &table); err != nil {
		t.Fatal(err)
	}
	client := dynamicClient(t)
	for _, group := range []string{"original.example.com", "bitnami.com"} {
		standing := sealedSecret(group, map[string]any{"spec": map[string]any{"encryptedData": map[string]any{}}})
		if _, err := resourceOf(client, group).Create(context.Background(), standing, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { kubectl(t, "delete", "sealedsecrets."+group, "sent", "-n", "default", "--ignore-not-found") })
	}
	for _, row := range table {
		for way, want := range map[string]bool{"plain": row.Plain, "strict": row.Strict, "apply": row.Apply} {
			if err := send(client, "original.example.com", way, row); (err == nil) != want {
				t.Errorf("%s, %s: the original's definition says: %v", row.Name, way, err)
			}
			if err := send(client, "bitnami.com", way, row); (err == nil) != (want || row.Ours) {
				t.Errorf("%s, %s: our definition says: %v", row.Name, way, err)
			}
		}
	}
}

// send asks the API server without changing anything. A status goes where a status has to go: to the object that stands there.
func send(client dynamic.Interface, group, way string, row sent) error {
	object := sealedSecret(group, row.Object)
	object.SetName("another")
	resource := resourceOf(client, group)
	var part []string
	if row.Object["status"] != nil {
		part = []string{"status"}
		standing, err := resource.Get(context.Background(), "sent", metav1.GetOptions{})
		if err != nil {
			return err
		}
		object.SetName("sent")
		if way != "apply" {
			object.SetResourceVersion(standing.GetResourceVersion())
		}
	}
	validation := map[string]string{"plain": "Ignore", "strict": "Strict"}[way]
	var err error
	switch {
	case way == "apply":
		_, err = resource.Apply(context.Background(), object.GetName(), object, metav1.ApplyOptions{DryRun: []string{"All"}, FieldManager: "test", Force: true}, part...)
	case part != nil:
		_, err = resource.Update(context.Background(), object, metav1.UpdateOptions{DryRun: []string{"All"}, FieldValidation: validation}, part...)
	default:
		_, err = resource.Create(context.Background(), object, metav1.CreateOptions{DryRun: []string{"All"}, FieldValidation: validation})
	}
	return err
}

func sealedSecret(group string, content map[string]any) *unstructured.Unstructured {
	object := &unstructured.Unstructured{Object: copyOf(content)}
	object.SetAPIVersion(group + "/v1alpha1")
	object.SetKind("SealedSecret")
	object.SetName("sent")
	return object
}

func resourceOf(client dynamic.Interface, group string) dynamic.ResourceInterface {
	return client.Resource(schema.GroupVersionResource{Group: group, Version: "v1alpha1", Resource: "sealedsecrets"}).Namespace("default")
}

func copyOf(object map[string]any) map[string]any {
	text, err := json.Marshal(object)
	if err != nil {
		panic(err) // it was YAML a moment ago
	}
	result := map[string]any{}
	if err := json.Unmarshal(text, &result); err != nil {
		panic(err)
	}
	return result
}

func TestUnknownMetadataOfTheTemplateIsKeptAndOtherUnknownFieldsAreNot(t *testing.T) {
	installDefinition(t)
	createNamespace(t, "pruned")
	run(t, `{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"db","namespace":"pruned"},
		"spec":{"encryptedData":{"a":"AgA="},"template":{"stringData":{"a":"b"},"metadata":{"any":{"thing":1}}}},
		"status":{"observedGeneration":5}}`, clusterProgram, "kubectl", "create", "--validate=ignore", "-f", "-")
	stored := get(t, "sealedsecret", "pruned", "db")
	if chart.At(stored, "spec", "template", "metadata", "any", "thing") != 1.0 {
		t.Errorf("metadata of the template: %v", stored)
	}
	if chart.At(stored, "spec", "template", "stringData") != nil || chart.At(stored, "status") != nil {
		t.Errorf("stringData, or a status sent with the object, stays: %v", stored)
	}
	kubectl(t, "patch", "sealedsecret", "db", "-n", "pruned", "--subresource=status", "--type=merge", "-p",
		`{"status":{"observedGeneration":1,"sealedWith":["SHA256:x"],"secret":{"uid":"u","resourceVersion":"1"},"inputs":"h"}}`)
	stored = get(t, "sealedsecret", "pruned", "db")
	if chart.At(stored, "metadata", "generation") != 1.0 {
		t.Errorf("a status changed the generation: %v", stored)
	}
	if chart.Text(stored, "status", "inputs") != "h" || chart.Text(stored, "status", "secret", "uid") != "u" || chart.Text(stored, "status", "sealedWith", 0) != "SHA256:x" {
		t.Errorf("our fields of the status: %v", stored["status"])
	}
}

func TestColumnsShowTheOriginalsThreeAndOnRequestOurs(t *testing.T) {
	installDefinition(t)
	createNamespace(t, "columns")
	apply(t, `{"apiVersion":"bitnami.com/v1alpha1","kind":"SealedSecret","metadata":{"name":"db","namespace":"columns"},"spec":{"encryptedData":{}}}`)
	kubectl(t, "patch", "sealedsecret", "db", "-n", "columns", "--subresource=status", "--type=merge", "-p",
		`{"status":{"sealedWith":["SHA256:x"],"conditions":[{"type":"Synced","status":"False","message":"no key opens it"},{"type":"Ready","status":"Unknown"}]}}`)
	columns := func(args ...string) ([]string, string) {
		output := kubectl(t, append([]string{"get", "sealedsecrets", "-n", "columns"}, args...)...)
		header, rest, _ := strings.Cut(output, "\n")
		return strings.Fields(header), rest
	}
	header, row := columns()
	if fmt.Sprint(header) != "[NAME STATUS SYNCED AGE]" || !strings.Contains(row, "no key opens it") || !strings.Contains(row, "False") {
		t.Errorf("%v %s", header, row)
	}
	header, row = columns("-o", "wide")
	if fmt.Sprint(header) != "[NAME STATUS SYNCED AGE READY KEY]" || !strings.Contains(row, "Unknown") || !strings.Contains(row, "SHA256:x") {
		t.Errorf("%v %s", header, row)
	}
}

func TestEveryFieldIsExplained(t *testing.T) {
	installDefinition(t)
	for path, words := range map[string]string{
		"sealedsecret":                           "Safe to keep in Git",
		"sealedsecret.spec.encryptedData":        "sealed value of each item",
		"sealedsecret.spec.template.data":        "Go templates",
		"sealedsecret.status.conditions.message": "reason in words",
	} {
		if output := kubectl(t, "explain", path); !strings.Contains(strings.Join(strings.Fields(output), " "), words) {
			t.Errorf("kubectl explain %s:\n%s", path, output)
		}
	}
	var definition chart.Object
	if err := yaml.Unmarshal([]byte(readFile(t, filepath.Join(made.Root(), "manifests", "crd.yaml"))), &definition); err != nil {
		t.Fatal(err)
	}
	fields := 0
	var look func(path string, schema any)
	look = func(path string, schema any) {
		properties, _ := chart.At(schema, "properties").(map[string]any)
		for name, field := range properties {
			fields++
			// The API server allows none there.
			if chart.Text(field, "description") == "" && path+"."+name != ".metadata" {
				t.Errorf("%s.%s has no description", path, name)
			}
			look(path+"."+name, field)
			look(path+"."+name, chart.At(field, "items"))
		}
	}
	look("", chart.At(definition, "spec", "versions", 0, "schema", "openAPIV3Schema"))
	if fields < 25 {
		t.Errorf("only %d fields", fields)
	}
}

func dynamicClient(t *testing.T) dynamic.Interface {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
