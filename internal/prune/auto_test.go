package prune_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/retain"
)

// prices are what a simulated registry takes.
type prices struct {
	line, read, perTag, digest time.Duration // a round trip; the work for a read, and for a deletion: for each tag there, and by itself
	waits                      time.Duration // what a deletion waits for in the registry while others go on
	noTags                     bool          // it does not remove tags
	scans                      bool          // it is known to read all tags for each deletion
	slower                     func(deletions int, read bool) time.Duration
	moves                      map[string]int // tags that are moved after so many deletions
}

// simulated is a registry that takes its time on the clock of a test's bubble. It works on one request after the other,
// and each waits for the line in addition.
type simulated struct {
	prices
	mu        sync.Mutex
	busy      time.Time // until when it works
	snapshot  oci.Snapshot
	tags      map[string]oci.Digest
	deletions int
	byDigest  int // deletions while there were many tags
	probes    int
	looks     int           // that have taken something for granted
	whole     time.Time     // when the latest look ended that has not
	oldest    time.Duration // such a look that a deletion by digest has gone by
}

func simulate(n int, p prices) *simulated {
	s := &simulated{prices: p, tags: map[string]oci.Digest{}}
	s.snapshot.Repository = oci.Repository{Host: "r.example.com", Path: "team/app"}
	for i := range n {
		d, tag := oci.Digest(fmt.Sprintf("sha256:%064x", i+1)), fmt.Sprintf("b%d", i)
		s.tags[tag] = d
		s.snapshot.Images = append(s.snapshot.Images, oci.Image{Digest: d, Kind: oci.KindImage, Tags: []string{tag}, Created: now.Add(time.Duration(i) * time.Minute)})
	}
	return s
}

// works lets a request take its time.
func (s *simulated) works(work time.Duration, read bool) {
	s.mu.Lock()
	if s.slower != nil {
		work *= s.slower(s.deletions, read)
	}
	start := time.Now()
	if s.busy.After(start) {
		start = s.busy
	}
	s.busy = start.Add(work)
	until := s.busy.Add(s.line)
	s.mu.Unlock()
	<-time.After(time.Until(until))
}

func (s *simulated) Refresh(_ context.Context, before oci.Snapshot, known map[string]oci.Digest) (oci.Snapshot, error) {
	s.works(s.read, true) // the listing
	var asked []string
	for _, i := range before.Images {
		for _, t := range i.Tags {
			if _, is := known[t]; !is {
				asked = append(asked, t)
			}
		}
	}
	var group sync.WaitGroup
	for w := range min(len(asked), 128) {
		group.Go(func() {
			for i := w; i < len(asked); i += 128 {
				s.works(s.read, true)
			}
		})
	}
	group.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	if !slices.ContainsFunc(slices.Collect(maps.Values(known)), func(d oci.Digest) bool { return d != "" }) {
		s.whole = time.Now()
		s.looks--
	}
	at := map[oci.Digest][]string{}
	for t, d := range s.tags {
		if known[t] != "" {
			d = known[t]
		}
		at[d] = append(at[d], t)
	}
	out := before
	out.Images = nil
	for _, i := range before.Images {
		if i.Tags = at[i.Digest]; len(i.Tags) > 0 {
			out.Images = append(out.Images, i)
		}
	}
	return out, nil
}

func (s *simulated) Delete(_ context.Context, level []oci.Image) []registry.Result {
	s.mu.Lock()
	there := len(s.tags)
	s.oldest = max(s.oldest, time.Since(s.whole))
	s.mu.Unlock()
	s.works(s.digest+time.Duration(there)*s.perTag, false)
	<-time.After(s.waits)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletions++
	if there > 50 {
		s.byDigest++
	}
	for _, t := range level[0].Tags { // whoever moves a tag moves it to something else
		if s.tags[t] == level[0].Digest {
			delete(s.tags, t)
		}
	}
	for t, after := range s.moves {
		if _, is := s.tags[t]; is && s.deletions >= after {
			s.tags[t] = "sha256:" + oci.Digest(strings.Repeat("f", 64))
		}
	}
	return []registry.Result{{Existed: true}}
}

func (s *simulated) ScansTags() bool { return s.scans }

