// Package mixin evaluates manifests/monitoring and makes the files that people use who have no Jsonnet.
package mixin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/google/go-jsonnet"
	yaml "go.yaml.in/yaml/v3"

	"sealed-secrets/tests/made"
)

// Mixin is what manifests/monitoring/mixin.libsonnet evaluates to.
type Mixin struct {
	Alerts     Groups                     `json:"prometheusAlerts"`
	Rules      Groups                     `json:"prometheusRules"`
	Dashboards map[string]json.RawMessage `json:"grafanaDashboards"`
}

// Groups is a rule file of Prometheus.
type Groups struct {
	Groups []Group `json:"groups" yaml:"groups"`
}

// Group is a group of rules.
type Group struct {
	Name  string `json:"name" yaml:"name"`
	Rules []Rule `json:"rules" yaml:"rules"`
}

// Rule is an alert.
type Rule struct {
	Alert       string            `json:"alert" yaml:"alert"`
	Expr        string            `json:"expr" yaml:"expr"`
	For         string            `json:"for" yaml:"for,omitempty"`
	Labels      map[string]string `json:"labels" yaml:"labels"`
	Annotations map[string]string `json:"annotations" yaml:"annotations"`
}

// Folder is where the mixin lives.
func Folder() string {
	return filepath.Join(made.Root(), "manifests", "monitoring")
}

// Load evaluates the mixin, with `change` (Jsonnet, such as `{ _config+:: { severity: 'critical' } }`) added to it; empty
// for the mixin as it is.
func Load(change string) (*Mixin, error) {
	machine := jsonnet.MakeVM()
	machine.Importer(&jsonnet.FileImporter{JPaths: []string{Folder()}})
	if change == "" {
		change = "{}"
	}
	// The fields of a mixin are hidden, so that importing it adds nothing to the importer's own output.
	text, err := machine.EvaluateAnonymousSnippet("mixin", fmt.Sprintf(
		"local mixin = (import 'mixin.libsonnet') + %s; { [name]: mixin[name] for name in "+
			"['prometheusAlerts', 'prometheusRules', 'grafanaDashboards'] }", change))
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.DisallowUnknownFields()
	var mixin Mixin
	err = decoder.Decode(&mixin)
	return &mixin, err
}

const header = "# Made from manifests/monitoring by `make manifests`.\n"

// Files returns the content of every generated file, by its path from the top folder of the repository.
func Files() (map[string][]byte, error) {
	mixin, err := Load("")
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, document := range map[string]any{
		"alerts.yaml": mixin.Alerts,
		"prometheus-rule.yaml": map[string]any{
			"apiVersion": "monitoring.coreos.com/v1",
			"kind":       "PrometheusRule",
			"metadata": map[string]any{
				"name":   "sealed-secrets-controller",
				"labels": map[string]any{"name": "sealed-secrets-controller"},
			},
			"spec": mixin.Alerts,
		},
	} {
		var text bytes.Buffer
		text.WriteString(header)
		encoder := yaml.NewEncoder(&text)
		encoder.SetIndent(2)
		encoder.CompactSeqIndent()
		if err := encoder.Encode(document); err != nil {
			return nil, err
		}
		files[filepath.Join("manifests", "monitoring", name)] = text.Bytes()
	}
	for name, dashboard := range mixin.Dashboards {
		var text bytes.Buffer
		if err := json.Indent(&text, dashboard, "", "  "); err != nil {
			return nil, err
		}
		text.WriteByte('\n')
		files[filepath.Join("manifests", "helm", "sealed-secrets", "dashboards", name)] = text.Bytes()
	}
	return files, nil
}
