package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// garbage is a registry in which tags were pushed again and again, months ago by their builds.
type garbage struct {
	*depot
	tags map[string][]string     // that have to be whole, by repository
	gone map[string][]oci.Digest // what no tag leads to any more, by repository
}

// overwrite pushes latest n times in each of four repositories, and once more: plain, multi-arch with a platform that does not
// change, nested, and signed with a referrer.
func overwrite(d *depot, n int) garbage {
	d.t.Helper()
	g := garbage{d, map[string][]string{}, map[string][]oci.Digest{}}
	at := time.Now().AddDate(0, -3, 0).Truncate(time.Second)
	image := func(p fixture.Tester, seed, platform string, tags ...string) oci.Digest {
		return p.Image(fixture.Image{Seed: seed, Platform: platform, MediaType: fixture.OCIManifest, Created: at, Size: 128 << 10, Tags: tags})
	}
	multi := func(p fixture.Tester, seed string, tags ...string) []oci.Digest {
		own := image(p, seed, "linux/amd64")
		return []oci.Digest{own, p.Index(fixture.Index{Tags: tags, Children: []oci.Digest{own, image(p, "still", "linux/arm64")}})}
	}
	for path, build := range map[string]func(p fixture.Tester, seed string) []oci.Digest{
		"team/plain": func(p fixture.Tester, seed string) []oci.Digest { return []oci.Digest{image(p, seed, "", "latest")} },
		"team/multi": func(p fixture.Tester, seed string) []oci.Digest { return multi(p, seed, "latest", "main") },
		"team/nested": func(p fixture.Tester, seed string) []oci.Digest {
			inner := multi(p, seed)
			return append(inner, p.Index(fixture.Index{Tags: []string{"latest"}, Children: inner[1:]}))
		},
		"team/signed": func(p fixture.Tester, seed string) []oci.Digest {
			signed := image(p, seed, "", "latest")
			referrer, fallback := p.Referrer(signed, "application/vnd.example.sbom")
			return []oci.Digest{signed, p.Signature(signed, ".sig"), referrer, fallback}
		},
	} {
		p := d.pusher(path)
		for i := range n {
			g.gone[path] = append(g.gone[path], build(p, fmt.Sprint(path, i))...)
		}
		g.tags[path] = []string{"latest"}
		for _, kept := range build(p, path+" last") {
			if path == "team/signed" {
				g.tags[path] = append(g.tags[path], kept.String())
			}
		}
	}
	return g
}

// aged makes everything look as if it was pushed so long ago.
func (g garbage) aged(age time.Duration) {
	g.t.Helper()
	at := time.Now().Add(-age)
	for path := range contents(g.t, g.Dir) {
		if strings.Contains(path, "/_manifests/revisions/") {
			must(g.t, os.Chtimes(path, at, at))
		}
	}
}

// graph is everything that manifests are made of, each blob with its size in the storage.
func (g garbage) graph(path string, refs []string) map[string]int64 {
	g.t.Helper()
	w := wire{T: g.t, Server: server{URL: g.URL, Host: g.Host}, Path: path, Push: g.pusher(path)}
	out := map[string]int64{}
	add := func(d string) {
		algorithm, hex, _ := strings.Cut(d, ":")
		info, err := os.Stat(filepath.Join(g.Dir, "docker/registry/v2/blobs", algorithm, hex[:2], hex, "data"))
		must(g.t, err)
		out[d] = info.Size()
	}
	for queue := slices.Clone(refs); len(queue) > 0; queue = queue[1:] {
		a := w.Do("GET", "manifests/"+queue[0])
		if a.Status != 200 {
			g.t.Fatalf("%s@%s: %d", path, queue[0], a.Status)
		}
		var m struct {
			Config            struct{ Digest string }
			Layers, Manifests []struct{ Digest string }
		}
		must(g.t, json.Unmarshal([]byte(a.Body), &m))
		add(a.Header.Get("Docker-Content-Digest"))
		for _, l := range m.Layers {
			add(l.Digest)
		}
		if m.Config.Digest != "" {
			add(m.Config.Digest)
		}
		for _, c := range m.Manifests {
			queue = append(queue, c.Digest)
		}
	}
	return out
}

// weight is how many bytes nothing needs once the garbage is gone.
func (g garbage) weight() int64 {
	g.t.Helper()
	kept, gone := map[string]int64{}, map[string]int64{}
	for path, tags := range g.tags {
		maps.Copy(kept, g.graph(path, tags))
	}
	for path, digests := range g.gone {
		var refs []string
		for _, d := range digests {
			refs = append(refs, d.String())
		}
		maps.Copy(gone, g.graph(path, refs))
	}
	out := int64(0)
	for d, size := range gone {
		if _, needed := kept[d]; !needed {
			out += size
		}
	}
	return out
}

