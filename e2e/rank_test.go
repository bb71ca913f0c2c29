package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestRank holds what rank says of real registries, over their API and by their own collection's dry run, to what lies in
// their storage.
func TestRank(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		start registries.Start
		// dryRun is the command that prints the collection's log.
		dryRun func(t *testing.T, s *registries.Server) *exec.Cmd
	}{
		"docker-registry 2.8.2": {registries.DockerRegistry2, func(t *testing.T, s *registries.Server) *exec.Cmd {
			return bounded(t, "docker-registry", "garbage-collect", "--dry-run", s.Config)
		}},
		"distribution 3.1.2": {registries.Distribution3, func(t *testing.T, s *registries.Server) *exec.Cmd {
			binary := filepath.Join(t.TempDir(), "collect")
			if out, err := bounded(t, "go", "build", "-o", binary, "./registries/collect").CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			return bounded(t, binary, s.Dir)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := registries.ForTest(t, r.start, registries.Options{})
			settle(t, s)
			d := disk{t, filepath.Join(s.Dir, "docker/registry/v2")}

			want := d.standings(d.tagged)
			got := rankJSON(t, nil, s.Host)
			compare(t, "over the API", got, want, nil)
			if got.Bytes != size(want) {
				t.Errorf("all hold %d bytes, the storage has %d", got.Bytes, size(want))
			}

			var log, stderr bytes.Buffer
			collect := r.dryRun(t, s)
			collect.Stdout, collect.Stderr = &log, &stderr
			if err := collect.Run(); err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			want = d.standings(d.revisions)
			got = rankJSON(t, log.Bytes(), "--from", "-")
			if strings.HasPrefix(name, "distribution 3") {
				want = firstOnly(want)
			}
			compare(t, "from the log", got, want, func(s *diskStanding) { s.tags, s.own, s.shared = 0, 0, 0 })
		})
	}
}

// settle fills a registry with what rank has to tell apart.
func settle(t *testing.T, s *registries.Server) {
	t.Helper()
	push := func(path string) fixture.Tester {
		to, _ := server{URL: s.URL}.Pusher(t, path)
		return to
	}
	fill := func(path string, n, size int) {
		var images []fixture.Image
		for i := range n {
			images = append(images, fixture.Image{Seed: fmt.Sprint(path, i), Tags: []string{fmt.Sprintf("b%d", i)}, Size: size, Created: ago(i)})
		}
		push(path).Images(images)
	}
	fill("zdtest/web", 40, 9000)
	fill("zdtest/api", 15, 40000)
	fill("tools/lint", 3, 500)

	gateway := push("zdtest/gateway")
	for i := range 4 {
		var children []oci.Digest
		for _, p := range []string{"linux/amd64", "linux/arm64"} {
			c := gateway.Image(fixture.Image{Seed: fmt.Sprint(p, i), Platform: p, MediaType: fixture.OCIManifest, Size: 4000, Created: ago(i)})
			children = append(children, c, gateway.Provenance(c))
		}
		gateway.Index(fixture.Index{Tags: []string{fmt.Sprintf("b%d", i)}, Children: children})
	}
	signed := push("zdtest/signed")
	for i := range 3 {
		d := signed.Image(fixture.Image{Tags: []string{fmt.Sprintf("v1.%d", i)}, MediaType: fixture.OCIManifest, Size: 3000, Created: ago(i)})
		signed.Signature(d, ".sig")
		signed.Referrer(d, "application/spdx+json")
		signed.Tag(d, fmt.Sprintf("alias%d", i))
	}
	latest := push("zdtest/latest") // pushed three times: two manifests have no tag any more
	for i := range 3 {
		latest.Image(fixture.Image{Seed: fmt.Sprint("latest", i), Tags: []string{"latest"}, Size: 70000, Created: ago(i)})
	}
	// The same build in two repositories, by the same bytes.
	for _, path := range []string{"mirror/a", "mirror/b"} {
		push(path).Image(fixture.Image{Tags: []string{"same"}, Size: 20000, Created: ago(1)})
	}
	w := wire{T: t, Server: server{URL: s.URL}, Path: "zdtest/emptied", Push: push("zdtest/emptied")}
	w.Do("DELETE", "manifests/"+w.Push.Image(fixture.Image{Tags: []string{"b1"}, Size: 100}).String())
}

// ranking is the JSON of rank.
type ranking struct {
	Repositories []struct {
		Repository             string
		Tags, Manifests, Blobs int
		OwnBytes               int64 `json:"own_bytes"`
		SharedBytes            int64 `json:"shared_bytes"`
	}
	Bytes  int64
	Unread []any
}

