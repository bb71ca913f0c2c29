package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// offline are the flags of a prune that removes from the storage of the stopped registry. All of a depot share a state folder.
func (d *depot) offline(args ...string) []string {
	d.t.Helper()
	if d.state == "" {
		d.state = d.t.TempDir()
	}
	return slices.Concat(d.byHand(), []string{"--gc", "--delete-by", "offline", "--state-dir", d.state}, args)
}

// finished checks that the next run has nothing to do, and stops nothing.
func (d *depot) finished(args ...string) {
	d.t.Helper()
	before := d.serving()
	got := d.regsweep(d.offline(args...)...)
	d.want(got, 0)
	if g := got.gc; g.Stopped || g.Skipped == nil || d.serving() != before {
		d.t.Errorf("the next run has stopped the registry: %+v\n%s", *g, got.stdout)
	}
	if journals, err := filepath.Glob(filepath.Join(d.state, "journal", "*.json")); err != nil || len(journals) > 0 {
		d.t.Errorf("journals are left: %q, %v", journals, err)
	}
}

// held are the links of tags and manifests in a storage, and its blobs, by their paths.
func (d *depot) held() []string {
	d.t.Helper()
	var out []string
	for path := range contents(d.t, filepath.Join(d.Dir, "docker")) {
		if file := filepath.Base(path); file == "data" || file == "link" && strings.Contains(path, "/_manifests/") {
			out = append(out, strings.TrimPrefix(path, d.Dir))
		}
	}
	slices.Sort(out)
	return out
}

// layered pushes n builds each of a plain image, one for two platforms of which one never changes, an index of an index, and
// a signed one. The last build is the newest. It returns the tags and digests of the last ones.
func layered(d *depot, n int) map[string][]string {
	d.t.Helper()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	last := map[string][]string{}
	image := func(p fixture.Tester, i int, platform string, tags ...string) oci.Digest {
		return p.Image(fixture.Image{Seed: fmt.Sprint(i, platform), Platform: platform, MediaType: fixture.OCIManifest, Created: start.AddDate(0, 0, i), Size: 2000, Tags: tags})
	}
	index := func(p fixture.Tester, i int, tags ...string) oci.Digest {
		return p.Index(fixture.Index{Tags: tags, Children: []oci.Digest{image(p, i, "linux/amd64"), image(p, 0, "linux/arm64")}})
	}
	for path, build := range map[string]func(p fixture.Tester, i int, tag string) []oci.Digest{
		"team/plain": func(p fixture.Tester, i int, tag string) []oci.Digest {
			return []oci.Digest{image(p, i, "", tag, tag+"-alias")}
		},
		"team/multi": func(p fixture.Tester, i int, tag string) []oci.Digest { return []oci.Digest{index(p, i, tag)} },
		"team/nested": func(p fixture.Tester, i int, tag string) []oci.Digest {
			return []oci.Digest{p.Index(fixture.Index{Tags: []string{tag}, Children: []oci.Digest{index(p, i), image(p, i, "linux/s390x")}})}
		},
		"team/signed": func(p fixture.Tester, i int, tag string) []oci.Digest {
			signed := index(p, i, tag)
			referrer, fallback := p.Referrer(signed, "application/vnd.example.sbom")
			return []oci.Digest{signed, p.Signature(signed, ".sig"), referrer, fallback}
		},
	} {
		p := d.pusher(path)
		for i := range n {
			tag := fmt.Sprint("b", i)
			last[path] = []string{tag}
			for _, made := range build(p, i, tag) {
				last[path] = append(last[path], made.String())
			}
		}
	}
	return last
}

