package main

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/e2e/relay"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

func TestJobIsTheScripts(t *testing.T) {
	t.Parallel()
	if images := count(job(1)); len(whole) != 9 || images != 6516 || whole[0].images != 1868+keep {
		t.Errorf("got %d repositories with %d images, the largest of %d; want 9 with 6516, the largest of 1870", len(whole), images, whole[0].images)
	}
}

// Every contestant leaves as many images as were asked for, and regsweep the newest.
func TestNewestByDateSurvive(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	for _, k := range distributions {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			registries.ForTest(t, k.start, registries.Options{}) // skips where it is not installed
			f := field{k, relay.Options{}, []repository{{"zdtest/app", 30}, {"zdtest/other", 7}}}
			for _, c := range append(b.contestants(k), b.floors(k, 8)...) {
				r, err := b.measure(t.Context(), f, c)
				if err != nil {
					t.Error(err)
					continue
				}
				if r.wanted != len(f.repositories)*keep {
					t.Errorf("%s: got %d wanted images, want %d", c.name, r.wanted, len(f.repositories)*keep)
				}
				if c.name == nameScript && r.right == r.wanted {
					t.Error("the script keeps the newest too, so the dates prove nothing")
				}
				if r.requests[listTags] < len(f.repositories) || (r.requests[deleteDigest] < count(f.repositories)-r.wanted) != c.operated {
					t.Errorf("%s: got requests %v", c.name, r.requests)
				}
				if c.name == nameWarm && r.requests[getManifest]+r.requests[getBlob] > 0 {
					t.Errorf("the cache is not warm: got requests %v", r.requests)
				}
			}
		})
	}
}

// The loop that asks for prices asks each kind for each image.
func TestPrices(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	reads := []string{"HEAD manifest", "GET manifest", "GET config"}
	for _, k := range distributions {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			registries.ForTest(t, k.start, registries.Options{}) // skips where it is not installed
			p, err := b.prices(t.Context(), k, 12)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range p.rows {
				got = append(got, r.Kind)
				if _, known := kindOfPrice[r.Kind]; r.Elapsed <= 0 || !known {
					t.Errorf("%s took %v, and its requests are counted: %v", r.Kind, r.Elapsed, known)
				}
			}
			untag := "PUT manifest"
			if k.deletesTags {
				untag = "DELETE tag"
			}
			if want := append(slices.Clone(reads), untag, "DELETE digest"); !slices.Equal(got, want) {
				t.Errorf("got prices of %v, want %v", got, want)
			}
		})
	}
}

// Requests cost what a bare loop has paid for them; a deletion by digest has no price where it reads the tags that are left.
func TestPriceOfRequests(t *testing.T) {
	t.Parallel()
	rows := []bare.Price{{Kind: "HEAD manifest", Elapsed: time.Second}, {Kind: "GET config", Elapsed: 2 * time.Second}, {Kind: "DELETE digest", Elapsed: 10 * time.Second}}
	asked := tally{listTags: 3, headManifest: 500, getBlob: 1000, deleteDigest: 100}
	for _, tc := range []struct {
		deletesTags bool
		want        time.Duration
	}{{true, 3500 * time.Millisecond}, {false, 2500 * time.Millisecond}} {
		p := prices{kind: kind{deletesTags: tc.deletesTags}, images: 1000, rows: rows}
		if got := p.of(asked); got != tc.want {
			t.Errorf("got %v, want %v, where tags can be deleted: %v", got, tc.want, tc.deletesTags)
		}
	}
}