// serves reports whether the registry has a manifest.
func (d *depot) serves(path string, digest oci.Digest) bool {
	d.t.Helper()
	w := wire{T: d.t, Server: server{URL: d.URL, Host: d.Host}, Path: path, Push: d.pusher(path)}
	return w.Do("GET", "manifests/"+digest.String()).Status == 200
}

// check checks that all tags are whole, and which of the garbage is there.
func (g garbage) check(there bool) {
	g.t.Helper()
	for path, tags := range g.tags {
		g.healthy(path, tags...)
		left := 0
		for _, d := range g.gone[path] {
			if g.serves(path, d) {
				left++
			}
		}
		if there && left != len(g.gone[path]) || !there && left > 0 {
			g.t.Errorf("%s: %d of %d overwritten manifests are left", path, left, len(g.gone[path]))
		}
	}
}

// gc --untagged of a whole registry deletes every manifest that was overwritten, on 2.x and 3.x alike, and frees what they
// weighed. Every tag can be pulled with all that belongs to it. A second run finds nothing.
func TestGCUntagged(t *testing.T) {
	t.Parallel()
	n := 50
	if testing.Short() {
		n = 6
	}
	eachLine(t, func(t *testing.T, d *depot) {
		g := overwrite(d, n)
		g.aged(48 * time.Hour)
		weight, before := g.weight(), du(t, d.Dir)
		dry := d.regsweep(append([]string{"gc", d.Host, "--untagged", "1d", "--dry-run"}, d.byHand()...)...)
		d.want(dry, 0)
		if !strings.Contains(dry.stdout, "would delete") {
			t.Errorf("the plan: %s", dry.stdout)
		}
		g.check(true)
		got := d.regsweep(append([]string{"gc", d.Host, "--untagged", "1d"}, d.byHand()...)...)
		d.want(got, 0)
		g.check(false)
		if c := got.gc; c.FreedBytes < weight*98/100 || c.FreedBytes > weight*102/100 || !c.Verified || !c.Restarted {
			t.Errorf("freed %d bytes, the manifests weighed %d: %+v", c.FreedBytes, weight, *c)
		}
		if freed := before - du(t, d.Dir); freed < weight*98/100 {
			t.Errorf("du says %d bytes less, the manifests weighed %d", freed, weight)
		}
		t.Logf("%d overwritten tags weighed %d bytes; freed %d bytes of blobs, %d on the disk; away %.2f s", 4*n, weight, got.gc.FreedBytes, got.gc.StorageFreed, got.gc.AwaySeconds)
		again := d.regsweep(append([]string{"gc", d.Host, "--untagged", "1d"}, d.byHand()...)...)
		d.want(again, 0)
		if c := again.gc; c.BlobsDeleted != 0 || !strings.Contains(again.stdout, "garbage collection") {
			t.Errorf("again: %+v", *c)
		}
		g.check(false)
	})
}

// The registry's own option deletes the platforms of the tagged images on 2.x. This test shows that the one above would see it.
func TestGCUntaggedByHandOnTheOldLine(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	g := overwrite(d, 2)
	must(t, bounded(t, "sh", "-c", d.Stop).Run())
	must(t, bounded(t, d.Binary, "garbage-collect", "--delete-untagged", d.Config).Run())
	must(t, bounded(t, "sh", "-c", d.Start).Run())
	eventually(t, d.Answers)
	if err := d.whole("team/plain", "latest"); err != nil {
		t.Error(err)
	}
	for _, path := range []string{"team/multi", "team/nested"} {
		if g.whole(path, "latest") == nil {
			t.Errorf("%s is whole: this test shows nothing", path)
		}
	}
}

