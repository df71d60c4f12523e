package main

import (
	"bytes"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// functions are Sprig's, without those that show the controller's environment and network.
var functions = func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for _, removed := range []string{"env", "expandenv", "getHostByName"} {
		delete(all, removed)
	}
	return all
}()

// render does what the reference does with one entry of spec.template.data.
func render(entry, text string, data map[string]string) ([]byte, error) {
	parsed, err := template.New(entry).Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	if err := parsed.Execute(&output, data); err != nil {
		return nil, err
	}
	return output.Bytes(), nil
}

// comparable cuts an error's text after `error calling f`: what follows are the function's own words.
func comparable(text string) string {
	before, after, found := strings.Cut(text, ": error calling ")
	if !found {
		return text
	}
	name, _, _ := strings.Cut(after, ": ")
	return before + ": error calling " + name
}
