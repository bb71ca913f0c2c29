package registrytest

import (
	"slices"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestTagTimes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := start
	reg := New(t, Options{Now: func() time.Time { return now }})
	push := reg.Pusher(t, "app")
	first := push.Image(fixture.Image{Tags: []string{"stays", "moves", "again"}, Seed: "1"})
	now = now.Add(time.Hour)
	push.Tag(first, "stays") // the same digest again
	second := push.Image(fixture.Image{Tags: []string{"moves"}, Seed: "2"})
	reg.Untag("app", "again")
	reg.SetTag("app", "again", first)
	got := reg.TagTimes("app")
	for tag, want := range map[string]TagTimes{
		"stays": {Created: start}, "moves": {Created: start, Switched: now}, "again": {Created: now},
	} {
		if got[tag] != want {
			t.Errorf("%s: got %v, want %v", tag, got[tag], want)
		}
	}
	if got, want := reg.Overtaken("app"), []oci.Digest{first}; !slices.Equal(got, want) {
		t.Errorf("overtaken: got %v, want %v", got, want)
	}
	if reg.TagTimes("other") != nil || reg.Overtaken("other") != nil {
		t.Error("a repository that is not there has times")
	}
	if reg.Tags("app")["moves"] != second {
		t.Error("the tag did not move")
	}
}