func (s *simulated) CanDeleteTags(context.Context) (bool, error) {
	s.works(s.read, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.probes++
	return !s.noTags, nil
}

func (s *simulated) DeleteTag(_ context.Context, tag string, d oci.Digest) (bool, error) {
	s.works(s.read, true)
	s.works(s.read, true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tags[tag] != d {
		return false, nil
	}
	delete(s.tags, tag)
	return true, nil
}

func (s *simulated) PushPlaceholder(context.Context) (oci.Digest, error) { panic("auto pushed") }

func (s *simulated) PointTag(context.Context, string, oci.Digest) (bool, error) {
	panic("auto pointed a tag")
}

// paper is a journal that is always written.
type paper struct{ lists [][]oci.Image }

func (p *paper) Begun() map[string]oci.Digest { return nil }
func (p *paper) Write(list []oci.Image) error {
	p.lists = append(p.lists, slices.Clone(list))
	return nil
}

func (s *simulated) execute(t *testing.T, o prune.Options) prune.Result {
	t.Helper()
	plan := retain.Decide(s.snapshot, retain.Policy{KeepLast: 1}, retain.Context{}, now.AddDate(1, 0, 0))
	o.Method = prune.Auto
	return prune.Execute(t.Context(), plan, s, o)
}

const us = time.Microsecond

// TestAutoMeasures holds that auto takes the method that is faster on the registry that it meets, and asks whether tags
// can be removed only where that would gain.
func TestAutoMeasures(t *testing.T) {
	t.Parallel()
	tenTimes := func(deletions int, _ bool) time.Duration { return time.Duration(1 + 9*min(1, deletions/300)) }
	for name, c := range map[string]struct {
		images   int
		registry prices
		workers  int
		method   prune.Method
		probes   int
		most     int    // deletions by digest before the change
		why      string // a part of it
	}{
		"reads no tags":                     {1000, prices{read: 150 * us, digest: 300 * us}, 0, prune.ByDigest, 0, 999, "a deletion by digest took 0.3 ms, 2.0 times as long as a look at a tag (0.15 ms)"},
		"reads all tags":                    {1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us}, 0, prune.TagsFirst, 1, 11, "34 times as long as a look at a tag (0.15 ms), so that after 11 of them regsweep changed to removing the tags first"},
		"reads all tags, far away":          {1000, prices{line: 20 * time.Millisecond, read: 150 * us, digest: 100 * us, perTag: 5 * us}, 0, prune.TagsFirst, 1, 11, "times as long as a look at a tag"},
		"reads no tags, far away":           {1000, prices{line: 200 * time.Millisecond, read: 150 * us, digest: 300 * us}, 0, prune.ByDigest, 0, 999, ""},
		"waits for its disk":                {1000, prices{read: 150 * us, digest: 300 * us, waits: 30 * time.Millisecond}, 0, prune.ByDigest, 0, 999, ""},
		"reads all of a few tags":           {100, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us}, 0, prune.ByDigest, 0, 99, ""},
		"only a few are left":               {50, prices{read: 150 * us, digest: 100 * us, perTag: 500 * us}, 0, prune.ByDigest, 0, 49, ""},
		"cannot remove tags":                {1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us, noTags: true}, 0, prune.ByDigest, 1, 999, ", and this registry does not remove tags by themselves"},
		"is known to read all tags":         {1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us, scans: true}, 0, prune.TagsFirst, 1, 0, "the registry reads every tag of the repository for each deletion by digest"},
		"is known, and cannot remove tags":  {1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us, scans: true, noTags: true}, 0, prune.ByDigest, 1, 999, "34 times as long as a look at a tag (0.15 ms), and this registry does not remove tags by themselves"},
		"is known, cannot, one at a time":   {1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us, scans: true, noTags: true}, 1, prune.ByDigest, 1, 999, ""},
		"is known, one request at a time":   {1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us, scans: true}, 1, prune.TagsFirst, 1, 0, ""},
		"is known, and only a few are left": {50, prices{read: 150 * us, digest: 100 * us, perTag: 500 * us, scans: true}, 0, prune.ByDigest, 0, 49, ""},
		"ten times slower in the middle":    {2000, prices{read: 150 * us, digest: 300 * us, slower: tenTimes}, 0, prune.ByDigest, 0, 1999, ""},
		"slow only after the first ones":    {3000, prices{read: 150 * us, digest: 100 * us, slower: slowAfter(100)}, 0, prune.TagsFirst, 1, 1000, ""},
		"slow at first, fast after a while": {3000, prices{read: 150 * us, digest: 100 * us, slower: slowUntil(2)}, 0, prune.ByDigest, 0, 2999, ""},
		"one request at a time":             {1000, prices{line: 20 * time.Millisecond, read: 150 * us, digest: 300 * us}, 1, prune.ByDigest, 0, 999, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, j := simulate(c.images, c.registry), &paper{}
				res := s.execute(t, prune.Options{Journal: j, Workers: c.workers})
				if got := count(res); res.Err != nil || got[prune.Deleted] != c.images-1 || len(s.tags) != 1 || len(res.Warnings) > 0 {
					t.Fatalf("got %v with %d tags left, %v, %q", got, len(s.tags), res.Err, res.Warnings)
				}
				if res.Method != c.method || s.probes != c.probes || !strings.Contains(res.Why, c.why) {
					t.Errorf("got %s with %d probes because %q, want %s with %d because %q", res.Method, s.probes, res.Why, c.method, c.probes, c.why)
				}
				if s.byDigest > c.most {
					t.Errorf("got %d deletions while there were tags to read, want at most %d", s.byDigest, c.most)
				}
				if len(j.lists[0]) != c.images-1 || len(j.lists[len(j.lists)-1]) != 0 {
					t.Errorf("got a journal of %d at first and %d in the end", len(j.lists[0]), len(j.lists[len(j.lists)-1]))
				}
			})
		})
	}
}