func TestSteadyStateDeletesOne(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	r, err := b.steadyOnce(t.Context(), distributions[len(distributions)-1], relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.right != steadyTags-1 || r.requests[deleteDigest] == 0 {
		t.Errorf("got %d images left and requests %v, want %d", r.right, r.requests, steadyTags-1)
	}
	if r.requests[getManifest] > 1 || r.requests[getBlob] > 1 {
		t.Errorf("got requests %v: one image is new, the others are in the cache", r.requests)
	}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name          string
		v             verdict
		exact, others bool // whether it is wrong for who must be exact, and for others
	}{
		{"the newest", verdict{wanted: 2, right: 2}, false, false},
		{"other ones", verdict{wanted: 2, right: 1, extra: 1}, true, false},
		{"too many", verdict{wanted: 2, right: 2, extra: 1}, true, true},
		{"too few", verdict{wanted: 2, right: 1}, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if err := tc.v.wrong(true); (err != nil) != tc.exact {
				t.Errorf("exact: got %v", err)
			}
			if err := tc.v.wrong(false); (err != nil) != tc.others {
				t.Errorf("others: got %v", err)
			}
		})
	}
}

// The product's promises: a repository of 20,000 tags takes less than 200 MB, one of 100,000 less than 300 MB on a quiet machine,
// and somewhat more where the garbage collector of Go comes late because others use the processors.
func TestPeakMemoryOfALargeRepository(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	for _, tc := range []struct {
		name string
		tags int
		most int64
	}{
		{"20,000 tags", 20_000, 200_000_000},
		{"100,000 tags", 100_000, 350_000_000},
	} {
		// One after the other: they share the file that the peak is written to.
		t.Run(tc.name, func(t *testing.T) {
			reg := registrytest.New(t, registrytest.Options{})
			r := repository{"zdtest/large", tc.tags}
			reg.Pusher(t, r.path).Images(r.build())
			spent, err := b.sweeper.run(t.Context(), task{host: reg.Host(), repositories: []repository{r}, state: t.TempDir()}, sweep{keep: keep, dryRun: true, peak: true})
			if err != nil {
				t.Fatal(err)
			}
			if n := reg.Count("GET", "*/manifests/*"); n < tc.tags {
				t.Errorf("got %d manifests read, want %d", n, tc.tags)
			}
			peak := spent.peak
			t.Logf("peak of %d MB", peak/1e6)
			if peak == 0 || peak >= tc.most {
				t.Errorf("got a peak of %d bytes, want less than %d", peak, tc.most)
			}
		})
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

// A service's own list is read with no more than a manifest and a config of each image besides, and the OCI API with one request
// for each tag at least, two with dates. All ways find all images.
func TestListings(t *testing.T) {
	t.Parallel()
	b := &bench{log: io.Discard}
	rows, err := b.listings(t.Context(), 40)
	if err != nil || len(rows) != len(services) {
		t.Fatalf("got %d of %d services, %v", len(rows), len(services), err)
	}
	for _, r := range rows {
		if r.list.requests == 0 || r.list.requests > 2*r.tags || r.each.requests < r.tags || r.dated.requests < 2*r.tags || r.list.elapsed < farAway {
			t.Errorf("got %+v", r)
		}
	}
}

// A log that is written for a ranking is one that regsweep reads, and many repositories are pruned in one call.
func TestScale(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	rank, err := b.rank(t.Context(), 2500)
	if err != nil || rank.peak == 0 {
		t.Errorf("rank: got %+v, %v", rank, err)
	}
	many, err := b.many(t.Context(), distributions[len(distributions)-1], 7)
	if err != nil || many.peak == 0 || many.requests[deleteDigest] < 7*(perRepository-keep) {
		t.Errorf("many: got %+v, %v", many, err)
	}
}

// On a registry that reads no tags, regsweep deletes by digest without being told, and all leave as many images.
func TestOthers(t *testing.T) {
	t.Parallel()
	b := forTest(t)
	rows, err := b.others(t.Context(), 60)
	if err != nil || len(rows) != 8*len(otherKinds) {
		t.Fatalf("got %d rows, %v", len(rows), err)
	}
	for _, r := range rows {
		if removes := r.requests[deleteTag] > 0; removes != (r.contestant.name == nameTagsFirst) {
			t.Errorf("%s, %s: got %v", r.registry, r.contestant.name, r.requests)
		}
		if safe := r.contestant.name == nameSafe || r.contestant.name == nameSafeByName; safe && r.requests[otherRequest] != r.images-keep {
			t.Errorf("%s, %s: got %d requests for referrers", r.registry, r.contestant.name, r.requests[otherRequest])
		}
	}
}
