package gc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// fakeHost stands for the machine of a registry: it is the host that the engine talks to, runs the scripts by their names,
// and is the registry that clients see. Time is synctest's, so that a timeout of an hour takes no time.
type fakeHost struct {
	mu    sync.Mutex
	calls []string // what was done, in order

	serving, collecting, lock bool
	corrupt                   bool // the registry served during a garbage collection
	gone                      bool // the helper was removed
	opened                    int

	known   facts
	config  string // the registry's configuration
	probe   string // the head that the probe prints
	took    time.Duration
	exit    string // of the garbage collection
	said    string // by it on standard error
	log     string
	before  Check // what Verify finds before the garbage collection and after it
	after   Check
	starts  int      // how many starts do not make it serve
	room    string   // the folders that can be written to
	full    bool     // the disk is full afterwards
	args    []string // of the last collect
	sample  []Held   // what the storage must hold
	storage string   // what it says of itself
	asked   []string // of the storage
	left    string   // the process that serves after the stop
	stored  string   // what its storage holds of repositories
	answers string   // to what it is told to remove

	stdin string // of all commands

	// fail is asked before each step, by its name; an error is the step's.
	fail func(step string) error
	// during runs once, in the middle of the garbage collection.
	during func()
}

const (
	fakeProbe  = "binary=/bin/registry\nversion=registry github.com/distribution/distribution/v3 v3.1.2\nconfig=/etc/distribution/config.yml\n\n"
	fakeConfig = "storage: {filesystem: {rootdirectory: /srv}}"
	fakeLog    = "team/app\nteam/app: marking manifest sha256:" + fakeHex + " \n\n1 blobs marked, 2 blobs and 0 manifests eligible for deletion\n"
	fakeHex    = "1111111111111111111111111111111111111111111111111111111111111111"
)

func newFake() *fakeHost {
	return &fakeHost{
		serving: true, probe: fakeProbe, config: fakeConfig, took: time.Minute, exit: "0", log: fakeLog,
		stored:  "repository team/app\ntag v1 sha256:" + fakeHex + "\nrevision " + fakeHex + "\nend\ndone\n",
		answers: "repository team/app\ndeleted tag v1\ndeleted manifest " + fakeHex + "\ndone\n",
		sample:  []Held{{oci.Repository{Host: "registry.example", Path: "team/app"}, "sha256:" + fakeHex}}, storage: "root=yes\nrepositories=1\n",
		room: "room=99999 yes /srv/.regsweep-gc-lock\n", before: Check{Images: 3}, after: Check{Images: 3}, fail: func(string) error { return nil },
	}
}

func (f *fakeHost) target() *Target { return &Target{text: "fake:", host: f, exec: f.exec} }

// step notes a step and returns its failure.
func (f *fakeHost) step(name string) error {
	f.mu.Lock()
	f.calls = append(f.calls, name)
	f.mu.Unlock()
	return f.fail(name)
}

func (f *fakeHost) open(context.Context) error {
	f.opened++
	return f.step("open")
}

func (f *fakeHost) settle(_ context.Context, folder bool) error {
	return f.step(fmt.Sprint("settle ", folder))
}

func (f *fakeHost) facts() facts                { return f.known }
func (f *fakeHost) wrap(args []string) []string { return args }
func (f *fakeHost) feed(args []string) []string { return args }
func (f *fakeHost) startCommand() string        { return "systemctl start registry" }

func (f *fakeHost) stop(context.Context, string) error {
	if err := f.step("stop"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serving = false
	return nil
}

// serve is a start by something else.
func (f *fakeHost) serve() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serving = true
}

func (f *fakeHost) start(context.Context, string) error {
	if err := f.step("start"); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.corrupt = f.corrupt || f.collecting
	if f.starts--; f.starts < 0 {
		f.serving = true
	}
	return nil
}

func (f *fakeHost) close(context.Context) error {
	if err := f.step("close"); err != nil {
		return err
	}
	if f.known.disposable {
		f.mu.Lock()
		f.gone, f.collecting = true, false
		f.mu.Unlock()
	}
	return nil
}

// Answers and Verify make it the client as well.
func (f *fakeHost) Answers(context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.serving {
		return errors.New("connection refused")
	}
	return nil
}

func (f *fakeHost) Verify(context.Context) (Check, error) {
	if err := f.step("verify"); err != nil {
		return Check{}, err
	}
	if f.ran("collect") {
		return f.after, nil
	}
	return f.before, nil
}

func (f *fakeHost) Sample(context.Context) ([]Held, error) {
	return f.sample, f.step("sample")
}

func (f *fakeHost) restarts() string { return "what may start it" }

func (f *fakeHost) ran(step string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.calls, step)
}

