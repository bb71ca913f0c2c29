package gc

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// The whole way: look, lock, stop, collect, start, unlock, look again; and what comes of it.
func TestRun(t *testing.T) {
	t.Parallel()
	f := newFake()
	var said []string
	res := collectWith(t, f, Options{Owner: "ci-7", Say: func(text string) { said = append(said, text) }})
	f.wantSteps(t, "open", "probe", "verify", "sample", "storage", "settle true", "lock", "room", "stop", "served", "open", "collect", "halt", "start", "unlock", "verify", "close", "!resume")
	want := Result{
		Via: "fake:", Mode: Offline, Version: "v3.1.2", Collected: true, Measured: true, Freed: 150_000, StorageFreed: 200 << 10, FreeBefore: 10 << 10, FreeAfter: 210 << 10,
		Log:     Log{[]Marked{{"team/app", 1, 0}}, 1, 2, 0},
		Stopped: true, Restarted: true, Away: time.Minute, Collecting: 2250 * time.Millisecond, Elapsed: time.Minute,
		Verified: true, Check: Check{Images: 3}, Lock: "/srv/.regsweep-gc-lock",
	}
	if !reflect.DeepEqual(res, want) {
		t.Errorf("got  %+v\nwant %+v", res, want)
	}
	if f.lock || !f.serving {
		t.Errorf("locked: %v, serving: %v", f.lock, f.serving)
	}
	if want := []string{"stopping the registry", "the registry is stopped, collecting garbage", "starting the registry"}; !slices.Equal(said, want) {
		t.Errorf("said %q", said)
	}
}

// Live collects while the registry serves, and restarts it then.
func TestRunLive(t *testing.T) {
	t.Parallel()
	f := newFake()
	res := collectWith(t, f, Options{Mode: Live})
	if res.Err != nil || !f.corrupt || !f.serving || res.Away != 0 {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "lock", "collect", "stop", "halt", "start", "unlock", "verify")

	f = newFake()
	f.exit = "1"
	res = collectWith(t, f, Options{Mode: Live})
	if KindOf(res.Err) != KindFailed || res.Stopped || !f.serving || f.lock {
		t.Errorf("got %+v", res)
	}
	f.wantSteps(t, "lock", "collect", "halt", "unlock", "!stop")
}

