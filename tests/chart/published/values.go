package published

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"sealed-secrets/tests/chart/chart"
)

// entry is one value of values.yaml with what its comment says.
type entry struct {
	// Heading that begins here, if any.
	heading string
	// Path with dots between the names.
	path string
	// Kind is the word in brackets: what is accepted.
	kind string
	// Text is the rest of the comment, on one line.
	text string
	// Value is the default.
	value *yaml.Node
	// Children are the entries of a section.
	children []*entry
}

// isSection says whether the entry is a map with values of its own.
func (one *entry) isSection() bool {
	return one.kind == "section" || one.kind == "free" || one.kind == "probe"
}

// isFree says whether a section takes any name, because it is copied into an object.
func (one *entry) isFree() bool {
	return one.kind == "free" || one.kind == "probe"
}

func (one *entry) name() string {
	return one.path[strings.LastIndex(one.path, ".")+1:]
}

// readValues reads values.yaml. A value without a comment, or of an unknown kind, is an error.
func readValues(text []byte) ([]*entry, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("values.yaml: %w", err)
	}
	return readSection(document.Content[0], "")
}

func readSection(section *yaml.Node, prefix string) ([]*entry, error) {
	var entries []*entry
	for index := 0; index < len(section.Content); index += 2 {
		key, value := section.Content[index], section.Content[index+1]
		one := &entry{path: prefix + key.Value, value: value}
		if err := one.readComment(key.HeadComment); err != nil {
			return nil, fmt.Errorf("values.yaml: %s: %w", one.path, err)
		}
		if one.isSection() {
			children, err := readSection(value, one.path+".")
			if err != nil {
				return nil, err
			}
			one.children = children
		}
		entries = append(entries, one)
	}
	return entries, nil
}

func (one *entry) readComment(comment string) error {
	// What stands above a blank line is about the file.
	blocks := strings.Split(comment, "\n\n")
	lines := strings.Split(blocks[len(blocks)-1], "\n")
	if title, found := strings.CutPrefix(lines[0], "## "); found {
		one.heading = title
		lines = lines[1:]
	}
	var words []string
	for _, line := range lines {
		words = append(words, strings.Fields(strings.TrimPrefix(line, "#"))...)
	}
	text := strings.Join(words, " ")
	kind, text, found := strings.Cut(strings.TrimPrefix(text, "["), "] ")
	if !found || !strings.HasPrefix(strings.Join(words, " "), "[") {
		return fmt.Errorf("the comment does not begin with a kind in brackets: %q", comment)
	}
	if _, known := kinds[kind]; !known {
		return fmt.Errorf("unknown kind %q", kind)
	}
	one.kind, one.text = kind, text
	return nil
}

// walk calls do for every entry, sections before what they hold.
func walk(entries []*entry, do func(*entry)) {
	for _, one := range entries {
		do(one)
		walk(one.children, do)
	}
}

// Defaults returns the default of every value that is no section, by its path.
func Defaults() (map[string]any, error) {
	text, err := os.ReadFile(filepath.Join(chart.Folder(), "values.yaml"))
	if err != nil {
		return nil, err
	}
	entries, err := readValues(text)
	if err != nil {
		return nil, err
	}
	defaults := map[string]any{}
	walk(entries, func(one *entry) {
		if one.isSection() || err != nil {
			return
		}
		var value any
		err = one.value.Decode(&value)
		defaults[one.path] = value
	})
	return defaults, err
}
