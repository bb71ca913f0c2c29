package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What is wrong with the command line is said before anything is asked or stopped.
func TestGCBadInput(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	before := d.serving()
	stops := []string{"--gc-stop", d.Stop, "--gc-start", d.Start}
	for name, c := range map[string]struct {
		args []string
		code int
		says []string
	}{
		"no target":             {[]string{"gc", d.Host}, 2, []string{"--gc-via is missing: it says where the registry runs", "hint: "}},
		"prune without one":     {[]string{d.Host + "/a", "--keep-last", "1", "--gc"}, 2, []string{"--gc-via is missing: it says where the registry runs"}},
		"no registry":           {append([]string{"gc", "--gc-via", "local:"}, stops...), 2, []string{"no image is named"}},
		"no name of one":        {append([]string{"gc", "not a host", "--gc-via", "local:"}, stops...), 2, []string{`"not a host" is not a registry`}},
		"two registries":        {append([]string{"gc", d.Host, "localhost:1", "--gc-via", "local:"}, stops...), 2, []string{"--gc-via is for one registry, but this run covers"}},
		"prune of two":          {append([]string{d.Host + "/a", "localhost:1/b", "--keep-last", "1", "--gc", "--gc-via", "local:"}, stops...), 2, []string{"--gc-via is for one registry"}},
		"unknown scheme":        {[]string{"gc", d.Host, "--gc-via", "telnet://host"}, 2, []string{`"telnet://host" is not a valid target: a target begins with local:, ssh://, docker://`}},
		"no way to restart":     {[]string{"gc", d.Host, "--gc-via", "ssh://host"}, 2, []string{"it needs --gc-stop and --gc-start, the commands that stop and start the registry there"}},
		"an option as a host":   {append([]string{"gc", d.Host, "--gc-via", "ssh://-oProxyCommand=touch"}, stops...), 2, []string{`"-oProxyCommand=touch" is not a host`}},
		"an option as a user":   {append([]string{"gc", d.Host, "--gc-via", "ssh://-l@host"}, stops...), 2, []string{`"-l" is not a user`}},
		"a command as a host":   {append([]string{"gc", d.Host, "--gc-via", "ssh://host; rm -rf ~"}, stops...), 2, []string{"the form is user@host[:port]"}},
		"a container's name":    {[]string{"gc", d.Host, "--gc-via", "docker://registry; rm -rf /"}, 2, []string{"is not a container's name"}},
		"an option for kubectl": {[]string{"gc", d.Host, "--gc-via", "kubectl://--all/deployment/registry"}, 2, []string{"the form is kubectl://namespace/deployment/name"}},
		"no key":                {append([]string{"gc", d.Host, "--gc-via", "ssh://host", "--gc-ssh-key", "/no/such/key"}, stops...), 2, []string{"--gc-ssh-key: ", "no such file"}},
		"unknown mode":          {append([]string{"gc", d.Host, "--gc-via", "local:", "--gc-mode", "fast"}, stops...), 2, []string{"--gc-mode"}},
		"no configuration":      {append([]string{"gc", d.Host, "--gc-via", "local:", "--gc-binary", d.Binary, "--gc-config", "/no/such.yml"}, stops...), 4, []string{"find the registry's configuration on local:: tried /no/such.yml", "hint: --gc-config names the registry's configuration file"}},
		"no binary":             {append([]string{"gc", d.Host, "--gc-via", "local:", "--gc-binary", "/bin/true", "--gc-config", d.Config}, stops...), 4, []string{"/bin/true on local:: not the CNCF registry", "hint: --gc-binary names"}},
		"another registry":      {append([]string{"gc", "127.0.0.1:1", "--gc-via", "local:", "--gc-binary", d.Binary, "--gc-config", d.Config}, stops...), 4, []string{"the registry does not serve", "nothing was stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			sub := &depot{Operated: d.Operated, t: t}
			got := sub.regsweep(c.args...)
			sub.want(got, c.code, c.says...)
			if n := strings.Count(got.stderr, "\n"); n > 2 {
				t.Errorf("%d lines, want an error and a hint:\n%s", n, got.stderr)
			}
		})
	}
	if d.serving() != before {
		t.Error("the registry was restarted")
	}
}