// Whatever images are made of, what is left is exactly what a prune by digest and a collection leave, every image that is kept
// can be pulled, and the next run has nothing to do.
func TestOfflineLeavesWhatDeletionByDigestLeaves(t *testing.T) {
	t.Parallel()
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			d, other := newDepot(t, l), newDepot(t, l)
			last := layered(d, 5)
			layered(other, 5)
			got := d.regsweep(d.offline(d.Host+"/team/*", "--keep-last", "1", "--workers", "4")...)
			d.want(got, 0)
			if g := got.gc; !g.Collected || !g.Restarted || !g.Verified || g.Error != nil || len(g.Missing) > 0 {
				t.Errorf("got %+v\n%s", *g, got.stdout)
			}
			other.want(other.regsweep(append(other.byHand(), other.Host+"/team/*", "--keep-last", "1", "--gc", "--delete-by", "digest")...), 0)
			if here, there := d.held(), other.held(); !slices.Equal(here, there) {
				t.Errorf("left %d:\n%s\nby digest %d:\n%s", len(here), strings.Join(here, "\n"), len(there), strings.Join(there, "\n"))
			}
			for path, refs := range last {
				d.healthy(path, refs...)
			}
			d.finished(d.Host+"/team/*", "--keep-last", "1")
		})
	}
}

// A thousand builds leave two, whatever the order in which the storage lists them.
func TestOfflineOfAThousandBuilds(t *testing.T) {
	t.Parallel()
	builds := 1000
	if testing.Short() {
		builds = 250
	}
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", builds, 100)
		got := d.regsweep(d.offline(d.Host+"/team/app", "--keep-last", "2")...)
		d.want(got, 0)
		newest := []string{fmt.Sprint("b", builds-1), fmt.Sprint("b", builds)}
		d.healthy("team/app", newest...)
		tags, err := os.ReadDir(filepath.Join(d.Dir, "docker/registry/v2/repositories/team/app/_manifests/tags"))
		must(t, err)
		if len(tags) != 2 || got.gc.BlobsDeleted != 3*(builds-2) || got.gc.BlobsMarked != 2*3+1 {
			t.Errorf("%d tags are left, and %+v", len(tags), *got.gc)
		}
		if want := fmt.Sprintf("deleted %d images, kept 2, failed 0", builds-2); !strings.Contains(got.stdout, want) {
			t.Errorf("want %q in\n%s", want, got.stdout)
		}
		t.Logf("stopped for %.2f s, of which the collection took %.2f s", got.gc.AwaySeconds, got.gc.CollectSeconds)
		d.finished(d.Host+"/team/app", "--keep-last", "2")
	})
}

// beforeTheStop lets regsweep stop the registry only when something was done after its last look.
func (d *depot) beforeTheStop(do func()) func(args ...string) told {
	return func(args ...string) told {
		d.t.Helper()
		g, stop := gate{d.t, d.t.TempDir()}, d.Stop
		d.Stop = fmt.Sprintf(": >%[1]s/collecting; while [ ! -e %[1]s/open ]; do sleep 0.02; done; %s", g.dir, stop)
		cmd, stdout, stderr, report := d.command(d.offline(args...)...)
		d.Stop = stop
		must(d.t, cmd.Start())
		g.reached()
		do()
		g.open()
		return d.told(cmd.Wait(), stdout, stderr, report)
	}
}