// What was pushed after the age stays, although its build is months old. So does what somebody tags during the run.
func TestGCUntaggedKeepsWhatIsNew(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		g := overwrite(d, 1)
		young := d.regsweep(append([]string{"gc", d.Host, "--untagged", "1d"}, d.byHand()...)...)
		d.want(young, 0)
		g.check(true)
		g.aged(48 * time.Hour)
		saved := g.gone["team/multi"][1] // the index
		p := d.pusher("team/multi")
		w := wire{T: t, Server: server{URL: d.URL, Host: d.Host}, Path: "team/multi", Push: p}
		body := w.Do("GET", "manifests/"+saved.String()).Body
		file := filepath.Join(t.TempDir(), "index.json")
		must(t, os.WriteFile(file, []byte(body), 0o600))
		d.stand("registry", fmt.Sprintf(`"$REAL" "$@" || exit
case "$*" in *--dry-run*) curl --silent --fail --request PUT --header 'Content-Type: %s' --data-binary @%s %s/v2/team/multi/manifests/again >/dev/null ;; esac`, fixture.OCIIndex, file, d.URL))
		got := d.regsweep(append([]string{"gc", d.Host, "--untagged", "1d"}, d.byHand()...)...)
		d.want(got, 0)
		g.tags["team/multi"] = append(g.tags["team/multi"], "again")
		g.gone["team/multi"] = nil
		g.check(false)
	})
}

// A repository to which nothing was pushed by a tag ends the registry's own dry run with --delete-untagged on 2.x. It stays as
// it is, and the others lose what nothing leads to.
func TestGCUntaggedNextToARepositoryWithoutTags(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		g := overwrite(d, 2)
		bare := d.pusher("team/bare").Image(fixture.Image{Created: time.Now().AddDate(0, -1, 0), Size: 100})
		g.aged(48 * time.Hour)
		got := d.regsweep(append([]string{"gc", d.Host, "--untagged", "1d"}, d.byHand()...)...)
		d.want(got, 0)
		g.check(false)
		if !d.serves("team/bare", bare) {
			t.Error("the manifest of a repository without tags is gone")
		}
	})
}

// The configuration of another registry, with repositories of the same names, is refused before anything is deleted.
func TestGCUntaggedOfAnotherStorage(t *testing.T) {
	t.Parallel()
	d, other := newDepot(t, lines[0]), newDepot(t, lines[0])
	g := overwrite(d, 2)
	g.aged(48 * time.Hour)
	other.builds("team/multi", 3, 100)
	for _, tag := range []string{"b1", "b2"} {
		other.pusher("team/multi").Image(fixture.Image{Seed: "again " + tag, Tags: []string{tag}})
	}
	for _, name := range []string{"", "/team/multi", "/team/*"} {
		before := d.serving()
		flags := d.byHand()
		flags[len(flags)-1] = other.Config
		got := d.regsweep(append([]string{"gc", d.Host + name, "--untagged", "1d"}, flags...)...)
		d.want(got, 3, "refused: the storage", "hint: --gc-config names the configuration")
		if d.serving() != before {
			t.Errorf("%q: the registry was stopped", name)
		}
		g.check(true)
	}
}

// rank with the storage counts what no tag leads to, and its bytes are those of the configs and layers that a collection then
// frees: what it frees less the manifests themselves.
func TestRankGCUntagged(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		g := overwrite(d, 3)
		g.aged(48 * time.Hour)
		got := d.regsweep(append([]string{"rank", d.Host, "--output", "json"}, d.rankVia()...)...)
		d.want(got, 0)
		var ranking struct {
			Untagged      int
			UntaggedBytes int64 `json:"untagged_bytes"`
			Repositories  []struct {
				Repository string
				Untagged   int
			}
		}
		must(t, json.Unmarshal([]byte(got.stdout), &ranking))
		if ranking.Untagged != 4*3 || len(ranking.Repositories) != 4 || ranking.Repositories[0].Untagged != 3 {
			t.Errorf("got %+v, want 3 in each of 4 repositories", ranking)
		}
		if weight := g.weight(); ranking.UntaggedBytes > weight || ranking.UntaggedBytes < weight*97/100 {
			t.Errorf("%d bytes are told, all of it weighs %d", ranking.UntaggedBytes, weight)
		}
	})
}

// A prune that collects knows the manifests that no tag leads to as well, and its dry run shows them.
func TestPruneUntaggedWithGC(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		g := overwrite(d, 3)
		g.aged(48 * time.Hour)
		args := append(d.byHand(), d.Host+"/team/*", "--keep-last", "1", "--untagged", "1d", "--gc")
		dry := d.regsweep(append(args, "--dry-run")...)
		d.want(dry, 0)
		if !strings.Contains(dry.stdout, "nothing in the repository refers to it") {
			t.Errorf("the plan: %s", dry.stdout)
		}
		g.check(true)
		got := d.regsweep(args...)
		d.want(got, 0)
		g.check(false)
		if !got.gc.Collected || got.gc.BlobsDeleted == 0 {
			t.Errorf("got %+v", *got.gc)
		}
	})
}
