package published

import (
	"bytes"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	helm "helm.sh/helm/v3/pkg/chart"

	"sealed-secrets/tests/chart/chart"
)

// name is that of the account, the Services, the Deployment and the bindings; the one that kubeseal looks for.
const name = "sealed-secrets-controller"

// The values with which the chart comes closest to the static manifests.
//
//go:embed static-values.yaml
var staticValues []byte

// The monitor of the Prometheus operator that goes with the static manifests.
//
//go:embed pod-monitor.yaml
var podMonitor string

// staticNames are the names that differ from the chart's.
var staticNames = map[string]string{
	"Role/" + name + "-key-admin":              "sealed-secrets-key-admin",
	"RoleBinding/" + name + "-key-admin":       name,
	"Role/" + name + "-service-proxier":        "sealed-secrets-service-proxier",
	"RoleBinding/" + name + "-service-proxier": "sealed-secrets-service-proxier",
}

// defaultsName is the file that the templates read.
const defaultsName = "files/defaults.yaml"

const (
	headerController = `# The Sealed Secrets controller: kubectl apply -f controller.yaml
# Made from the Helm chart by ` + "`make manifests`" + `.
`
	headerNoRBAC = `# The Sealed Secrets controller for those who may not create roles: everything of controller.yaml but rbac.yaml, which an
# administrator applies. Without it the Pod runs as the namespace's account "default" and needs the rights of those roles.
# Made from the Helm chart by ` + "`make manifests`" + `.
`
	headerPodMonitor = `# The Sealed Secrets controller, and a PodMonitor for the Prometheus operator.
# Made from the Helm chart by ` + "`make manifests`" + `.
`
	headerRBAC = `# Who may do what, and a reason for each rule: the part of controller.yaml that needs an administrator.
# Made from the Helm chart by ` + "`make manifests`" + `.
`
	headerCRD = `# Made from the Helm chart by ` + "`make manifests`" + `.
`
)

// staticFiles returns the static manifests by file name. The defaults and the schema stand in for those on the disk, which
// may be older than values.yaml.
func staticFiles(defaults, schema []byte) (map[string][]byte, error) {
	definition, err := os.ReadFile(filepath.Join(chart.Folder(), "crds", "sealedsecrets.yaml"))
	if err != nil {
		return nil, err
	}
	values, err := chart.ReadValues(staticValues)
	if err != nil {
		return nil, err
	}
	loaded, err := chart.Load()
	if err != nil {
		return nil, err
	}
	loaded.Schema = schema
	loaded.Files = slices.DeleteFunc(loaded.Files, func(file *helm.File) bool { return file.Name == defaultsName })
	loaded.Files = append(loaded.Files, &helm.File{Name: defaultsName, Data: defaults})
	rendered, err := chart.RenderChart(loaded, chart.Release{}, values)
	if err != nil {
		return nil, err
	}
	take := func(templates ...string) (string, error) {
		var text strings.Builder
		for _, template := range templates {
			found, err := static(rendered.Templates[template])
			if err != nil {
				return "", fmt.Errorf("%s: %w", template, err)
			}
			text.WriteString(found)
		}
		return text.String(), nil
	}
	rbac, err := take("service-account.yaml", "cluster-role.yaml", "role.yaml", "proxier.yaml")
	if err != nil {
		return nil, err
	}
	services, err := take("service.yaml")
	if err != nil {
		return nil, err
	}
	deployment, err := take("deployment.yaml")
	if err != nil {
		return nil, err
	}
	account := "      serviceAccountName: " + name + "\n"
	if !strings.Contains(deployment, account) {
		return nil, fmt.Errorf("deployment.yaml: no line %q", account)
	}
	everything := rbac + services + deployment
	return map[string][]byte{
		"crd.yaml":                   []byte(headerCRD + string(definition)),
		"rbac.yaml":                  []byte(headerRBAC + rbac),
		"controller.yaml":            []byte(headerController + "---\n" + string(definition) + everything),
		"controller-norbac.yaml":     []byte(headerNoRBAC + "---\n" + string(definition) + services + strings.Replace(deployment, account, "", 1)),
		"controller-podmonitor.yaml": []byte(headerPodMonitor + "---\n" + string(definition) + everything + "---\n" + podMonitor),
	}, nil
}

