package conformance

import (
	"slices"
	"testing"

	"github.com/zkfs/zkfs/zk/zktest"
)

// Each difference is about rows that there are, and holds on some server.
func TestDifferencesAreAboutRowsAndServers(t *testing.T) {
	for _, d := range differences {
		if !slices.ContainsFunc(Servers, func(s Server) bool { return s.Traits&d.on == d.on }) {
			t.Errorf("no server has the traits %b", d.on)
		}
		for _, row := range d.rows {
			if !slices.ContainsFunc(allCases(), func(c Case) bool { return c.Name == row }) {
				t.Errorf("no row %q", row)
			}
		}
	}
}

// Every server that zktest plays has its traits here.
func TestServersAreThoseOfZktest(t *testing.T) {
	var names []string
	for _, s := range Servers {
		names = append(names, s.Name)
	}
	slices.Sort(names)
	if want := zktest.Servers(); !slices.Equal(names, want) {
		t.Errorf("servers %q, want %q", names, want)
	}
}
