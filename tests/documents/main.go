// Command documents answers what the YAML reader of the reference makes of a document: the oracle of our own reader.
//
//	documents serve   one JSON string per line on standard input, one answer per line on standard output:
//	                  {"value": …} or {"error": "…"}
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

// answer is a document as JSON, or why it is none.
type answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

func main() {
	if len(os.Args) != 2 || os.Args[1] != "serve" {
		fmt.Fprintln(os.Stderr, "documents: usage: documents serve")
		os.Exit(1)
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, "documents:", err)
		os.Exit(1)
	}
}

// serve answers until the input ends. Each answer is flushed: the other side waits for it.
func serve() error {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 16<<20)
	output := json.NewEncoder(os.Stdout)
	for input.Scan() {
		var text string
		if err := json.Unmarshal(input.Bytes(), &text); err != nil {
			return err
		}
		value, err := yaml.YAMLToJSON([]byte(text))
		given := answer{Value: value}
		if err != nil {
			given = answer{Error: err.Error()}
		}
		if err := output.Encode(given); err != nil {
			return err
		}
	}
	return input.Err()
}