// What must not be collected is refused before the registry is stopped, and so is everything that is found wrong before.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	kept := []oci.Digest{"sha256:" + fakeHex}
	probe2 := strings.Replace(fakeProbe, "distribution/v3 v3.1.2", "distribution 2.8.2", 1)
	for name, c := range map[string]struct {
		change func(*fakeHost)
		o      Options
		kind   Kind
		says   string
	}{
		"a cache":             {func(f *fakeHost) { f.config += "\nproxy: {remoteurl: https://x}" }, Options{}, KindRefused, "pull-through cache"},
		"GitLab's registry":   {func(f *fakeHost) { f.probe = strings.Replace(probe2, "2.8.2", "v4.15.2-gitlab", 1) }, Options{}, KindRefused, "this is GitLab's registry (registry github.com/distribution/distribution v4.15.2-gitlab)"},
		"no way back":         {func(f *fakeHost) { f.known.noRestart = &Refusal{Why: "it goes when it is stopped"} }, Options{}, KindRefused, "it goes when it is stopped"},
		"read-only":           {func(f *fakeHost) { f.config = "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}" }, Options{}, KindRefused, "read-only"},
		"untagged on 2.x":     {func(f *fakeHost) { f.probe = probe2 }, Options{DeleteUntagged: true}, KindRefused, "destroys multi-arch images"},
		"a kept one":          {func(*fakeHost) {}, Options{DeleteUntagged: true, Untagged: kept}, KindRefused, fakeHex + ", which is kept and has no tag"},
		"no volume":           {func(f *fakeHost) { f.known.volumes = []string{"/data"} }, Options{}, KindRefused, "is not in a volume"},
		"a lock":              {func(f *fakeHost) { f.lock = true }, Options{}, KindRefused, "is held for 10m0s by ci-7"},
		"it does not serve":   {func(f *fakeHost) { f.serving = false }, Options{}, KindFailed, "the registry does not serve: connection refused; nothing was stopped"},
		"no host":             {failing("open"), Options{}, KindFailed, "open fails"},
		"no shell":            {failing("probe"), Options{}, KindFailed, "inspect fake:: probe fails"},
		"kept images unknown": {failing("verify"), Options{}, KindFailed, "check the kept images: verify fails; nothing was stopped"},
		"no lock":             {failing("lock"), Options{}, KindFailed, "take the lock /srv/.regsweep-gc-lock: lock fails"},
		"a banner":            {func(f *fakeHost) { f.probe = "Welcome!\n\n" }, Options{}, KindFailed, `unexpected output "Welcome!" from the shell there`},
		"no binary":           {func(f *fakeHost) { f.probe = "binary=\n\n" }, Options{}, KindFailed, "find the registry's binary on fake:"},
		"another program":     {func(f *fakeHost) { f.probe = "binary=/bin/true\nversion=\n\n" }, Options{}, KindFailed, `/bin/true on fake:: not the CNCF registry: --version prints ""`},
		"no configuration": {func(f *fakeHost) {
			f.probe = strings.Replace(fakeProbe, "config=/etc/distribution/config.yml", "tried=/etc/distribution/config.yml\ntried=/etc/docker/registry/config.yml", 1)
		}, Options{}, KindFailed, "tried /etc/distribution/config.yml, /etc/docker/registry/config.yml"},
		"several registries": {func(f *fakeHost) { f.probe = "serving=/a.yml\nserving=/b.yml\n\n" }, Options{}, KindFailed, "several registries serve there, with /a.yml, /b.yml"},
		"rubbish variables": {func(f *fakeHost) {
			f.probe = strings.Replace(fakeProbe, "config=", "env=REGISTRY_STORAGE_S3_SECRETKEY=[s3cret\nconfig=", 1)
		}, Options{}, KindFailed, "the variable REGISTRY_STORAGE_S3_SECRETKEY is not YAML"},
		"rubbish in it": {func(f *fakeHost) { f.config = "storage: [" }, Options{}, KindFailed, "read /etc/distribution/config.yml on fake:: not understood"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			locked := f.lock
			res := collectWith(t, f, c.o)
			if res.Err == nil || !strings.Contains(res.Err.Error(), c.says) || KindOf(res.Err) != c.kind {
				t.Errorf("got %v of the kind %q, want %q with %s", res.Err, KindOf(res.Err), c.kind, c.says)
			}
			if c.kind == KindRefused && !strings.HasSuffix(res.Err.Error(), "; nothing was stopped") {
				t.Errorf("got %v", res.Err)
			}
			if res.Stopped || f.lock != locked {
				t.Errorf("stopped: %v, locked: %v", res.Stopped, f.lock)
			}
			if strings.HasPrefix(name, "GitLab") && !strings.HasPrefix(hintOf(res.Err), "run gitlab-ctl registry-garbage-collect there") {
				t.Errorf("hint %q", hintOf(res.Err))
			}
			f.wantSteps(t, "close", "!stop", "!collect", "!start")
		})
	}
}

// failing makes every try of a step fail.
func failing(step string) func(*fakeHost) {
	return func(f *fakeHost) {
		f.fail = func(s string) error {
			if s == step {
				return errors.New(step + " fails")
			}
			return nil
		}
	}
}

// failingAfter makes a step fail once another one was made.
func failingAfter(first, step string) func(*fakeHost) {
	return func(f *fakeHost) {
		f.fail = func(s string) error {
			if s == step && f.ran(first) {
				return errors.New(step + " fails")
			}
			return nil
		}
	}
}

// A lock that was left is taken on request.
func TestRunBreaksALock(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.lock = true
	if res := collectWith(t, f, Options{BreakLock: true}); res.Err != nil || f.lock {
		t.Errorf("got %v, locked: %v", res.Err, f.lock)
	}
}