func rankJSON(t *testing.T, stdin []byte, args ...string) ranking {
	t.Helper()
	cmd := sweep(t, append([]string{"rank", "--output", "json"}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var got ranking
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// diskStanding is what the storage has of a repository.
type diskStanding struct {
	tags, manifests, blobs int
	own, shared            int64
	content                map[string]int64 // configs and layers, with the size of their files
}

func compare(t *testing.T, what string, got ranking, want map[string]*diskStanding, edit func(*diskStanding)) {
	t.Helper()
	if len(got.Repositories) != len(want) || len(got.Unread) > 0 {
		t.Errorf("%s: %d repositories and %d unread, want %d", what, len(got.Repositories), len(got.Unread), len(want))
	}
	for i, r := range got.Repositories {
		w := want[r.Repository]
		if w == nil {
			t.Errorf("%s: %s is not in the storage", what, r.Repository)
			continue
		}
		if edit != nil {
			edit(w)
		}
		if r.Tags != w.tags || r.Manifests != w.manifests || r.Blobs != w.blobs || r.OwnBytes != w.own || r.SharedBytes != w.shared {
			t.Errorf("%s: got %+v, want tags %d, manifests %d, blobs %d, own %d, shared %d", what, r, w.tags, w.manifests, w.blobs, w.own, w.shared)
		}
		if i == 0 {
			continue
		}
		before := got.Repositories[i-1]
		if r.OwnBytes > before.OwnBytes || r.OwnBytes == before.OwnBytes && r.Manifests > before.Manifests {
			t.Errorf("%s: %+v comes after %+v", what, r, before)
		}
	}
}

// disk reads the storage of distribution by itself, from its files
// (https://distribution.github.io/distribution/storage-drivers/, registry/storage/paths.go).
type disk struct {
	t    *testing.T
	root string
}

func (d disk) glob(pattern string) []string {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(d.root, pattern))
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

func (d disk) read(file string) []byte {
	d.t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// data is the file of a blob.
func (d disk) data(digest string) string {
	hex := strings.TrimPrefix(digest, "sha256:")
	return filepath.Join(d.root, "blobs/sha256", hex[:2], hex, "data")
}

// tagged are the manifests that a repository's tags point at.
func (d disk) tagged(repository string) []string {
	var out []string
	for _, link := range d.glob("repositories/" + repository + "/_manifests/tags/*/current/link") {
		out = append(out, string(d.read(link)))
	}
	return out
}

// revisions are all manifests of a repository.
func (d disk) revisions(repository string) []string {
	var out []string
	for _, link := range d.glob("repositories/" + repository + "/_manifests/revisions/sha256/*/link") {
		out = append(out, string(d.read(link)))
	}
	return out
}

// standings count what the roots of each repository lead to.
func (d disk) standings(roots func(string) []string) map[string]*diskStanding {
	d.t.Helper()
	out := map[string]*diskStanding{}
	users := map[string]int{}
	for _, dir := range d.glob("repositories/*/*/_manifests") {
		name, err := filepath.Rel(filepath.Join(d.root, "repositories"), filepath.Dir(dir))
		if err != nil {
			d.t.Fatal(err)
		}
		s := &diskStanding{content: map[string]int64{}, tags: len(d.glob("repositories/" + name + "/_manifests/tags/*"))}
		manifests := map[string]bool{}
		for queue := roots(name); len(queue) > 0; queue = queue[1:] {
			if !manifests[queue[0]] {
				manifests[queue[0]] = true
				queue = append(queue, d.manifest(queue[0], s)...)
			}
		}
		s.manifests, s.blobs = len(manifests), len(s.content)
		for digest := range s.content {
			users[digest]++
		}
		out[name] = s
	}
	for _, s := range out {
		for digest, size := range s.content {
			if users[digest] == 1 {
				s.own += size
			} else {
				s.shared += size
			}
		}
	}
	return out
}

// manifest adds the blobs of a manifest to those of its repository and returns its children.
func (d disk) manifest(digest string, to *diskStanding) []string {
	d.t.Helper()
	type descriptor struct{ Digest string }
	var m struct {
		Config            *descriptor
		Layers, Manifests []descriptor
	}
	if err := json.Unmarshal(d.read(d.data(digest)), &m); err != nil {
		d.t.Fatal(err)
	}
	blobs := m.Layers
	if m.Config != nil {
		blobs = append(blobs, *m.Config)
	}
	for _, b := range blobs {
		info, err := os.Stat(d.data(b.Digest))
		if err != nil {
			d.t.Fatal(err)
		}
		to.content[b.Digest] = info.Size()
	}
	var children []string
	for _, c := range m.Manifests {
		children = append(children, c.Digest)
	}
	return children
}

// size is that of all blobs, each once.
func size(standings map[string]*diskStanding) int64 {
	all := map[string]int64{}
	for _, s := range standings {
		maps.Copy(all, s.content)
	}
	var sum int64
	for _, size := range all {
		sum += size
	}
	return sum
}

// firstOnly counts each blob in the first repository that has it, in the order in which 3.x goes through them, by name.
func firstOnly(standings map[string]*diskStanding) map[string]*diskStanding {
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(standings)) {
		s := standings[name]
		s.blobs = 0
		for digest := range s.content {
			if !seen[digest] {
				seen[digest] = true
				s.blobs++
			}
		}
	}
	return standings
}