// A registry that must not be collected is refused before it is stopped.
func TestGCRefuses(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 2, 1000)
	before := d.serving()
	text, err := os.ReadFile(d.Config)
	must(t, err)
	lock := filepath.Join(d.Dir, ".regsweep-gc-lock")
	for name, c := range map[string]struct {
		edit []string // of the configuration
		says []string
	}{
		"read-only": {[]string{"readonly: {enabled: false}", "readonly: {enabled: true}"}, []string{"the registry is read-only"}},
		"a cache":   {[]string{"version: 0.1", "version: 0.1\nproxy: {remoteurl: https://registry-1.docker.io}"}, []string{"pull-through cache"}},
	} {
		config := filepath.Join(t.TempDir(), "config.yml")
		must(t, os.WriteFile(config, []byte(strings.Replace(string(text), c.edit[0], c.edit[1], 1)), 0o600))
		flags := d.byHand()
		flags[slices.Index(flags, d.Config)] = config
		got := d.regsweep(append([]string{"gc", d.Host}, flags...)...)
		d.want(got, 3, append(c.says, "garbage collection: refused: ", "nothing was stopped")...)
		if got.gc.Stopped {
			t.Errorf("%s: it was stopped", name)
		}
	}

	// A lock that was left behind is explained, and broken on request.
	must(t, os.Mkdir(lock, 0o700))
	must(t, os.WriteFile(filepath.Join(lock, "owner"), []byte("regsweep, process 1 on ci-7"), 0o600))
	must(t, os.WriteFile(filepath.Join(lock, "since"), []byte("1700000000\n"), 0o600))
	d.want(d.regsweep(append([]string{"gc", d.Host}, d.byHand()...)...), 3,
		"the lock "+lock+" is held for ", " by regsweep, process 1 on ci-7, whose garbage collection is not running now", "hint: if that run is over because it was killed or cut off, --gc-break-lock")
	if d.serving() != before {
		t.Error("the registry was restarted")
	}
	d.want(d.regsweep(append([]string{"gc", d.Host, "--gc-break-lock"}, d.byHand()...)...), 0)
	d.healthy("team/app", "b1", "b2")
}

// Two collections at a time: the second is refused, also when it would break the lock.
func TestGCRefusesASecondCollection(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 2, 1000)
	g := d.slow()
	live := append([]string{"gc", d.Host, "--gc-mode", "live"}, d.byHand()...) // so that the second finds it serving
	cmd, stdout, stderr, report := d.command(live...)
	must(t, cmd.Start())
	g.reached()
	for _, flags := range [][]string{nil, {"--gc-break-lock"}} {
		d.want(d.regsweep(append(live, flags...)...), 3, ", whose garbage collection is running; nothing was stopped", "hint: wait until it ends; --gc-break-lock does not take the lock of a running garbage collection")
	}
	g.open()
	d.want(d.told(cmd.Wait(), stdout, stderr, report), 0)
	d.healthy("team/app", "b1", "b2")
}

// However the collection goes, the registry serves again.
func TestGCStartsTheRegistryAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		collection string // instead of the registry's own
		code       int
		says       string
	}{
		"it fails":           {`printf 'failed to garbage collect: \033[31mno\033[0m blobs' >&2; exit 1`, 4, "garbage-collect: it exited with 1: failed to garbage collect: "},
		"it prints rubbish":  {`echo all clean now`, 4, `garbage-collect: not the log of a garbage collection`},
		"it prints nothing":  {`:`, 4, "not the log of a garbage collection"},
		"it is cut":          {`echo team/app; kill -9 $$`, 4, "garbage-collect: it exited with 137"},
		"it cannot be begun": {`exit 126`, 4, "garbage-collect: it exited with 126"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDepot(t, lines[0])
			d.builds("team/app", 2, 1000)
			before := d.serving()
			d.stand("registry", fmt.Sprintf("[ \"$1\" = garbage-collect ] || exec \"$REAL\" \"$@\"\n%s", c.collection))
			got := d.regsweep(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
			d.want(got, c.code, c.says, "; the registry serves again")
			if g := got.gc; !g.Stopped || !g.Restarted || g.Collected || g.Error == nil || d.serving() == before {
				t.Errorf("got %+v", *g)
			}
			d.healthy("team/app", "b1", "b2")
		})
	}
}

