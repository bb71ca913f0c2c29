package gc

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRunFollowsALostConnection(t *testing.T) {
	t.Parallel()
	f := newFake()
	lose := 6
	f.fail = func(step string) error {
		if lose > 0 && (step == "collect" || step == "resume") {
			lose--
			return lostConnection
		}
		return nil
	}
	var said []string
	res := collectWith(t, f, Options{Say: func(text string) { said = append(said, text) }})
	if res.Err != nil || !res.Collected || !slices.Contains(said, "lost the connection to the garbage collection, reconnecting: ssh exited with 255: Connection reset") {
		t.Errorf("got %v, %q", res.Err, said)
	}
	f.wantSteps(t, "collect", "resume", "resume", "resume", "resume", "resume", "resume", "halt", "start")
	// 1, 2, 4, 8 and 16 seconds between the tries, and the minute of the garbage collection.
	if want := 31*time.Second + time.Minute; res.Away != want {
		t.Errorf("away %s, want %s", res.Away, want)
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	whole := head{"before.disk": {"1"}, "after.disk": {"1"}, "before.content": {"1"}, "after.content": {"1"}, "before.free": {"1"}, "after.free": {"1"}}
	for missing := range whole {
		h := head{}
		for key, value := range whole {
			if key != missing {
				h[key] = value
			}
		}
		r := &run{site: site{config: config{root: "/srv"}}}
		if r.measure(h); r.res.Measured || len(r.res.Notes) != 1 {
			t.Errorf("without %s: %+v", missing, r.res)
		}
	}
	r := &run{} // buckets are not measured, and that was said before
	if r.measure(head{}); r.res.Measured || len(r.res.Notes) != 0 {
		t.Errorf("got %+v", r.res)
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	r := &run{site: site{binary: "/bin/registry", file: "/x.yml"}}
	if got := r.arguments(); !slices.Equal(got, []string{"/bin/registry", "garbage-collect", "/x.yml"}) {
		t.Errorf("got %q", got)
	}
}

func TestRunWithALogThatIsCutOff(t *testing.T) {
	t.Parallel()
	cut := fakeLog[:strings.LastIndex(fakeLog, "1 blobs")]
	for name, c := range map[string]struct {
		log  string
		full bool
		ok   bool
	}{
		"cut off":                        {cut, false, true},
		"its beginning is lost":          {"abc eligible for deletion: sha256:" + fakeHex + "\nblob eligible for deletion: sha256:" + fakeHex + "\n", false, true},
		"its middle is lost":             {"team/app\nteam/app: marking blob sha2blobs marked\n", false, true},
		"empty on a full disk":           {"", true, true},
		"empty":                          {"", false, false},
		"rubbish on a full disk":         {"all clean now\n", true, false},
		"a word":                         {"hello\n", false, false},
		"it says that it did not finish": {cut + "failed to garbage collect: x", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.log, f.full = c.log, c.full
			res := collectWith(t, f, Options{})
			if (res.Err == nil) != c.ok || res.Collected != c.ok || res.LogIncomplete != c.ok || !res.Restarted {
				t.Errorf("got %+v", res)
			}
			if c.ok && (!res.Measured || res.Freed != 150_000 || !strings.Contains(strings.Join(res.Notes, "\n"), "its log was cut off")) {
				t.Errorf("got %+v", res)
			}
		})
	}
}
