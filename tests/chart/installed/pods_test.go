package installed

import (
	"encoding/json"
	"testing"

	"sealed-secrets/tests/chart/chart"
)

// podOf is a Pod as the Deployment would make it, in JSON. No kubelet and no Deployment controller runs in the test
// cluster.
func podOf(t *testing.T, deployment chart.Object, namespace string) string {
	t.Helper()
	template, _ := chart.At(deployment, "spec", "template").(map[string]any)
	metadata, _ := template["metadata"].(map[string]any)
	pod := chart.Object{
		"apiVersion": "v1", "kind": "Pod", "spec": template["spec"],
		"metadata": chart.Object{"name": chart.Text(deployment, "metadata", "name") + "-0", "namespace": namespace, "labels": metadata["labels"]},
	}
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
