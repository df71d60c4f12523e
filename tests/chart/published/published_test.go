package published

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sealed-secrets/tests/made"
)

func TestGeneratedFilesAreUpToDate(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 8 {
		t.Errorf("only %d files", len(files))
	}
	for name, content := range files {
		present, err := os.ReadFile(filepath.Join(made.Root(), name))
		if err != nil || string(present) != string(content) {
			t.Errorf("%s is out of date (%v); run: make manifests", name, err)
		}
	}
}

func TestEveryRuleOfTheRolesHasItsReason(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(made.Root(), "manifests", "rbac.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	rules := 0
	lines := strings.Split(string(text), "\n")
	for number, line := range lines {
		if !strings.HasPrefix(line, "- apiGroups:") {
			continue
		}
		rules++
		if !strings.HasPrefix(lines[number-1], "# ") {
			t.Errorf("line %d of rbac.yaml: no reason above %s", number+1, lines[number+1])
		}
	}
	if rules != 10 {
		t.Errorf("%d rules", rules)
	}
}

func TestAValueThatIsNotExplainedIsRefused(t *testing.T) {
	for text, says := range map[string]string{
		"a: 1\n":                         "a: the comment does not begin with a kind",
		"# Text.\na: 1\n":                "a: the comment does not begin with a kind",
		"# [word] Text.\na: 1\n":         `a: unknown kind "word"`,
		"# [section] S.\na:\n  b: 1\n":   "a.b: the comment does not begin with a kind",
		"# [text] A.\n# [text] B.\na: [": "values.yaml",
	} {
		if _, err := readValues([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
	entries, err := readValues([]byte("# About the file.\n\n## Names\n# [text] One\n# thing.\na: x\n"))
	if err != nil || entries[0].heading != "Names" || entries[0].text != "One thing." || entries[0].kind != "text" {
		t.Errorf("%+v %v", entries[0], err)
	}
}