// However the garbage collection ends, the registry serves again and the lock is given back.
func TestRunStartsTheRegistryAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fakeHost)
		says   string
	}{
		"it fails":          {func(f *fakeHost) { f.exit, f.said = "1", "failed to garbage collect: no\x1b blobs" }, "garbage-collect: it exited with 1: failed to garbage collect: no  blobs"},
		"it is killed":      {func(f *fakeHost) { f.exit = "" }, "garbage-collect: it ended early, without an exit code"},
		"rubbish":           {func(f *fakeHost) { f.log = "all clean now\n" }, "garbage-collect: not the log of a garbage collection"},
		"it takes too long": {func(f *fakeHost) { f.took = 2 * time.Hour }, "garbage-collect: it took longer than --gc-timeout"},
		"no helper": {func(f *fakeHost) {
			f.fail = func(step string) error {
				if step == "open" && f.Answers(t.Context()) != nil {
					return errors.New("open fails")
				}
				return nil
			}
		}, "open fails"},
		"the stop fails":     {failing("stop"), "stop the registry: stop fails"},
		"no shell any more":  {failing("collect"), "garbage-collect: collect fails"},
		"the lock stays":     {failing("unlock"), "remove the lock /srv/.regsweep-gc-lock: unlock fails"},
		"the helper stays":   {failing("close"), "close fails"},
		"it is not verified": {failingAfter("start", "verify"), "check the kept images after the garbage collection: verify fails"},
		"it cannot be followed": {func(f *fakeHost) {
			f.fail = func(step string) error {
				if step == "collect" || step == "resume" {
					return &CommandError{"docker", 1, "the container is not running", errors.New("exit status 1")}
				}
				return nil
			}
		}, "garbage-collect: docker exited with 1: the container is not running"},
		"somebody starts it": {func(f *fakeHost) {
			f.during = f.serve
		}, "something still answers at the registry's address: something else started it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			var res Result
			synctest.Test(t, func(t *testing.T) { res = Run(t.Context(), f.target(), f, Options{}) })
			if res.Err == nil || !strings.Contains(res.Err.Error(), c.says) || KindOf(res.Err) != KindFailed {
				t.Errorf("got %v of the kind %q, want %s", res.Err, KindOf(res.Err), c.says)
			}
			if !res.Stopped || !res.Restarted || !f.serving || f.collecting {
				t.Errorf("got %+v; collecting: %v", res, f.collecting)
			}
			f.wantSteps(t, "stop", "start", "unlock", "close")
		})
	}
}

// A run that is cancelled ends the garbage collection first and starts the registry then.
func TestRunIsCancelled(t *testing.T) {
	t.Parallel()
	f := newFake()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		res := Run(ctx, f.target(), f, Options{})
		if KindOf(res.Err) != KindCancelled || !res.Restarted || res.Away != 10*time.Second || res.Collected || !res.Verified {
			t.Errorf("got %+v", res)
		}
	})
	f.wantSteps(t, "collect", "halt", "start", "unlock", "verify", "close")
	if f.corrupt || f.collecting || f.lock {
		t.Errorf("corrupt: %v, collecting: %v, locked: %v", f.corrupt, f.collecting, f.lock)
	}
}

// A garbage collection whose connection is lost is followed again, over any number of lost connections, and neither ended
// nor begun a second time.
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

// A registry whose garbage collection cannot be ended stays stopped and locked, and the error says how to start it.
func TestRunStaysStoppedWhileItMayCollect(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{"it does not end": errors.New("it does not end"), "the host is gone": lostConnection} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.took = 3 * time.Hour
			f.fail = func(step string) error {
				if step == "halt" {
					return err
				}
				return nil
			}
			res := collectWith(t, f, Options{})
			var down *NotBackError
			if !errors.As(res.Err, &down) || !down.Collecting || !errors.Is(res.Err, err) || KindOf(res.Err) != KindFailed ||
				hintOf(res.Err) != "make sure that no garbage-collect is running there, then start the registry: systemctl start registry" {
				t.Errorf("got %v, hint %q", res.Err, hintOf(res.Err))
			}
			if f.serving || !f.lock || res.Restarted || res.Verified || !strings.Contains(res.Err.Error(), "garbage-collect: it took longer than --gc-timeout") {
				t.Errorf("serving: %v, locked: %v, got %+v", f.serving, f.lock, res)
			}
			f.wantSteps(t, "stop", "halt", "close", "!start", "!unlock")
		})
	}
}

// A helper that does not answer any more is removed, and its garbage collection with it: then the registry can start.
func TestRunRemovesAHelperThatHangs(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.known.disposable = true
	f.known.volumes = []string{"/srv"}
	f.took = 3 * time.Hour
	f.fail = func(step string) error {
		if step == "halt" {
			return errors.New("the container is not running")
		}
		return nil
	}
	res := collectWith(t, f, Options{})
	if !res.Restarted || !f.gone || !f.serving || KindOf(res.Err) != KindFailed {
		t.Errorf("got %+v; removed: %v", res, f.gone)
	}
	f.wantSteps(t, "halt", "halt", "halt", "close", "start")
}

