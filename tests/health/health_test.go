package health

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// wanted is the last column of the table in which the conditions are laid down, and the states between two attempts.
// What Argo CD says of a change that nobody has looked at yet is the reference's verdict and ours for about a second.
var wanted = map[string]Verdict{
	"success":            {"Healthy", "Current"},
	"unopened":           {"Degraded", "Failed"},
	"refused":            {"Degraded", "Failed"},
	"invalid":            {"Degraded", "Failed"},
	"immutable":          {"Degraded", "Failed"},
	"out of quota":       {"Degraded", "InProgress"},
	"pending":            {"Progressing", "InProgress"},
	"ahead of a success": {"Healthy", "InProgress"},
	"ahead of a failure": {"Degraded", "InProgress"},
	"new":                {"Progressing", "Current"},
	"deleted":            {"Progressing", "Terminating"},
}

// recorded are objects as the controller left them on a real API server.
func recorded(t *testing.T) map[string]map[string]any {
	t.Helper()
	text, err := os.ReadFile("statuses.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	objects := map[string]map[string]any{}
	for row, text := range raw {
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(text); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		objects[row] = object.Object
	}
	return objects
}

func TestEveryRecordedStatusGetsTheVerdictOfTheTable(t *testing.T) {
	objects := recorded(t)
	if rows, want := slices.Sorted(maps.Keys(objects)), slices.Sorted(maps.Keys(wanted)); !slices.Equal(rows, want) {
		t.Fatalf("recorded are %q, judged would be %q", rows, want)
	}
	for row, object := range objects {
		verdict, err := Judge(object)
		if err != nil {
			t.Errorf("%s: %v", row, err)
		} else if verdict != wanted[row] {
			t.Errorf("%s: %+v, want %+v", row, verdict, wanted[row])
		}
	}
}

// What the reference writes: without our two conditions kstatus calls a failure current, which is why they are there.
func TestWithoutOurConditionsAFailureLooksCurrent(t *testing.T) {
	object := recorded(t)["unopened"]
	conditions, _, err := unstructured.NestedSlice(object, "status", "conditions")
	if err != nil {
		t.Fatal(err)
	}
	if err := unstructured.SetNestedSlice(object, conditions[:1], "status", "conditions"); err != nil {
		t.Fatal(err)
	}
	verdict, err := Judge(object)
	if err != nil || verdict != (Verdict{"Degraded", "Current"}) {
		t.Errorf("%+v, %v", verdict, err)
	}
}
