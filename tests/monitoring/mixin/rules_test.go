package mixin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	yaml "go.yaml.in/yaml/v3"
)

func TestTheRulesDoWhatTheirTableSays(t *testing.T) {
	promtool := os.Getenv("PROMTOOL")
	if promtool == "" {
		t.Fatal("PROMTOOL is not set; run these tests with `make monitoring`")
	}
	rules := filepath.Join(Folder(), "alerts.yaml")
	for _, args := range [][]string{
		{"check", "rules", "--lint=all", "--lint-fatal", rules},
		{"test", "rules", "testdata/alerts.yaml"},
	} {
		output, err := exec.Command(promtool, args...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
}

func TestEveryAlertIsSeenFiringAndSilent(t *testing.T) {
	text, err := os.ReadFile("testdata/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Tests []struct {
			Rules []struct {
				Name   string           `yaml:"alertname"`
				Alerts []map[string]any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal(text, &table); err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, test := range table.Tests {
		for _, rule := range test.Rules {
			if len(rule.Alerts) > 0 {
				fires[rule.Name] = true
			} else {
				silent[rule.Name] = true
			}
		}
	}
	for _, rule := range load(t, "").Alerts.Groups[0].Rules {
		if !fires[rule.Alert] || !silent[rule.Alert] {
			t.Errorf("%s: firing %v, silent %v", rule.Alert, fires[rule.Alert], silent[rule.Alert])
		}
	}
}

// Users of the original have silences, routes and inhibitions by this name and these labels.
func TestTheAlertOfTheOriginalStaysAsItWas(t *testing.T) {
	group := load(t, "").Alerts.Groups[0]
	rule := group.Rules[0]
	if group.Name != "sealed-secrets" || rule.Alert != "SealedSecretsUnsealErrorHigh" || rule.For != "" ||
		rule.Expr != "sum by (reason, namespace) (rate(sealed_secrets_controller_unseal_errors_total{}[5m])) > 0" ||
		len(rule.Labels) != 1 || rule.Labels["severity"] != "warning" || !strings.Contains(rule.Annotations["description"], "$labels.namespace") {
		t.Errorf("%+v", rule)
	}
}
