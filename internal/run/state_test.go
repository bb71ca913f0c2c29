package run

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/report"
)

// What another run leaves unfinished while somebody thinks about the plan stays in the journal: the plan does not know it.
func TestJournalKeepsWhatThePlanDoesNotKnow(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	name := pushTo(t, reg, "team/app", 4)
	w, _ := worldOf(t, reg)
	foreign := oci.Digest("sha256:" + strings.Repeat("1", 64))
	w.Confirm = func(context.Context, report.Summary) bool {
		other, err := w.State.Journal(name)
		if err != nil {
			t.Error(err)
			return false
		}
		defer other.Close()
		if err := other.Write([]oci.Image{{Digest: foreign, Tags: []string{"theirs"}}}); err != nil {
			t.Error(err)
		}
		return true
	}
	sum := Prune(t.Context(), jobOf(t, name, 1), w)
	if r := sum.Repositories[0]; r.Err != nil || r.Totals().Deleted != 3 {
		t.Fatalf("%+v", r)
	}
	after, err := w.State.Journal(name)
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	if left := after.Left(); !slices.Equal(left, []oci.Digest{foreign}) || after.Begun()["theirs"] != foreign {
		t.Errorf("the journal has %v with the tags %v, want %s", left, after.Begun(), foreign)
	}
}