// A start that fails is tried again; one that never works is the first thing said, with the command.
func TestGCRegistryThatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	t.Run("at first", func(t *testing.T) {
		t.Parallel()
		d := newDepot(t, lines[0])
		d.builds("team/app", 1, 1000) // an empty registry is not collected
		once := filepath.Join(t.TempDir(), "once")
		d.Start = fmt.Sprintf("[ -e %s ] || { : >%[1]s; echo not yet >&2; exit 1; }; %s", once, d.Start)
		d.want(d.regsweep(append([]string{"gc", d.Host}, d.byHand()...)...), 0)
	})
	t.Run("the command fails", func(t *testing.T) {
		t.Parallel()
		d := newDepot(t, lines[0])
		d.builds("team/app", 1, 1000)
		right := d.Start
		d.Start = "echo 'unit registry.service not found' >&2; exit 5"
		got := d.regsweep(append([]string{"gc", d.Host}, d.byHand()...)...)
		d.want(got, 4, "garbage collection: the registry is not back; it was started by "+d.Start, "unit registry.service not found", "hint: check the registry's own log, then start the registry: ")
		if got.gc.Restarted || !strings.Contains(got.stdout, "THE REGISTRY IS DOWN: ") {
			t.Errorf("got %+v\n%s", *got.gc, got.stdout)
		}
		d.Start = right
	})
	t.Run("it does not serve", func(t *testing.T) {
		t.Parallel()
		d := newDepot(t, lines[0])
		d.builds("team/app", 1, 1000)
		d.Start = ":"
		got := d.regsweep(append([]string{"gc", d.Host, "--gc-wait", "1s"}, d.byHand()...)...)
		d.want(got, 4, "the registry is not back; it was started by :: it does not serve after 1s")
	})
	t.Run("the stop stops nothing", func(t *testing.T) {
		t.Parallel()
		d := newDepot(t, lines[0])
		d.builds("team/app", 1, 1000)
		before := d.serving()
		d.Stop, d.Start = ":", ":"
		got := d.regsweep(append([]string{"gc", d.Host}, d.byHand()...)...)
		// On a busy machine, the process that still runs is seen before an answer: that is told in its own words.
		d.want(got, 4, "something still answers at the registry's address", "nothing was collected", "hint: check that --gc-")
		if got.gc.Collected || d.serving() != before {
			t.Errorf("got %+v", *got.gc)
		}
	})
}

// A registry that something else starts while it is collected, such as a service manager, ends the collection at once.
func TestGCIsEndedWhenTheRegistryIsStarted(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 2, 1000)
	start := d.Start
	g := d.slow() // which nothing opens
	cmd, stdout, stderr, report := d.command(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
	must(t, cmd.Start())
	g.reached()
	must(t, bounded(t, "sh", "-c", start).Run())
	eventually(t, d.Answers)
	must(t, os.Remove(filepath.Join(g.dir, "collecting"))) // the start after the collection is right
	got := d.told(cmd.Wait(), stdout, stderr, report)
	d.want(got, 4, "something still answers at the registry's address: something else started it during the garbage collection", "hint: what was pushed meanwhile may be lost; pause whatever starts the registry by itself")
	if got.gc.Collected || !got.gc.Restarted {
		t.Errorf("got %+v", *got.gc)
	}
	d.healthy("team/app", "b1", "b2")
}
