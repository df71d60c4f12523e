// Package chart renders our Helm chart in this process, as Helm itself would.
package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"

	"sealed-secrets/tests/made"
)

// Values are what a person gives on top of the chart's own values.
type Values = map[string]any

// Object is one rendered object.
type Object = map[string]any

// Release says what is rendered, and for which cluster.
type Release struct {
	// Name of the release; "sealed-secrets" when empty.
	Name string
	// Namespace of the release; "kube-system" when empty.
	Namespace string
	// KubeVersion of the cluster, such as "v1.18.0"; Helm's own default when empty.
	KubeVersion string
	// IsUpgrade makes it an upgrade instead of an installation.
	IsUpgrade bool
}

// Rendered is what came of it.
type Rendered struct {
	// Text of the templates that made something, by file name.
	Templates map[string]string
	// Notes are what Helm prints after an installation.
	Notes string
}

// Folder is where the chart lives.
func Folder() string {
	return filepath.Join(made.Root(), "manifests", "helm", "sealed-secrets")
}

// Load reads the chart.
func Load() (*chart.Chart, error) {
	return loader.Load(Folder())
}

// Render renders the chart. It fails as `helm template` does: on what the schema refuses, on contradicting values, and on
// values that break a template.
func Render(release Release, values Values) (*Rendered, error) {
	loaded, err := Load()
	if err != nil {
		return nil, err
	}
	return RenderChart(loaded, release, values)
}

// RenderChart is Render for a chart that was loaded before. It can be rendered once only: Helm changes what it is given.
func RenderChart(loaded *chart.Chart, release Release, values Values) (*Rendered, error) {
	if release.Name == "" {
		release.Name = "sealed-secrets"
	}
	if release.Namespace == "" {
		release.Namespace = "kube-system"
	}
	capabilities := chartutil.DefaultCapabilities.Copy()
	if release.KubeVersion != "" {
		version, err := chartutil.ParseKubeVersion(release.KubeVersion)
		if err != nil {
			return nil, err
		}
		capabilities.KubeVersion = *version
	}
	options := chartutil.ReleaseOptions{
		Name: release.Name, Namespace: release.Namespace, Revision: 1, IsInstall: !release.IsUpgrade, IsUpgrade: release.IsUpgrade,
	}
	if err := chartutil.ProcessDependenciesWithMerge(loaded, values); err != nil {
		return nil, err
	}
	complete, err := chartutil.ToRenderValuesWithSchemaValidation(loaded, values, options, capabilities, false)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(loaded, complete)
	if err != nil {
		return nil, err
	}
	rendered := &Rendered{Templates: map[string]string{}}
	for path, text := range files {
		name := filepath.Base(path)
		switch {
		case name == "NOTES.txt":
			rendered.Notes = text
		case strings.TrimSpace(text) != "":
			rendered.Templates[name] = text
		}
	}
	return rendered, nil
}

// ReadValues reads a values file as Helm does.
func ReadValues(text []byte) (Values, error) {
	return chartutil.ReadValues(text)
}

// Objects returns the objects, in the order of the templates' names and within each as they stand there.
func (rendered *Rendered) Objects() ([]Object, error) {
	var objects []Object
	for _, name := range sortedKeys(rendered.Templates) {
		found, err := ParseObjects(rendered.Templates[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", name, err, rendered.Templates[name])
		}
		objects = append(objects, found...)
	}
	return objects, nil
}

// Manifest returns all objects as one text, in the order in which Helm would install them.
func (rendered *Rendered) Manifest() (string, error) {
	_, sorted, err := releaseutil.SortManifests(rendered.Templates, nil, releaseutil.InstallOrder)
	var text strings.Builder
	for _, manifest := range sorted {
		fmt.Fprintf(&text, "---\n%s\n", strings.TrimSpace(manifest.Content))
	}
	return text.String(), err
}

// ParseObjects reads the documents of a YAML text. Two entries of one name in one map are an error.
func ParseObjects(text string) ([]Object, error) {
	var objects []Object
	decoder := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	for {
		var object Object
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if len(object) > 0 {
			objects = append(objects, object)
		}
	}
}

// At follows names (of entries) and numbers (of elements) into a structure; nil where they lead nowhere.
func At(value any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			entries, _ := value.(map[string]any)
			value = entries[step]
		case int:
			elements, _ := value.([]any)
			if step >= len(elements) {
				return nil
			}
			value = elements[step]
		}
	}
	return value
}

// Text is At for a text; empty where there is none.
func Text(value any, path ...any) string {
	text, _ := At(value, path...).(string)
	return text
}

// Find returns the object of this kind and name, nil when there is none.
func Find(objects []Object, kind, name string) Object {
	index := slices.IndexFunc(objects, func(object Object) bool {
		return object["kind"] == kind && Text(object, "metadata", "name") == name
	})
	if index < 0 {
		return nil
	}
	return objects[index]
}

func sortedKeys[Value any](entries map[string]Value) []string {
	var keys []string
	for key := range entries {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
