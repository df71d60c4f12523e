package matrix

import (
	_ "embed"

	yaml "go.yaml.in/yaml/v3"

	"sealed-secrets/tests/chart/chart"
)

//go:embed cases.yaml
var cases []byte

// Case is one row of the table: what the chart is rendered with.
type Case struct {
	// Name of the file in recorded/.
	Name string
	// Namespace of the release; "tools" when empty.
	Namespace string
	// KubeVersion of the cluster; Helm's own default when empty.
	KubeVersion string `yaml:"kubeVersion"`
	// Old says that objects are rendered which no current API server takes.
	Old bool
	// Values on top of the defaults.
	Values chart.Values
}

// Release is what the case renders.
func (one Case) Release() chart.Release {
	namespace := one.Namespace
	if namespace == "" {
		namespace = "tools"
	}
	return chart.Release{Namespace: namespace, KubeVersion: one.KubeVersion}
}

// Cases returns the table.
func Cases() ([]Case, error) {
	var table []Case
	err := yaml.Unmarshal(cases, &table)
	return table, err
}
