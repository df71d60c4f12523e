// Command templates answers what Go's text/template with Sprig makes of a template: the oracle of our own engine.
//
//	templates serve                   one JSON request per line on standard input, one answer per line on standard output
//	templates record corpus/*.jsonl   fills the answers into recorded cases, in place
//	templates check corpus/*.jsonl    fails when a recorded answer is not today's
//	templates eval '{{ 1 }}'          prints one answer, with the full text of an error
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fail("usage: templates serve | record FILE… | check FILE… | eval TEMPLATE")
	}
	var err error
	switch arguments := os.Args[2:]; os.Args[1] {
	case "serve":
		err = serve()
	case "record":
		err = eachFile(arguments, record)
	case "check":
		err = eachFile(arguments, check)
	case "eval":
		err = eval(arguments)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		fail(err)
	}
}

func fail(message any) {
	fmt.Fprintln(os.Stderr, "templates:", message)
	os.Exit(1)
}

// patience is how long a template may take.
const patience = 3 * time.Second

// serve answers requests until the input ends. Each answer is flushed: the other side waits for it.
func serve() error {
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 16<<20)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for input.Scan() {
		var request Case
		if err := json.Unmarshal(input.Bytes(), &request); err != nil {
			return err
		}
		// Some templates never end, and a goroutine cannot be stopped: whoever asked starts another process.
		timeout := time.AfterFunc(patience, func() { fail("no answer in time") })
		answer, err := request.Answer(nil)
		timeout.Stop()
		if err != nil {
			return err
		}
		if err := output.Encode(answer); err != nil {
			return err
		}
	}
	return input.Err()
}

func eval(templates []string) error {
	data, err := usualData("corpus")
	if err != nil {
		return err
	}
	for _, text := range templates {
		output, err := render("t", text, data)
		if err != nil {
			fmt.Println("ERROR", err)
			continue
		}
		fmt.Printf("%s\n", output)
	}
	return nil
}

func eachFile(paths []string, do func(path string) error) error {
	for _, path := range paths {
		if err := do(path); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}