// exec runs a script by what it does.
func (f *fakeHost) exec(ctx context.Context, c command) error {
	name := "?"
	for script, n := range map[string]string{
		probeScript: "probe", lockScript: "lock", unlockScript: "unlock", roomScript: "room", dryRunScript: "run", pushedScript: "pushed", storageScript: "storage", servedScript: "served", collectScript: "collect", resumeScript: "resume", haltScript: "halt", storedScript: "stored", removeScript: "remove", tidyScript: "tidy",
	} {
		if slices.ContainsFunc(c.args, func(a string) bool { return strings.HasSuffix(a, script) }) {
			name = n
		}
	}
	if err := f.step(name); err != nil {
		if name == "collect" && lost(err) { // it was begun before the connection was lost
			f.mu.Lock()
			f.collecting = true
			f.mu.Unlock()
		}
		return err
	}
	if c.stdin != nil {
		text, err := io.ReadAll(c.stdin)
		if err != nil {
			return err
		}
		f.stdin += string(text)
	}
	return map[string]func(context.Context, command) error{
		"probe": f.probing, "lock": f.locking, "unlock": f.unlocking, "room": f.looking, "storage": f.holding, "served": f.waiting, "collect": f.collect, "resume": f.collect, "halt": f.halting, "run": f.dryRun, "pushed": f.pushing, "stored": f.storing, "remove": f.removing, "tidy": func(ctx context.Context, _ command) error { return pause(ctx, f.took) },
	}[name](ctx, c)
}

func say(c command, format string, args ...any) error {
	_, err := fmt.Fprintf(c.out, format, args...)
	return err
}

func (f *fakeHost) probing(_ context.Context, c command) error {
	return say(c, "%s%s", f.probe, f.config)
}

func (f *fakeHost) locking(_ context.Context, c command) error {
	if f.lock && c.args[len(c.args)-1] != "break" {
		return say(c, "lock=held\nnow=1000\nsince=400\nowner=ci-7\n\n")
	}
	f.lock = true
	return say(c, "lock=taken\n\n")
}

func (f *fakeHost) unlocking(context.Context, command) error {
	f.lock = false
	return nil
}

func (f *fakeHost) holding(_ context.Context, c command) error {
	f.asked = append(f.asked, c.args[4:]...)
	return say(c, "%s\n", f.storage)
}

// pushing says of the overwritten index of the logs that it was pushed 100 seconds ago.
func (f *fakeHost) pushing(_ context.Context, c command) error {
	return say(c, "now=1100\n\n1000 ./team/multi/_manifests/revisions/sha256/%s/link\n", strings.TrimPrefix(overwrittenIndex.String(), "sha256:"))
}

func (f *fakeHost) storing(_ context.Context, c command) error { return say(c, "%s", f.stored) }

// removing takes as long as a collection.
func (f *fakeHost) removing(ctx context.Context, c command) error {
	if err := f.works(ctx); err != nil {
		return err
	}
	return say(c, "%s", f.answers)
}

// works changes the storage, which corrupts it where the registry serves meanwhile. When it is interrupted, it goes on.
func (f *fakeHost) works(ctx context.Context) error {
	f.mu.Lock()
	f.collecting, f.corrupt = true, f.corrupt || f.serving
	during := f.during
	f.during = nil
	f.mu.Unlock()
	if during != nil {
		during()
	}
	if err := pause(ctx, f.took); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.collecting, f.corrupt = false, f.corrupt || f.serving
	return nil
}

func (f *fakeHost) waiting(_ context.Context, c command) error {
	return say(c, "left=%s\n\n", f.left)
}

func (f *fakeHost) looking(_ context.Context, c command) error {
	return say(c, "blobs=10\n%s\n", f.room)
}

func (f *fakeHost) collect(ctx context.Context, c command) error {
	first := strings.HasSuffix(c.args[2], collectScript)
	if first {
		f.args = c.args[4:]
	}
	if err := f.works(ctx); err != nil {
		return err
	}
	exit := "exit=" + f.exit + "\n"
	if f.full {
		exit += "full=yes\n"
	}
	if first && f.args[3] == "stream" {
		return say(c, "stream=yes\n\n%s", f.log)
	}
	return say(c, "before.disk=300\nafter.disk=100\nbefore.content=200000\nafter.content=50000\nbefore.free=10\nafter.free=210\nbegan=100.5\nended=102.75\n%serr=%s\n\n%s", exit, f.said, f.log)
}

func (f *fakeHost) halting(context.Context, command) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.collecting = false
	return nil
}

func (f *fakeHost) dryRun(ctx context.Context, c command) error {
	if err := pause(ctx, f.took); err != nil {
		return err
	}
	_, err := io.WriteString(c.out, f.log)
	return err
}

// collectWith runs a garbage collection on the fake in synctest's time.
func collectWith(t *testing.T, f *fakeHost, o Options) (res Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { res = Run(t.Context(), f.target(), f, o) })
	if f.corrupt && o.Mode != Live {
		t.Error("the registry served during the garbage collection")
	}
	return res
}

// wantSteps checks that these steps were made, in this order, and no step that is named with a "!" before it.
func (f *fakeHost) wantSteps(t *testing.T, want ...string) {
	t.Helper()
	i := 0
	for _, c := range f.calls {
		if i < len(want) && c == want[i] {
			i++
		}
		if slices.Contains(want, "!"+c) {
			t.Errorf("%s was done: %q", c, f.calls)
		}
	}
	for ; i < len(want); i++ {
		if !strings.HasPrefix(want[i], "!") {
			t.Errorf("%s is not among the steps, or not in its place: %q", want[i], f.calls)
			return
		}
	}
}

// missing is a digest that a kept image lacks.
func missing(n int) Missing {
	return Missing{oci.Repository{Host: "registry.example", Path: "team/app"}, oci.Digest(fmt.Sprintf("sha256:%064x", n))}
}

// lostConnection is what ssh ends with when its connection is cut.
var lostConnection = &CommandError{"ssh", lostCode, "Connection reset", errors.New("exit status 255")}
