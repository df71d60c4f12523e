package mixin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sealed-secrets/tests/made"
)

// Family is one row of the table in docs/metrics.md, which an end-to-end test compares with what a running controller
// exposes.
type Family struct {
	Name   string
	Kind   string
	Labels []string
}

// Exposed returns the series that a controller exposes and the labels of each.
func Exposed() (map[string][]string, error) {
	families, err := readTable(filepath.Join(made.Root(), "docs", "metrics.md"))
	series := map[string][]string{}
	for _, family := range families {
		if family.Kind != "histogram" {
			series[family.Name] = family.Labels
			continue
		}
		series[family.Name+"_bucket"] = append([]string{"le"}, family.Labels...)
		series[family.Name+"_sum"] = family.Labels
		series[family.Name+"_count"] = family.Labels
	}
	return series, err
}

func readTable(path string) ([]Family, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var families []Family
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cells := strings.Split(line, "|")
		if len(cells) < 6 {
			return nil, fmt.Errorf("%s: a row of less than four cells: %s", path, line)
		}
		families = append(families, Family{
			Name:   strings.Trim(cells[1], " `"),
			Kind:   strings.TrimSpace(cells[2]),
			Labels: strings.Fields(strings.ReplaceAll(cells[3], "`", "")),
		})
	}
	return families, nil
}
