package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"
)

// Case is a template and what Go made of it. Exactly one of Output, Output64 and Error is set in a recorded case.
type Case struct {
	// Entry is the name of the entry, "t" when absent.
	Entry    string `json:"entry,omitempty"`
	Template string `json:"template"`
	// Data are the items; without Data and Data64 they are those of data.json.
	Data     map[string]string `json:"data,omitzero"`
	Data64   map[string][]byte `json:"data64,omitzero"`
	Output   *string           `json:"output,omitempty"`
	Output64 []byte            `json:"output64,omitempty"`
	// Error is the text of the error, up to `error calling f`.
	Error *string `json:"error,omitempty"`
	// Bound says that ours must refuse what Go may render, at whatever length: it goes past a limit of ours.
	Bound bool `json:"bound,omitempty"`
}

// Answer is the case with Go's answer of today. A function that never returns is not caught here.
func (c Case) Answer(usual map[string]string) (Case, error) {
	if c.Bound {
		return c, nil
	}
	entry, data := c.Entry, usual
	if entry == "" {
		entry = "t"
	}
	if c.Data != nil || c.Data64 != nil || usual == nil {
		data = map[string]string{}
		for name, value := range c.Data {
			data[name] = value
		}
		for name, value := range c.Data64 {
			data[name] = string(value)
		}
	}
	output, err := render(entry, c.Template, data)
	c.Output, c.Output64, c.Error = nil, nil, nil
	switch {
	case err != nil:
		text := comparable(err.Error())
		c.Error = &text
	case utf8.Valid(output):
		text := string(output)
		c.Output = &text
	default:
		c.Output64 = output
	}
	return c, nil
}

func usualData(folder string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(folder, "data.json"))
	if err != nil {
		return nil, err
	}
	encoded := map[string][]byte{}
	if err := json.Unmarshal(text, &encoded); err != nil {
		return nil, err
	}
	data := map[string]string{}
	for name, value := range encoded {
		data[name] = string(value)
	}
	return data, nil
}

func record(path string) error {
	recorded, err := answers(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, recorded, 0o644)
}

func check(path string) error {
	today, err := answers(path)
	if err != nil {
		return err
	}
	recorded, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	was, is := bytes.Split(recorded, []byte("\n")), bytes.Split(today, []byte("\n"))
	differences := 0
	for number := range is {
		if number >= len(was) || !bytes.Equal(was[number], is[number]) {
			differences++
			fmt.Printf("%s:%d: today %s\n", path, number+1, is[number])
		}
	}
	if differences > 0 {
		return fmt.Errorf("%d recorded answers are not today's", differences)
	}
	return nil
}

// answers are the lines of a corpus file with the answers of today.
func answers(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	usual, err := usualData(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	encoder := json.NewEncoder(&output)
	encoder.SetEscapeHTML(false)
	for number, line := range bytes.Split(text, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var c Case
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&c); err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		answer, err := c.Answer(usual)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number+1, err)
		}
		if err := encoder.Encode(answer); err != nil {
			return nil, err
		}
	}
	return output.Bytes(), nil
}
