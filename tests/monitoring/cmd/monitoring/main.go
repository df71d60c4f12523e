// Command monitoring writes every file that is made from manifests/monitoring, or with -check says which are out of date.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sealed-secrets/tests/monitoring/mixin"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a file differs")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintf(os.Stderr, "monitoring: %v\n", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	files, err := mixin.Files()
	if err != nil {
		return err
	}
	var stale []string
	for name, content := range files {
		path := filepath.Join(mixin.Root(), name)
		if present, err := os.ReadFile(path); err == nil && bytes.Equal(present, content) {
			continue
		}
		stale = append(stale, name)
		if !check {
			if err := os.WriteFile(path, content, 0o666); err != nil {
				return err
			}
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
