package mixin

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Labels that Prometheus gives to whatever it scrapes.
var ofTheTarget = []string{"namespace", "pod", "job", "instance"}

type query struct {
	where string
	expr  parser.Expr
}

// queries are those of all alerts and of all panels.
func queries(t *testing.T, mixin *Mixin) []query {
	t.Helper()
	var found []query
	add := func(where, text string) {
		text = strings.NewReplacer("$__rate_interval", "5m", "$pod", "any").Replace(text)
		expr, err := parser.ParseExpr(text)
		if err != nil {
			t.Fatalf("%s: %v\n%s", where, err, text)
		}
		found = append(found, query{where, expr})
	}
	for _, group := range mixin.Alerts.Groups {
		for _, rule := range group.Rules {
			add("alert "+rule.Alert, rule.Expr)
		}
	}
	for name, text := range mixin.Dashboards {
		var dashboard struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(err)
		}
		for _, panel := range dashboard.Panels {
			for _, target := range panel.Targets {
				add(name+", panel "+panel.Title, target.Expr)
			}
		}
	}
	return found
}

func load(t *testing.T, change string) *Mixin {
	t.Helper()
	mixin, err := Load(change)
	if err != nil {
		t.Fatal(err)
	}
	return mixin
}

// The series are those that a running controller exposes: an end-to-end test compares docs/metrics.md with one.
func TestEveryQueryNamesExistingSeriesAndLabels(t *testing.T) {
	exposed, err := Exposed()
	if err != nil {
		t.Fatal(err)
	}
	all := queries(t, load(t, ""))
	if len(all) < 20 {
		t.Fatalf("only %d queries", len(all))
	}
	for _, query := range all {
		known := slices.Clone(ofTheTarget)
		count := 0
		parser.Inspect(query.expr, func(node parser.Node, _ []parser.Node) error {
			selector, is := node.(*parser.VectorSelector)
			if !is {
				return nil
			}
			count++
			names, is := exposed[selector.Name]
			if !is {
				t.Errorf("%s: there is no series %s", query.where, selector.Name)
			}
			known = append(known, names...)
			for _, matcher := range selector.LabelMatchers {
				if !slices.Contains(append(names, ofTheTarget...), matcher.Name) && matcher.Name != labels.MetricName {
					t.Errorf("%s: %s has no label %s", query.where, selector.Name, matcher.Name)
				}
			}
			return nil
		})
		if count == 0 {
			t.Errorf("%s: no series at all", query.where)
		}
		for _, name := range groupings(query.expr) {
			if !slices.Contains(known, name) {
				t.Errorf("%s: nothing has the label %s", query.where, name)
			}
		}
	}
}

// groupings are the labels that a query groups or joins by.
func groupings(expr parser.Expr) []string {
	var names []string
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch node := node.(type) {
		case *parser.AggregateExpr:
			names = append(names, node.Grouping...)
		case *parser.BinaryExpr:
			if node.VectorMatching != nil {
				names = append(names, node.VectorMatching.MatchingLabels...)
			}
		}
		return nil
	})
	return names
}

func TestTheSelectorReachesEverySeriesOfTheAlerts(t *testing.T) {
	mixin := load(t, `{ _config+:: { selector: 'cluster="a"', severity: 'page', runbookBase: 'https://example.com/#' } }`)
	mixin.Dashboards = nil
	for _, query := range queries(t, mixin) {
		parser.Inspect(query.expr, func(node parser.Node, _ []parser.Node) error {
			selector, is := node.(*parser.VectorSelector)
			if is && !slices.ContainsFunc(selector.LabelMatchers, func(matcher *labels.Matcher) bool { return matcher.Name == "cluster" }) {
				t.Errorf("%s: %s is not selected", query.where, selector.Name)
			}
			return nil
		})
	}
	for _, rule := range mixin.Alerts.Groups[0].Rules {
		if rule.Labels["severity"] != "page" || !strings.HasPrefix(rule.Annotations["runbook_url"], "https://example.com/#sealedsecrets") {
			t.Errorf("%s: %v %v", rule.Alert, rule.Labels, rule.Annotations)
		}
	}
}
