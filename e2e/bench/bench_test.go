package main

import (
	"io"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

func TestJobIsTheScripts(t *testing.T) {
	t.Parallel()
	images := 0
	for _, r := range job(1) {
		images += r.images
	}
	if len(whole) != 9 || images != 6516 || whole[0].images != 1868+keep {
		t.Errorf("got %d repositories with %d images, the largest of %d; want 9 with 6516, the largest of 1870", len(whole), images, whole[0].images)
	}
}

func TestNewestByDateSurvive(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			registries.ForTest(t, k.start, registries.Options{}) // skips where it is not installed
			rows, err := b.contest(t.Context(), k, job(0.015))
			if err != nil {
				t.Fatal(err)
			}
			script, regsweep := rows[0], rows[1]
			if err := regsweep.wrong(); err != nil || regsweep.wanted != 9*keep {
				t.Errorf("regsweep: got %d of %d, %v; want %d and no others", regsweep.right, regsweep.wanted, err, 9*keep)
			}
			if script.right == script.wanted {
				t.Error("the script keeps the newest too, so the dates prove nothing")
			}
		})
	}
}

// The product's promise: a repository of 20,000 tags takes less than 200 MB.
func TestPeakMemoryOfALargeRepository(t *testing.T) {
	t.Parallel()
	const tags, most = 20000, 200_000_000
	b := forTest(t)
	reg := registrytest.New(t, registrytest.Options{})
	r := repository{"zdtest/large", tags}
	images, _ := r.build()
	reg.Pusher(t, r.path).Images(images)
	peak, err := b.sweeper.plan(t.Context(), reg.Host(), []repository{r})
	if err != nil {
		t.Fatal(err)
	}
	if n := reg.Count("GET", "*/manifests/*"); n < tags {
		t.Errorf("got %d manifests read, want %d", n, tags)
	}
	t.Logf("peak of %d MB", peak/1e6)
	if peak == 0 || peak >= most {
		t.Errorf("got a peak of %d bytes, want less than %d", peak, most)
	}
}

// forTest makes a bench that goes when the test and its subtests have ended.
func forTest(t *testing.T) *bench {
	t.Helper()
	b, err := newBench(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	return b
}
