package registrytest

import (
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestTagPushed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	reg := New(t, Options{Now: func() time.Time { return now }})
	push := reg.Pusher(t, "app")
	d := push.Image(fixture.Image{Tags: []string{"a", "b"}})
	first := now
	now = now.Add(time.Hour)
	push.Tag(d, "b") // the same digest again
	reg.SetTag("app", "c", d)
	for tag, want := range map[string]time.Time{"a": first, "b": now, "c": now} {
		if got, ok := reg.TagPushed("app", tag); !ok || !got.Equal(want) {
			t.Errorf("%s: got %s, %v, want %s", tag, got, ok, want)
		}
	}
	reg.Untag("app", "a")
	for path, tag := range map[string]string{"app": "a", "other": "a"} {
		if got, ok := reg.TagPushed(path, tag); ok {
			t.Errorf("%s:%s: got %s, want none", path, tag, got)
		}
	}
	if m, _ := reg.Manifest("app", d); !m.Pushed.Equal(first) {
		t.Errorf("manifest: got %s, want %s", m.Pushed, first)
	}
}