// slowAfter makes deletions slow after so many.
func slowAfter(n int) func(int, bool) time.Duration {
	return func(deletions int, read bool) time.Duration {
		if read || deletions < n {
			return 1
		}
		return 50
	}
}

// slowUntil makes deletions slow before so many.
func slowUntil(n int) func(int, bool) time.Duration {
	return func(deletions int, read bool) time.Duration {
		if read || deletions >= n {
			return 1
		}
		return 50
	}
}

// TestAutoWithoutJournal holds that nothing is removed tags first without a journal, and that this is said only where it
// costs something.
func TestAutoWithoutJournal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		perTag time.Duration
		scans  bool
		warns  bool
	}{"reads all tags": {5 * us, false, true}, "reads no tags": {0, false, false}, "is known to read all tags": {5 * us, true, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := simulate(1000, prices{read: 150 * us, digest: 100 * us, perTag: c.perTag, scans: c.scans})
				res := s.execute(t, prune.Options{})
				if got := count(res); res.Err != nil || res.Method != prune.ByDigest || s.probes != 0 || got[prune.Deleted] != 999 || (len(res.Warnings) > 0) != c.warns {
					t.Errorf("got %v by %s, %v, %q", got, res.Method, res.Err, res.Warnings)
				}
			})
		})
	}
}

// TestAutoLeavesMovedTags holds that the change of method keeps an image whose tag is moved while the first images are
// deleted, and one whose tag is moved long after.
func TestAutoLeavesMovedTags(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := simulate(1000, prices{read: 150 * us, digest: 100 * us, perTag: 5 * us, moves: map[string]int{"b700": 3, "b800": 11}})
		res := s.execute(t, prune.Options{Journal: &paper{}})
		if _, is := s.tags["b700"]; res.Method != prune.TagsFirst || !is || s.tags["b800"] == "" || len(s.tags) != 3 {
			t.Errorf("got %d tags by %s, %v", len(s.tags), res.Method, res.Err)
		}
	})
}

// TestAutoLooksWhole holds that deletions by digest do not rely on the look that confirms a decision: it takes for granted
// where most tags point.
func TestAutoLooksWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := simulate(2000, prices{read: 150 * us, digest: 300 * us, slower: func(deletions int, _ bool) time.Duration { return time.Duration(1 + 9*min(1, deletions/300)) }})
		const every = 2 * time.Second
		res := s.execute(t, prune.Options{Journal: &paper{}, LookEvery: every})
		if res.Method != prune.ByDigest || s.looks == 0 || s.oldest == 0 || s.oldest > every {
			t.Errorf("got %s, %d looks that take tags for granted, and a deletion %v after a whole one; want at most %v", res.Method, s.looks, s.oldest, every)
		}
	})
}

// TestAutoAdvises holds that one line says what is faster, where the rest takes more than a minute.
func TestAutoAdvises(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := simulate(5000, prices{read: 700 * us, digest: 700 * us, perTag: 12 * us, noTags: true, scans: true})
		res := s.execute(t, prune.Options{Journal: &paper{}})
		want := "the other 4870 images take about 2 min by digest, and --delete-by offline would take about 27 s: it needs --gc, such as with --gc-via, and a storage that is a folder, and stops the registry meanwhile; --delete-by retag would take about 14 s: it pushes a placeholder, and its login needs the right to push"
		if !strings.Contains(res.Why, want) {
			t.Errorf("got %q, want %q in it", res.Why, want)
		}
	})
}

// TestAutoWithAClockThatJumps holds that a clock that jumps back neither stops an execution nor lets it trust an old look.
func TestAutoWithAClockThatJumps(t *testing.T) {
	t.Parallel()
	for jump := range 12 {
		synctest.Test(t, func(t *testing.T) {
			s := simulate(400, prices{read: 150 * us, digest: 100 * us, perTag: 20 * us})
			var mu sync.Mutex
			calls := 0
			clock := func() time.Time {
				mu.Lock()
				defer mu.Unlock()
				if calls++; calls > jump {
					return time.Now().Add(-time.Hour)
				}
				return time.Now()
			}
			res := s.execute(t, prune.Options{Journal: &paper{}, Now: clock})
			if got := count(res); res.Err != nil || got[prune.Deleted] != 399 || strings.Contains(res.Why, "-") {
				t.Errorf("after %d calls: got %v by %s, %v, %q", jump, got, res.Method, res.Err, res.Why)
			}
		})
	}
}
