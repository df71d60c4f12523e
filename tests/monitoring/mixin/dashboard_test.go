package mixin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What Grafana reads of a dashboard of this schema version; a misspelt field would be ignored there without a word.
func TestTheDashboardHasTheFormThatGrafanaLoads(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/dashboard.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range load(t, "").Dashboards {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, broken := range []string{
		`{}`, `{"title": "x", "uid": "y", "schemaVersion": 39, "panels": [{}], "templating": {"list": []}}`,
	} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(broken)))
		if err != nil || schema.Validate(value) == nil {
			t.Errorf("accepted: %s %v", broken, err)
		}
	}
}

func TestPanelsHaveNumbersOfTheirOwnAndDoNotOverlap(t *testing.T) {
	for name, text := range load(t, "").Dashboards {
		var dashboard struct {
			Title, UID string
			Panels     []struct {
				ID      int
				Title   string
				GridPos struct{ X, Y, W, H int }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(err)
		}
		if dashboard.UID != "UuEtZCVWz" || dashboard.Title != "Sealed Secrets Controller" {
			t.Errorf("%s: links to the dashboard of the original break: %s %s", name, dashboard.UID, dashboard.Title)
		}
		taken := map[string]string{}
		take := func(place, title string) {
			if other, is := taken[place]; is {
				t.Errorf("%s: %s and %s share %s", name, title, other, place)
			}
			taken[place] = title
		}
		for _, panel := range dashboard.Panels {
			take(fmt.Sprintf("number %d", panel.ID), panel.Title)
			place := panel.GridPos
			if place.X+place.W > 24 {
				t.Errorf("%s: %s is wider than the page", name, panel.Title)
			}
			for x := place.X; x < place.X+place.W; x++ {
				for y := place.Y; y < place.Y+place.H; y++ {
					take(fmt.Sprintf("cell %d/%d", x, y), panel.Title)
				}
			}
		}
	}
}