// A start that fails is tried again, over lost connections as well; one that never works is the first thing said.
func TestRunStarts(t *testing.T) {
	t.Parallel()
	tries := func(n int, err error) func(f *fakeHost) {
		return func(f *fakeHost) {
			f.fail = func(step string) error {
				if n > 0 && step == "start" {
					n--
					return err
				}
				return nil
			}
		}
	}
	failed := &CommandError{"sh", 5, "unit not found", errors.New("exit status 5")}
	for name, c := range map[string]struct {
		change func(*fakeHost)
		says   string // "" when it serves in the end
	}{
		"at the third try":            {tries(2, failed), ""},
		"after ten lost connections":  {tries(10, lostConnection), ""},
		"never":                       {tries(1000, failed), "the registry is not back; it was started by systemctl start registry: sh exited with 5: unit not found"},
		"never, over no connection":   {tries(1000, lostConnection), "started by systemctl start registry: ssh exited with 255: Connection reset"},
		"the command says it fails":   {func(f *fakeHost) { tries(1000, failed)(f); f.during = f.serve }, "something else started it"},
		"the registry does not serve": {func(f *fakeHost) { f.starts = 1000 }, "it does not serve after 1m0s: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			c.change(f)
			var res Result
			synctest.Test(t, func(t *testing.T) { res = Run(t.Context(), f.target(), f, Options{}) })
			if c.says == "" {
				if res.Err != nil || !res.Restarted {
					t.Errorf("got %+v", res)
				}
				return
			}
			if res.Err == nil || !strings.Contains(res.Err.Error(), c.says) {
				t.Errorf("got %v, want %s", res.Err, c.says)
			}
			var down *NotBackError
			if errors.As(res.Err, &down) == res.Restarted || (!res.Restarted && hintOf(res.Err) != "check the registry's own log, then start the registry: systemctl start registry") {
				t.Errorf("got %+v, hint %q", res, hintOf(res.Err))
			}
		})
	}
}

// A registry that goes on answering after its stop is not the one that was stopped: nothing is collected.
func TestRunOfARegistryThatIsNotStopped(t *testing.T) {
	t.Parallel()
	f := newFake()
	synctest.Test(t, func(t *testing.T) {
		res := Run(t.Context(), f.target(), stubborn{f}, Options{})
		if !errors.Is(res.Err, errServing) || !strings.Contains(hintOf(res.Err), "all of its replicas") || res.Collected || res.Away != silenceTimeout {
			t.Errorf("got %+v", res)
		}
	})
	f.wantSteps(t, "stop", "start", "!collect")
}

// stubborn is a client to which something always answers.
type stubborn struct{ *fakeHost }

func (stubborn) Answers(context.Context) error { return nil }

// A run that is cancelled before the registry is silent collects nothing.
func TestRunIsCancelledBeforeItCollects(t *testing.T) {
	t.Parallel()
	f := newFake()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		res := Run(ctx, f.target(), stubborn{f}, Options{})
		if KindOf(res.Err) != KindCancelled || !res.Restarted {
			t.Errorf("got %+v", res)
		}
	})
	f.wantSteps(t, "stop", "start", "!collect")
}

// Only what the garbage collection itself broke is told, with the cure; what was missing before is a note.
func TestRunVerifies(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.before.Missing = []Missing{missing(1)}
	f.after.Missing = []Missing{missing(1)}
	res := collectWith(t, f, Options{})
	if res.Err != nil || !res.Verified || len(res.Check.Missing) > 0 || !slices.ContainsFunc(res.Notes, func(n string) bool {
		return strings.HasPrefix(n, "1 digest of kept images had been missing before the garbage collection, such as sha256:0")
	}) {
		t.Errorf("got %+v", res)
	}

	f = newFake()
	f.before.Missing = []Missing{missing(1)}
	f.after.Missing = []Missing{missing(1), missing(2), missing(3)}
	f.exit = "1"
	res = collectWith(t, f, Options{})
	var broken *MissingError
	if !errors.As(res.Err, &broken) || !slices.Equal(broken.Missing, []Missing{missing(2), missing(3)}) || KindOf(res.Err) != KindFailed {
		t.Errorf("got %+v", res)
	}
	const first = "kept images are no longer whole: registry.example/team/app lacks sha256:"
	if text := res.Err.Error(); !strings.HasPrefix(text, first) || !strings.Contains(text, "2 (and 1 more digest)\ngarbage-collect: it exited with 1") {
		t.Errorf("got %s", text)
	}
	if hintOf(res.Err) != "push these images again, now that the registry has been restarted" {
		t.Errorf("hint %q", hintOf(res.Err))
	}
}

// What cannot be measured is a note; the garbage collection is none the worse.
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

// The registry's own command has --delete-untagged when that was asked for.
func TestArguments(t *testing.T) {
	t.Parallel()
	r := &run{site: site{binary: "/bin/registry", file: "/x.yml"}}
	if got := r.arguments(); !slices.Equal(got, []string{"/bin/registry", "garbage-collect", "/x.yml"}) {
		t.Errorf("got %q", got)
	}
	r.o.DeleteUntagged = true
	if got := r.arguments(); !slices.Equal(got, []string{"/bin/registry", "garbage-collect", "--delete-untagged", "/x.yml"}) {
		t.Errorf("got %q", got)
	}
}

