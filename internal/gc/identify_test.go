package gc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// The storage that would be collected has to be the one that the registry serves; else nothing is stopped.
func TestRunIdentifiesTheStorage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*fakeHost)
		says    string // "" when it is collected
		skipped bool
	}{
		"it is":                   {func(*fakeHost) {}, "", false},
		"another registry's":      {func(f *fakeHost) { f.storage += "lacks=team/app@sha256:" + fakeHex + "\n" }, "the storage /srv, which /etc/distribution/config.yml names, does not hold team/app@sha256:" + fakeHex + ", which the registry serves: it is not this registry's", false},
		"no folder":               {func(f *fakeHost) { f.storage = "repositories=0\nlacks=team/app\n" }, "the storage /srv, which /etc/distribution/config.yml names, does not exist", false},
		"an empty registry":       {func(f *fakeHost) { f.sample, f.storage = nil, "root=yes\nrepositories=0\n" }, "", true},
		"empty, without a folder": {func(f *fakeHost) { f.sample, f.storage = nil, "repositories=0\n" }, "does not exist", false},
		"empty, of another":       {func(f *fakeHost) { f.sample = nil }, "holds 1 repository, and the registry lists none: it is not this registry's", false},
		"empty buckets":           {func(f *fakeHost) { f.sample, f.config = nil, "storage: {s3: {}}" }, "", true},
		"buckets":                 {func(f *fakeHost) { f.config, f.storage = "storage: {s3: {}}", "lacks=x\n" }, "", false},
		"no catalog":              {failing("sample"), "find out what the registry holds: sample fails; nothing was stopped", false},
		"no shell":                {failing("storage"), "look into the storage /srv: storage fails; nothing was stopped", false},
		"a banner":                {func(f *fakeHost) { f.storage = "Welcome!\n" }, `look into the storage /srv: unexpected output "Welcome!"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			res := collectWith(t, f, Options{})
			if (res.Skipped != "") != c.skipped || (res.Err != nil) != (c.says != "") {
				t.Errorf("got %+v", res)
			}
			if c.says == "" && !c.skipped {
				return
			}
			if c.says != "" && (!strings.Contains(res.Err.Error(), c.says) || !strings.HasSuffix(res.Err.Error(), "nothing was stopped") && name != "a banner") {
				t.Errorf("got %v", res.Err)
			}
			var refusal *Refusal
			if errors.As(res.Err, &refusal) && hintOf(res.Err) != ConfigHint {
				t.Errorf("hint %q", hintOf(res.Err))
			}
			f.wantSteps(t, "close", "!lock", "!stop")
		})
	}
}

// What was missing before is not asked for, and long lists are asked for in parts.
func TestRunIdentifiesByWhatIsThere(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.before.Missing = []Missing{missing(1)}
	f.after.Missing = f.before.Missing
	f.sample = []Held{Held(missing(1))}
	for i := range 2 * sampleSize {
		f.sample = append(f.sample, Held{oci.Repository{Path: fmt.Sprint("r", i)}, missing(2).Digest})
	}
	if res := collectWith(t, f, Options{}); res.Err != nil {
		t.Error(res.Err)
	}
	if len(f.asked) != 3+2*sampleSize+1 || f.asked[1] != "team/app" || !slices.Contains(f.asked, "r199@"+missing(2).Digest.String()) {
		t.Errorf("asked for %q", f.asked)
	}
}

// A garbage collection that found less in use than the kept images are made of has read another storage.
func TestRunCountsWhatIsInUse(t *testing.T) {
	t.Parallel()
	for digests, ok := range map[int]bool{1: true, 2: false} {
		f := newFake()
		f.before.Digests = digests
		res := collectWith(t, f, Options{})
		if (res.Err == nil) != ok || !res.Restarted || !res.Collected {
			t.Errorf("%d: got %+v", digests, res)
		}
		if !ok && (KindOf(res.Err) != KindFailed || !strings.Contains(res.Err.Error(), "it found 1 blob in use, and the kept images alone are made of 2") || hintOf(res.Err) != ConfigHint) {
			t.Errorf("got %v, hint %q", res.Err, hintOf(res.Err))
		}
	}
	f := newFake() // nothing is known of what was in use
	f.before.Digests, f.log, f.full = 10, "", true
	if res := collectWith(t, f, Options{}); res.Err != nil {
		t.Error(res.Err)
	}
}

// A registry that something else starts during the garbage collection ends it at once, not in the end.
func TestRunWatchesTheRegistry(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.took = 50 * time.Minute
	f.during = func() { time.AfterFunc(10*time.Minute+time.Millisecond, f.serve) }
	synctest.Test(t, func(t *testing.T) {
		res := Run(t.Context(), f.target(), f, Options{})
		if !errors.Is(res.Err, errServing) || res.Collected || res.Away > 10*time.Minute+2*watchInterval || KindOf(res.Err) != KindFailed {
			t.Errorf("got %+v", res)
		}
		if hintOf(res.Err) != "what was pushed meanwhile may be lost; pause whatever starts the registry by itself: what may start it" {
			t.Errorf("hint %q", hintOf(res.Err))
		}
	})
	f.wantSteps(t, "collect", "halt", "start", "unlock", "verify")
}

// A registry that does not answer any more and still runs is not collected, nor is another one of the same configuration.
func TestRunWaitsForTheProcess(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.left = "4711"
	res := collectWith(t, f, Options{})
	if !errors.Is(res.Err, errServing) || !strings.Contains(res.Err.Error(), "a registry with the configuration /etc/distribution/config.yml still runs there, as process 4711; nothing was collected") {
		t.Errorf("got %v", res.Err)
	}
	f.wantSteps(t, "stop", "served", "start", "unlock", "!collect")

	f = newFake()
	f.known.volumes = []string{"/srv"} // a container sees its own processes
	f.left = "4711"
	if res := collectWith(t, f, Options{}); res.Err != nil {
		t.Error(res.Err)
	}
	for _, step := range []string{"served"} {
		f = newFake()
		failing(step)(f)
		if res := collectWith(t, f, Options{}); res.Err == nil || !strings.Contains(res.Err.Error(), "look for registries on fake:") || !res.Restarted {
			t.Errorf("got %+v", res)
		}
	}
}