// static turns a rendered template into the form of the static manifests. Comments stay.
func static(text string) (string, error) {
	var result strings.Builder
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var document yaml.Node
		if err := decoder.Decode(&document); err != nil {
			break
		}
		object := document.Content[0]
		if len(object.Content) == 0 {
			continue
		}
		if err := rewrite(object); err != nil {
			return "", err
		}
		written, err := encode(&document)
		if err != nil {
			return "", err
		}
		// A document that begins with a comment gets it above its own mark.
		result.WriteString("---\n" + string(bytes.TrimPrefix(written, []byte("---\n"))))
	}
	if result.Len() == 0 {
		return "", fmt.Errorf("nothing was rendered")
	}
	return result.String(), nil
}

func rewrite(object *yaml.Node) error {
	kind := get(object, "kind").Value
	if other, found := staticNames[kind+"/"+get(object, "metadata", "name").Value]; found {
		get(object, "metadata", "name").Value = other
	}
	unquote(object)
	labels := `{name: "` + strings.ReplaceAll(get(object, "metadata", "name").Value, ":", "-") + `"}`
	set(get(object, "metadata"), "labels", labels)
	if reference := get(object, "roleRef", "name"); reference != nil {
		if other, found := staticNames["Role/"+reference.Value]; found {
			reference.Value = other
		}
	}
	switch kind {
	case "ClusterRole":
		for _, rule := range get(object, "rules").Content {
			// Which namespaces they are is not known here.
			remove(rule, "resourceNames")
		}
	case "Role":
		rules := get(object, "rules")
		rules.Content = slices.DeleteFunc(rules.Content, func(rule *yaml.Node) bool {
			names := get(rule, "resourceNames")
			return names != nil && names.Content[0].Value == "sealed-secrets-key"
		})
	case "Service":
		set(get(object, "spec"), "selector", "{name: "+name+"}")
		port := get(object, "spec", "ports").Content[0]
		remove(port, "name")
		remove(port, "protocol")
		set(port, "targetPort", get(port, "port").Value)
	case "Deployment":
		rewriteDeployment(get(object, "spec"))
	}
	return nil
}

func rewriteDeployment(spec *yaml.Node) {
	set(spec, "minReadySeconds", "30")
	set(spec, "strategy", "{type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}")
	set(spec, "selector", "{matchLabels: {name: "+name+"}}")
	set(get(spec, "template", "metadata"), "labels", "{name: "+name+"}")
	set(get(spec, "template", "spec"), "terminationGracePeriodSeconds", "30")
	container := get(spec, "template", "spec", "containers").Content[0]
	get(container, "name").Value = name
	remove(container, "args")
	remove(container, "env")
}

// get follows names into maps; nil where they lead nowhere.
func get(node *yaml.Node, path ...string) *yaml.Node {
	for _, step := range path {
		index := find(node, step)
		if index < 0 {
			return nil
		}
		node = node.Content[index+1]
	}
	return node
}

// set puts a value, given as YAML, under a name of a map. It panics on YAML that is none: it stands in this file.
func set(section *yaml.Node, key, text string) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		panic(err)
	}
	value := document.Content[0]
	unquote(value)
	spread(value)
	if index := find(section, key); index >= 0 {
		section.Content[index+1] = value
		return
	}
	section.Content = append(section.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}

func remove(section *yaml.Node, key string) {
	if index := find(section, key); index >= 0 {
		section.Content = slices.Delete(section.Content, index, index+2)
	}
}

func find(section *yaml.Node, key string) int {
	for index := 0; section != nil && index < len(section.Content); index += 2 {
		if section.Content[index].Value == key {
			return index
		}
	}
	return -1
}

// spread writes maps one entry a line.
func spread(node *yaml.Node) {
	node.Style &^= yaml.FlowStyle
	for _, child := range node.Content {
		spread(child)
	}
}

// unquote leaves quotes to the encoder, which sets them where they are needed.
func unquote(node *yaml.Node) {
	node.Style &^= yaml.DoubleQuotedStyle
	for _, child := range node.Content {
		unquote(child)
	}
}