// What is pushed between the last look and the stop is noticed at rest, whatever it is: nothing is removed in that repository,
// and the others are pruned. The next run decides again.
func TestOfflinePushRightBeforeTheStop(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		at := time.Now().AddDate(0, -1, 0).Truncate(time.Second)
		image := func(p fixture.Tester, seed string, age int, tags ...string) oci.Digest {
			return p.Image(fixture.Image{Seed: seed, MediaType: fixture.OCIManifest, Created: at.AddDate(0, 0, -age), Tags: tags})
		}
		push := map[string]fixture.Tester{}
		child := map[string]oci.Digest{}
		paths := []string{"team/child", "team/moved", "team/again", "team/added", "team/kept", "team/still"}
		for _, path := range paths {
			p := d.pusher(path)
			push[path], child[path] = p, image(p, "old child", 9)
			p.Index(fixture.Index{Tags: []string{"old"}, Children: []oci.Digest{child[path]}})
			image(p, "older", 8, "older")
			image(p, "new", 1, "new")
		}
		got := d.beforeTheStop(func() {
			p := push["team/child"]
			p.Index(fixture.Index{Tags: []string{"shares"}, Children: []oci.Digest{image(p, "fresh", 0), child["team/child"]}})
			image(push["team/moved"], "moved", 0, "older")
			image(push["team/again"], "old child", 9) // the first step of a push that has not come to its tag
			image(push["team/added"], "new", 1, "stable")
			image(push["team/kept"], "newer", 0, "new")
		})(d.Host+"/team/*", "--keep-last", "1")
		d.want(got, 0)
		for path, says := range map[string]string{
			"team/child": "tag shares was pushed after the last look", "team/moved": "tag older was moved after the last look",
			"team/again": "which was to be deleted, was pushed again after the last look", "team/added": "tag stable was pushed after the last look",
			"team/kept": "tag new was moved after the last look",
		} {
			d.healthy(path, "old", "older", "new", child[path].String())
			if !strings.Contains(got.stdout, says) {
				t.Errorf("%s: %q is not said in\n%s", path, says, got.stdout)
			}
		}
		d.healthy("team/child", "shares")
		d.healthy("team/still", "new")
		if d.serves("team/still", child["team/still"]) || got.gc.VerifiedImages == 0 || !got.gc.Collected {
			t.Errorf("team/still was not pruned: %+v", *got.gc)
		}
		d.want(d.regsweep(d.offline(d.Host+"/team/*", "--keep-last", "1")...), 0)
		d.healthy("team/child", "shares", child["team/child"].String())
		d.healthy("team/moved", "older")
		d.healthy("team/added", "new", "stable")
		d.healthy("team/kept", "new")
		if d.serves("team/again", child["team/again"]) || d.serves("team/moved", child["team/moved"]) {
			t.Error("the next run did not delete what was left")
		}
		d.finished(d.Host+"/team/*", "--keep-last", "1")
	})
}

// killer replaces programs that remove something: the nth call in the removal's own process kills that process, half way.
func (d *depot) killer(program string, n int, kill string) {
	d.t.Helper()
	dir := d.t.TempDir()
	text := fmt.Sprintf(`#!/bin/sh
if [ -n "$REGSWEEP_GC_RUN" ] && [ ! -e %[1]s/killed ]; then
  echo >>%[1]s/calls
  if [ "$(wc -l <%[1]s/calls)" -eq %[2]d ]; then
    : >%[1]s/killed
    for file in "$REGSWEEP_GC_RUN"/pid=*; do process=${file##*=}; done
    for last; do :; done
    case $1 in -f) /bin/%[3]s "$1" "$2" "$last" ;; *) /bin/%[3]s "$1" "$2" ;; esac
    %[4]s
    exit 1
  fi
fi
exec /bin/%[3]s "$@"
`, dir, n, program, kill)
	must(d.t, os.WriteFile(filepath.Join(dir, program), []byte(text), 0o700))
	d.env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
}

// A removal that is killed half way leaves every image that is there whole. The registry serves again, the report says what is
// not known, and the next run finishes it, with the same result as a run that was not killed.
func TestOfflineKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		program string
		n       int
	}{"among the tags": {"mv", 1}, "among the manifests": {"rm", 4}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachLine(t, func(t *testing.T, d *depot) {
				last := layered(d, 4)
				d.killer(c.program, c.n, `kill -9 "$process"`)
				got := d.regsweep(d.offline(d.Host+"/team/*", "--keep-last", "1")...)
				d.env = nil
				d.want(got, 4, "remove images from the storage")
				if g := got.gc; !g.Restarted || g.Collected || !g.Verified || len(g.Missing) > 0 {
					t.Errorf("got %+v", *g)
				}
				d.pullable()
				d.want(d.regsweep(d.offline(d.Host+"/team/*", "--keep-last", "1")...), 0)
				d.pruned(last)
			})
		})
	}
}

