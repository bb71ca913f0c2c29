package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
)

func collection() *gc.Result {
	return &gc.Result{
		Via: "docker+ssh://ci@registry.example.com/registry", Mode: gc.Offline, Version: "2.8.2+ds1",
		Collected: true, Stopped: true, Restarted: true, Verified: true, Check: gc.Check{Images: 2},
		Log:      gc.Log{BlobsMarked: 7, BlobsEligible: 2994, Repositories: []gc.Marked{{Name: "zdtest", Manifests: 2, Blobs: 5}}},
		Measured: true, Freed: 66413796, StorageFreed: 85843968, FreeBefore: 12 << 30, FreeAfter: 12<<30 + 85843968,
		Away: 1540 * time.Millisecond, Collecting: 1180 * time.Millisecond, Elapsed: 1800 * time.Millisecond,
		Lock: "/var/lib/registry/.regsweep-gc-lock",
	}
}

func collectionCases() map[string]Summary {
	after := func(edit func(r *gc.Result)) Summary {
		s := summary(repo("zdtest").pair(9).builds(7, 1, deleted))
		s.GC = collection()
		edit(s.GC)
		return s
	}
	broken := []gc.Missing{{Repository: oci.Repository{Host: "registry.example.com:5000", Path: "zdtest"}, Digest: digest(1)}}
	alone := Summary{Started: started, Elapsed: 2 * time.Second, GC: collection()}
	alone.GC.Verified, alone.GC.Check.Images = false, 0
	across := several()
	across.GC = collection()
	refused := Summary{Started: started, ExitCode: 3, GC: &gc.Result{Via: "local:", Mode: gc.Offline, Err: &gc.Refusal{Why: "the lock /x is held for 3m0s by regsweep"}}}
	return map[string]Summary{
		"gc":         after(func(*gc.Result) {}),
		"gc_alone":   alone,
		"gc_several": across,
		"gc_refused": refused,
		"gc_skipped": after(func(r *gc.Result) { *r = gc.Result{Via: "local:", Skipped: "this is a dry run"} }),
		"gc_broken": after(func(r *gc.Result) {
			r.Check.Missing = broken
			r.Err = &gc.MissingError{Missing: broken}
		}),
		"gc_down": after(func(r *gc.Result) {
			r.Restarted, r.Verified = false, false
			r.Err = &gc.NotBackError{Started: "systemctl start registry", Cause: errors.New(nasty)}
		}),
		"gc_cut_off": after(func(r *gc.Result) {
			r.Log, r.LogIncomplete = gc.Log{}, true
			r.Notes = []string{"its log was cut off"}
		}),
		"gc_unmeasured": after(func(r *gc.Result) {
			r.Measured = false
			r.Notes = []string{"the storage is s3, which is not measured: only the log tells what was freed", nasty}
		}),
	}
}

// collectedIll is a run whose collection has a text wherever one can come from outside.
func collectedIll(nasty string) Summary {
	s := summary(repo("zdtest").pair(9).builds(7, 1, deleted))
	s.GC = collection()
	s.GC.Via, s.GC.Version, s.GC.Mode, s.GC.Lock, s.GC.Notes = nasty, nasty, gc.Mode(nasty), nasty, []string{nasty}
	s.GC.Check.Missing = []gc.Missing{{Repository: oci.Repository{Host: "registry.example.com", Path: nasty}, Digest: digest(1)}}
	s.GC.Log.Repositories = []gc.Marked{{Name: nasty}}
	s.GC.Restarted, s.GC.Err = false, &gc.NotBackError{Started: nasty, Cause: errors.New(nasty)}
	return s
}

// What a person must see first comes first.
func TestAlarmIsLoud(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"gc_broken": "KEPT IMAGES ARE BROKEN: ", "gc_down": "THE REGISTRY IS DOWN: "} {
		s := collectionCases()[name]
		var md, table strings.Builder
		if err := errors.Join(WriteMarkdown(&md, s, summaryBudget), WriteTable(&table, s, TableOptions{})); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(table.String()), "\n")
		if page := writeHTML(t, s); !strings.Contains(page, "<title>regsweep: "+strings.TrimSuffix(want, ": ")+" · ") || !strings.Contains(page, "<h1>"+strings.TrimSuffix(want, ": ")+" · ") {
			t.Errorf("%s: the page's title is %.300s", name, page)
		}
		if !strings.HasPrefix(s.Line(), want) || !strings.HasPrefix(md.String(), "### "+want) || !strings.HasPrefix(lines[len(lines)-1], want) {
			t.Errorf("%s: %s\n%.200s\n%s", name, s.Line(), md.String(), lines[len(lines)-1])
		}
		read, err := ReadJSON(bytes.NewReader(writeJSON(t, s)))
		if err != nil || !strings.HasPrefix(read.Line(), want) {
			t.Errorf("%s read back: %v, %s", name, err, read.Line())
		}
	}
}

// Of several collections the merged report has the one that a reader must not miss.
func TestMergeKeepsTheMostSevereGC(t *testing.T) {
	t.Parallel()
	all := collectionCases()
	for _, test := range []struct {
		in   []string
		want string
	}{
		{[]string{"gc_skipped", "gc", "gc_unmeasured"}, "gc"},
		{[]string{"gc", "gc_refused", "gc_down", "gc_broken"}, "gc_down"},
	} {
		in := []Summary{ordinary()}
		for _, name := range test.in {
			in = append(in, all[name])
		}
		if got := Merge(in); got.GC != all[test.want].GC {
			t.Errorf("%v: got %+v, want that of %s", test.in, got.GC, test.want)
		}
	}
}
