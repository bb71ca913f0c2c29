package distribution_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// surveyed fills a registry with n repositories of three images each.
func surveyed(t testing.TB, n int) (*registrytest.Registry, []string) {
	t.Helper()
	reg := registrytest.New(t, registrytest.Options{})
	var paths []string
	for i := range n {
		path := fmt.Sprintf("team/app%d", i)
		p := reg.Pusher(t, path)
		for b := range 3 {
			p.Image(fixture.Image{Seed: fmt.Sprint(path, b), Tags: []string{fmt.Sprintf("b%d", b)}, Size: 64, Created: time.Date(2026, 11, 1+b, 0, 0, 0, 0, time.UTC)})
		}
		paths = append(paths, path)
	}
	return reg, paths
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	reg, paths := surveyed(t, 40)
	reg.AddFault(registrytest.Fault{Path: "*/app7/manifests/b1", Times: -1, Status: 403})
	c := openHost(reg.Host(), registry.Options{})
	var seen []string
	visiting := false
	err := registry.ReadAll(t.Context(), c.Registry, append(paths, "team/gone"), nil, func(path string, s oci.Snapshot, err error) error {
		if visiting {
			t.Error("two visits at a time")
		}
		visiting = true
		defer func() { visiting = false }()
		seen = append(seen, path)
		switch {
		case path == "team/gone":
			if !errors.Is(err, registry.ErrUnknownRepository) {
				t.Errorf("%s: got %v", path, err)
			}
		case path == "team/app7":
			if err == nil || !strings.Contains(err.Error(), "403") {
				t.Errorf("%s: got %v", path, err)
			}
		case err != nil || len(s.Images) != 3 || s.Repository.Path != path:
			t.Errorf("%s: got %+v, %v", path, s, err)
		}
		return nil
	})
	slices.Sort(seen)
	if err != nil || len(slices.Compact(seen)) != 41 {
		t.Errorf("got %v, visited %d", err, len(seen))
	}
}

// All repositories together read no more at once than one alone may.
func TestReadAllIsBounded(t *testing.T) {
	t.Parallel()
	reg, paths := surveyed(t, 20)
	var mu sync.Mutex
	reading, most := 0, 0
	full := make(chan struct{})
	reg.AddFault(registrytest.Fault{Path: "*/manifests/*", Times: -1, Before: func() {
		mu.Lock()
		reading++
		if most = max(most, reading); reading == 2 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		mu.Unlock()
		<-full // until the first two are at it together
		for range 1000 {
			runtime.Gosched() // lets a third come, where one may
		}
		mu.Lock()
		reading--
		mu.Unlock()
	}})
	c := openHost(reg.Host(), registry.Options{Readers: 2})
	err := registry.ReadAll(t.Context(), c.Registry, paths, nil, func(_ string, _ oci.Snapshot, err error) error { return err })
	if err != nil || most != 2 {
		t.Errorf("got %v and %d reads at once, want 2", err, most)
	}
}

func TestReadAllEnds(t *testing.T) {
	t.Parallel()
	reg, paths := surveyed(t, 40)
	c := openHost(reg.Host(), registry.Options{})
	enough := errors.New("enough")
	var visits atomic.Int32
	err := registry.ReadAll(t.Context(), c.Registry, paths, nil, func(string, oci.Snapshot, error) error {
		visits.Add(1)
		return enough
	})
	if !errors.Is(err, enough) || visits.Load() != 1 {
		t.Errorf("after an error of visit: got %v after %d visits", err, visits.Load())
	}
	visits.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	err = registry.ReadAll(ctx, c.Registry, paths, nil, func(_ string, _ oci.Snapshot, err error) error {
		if err != nil {
			t.Error(err)
		}
		visits.Add(1)
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || visits.Load() != 1 {
		t.Errorf("after a cancel: got %v after %d visits", err, visits.Load())
	}
}

// BenchmarkReadAll reads 1000 repositories of three images.
func BenchmarkReadAll(b *testing.B) {
	reg, paths := surveyed(b, 1000)
	for b.Loop() {
		c := openHost(reg.Host(), registry.Options{})
		n := 0
		err := registry.ReadAll(b.Context(), c.Registry, paths, nil, func(_ string, s oci.Snapshot, err error) error {
			n += len(s.Images)
			return err
		})
		if err != nil || n != 3000 {
			b.Fatal(err, n)
		}
	}
}
