// Package matrix renders the chart for tables of values.
package matrix

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pmezard/go-difflib/difflib"
	yaml "go.yaml.in/yaml/v3"
	helm "helm.sh/helm/v3/pkg/chart"

	"sealed-secrets/tests/chart/chart"
	"sealed-secrets/tests/chart/published"
)

var record = flag.Bool("record", false, "write what is rendered instead of comparing with it")

//go:embed refused.yaml
var refused []byte

//go:embed lenient.yaml
var lenient []byte

func TestEveryCaseRendersWhatIsRecorded(t *testing.T) {
	standard := manifest(t, chart.Release{Namespace: "tools"}, nil)
	wanted := map[string]string{"default.yaml": standard}
	for _, one := range readCases(t) {
		wanted[one.Name+".diff"] = changes(standard, manifest(t, one.Release(), one.Values))
	}
	if *record {
		if err := os.RemoveAll("recorded"); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll("recorded", 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range wanted {
		path := filepath.Join("recorded", name)
		if *record {
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		recorded, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("%v; record it with: make chart-record", err)
		} else if text != string(recorded) {
			t.Errorf("%s: rendered otherwise than recorded; if that is meant, run: make chart-record\n%s", name, difference(string(recorded), text))
		}
	}
	files, err := os.ReadDir("recorded")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if _, found := wanted[file.Name()]; !found {
			t.Errorf("recorded/%s belongs to no case", file.Name())
		}
	}
}

func TestEveryValueHasACaseWithAnotherThanItsDefault(t *testing.T) {
	defaults, err := published.Defaults()
	if err != nil {
		t.Fatal(err)
	}
	if len(defaults) < 140 {
		t.Fatalf("only %d values were found", len(defaults))
	}
	cases := readCases(t)
	for path, standard := range defaults {
		varied := slices.ContainsFunc(cases, func(one Case) bool {
			given, found := lookUp(one.Values, path)
			return found && !reflect.DeepEqual(given, standard)
		})
		if !varied {
			t.Errorf("no case sets %s to another than its default", path)
		}
	}
}

// A case may show that a value does nothing; then its name says so.
func TestACaseThatChangesNothingIsMeantTo(t *testing.T) {
	idle := []string{"numbers-that-count-as-empty", "no-pod-security-policy"}
	for _, one := range readCases(t) {
		text, err := os.ReadFile(filepath.Join("recorded", one.Name+".diff"))
		if err != nil {
			t.Fatal(err)
		}
		if unchanged := len(text) == 0; unchanged != slices.Contains(idle, one.Name) {
			t.Errorf("%s: changes nothing: %v", one.Name, unchanged)
		}
	}
}

func TestWrongValuesAreRefusedWithAMessageThatHelps(t *testing.T) {
	var cases []struct {
		Values chart.Values
		Says   []string
	}
	read(t, refused, &cases)
	for _, one := range cases {
		_, err := chart.Render(chart.Release{}, one.Values)
		if err == nil {
			t.Errorf("%v must be refused", one.Values)
			continue
		}
		for _, part := range one.Says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%v: the message does not contain %q:\n%v", one.Values, part, err)
			}
		}
	}
}

func TestOldAndOddValuesRenderAsTheirPlainForm(t *testing.T) {
	var cases []struct {
		Values chart.Values
		Like   chart.Values
		Notes  []string
	}
	read(t, lenient, &cases)
	for _, one := range cases {
		given := render(t, chart.Release{}, copyOf(t, one.Values))
		plain := manifest(t, chart.Release{}, copyOf(t, one.Like))
		text, err := given.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if text != plain {
			t.Errorf("%v: not as %v:\n%s", one.Values, one.Like, difference(plain, text))
		}
		_, warnings, warned := strings.Cut(given.Notes, "WARNING: some values have no effect:\n\n")
		if warned != (len(one.Notes) > 0) {
			t.Errorf("%v: NOTES.txt says %q", one.Values, warnings)
		}
		for _, line := range one.Notes {
			if !strings.Contains(warnings+"\n", line) {
				t.Errorf("%v: NOTES.txt does not say %q but\n%s", one.Values, line, warnings)
			}
		}
		if warned && strings.Count(warnings, "\n- ")+1 != len(one.Notes) {
			t.Errorf("%v: NOTES.txt says more than is expected:\n%s", one.Values, warnings)
		}
	}
}

