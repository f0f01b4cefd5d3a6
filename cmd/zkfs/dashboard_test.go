package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/zkfs/zkfs/zk"
)

// The dashboard shows metrics that exist.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../contrib/grafana/zkfs.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil || len(dashboard.Panels) == 0 {
		t.Fatalf("%d panels, %v", len(dashboard.Panels), err)
	}
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s: no target", p.Title)
		}
		for _, target := range p.Targets {
			checkMetrics(t, p.Title, target.Expr)
		}
	}
}

// The alerts are about metrics that exist, and states that do.
func TestAlerts(t *testing.T) {
	text, err := os.ReadFile("../../contrib/prometheus/zkfs.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	rules := regexp.MustCompile(`(?m)^ +expr: (.*)$`).FindAllStringSubmatch(string(text), -1)
	if len(rules) < 5 {
		t.Errorf("found %d rules", len(rules))
	}
	for _, rule := range rules {
		checkMetrics(t, rule[1], rule[1])
	}
	if state := zk.StateAuthFailed.String(); !strings.Contains(string(text), `state="`+state+`"`) {
		t.Errorf("there is no rule for %s", state)
	}
}

var metricName = regexp.MustCompile(`zkfs_\w+`)

// checkMetrics fails the test if an expression has a metric that does not exist.
func checkMetrics(t *testing.T, where, expr string) {
	t.Helper()
	for _, metric := range metricName.FindAllString(expr, -1) {
		metric = strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_count")
		if !slices.ContainsFunc(descs, func(d *desc) bool { return d.name == metric }) {
			t.Errorf("%s: there is no metric %s", where, metric)
		}
	}
}