// The same when regsweep itself is killed with all that it has started: somebody starts the registry, and the next run takes
// the lock over.
func TestOfflineKilledWithRegsweep(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		last := layered(d, 4)
		d.killer("mv", 2, fmt.Sprintf(`kill -9 "$process" "$(cat %s/regsweep)"`, d.Work))
		cmd, stdout, stderr, report := d.command(d.offline(d.Host+"/team/*", "--keep-last", "1")...)
		must(t, cmd.Start())
		must(t, os.WriteFile(filepath.Join(d.Work, "regsweep"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600))
		got := d.told(cmd.Wait(), stdout, stderr, report)
		d.env = nil
		if got.code != -1 || d.Answers() {
			t.Fatalf("regsweep was not killed: exit %d\n%s", got.code, got.stderr)
		}
		must(t, bounded(t, "sh", "-c", d.Start).Run())
		eventually(t, d.Answers)
		d.pullable()
		got = d.regsweep(d.offline(d.Host+"/team/*", "--keep-last", "1", "--gc-break-lock")...)
		d.want(got, 0)
		d.pruned(last)
	})
}

// pullable checks that every tag of every repository can be pulled.
func (d *depot) pullable() {
	d.t.Helper()
	for _, path := range []string{"team/plain", "team/multi", "team/nested", "team/signed"} {
		tags, err := os.ReadDir(filepath.Join(d.Dir, "docker/registry/v2/repositories", path, "_manifests/tags"))
		must(d.t, err)
		for _, tag := range tags {
			if err := d.whole(path, tag.Name()); err != nil {
				d.t.Error(err)
			}
		}
	}
}

// pruned checks that only the last builds are there, and the same as after a prune by digest.
func (d *depot) pruned(last map[string][]string) {
	d.t.Helper()
	manifests := 0
	for _, path := range d.held() {
		if strings.Contains(path, "/revisions/") {
			manifests++
		}
	}
	// plain: one; multi: an index and two; nested: two indexes and three; signed: an index and two, and three attachments.
	if manifests != 1+3+5+6 {
		d.t.Errorf("%d manifests are left", manifests)
	}
	for path, refs := range last {
		d.healthy(path, refs...)
	}
	d.finished(slices.Concat(slices.Sorted(maps.Keys(d.named(last))), []string{"--keep-last", "1"})...)
}

// named are repositories as arguments.
func (d *depot) named(last map[string][]string) map[string]bool {
	out := map[string]bool{}
	for path := range last {
		out[d.Host+"/"+path] = true
	}
	return out
}

// A storage that has something else where a link should be is refused for that repository, and its neighbours are pruned. A
// storage that is not a folder, and a registry that serves on, are refused before the stop.
func TestOfflineRefuses(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	for _, path := range []string{"team/foreign", "team/linked", "team/fine"} {
		d.builds(path, 3, 10)
	}
	tags := func(path string) string {
		return filepath.Join(d.Dir, "docker/registry/v2/repositories", path, "_manifests/tags")
	}
	must(t, os.WriteFile(filepath.Join(tags("team/foreign"), "../README"), []byte("hands off"), 0o600))
	must(t, os.Symlink("b3", filepath.Join(tags("team/linked"), "stable")))
	got := d.regsweep(d.offline(d.Host+"/team/foreign", d.Host+"/team/linked", d.Host+"/team/fine", "--keep-last", "1")...)
	d.want(got, 3, "team/foreign: the storage has something that the registry does not write there", "_manifests/README", "tags/stable")
	for _, path := range []string{"team/foreign", "team/linked"} {
		d.healthy(path, "b1", "b2", "b3")
	}
	d.healthy("team/fine", "b3")
	if _, err := os.Stat(filepath.Join(tags("team/fine"), "b1")); err == nil {
		t.Error("team/fine was not pruned")
	}
	before := d.serving()
	got = d.regsweep(d.offline(d.Host+"/team/foreign", "--keep-last", "1")...)
	d.want(got, 3)
	got = d.regsweep(d.offline(d.Host+"/team/foreign", "--keep-last", "1", "--gc-mode", "live")...)
	d.want(got, 2, "--delete-by offline does not work with --gc-mode live")
	if d.serving() != before {
		t.Error("the registry was stopped for nothing")
	}
}
