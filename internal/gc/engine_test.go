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
		Log:     Log{[]Marked{{"team/app", 1, 0}}, 1, 2, 0, 0},
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

// The registry's own command has --delete-untagged when that was asked for.

// The files of a run go where they have room, and that is known before the registry is stopped.

// With buckets the lock is in the first folder that can be written to where the garbage collection is run.

// A garbage collection that ended well is not called failed because a full disk cut its log off.