// The files of a run go where they have room, and that is known before the registry is stopped.
func TestRunFindsRoom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		room   string
		folder string // the beginning of the run's folder, "" when nothing may be stopped
		log    string
	}{
		"in the storage":      {"room=1026 yes /srv/.regsweep-gc-lock\nroom=9999 yes /tmp\n", "/srv/.regsweep-gc-lock/run-", "file"},
		"elsewhere":           {"room=1025 yes /srv/.regsweep-gc-lock\nroom=9999 yes /tmp\n", "/tmp/regsweep-gc-", "file"},
		"names alone":         {"room=0 no /srv/.regsweep-gc-lock\nroom=1025 yes /dev/shm\n", "/srv/.regsweep-gc-lock/run-", "stream"},
		"no content":          {"room=9999 no /srv/.regsweep-gc-lock\n", "/srv/.regsweep-gc-lock/run-", "stream"},
		"nothing at all":      {"", "", ""},
		"df is not there":     {"room= yes /tmp\n", "/tmp/regsweep-gc-", "stream"},
		"a folder of a title": {"room=9999 yes /srv/my images/.regsweep-gc-lock\n", "/srv/my images/.regsweep-gc-lock/", "file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake()
			f.room = c.room
			res := collectWith(t, f, Options{})
			if c.folder == "" {
				if KindOf(res.Err) != KindRefused || !strings.Contains(res.Err.Error(), "there is no room for the files of a garbage collection on fake:") || hintOf(res.Err) != "make 2 MiB free in one of these folders" || f.lock {
					t.Errorf("got %v, hint %q, locked: %v", res.Err, hintOf(res.Err), f.lock)
				}
				f.wantSteps(t, "room", "unlock", "!stop")
				return
			}
			if res.Err != nil || !strings.HasPrefix(f.args[0], c.folder) || f.args[1] != "/srv/.regsweep-gc-lock" || f.args[3] != c.log || res.Log.BlobsEligible != 2 || !res.Measured {
				t.Errorf("got %+v with the arguments %q", res, f.args)
			}
			f.wantSteps(t, "lock", "room", "stop", "collect", "unlock")
		})
	}
	for name, c := range map[string]struct{ room, folder, log string }{ // the helper is made after the stop
		"in the storage":   {"room=9999 yes /srv/.regsweep-gc-lock\n", "/srv/.regsweep-gc-lock/run-", "file"},
		"in the helper":    {"room=0 yes /srv/.regsweep-gc-lock\nroom=9999 yes /scratch\n", "/scratch/regsweep-gc-", "file"},
		"none in a helper": {"room=0 yes /srv/.regsweep-gc-lock\n", "/srv/.regsweep-gc-lock/run-", "stream"},
	} {
		f := newFake()
		f.known.scratch, f.room = "/scratch", c.room
		res := collectWith(t, f, Options{})
		if res.Err != nil || !strings.HasPrefix(f.args[0], c.folder) || f.args[3] != c.log {
			t.Errorf("%s: got %+v with the arguments %q", name, res, f.args)
		}
	}
	f := newFake()
	failing("room")(f)
	if res := collectWith(t, f, Options{}); res.Err == nil || res.Err.Error() != "look for room on fake:: room fails" || f.lock {
		t.Errorf("got %v", res.Err)
	}
	f.wantSteps(t, "unlock", "!stop")
}

// With buckets the lock is in the first folder that can be written to where the garbage collection is run.
func TestRunWithBuckets(t *testing.T) {
	t.Parallel()
	f := newFake()
	f.config, f.known.scratch, f.room = "storage: {s3: {}}", "/scratch", "room=9999 yes /scratch\n"
	res := collectWith(t, f, Options{})
	if res.Err != nil || res.Lock != "/scratch/.regsweep-gc-lock" || f.args[1] != res.Lock || f.args[2] != "" || !strings.HasPrefix(f.args[0], "/scratch/regsweep-gc-") {
		t.Errorf("got %+v with the arguments %q", res, f.args)
	}
	f.wantSteps(t, "settle false", "room", "lock", "room", "stop", "collect", "!storage")

	f = newFake()
	f.config, f.room = "storage: {s3: {}}", ""
	if res := collectWith(t, f, Options{}); KindOf(res.Err) != KindRefused || res.Stopped {
		t.Errorf("got %+v", res)
	}
}

// A garbage collection that ended well is not called failed because a full disk cut its log off.
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
