package e2e

import (
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestConformanceRequests counts what the program asks a registry, by kind and from start to exit.
func TestConformanceRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r registry) {
		s := r.start(t, registrytest.Setup{})
		rows := []struct {
			name string
			run  func(w counted)
		}{
			{"what is new is read once", func(w counted) {
				w.sweep(11, map[step]int{list: 1, manifest: 11, config: 11})
				w.Aged("b11", 0)
				w.sweep(11, map[step]int{list: 2, head: 11 + 12, manifest: 1, config: 1, deletion: 1})
				w.sweep(11, map[step]int{list: 1, head: 11})
			}},
			{"nothing to do", func(w counted) {
				w.sweep(11, map[step]int{list: 1, manifest: 11, config: 11})
				w.sweep(11, map[step]int{list: 1, head: 11})
				w.sweep(20, map[step]int{list: 1, head: 11})
			}},
			{"by names alone nothing is read", func(w counted) {
				w.sweep(11, map[step]int{list: 1, head: 11}, "--sort", "name")
				w.sweep(10, map[step]int{list: 2, head: 11 + 11, deletion: 1}, "--sort", "name")
			}},
			{"by names alone an index is read and what it lists", func(w counted) {
				w.Multi("c", 1, fixture.OCIIndex)
				w.sweep(12, map[step]int{list: 1, head: 12, manifest: 3}, "--sort", "name")
			}},
			{"a digest's config is read once however many tags it has", func(w counted) {
				w.sweep(11, map[step]int{list: 1, manifest: 11, config: 11})
				d := w.Aged("c0", 0)
				for n := range 20 {
					w.Push.Tag(d, fmt.Sprint("c", n+1))
				}
				w.sweep(12, map[step]int{list: 1, head: 11, manifest: 21, config: 1})
				w.sweep(12, map[step]int{list: 1, head: 11 + 21})
			}},
			{"a memory that was cut short is none", func(w counted) {
				w.sweep(11, map[step]int{list: 1, manifest: 11, config: 11})
				files, err := filepath.Glob(filepath.Join(w.State, "cache", "*"))
				if err != nil || len(files) != 1 {
					w.T.Fatalf("memories: %v, %v", files, err)
				}
				whole, err := os.ReadFile(files[0])
				if err != nil {
					w.T.Fatal(err)
				}
				if err := os.WriteFile(files[0], whole[:len(whole)/2], 0o600); err != nil {
					w.T.Fatal(err)
				}
				w.sweep(11, map[step]int{list: 1, manifest: 11, config: 11})
				w.sweep(11, map[step]int{list: 1, head: 11})
			}},
		}
		for i, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				t.Parallel()
				w := counted{registrytest.NewStand(t, s, fmt.Sprintf("team/counted%d", i), nil), nil}
				w.door = newDoor(t, s, w.Pushes)
				for n := range 11 {
					w.Aged(fmt.Sprint("b", n), 20-n)
				}
				row.run(w)
			})
		}
	})
}

// counted is a repository of 11 images behind a door.
type counted struct {
	stand
	door *door
}

// sweep keeps the last n images, and checks which requests that took.
func (w counted) sweep(n int, want map[step]int, args ...string) {
	w.T.Helper()
	w.door.reopen()
	run := start(w.T, append([]string{w.door.host + "/" + w.Path, "--keep-last", fmt.Sprint(n), "--state-dir", w.State}, args...)...).end()
	equal(w.Wire, "exit code", run.code, 0)
	equal(w.Wire, "stderr", run.stderr, "")
	if got := w.door.counted(); !maps.Equal(got, want) {
		w.T.Errorf("requests: got %v, want %v", got, want)
	}
}

// TestConformanceHTTP2 has a registry that offers HTTP/2, which is then spoken in every request.
func TestConformanceHTTP2(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push := reg.Pusher(t, "team/app")
	for n := range 5 {
		push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}, Created: ago(n)})
	}
	d := newDoor(t, server{URL: reg.URL()}, &pushLog{})
	var second, other atomic.Int32
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			second.Add(1)
		} else {
			other.Add(1)
		}
		d.ServeHTTP(w, r)
	}))
	front.EnableHTTP2 = true
	front.StartTLS()
	t.Cleanup(front.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	run := start(t, strings.TrimPrefix(front.URL, "https://")+"/team/app", "--keep-last", "2", "--ca-file", ca).end()
	if run.code != 0 || second.Load() == 0 || other.Load() > 0 {
		t.Errorf("exit code %d, %d requests by HTTP/2 and %d by another\n%s", run.code, second.Load(), other.Load(), run.stderr)
	}
	if got := len(reg.Tags("team/app")); got != 2 {
		t.Errorf("tags left: got %d, want 2", got)
	}
}