func TestTheValuesInTheReadmeRenderAndDoSomething(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(chart.Folder(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	standard := manifest(t, chart.Release{}, nil)
	blocks := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 6 {
		t.Errorf("only %d examples", len(blocks))
	}
	for _, block := range blocks {
		values, err := chart.ReadValues([]byte(block[1]))
		if err != nil {
			t.Fatalf("%v in:\n%s", err, block[1])
		}
		given := render(t, chart.Release{}, values)
		if strings.Contains(given.Notes, "WARNING") {
			t.Errorf("some of these have no effect:\n%s%s", block[1], given.Notes)
		}
		text, err := given.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if text == standard {
			t.Errorf("changes nothing:\n%s", block[1])
		}
	}
}

func TestNotesNameTheControllerAsKubesealMustKnowIt(t *testing.T) {
	for _, one := range []struct {
		release chart.Release
		values  chart.Values
		says    string
	}{
		{chart.Release{}, chart.Values{"fullnameOverride": "sealed-secrets-controller"}, "kubeseal --fetch-cert"},
		{chart.Release{}, nil, "kubeseal --controller-name sealed-secrets --fetch-cert"},
		{chart.Release{Namespace: "tools"}, nil, "kubeseal --controller-name sealed-secrets --controller-namespace tools --fetch-cert"},
		{chart.Release{IsUpgrade: true}, nil, "kubectl apply --server-side --force-conflicts -f crds/"},
		{chart.Release{}, chart.Values{"rbac": chart.Values{"serviceProxier": chart.Values{"bind": false}}}, "lets nobody reach the controller"},
		{chart.Release{}, chart.Values{"replicas": 2, "rbac": chart.Values{"create": false}}, "need permission on leases"},
	} {
		if notes := render(t, one.release, one.values).Notes; !strings.Contains(notes, one.says) {
			t.Errorf("%v %v: NOTES.txt does not say %q:\n%s", one.release, one.values, one.says, notes)
		}
	}
}

func TestAReleaseIsNamedAsTheOriginalWouldNameIt(t *testing.T) {
	long := strings.Repeat("x", 60)
	for _, one := range []struct{ release, override, full, want string }{
		{"sealed-secrets", "", "", "sealed-secrets"},
		{"my-sealed-secrets-2", "", "", "my-sealed-secrets-2"},
		{"vault", "", "", "vault-sealed-secrets"},
		{"vault", "seal", "", "vault-seal"},
		{"vault", "", "mine", "mine"},
		{"vault", "", long + "-yy-zz", long + "-yy"},
		{"a", long + "x", "", "a-" + long + "x"},
	} {
		objects, err := render(t, chart.Release{Name: one.release}, chart.Values{"nameOverride": one.override, "fullnameOverride": one.full}).Objects()
		if err != nil {
			t.Fatal(err)
		}
		if chart.Find(objects, "Deployment", one.want) == nil {
			t.Errorf("%+v: no Deployment of that name", one)
		}
	}
}

func TestTheServiceMonitorSelectsTheServiceOfTheMetricsAlone(t *testing.T) {
	objects, err := render(t, chart.Release{}, chart.Values{"metrics": chart.Values{"serviceMonitor": chart.Values{"enabled": true}}}).Objects()
	if err != nil {
		t.Fatal(err)
	}
	monitor := chart.Find(objects, "ServiceMonitor", "sealed-secrets")
	selector, _ := chart.At(monitor, "spec", "selector", "matchLabels").(map[string]any)
	var selected []string
	for _, object := range objects {
		matches := object["kind"] == "Service"
		for label, value := range selector {
			matches = matches && chart.At(object, "metadata", "labels", label) == value
		}
		if matches {
			selected = append(selected, chart.Text(object, "metadata", "name")+":"+chart.Text(object, "spec", "ports", 0, "name"))
		}
	}
	if want := []string{"sealed-secrets-metrics:" + chart.Text(monitor, "spec", "endpoints", 0, "port")}; !slices.Equal(selected, want) {
		t.Errorf("selected: %v, not %v", selected, want)
	}
}

func TestDashboardsAreJSON(t *testing.T) {
	objects, err := render(t, chart.Release{}, chart.Values{"metrics": chart.Values{"dashboards": chart.Values{"create": true}}}).Objects()
	if err != nil {
		t.Fatal(err)
	}
	found := chart.Find(objects, "ConfigMap", "sealed-secrets-sealed-secrets-controller")
	var dashboard struct{ Title, UID string }
	if err := json.Unmarshal([]byte(chart.Text(found, "data", "sealed-secrets-controller.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.Title != "Sealed Secrets Controller" || dashboard.UID != "UuEtZCVWz" {
		t.Errorf("%+v", dashboard)
	}
}

// As a part of another chart it has `global`, and values below its own name.
func TestAsAPartOfAnotherChartItRendersTheSame(t *testing.T) {
	values := chart.Values{"networkPolicy": false, "resources": nil, "rbac": nil, "containerSecurityContext": chart.Values{"runAsUser": nil}}
	alone := manifest(t, chart.Release{}, chart.Values{"containerSecurityContext": chart.Values{"runAsUser": nil}})
	part, err := chart.Load()
	if err != nil {
		t.Fatal(err)
	}
	whole := &helm.Chart{Metadata: &helm.Metadata{
		APIVersion: "v2", Name: "platform", Version: "1.0.0", Dependencies: []*helm.Dependency{{Name: "sealed-secrets", Version: "*"}},
	}}
	whole.AddDependency(part)
	rendered, err := chart.RenderChart(whole, chart.Release{}, chart.Values{"global": chart.Values{"any": "thing"}, "sealed-secrets": values})
	if err != nil {
		t.Fatal(err)
	}
	text, err := rendered.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if text != alone {
		t.Error(difference(alone, text))
	}
}

// Whoever pins the original's image runs it with these arguments, and an unknown flag ends it.
func TestDefaultArgumentsAreThoseOfTheOriginal(t *testing.T) {
	objects, err := render(t, chart.Release{}, nil).Objects()
	if err != nil {
		t.Fatal(err)
	}
	deployment := chart.Find(objects, "Deployment", "sealed-secrets")
	container := chart.At(deployment, "spec", "template", "spec", "containers", 0)
	want := []any{"--update-status", "--key-prefix", "sealed-secrets-key", "--listen-addr", ":8080", "--listen-metrics-addr", ":8081"}
	if args := chart.At(container, "args"); !reflect.DeepEqual(args, want) {
		t.Errorf("arguments: %v", args)
	}
	if command := chart.At(container, "command"); !reflect.DeepEqual(command, []any{"controller"}) {
		t.Errorf("command: %v", command)
	}
}

// manifest is what is rendered, without what random numbers decide.
func manifest(t *testing.T, release chart.Release, values chart.Values) string {
	t.Helper()
	text, err := render(t, release, values).Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return madeUp.ReplaceAllString(text, "$1 <made at random>")
}

var madeUp = regexp.MustCompile(`((?:ca|tls)\.(?:crt|key):) "?[A-Za-z0-9+/=]{200,}"?`)

func render(t *testing.T, release chart.Release, values chart.Values) *chart.Rendered {
	t.Helper()
	rendered, err := chart.Render(release, values)
	if err != nil {
		t.Fatalf("%v: %v", values, err)
	}
	return rendered
}

func readCases(t *testing.T) []Case {
	t.Helper()
	cases, err := Cases()
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func read(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// copyOf is a copy: Helm changes what it is given.
func copyOf(t *testing.T, values chart.Values) chart.Values {
	t.Helper()
	text, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	var result chart.Values
	read(t, text, &result)
	return result
}

func lookUp(values chart.Values, path string) (any, bool) {
	steps := strings.Split(path, ".")
	for _, step := range steps[:len(steps)-1] {
		section, isSection := values[step].(map[string]any)
		if !isSection {
			return nil, false
		}
		values = section
	}
	value, found := values[steps[len(steps)-1]]
	return value, found
}

// changes says object by object what differs, in the order of the new objects and then of those that are gone.
func changes(old, new string) string {
	before, after := byName(old), byName(new)
	var text strings.Builder
	for _, name := range after.names {
		was, found := before.texts[name]
		switch now := after.texts[name]; {
		case !found:
			fmt.Fprintf(&text, "new %s\n%s\n", name, now)
		case was != now:
			fmt.Fprintf(&text, "changed %s\n%s\n", name, withoutLineNumbers(difference(was, now)))
		}
	}
	for _, name := range before.names {
		if _, found := after.texts[name]; !found {
			fmt.Fprintf(&text, "gone %s\n", name)
		}
	}
	return text.String()
}

type named struct {
	names []string
	texts map[string]string
}

// byName splits a manifest into its objects. Objects of one kind and name are told apart by their number.
func byName(manifest string) named {
	result := named{texts: map[string]string{}}
	for _, text := range strings.Split(manifest, "---\n") {
		kind, name := firstField(text, "kind: "), firstField(text, "name: ")
		if kind == "" {
			continue
		}
		full := kind + " " + name
		for number := 2; slices.Contains(result.names, full); number++ {
			full = fmt.Sprintf("%s %s (%d)", kind, name, number)
		}
		result.names = append(result.names, full)
		result.texts[full] = text
	}
	return result
}

func firstField(text, field string) string {
	_, rest, _ := strings.Cut(text, field)
	value, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(value, `"'`)
}

// withoutLineNumbers drops the numbers, which a change elsewhere would change.
func withoutLineNumbers(changes string) string {
	lines := strings.SplitAfter(changes, "\n")
	var kept []string
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "@@ "):
			kept = append(kept, "@@\n")
		default:
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

func difference(old, new string) string {
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(old), B: difflib.SplitLines(new), Context: 2})
	if err != nil {
		return fmt.Sprint(err)
	}
	return text
}
