// Command manifests writes every generated file of manifests/, or with -check says which of them are out of date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/chart/published"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a file differs")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintf(os.Stderr, "manifests: %v\n", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	files, err := published.Files()
	if err != nil {
		return err
	}
	var stale []string
	for name, content := range files {
		path := filepath.Join(chart.Root(), name)
		present, err := os.ReadFile(path)
		if err == nil && bytes.Equal(present, content) {
			continue
		}
		stale = append(stale, name)
		if check {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o666); err != nil {
			return err
		}
	}
	slices.Sort(stale)
	if check && len(stale) > 0 {
		return fmt.Errorf("out of date: %v\nhint: run `make manifests` and commit what it writes", stale)
	}
	for _, name := range stale {
		fmt.Println(name)
	}
	return nil
}
