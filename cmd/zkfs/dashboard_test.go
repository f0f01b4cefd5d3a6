package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
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
	name := regexp.MustCompile(`zkfs_\w+`)
	for _, p := range dashboard.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("%s: no target", p.Title)
		}
		for _, target := range p.Targets {
			for _, metric := range name.FindAllString(target.Expr, -1) {
				metric = strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_count")
				if !slices.ContainsFunc(descs, func(d *desc) bool { return d.name == metric }) {
					t.Errorf("%s: there is no metric %s", p.Title, metric)
				}
			}
		}
	}
}
