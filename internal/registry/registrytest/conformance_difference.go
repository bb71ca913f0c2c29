package registrytest

import (
	"testing"
)

// Difference is what a registry of another product does not have, or does in another way than CNCF distribution.
type Difference struct {
	// Reason says what differs, as somebody has seen it there.
	Reason string
	// Names are those of the rows and claims that cannot hold there, or of whole parts of the tables.
	Names []string
}

// leftOut returns the names in differences. Each must be the name of something in the tables, and be there once.
func leftOut(t *testing.T, differences []Difference) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, p := range parts {
		known[p.name] = true
		for _, r := range p.rows {
			known[r.name] = true
		}
		for _, c := range append(p.claims[:len(p.claims):len(p.claims)], p.ways...) {
			known[c.name] = true
		}
	}
	out := map[string]bool{}
	for _, d := range differences {
		for _, name := range d.Names {
			if !known[name] || out[name] || d.Reason == "" {
				t.Errorf("the difference %q (%s) is unknown, named twice, or has no reason", name, d.Reason)
			}
			out[name] = true
		}
	}
	return out
}
