// Package made keeps files that are made from others up to date.
package made

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Root is the top folder of the repository.
func Root() string {
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "Makefile")); missing == nil {
			return folder
		}
		if filepath.Dir(folder) == folder {
			break
		}
		folder = filepath.Dir(folder)
	}
	return "."
}

// Main is the whole of a program that writes such files, given by their paths from the top folder, and prints what it wrote;
// with -check it says which of them are out of date.
func Main(program string, files func() (map[string][]byte, error)) {
	check := flag.Bool("check", false, "write nothing; fail when a file differs")
	flag.Parse()
	if err := run(*check, files); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", program, err)
		os.Exit(1)
	}
}

func run(check bool, files func() (map[string][]byte, error)) error {
	all, err := files()
	if err != nil {
		return err
	}
	var stale []string
	for name, content := range all {
		path := filepath.Join(Root(), name)
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
