// Package published makes every file that is published from another one: what is made from values.yaml, and the static
// manifests that are made from the chart.
package published

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/made"
)

// Files returns the content of every generated file, by its path from the top folder of the repository.
func Files() (map[string][]byte, error) {
	root := made.Root()
	folder, err := filepath.Rel(root, chart.Folder())
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(chart.Folder(), "values.yaml"))
	if err != nil {
		return nil, err
	}
	entries, err := readValues(text)
	if err != nil {
		return nil, err
	}
	readme, err := os.ReadFile(filepath.Join(chart.Folder(), "README.md"))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	add := func(name string, content []byte, err error) error {
		files[name] = content
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	content, err := defaultsFile(entries)
	if err := add(filepath.Join(folder, "files", "defaults.yaml"), content, err); err != nil {
		return nil, err
	}
	content, err = schemaFile(entries)
	if err := add(filepath.Join(folder, "values.schema.json"), content, err); err != nil {
		return nil, err
	}
	content, err = readmeFile(string(readme), entries)
	if err := add(filepath.Join(folder, "README.md"), content, err); err != nil {
		return nil, err
	}
	static, err := staticFiles(files[filepath.Join(folder, "files", "defaults.yaml")], files[filepath.Join(folder, "values.schema.json")])
	for name, content := range static {
		files[filepath.Join("manifests", name)] = content
	}
	return files, err
}

// defaultsFile is what the templates read: which values there are, and the defaults of sections that are null.
func defaultsFile(entries []*entry) ([]byte, error) {
	free := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, one := range entries {
		if one.isFree() {
			free.Content = append(free.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: one.path})
		}
	}
	document := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{
		{Kind: yaml.ScalarNode, Value: "free"}, free,
		{Kind: yaml.ScalarNode, Value: "values"}, bare(entries),
	}}
	text, err := encode(document)
	return append([]byte("# Made from values.yaml by `make manifests`. free: sections that take any name.\n"), text...), err
}

// bare is the entries as YAML without comments.
func bare(entries []*entry) *yaml.Node {
	section := &yaml.Node{Kind: yaml.MappingNode}
	for _, one := range entries {
		value := one.value
		if one.isSection() {
			value = bare(one.children)
		}
		section.Content = append(section.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: one.name()}, value)
	}
	return section
}

// schemaFile is values.schema.json. Unknown names stay allowed everywhere: real values files carry some.
func schemaFile(entries []*entry) ([]byte, error) {
	definitions := schema{}
	walk(entries, func(one *entry) {
		if !one.isSection() {
			definitions[one.kind] = kinds[one.kind].schema
		}
	})
	document := schema{
		"$schema":     "http://json-schema.org/draft-07/schema#",
		"title":       "Values of the sealed-secrets chart",
		"description": "Made from values.yaml by `make manifests`.",
		"type":        "object",
		"definitions": definitions,
		"properties":  properties(entries),
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(document)
	return text.Bytes(), err
}

func properties(entries []*entry) schema {
	result := schema{}
	for _, one := range entries {
		if !one.isSection() {
			result[one.name()] = schema{"description": one.text, "$ref": "#/definitions/" + one.kind}
			continue
		}
		accepted := types("object", "null")
		for _, child := range one.children {
			if child.name() == "enabled" || child.name() == "create" {
				// The form of chart 1.x.
				accepted = types("object", "boolean", "null")
			}
		}
		accepted["description"] = one.text
		inside := properties(one.children)
		for name, other := range others[one.path] {
			inside[name] = other
		}
		accepted["properties"] = inside
		result[one.name()] = accepted
	}
	return result
}

const (
	readmeBegin = "<!-- Made from values.yaml by `make manifests`: begin -->\n"
	readmeEnd   = "<!-- end -->\n"
)

// readmeFile replaces what stands between the two marks.
func readmeFile(readme string, entries []*entry) ([]byte, error) {
	before, rest, found := strings.Cut(readme, readmeBegin)
	_, after, ends := strings.Cut(rest, readmeEnd)
	if !found || !ends {
		return nil, fmt.Errorf("the marks %q and %q are missing", readmeBegin, readmeEnd)
	}
	var text strings.Builder
	text.WriteString(before + readmeBegin)
	walk(entries, func(one *entry) {
		if one.heading != "" {
			fmt.Fprintf(&text, "\n### %s\n\n| Value | Default | Kind | Meaning |\n|---|---|---|---|\n", one.heading)
		}
		fmt.Fprintf(&text, "| `%s` | %s | %s | %s |\n", one.path, defaultInWords(one), kinds[one.kind].words, strings.ReplaceAll(one.text, "|", "\\|"))
	})
	text.WriteString("\n" + readmeEnd + after)
	return []byte(text.String()), nil
}

func defaultInWords(one *entry) string {
	if one.isSection() {
		return ""
	}
	var value any
	if err := one.value.Decode(&value); err != nil {
		return err.Error()
	}
	if text, isText := value.(string); isText && strings.Contains(text, "\n") {
		text = strings.Join(strings.Fields(text), " ")
		return "`" + text + "`"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return "`" + string(text) + "`"
}

func encode(document *yaml.Node) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	encoder.CompactSeqIndent()
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}
