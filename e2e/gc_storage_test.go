package e2e

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// configured are the flags of byHand with another configuration.
func (d *depot) configured(config string) []string {
	flags := d.byHand()
	flags[slices.Index(flags, d.Config)] = config
	return flags
}

// upload pushes a layer that no manifest refers to yet, as in the middle of a push, and returns its digest.
func (d *depot) upload(path string) string {
	d.t.Helper()
	blob := make([]byte, 5000)
	_, err := rand.Read(blob)
	must(d.t, err)
	begin, err := registrytest.Client.Post(d.URL+"/v2/"+path+"/blobs/uploads/", "", nil)
	must(d.t, err)
	must(d.t, begin.Body.Close())
	at, err := begin.Location()
	must(d.t, err)
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(blob))
	query := at.Query()
	query.Set("digest", digest)
	at.RawQuery = query.Encode()
	put, err := http.NewRequestWithContext(d.t.Context(), http.MethodPut, at.String(), strings.NewReader(string(blob)))
	must(d.t, err)
	answer, err := registrytest.Client.Do(put)
	must(d.t, err)
	_, err = io.Copy(io.Discard, answer.Body)
	must(d.t, err)
	must(d.t, answer.Body.Close())
	if answer.StatusCode != http.StatusCreated {
		d.t.Fatalf("the layer is answered with %d", answer.StatusCode)
	}
	return digest
}

// has reports whether the registry has a blob.
func (d *depot) has(path, digest string) bool {
	d.t.Helper()
	answer, err := registrytest.Client.Head(d.URL + "/v2/" + path + "/blobs/" + digest)
	must(d.t, err)
	must(d.t, answer.Body.Close())
	return answer.StatusCode == http.StatusOK
}

// The configuration of another registry, which goes on serving, is refused before anything is stopped: a collection of its
// storage would take the layers of pushes on their way.
func TestGCOfAnotherRegistrysStorage(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 3, 1000)
		other := openDepot(t, d.Binary, t.TempDir(), registries.Options{})
		other.builds("team/other", 1, 1000)
		layer := other.upload("team/other")
		before := d.serving()
		for _, what := range []string{d.Host + "/team/app", d.Host} {
			got := d.regsweep(append([]string{"gc", what}, d.configured(other.Config)...)...)
			d.want(got, 3, "the storage "+other.Dir+", which "+other.Config+" names, does not hold team/app", "it is not this registry's; nothing was stopped", "hint: --gc-config names")
			if got.gc.Stopped {
				t.Error("it was stopped")
			}
		}
		if !other.has("team/other", layer) {
			t.Error("the layer of a push on its way is gone")
		}
		if d.serving() != before {
			t.Error("the registry was restarted")
		}
		d.healthy("team/app", "b1", "b2", "b3")
	})
}

// A second registry of the same configuration is not stopped with the first one, and its storage is not collected.
func TestGCOfARegistryThatRunsTwice(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 2, 1000)
	second := bounded(t, d.Binary, "serve", d.Config)
	second.Env = append(os.Environ(), "REGISTRY_HTTP_ADDR=127.0.0.1:0")
	must(t, second.Start())
	t.Cleanup(func() { _ = second.Wait() })
	layer := d.upload("team/app")
	got := d.regsweep(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
	d.want(got, 4, fmt.Sprintf("a registry with the configuration %s still runs there, as process %d; nothing was collected; the registry serves again", d.Config, second.Process.Pid), "hint: check that --gc-stop stops every registry of this storage")
	if got.gc.Collected || !d.has("team/app", layer) {
		t.Errorf("got %+v", *got.gc)
	}
}

// A storage that does not exist is refused, also for a ranking; one to which nothing was ever pushed is nothing to do.
func TestGCOfNoStorage(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	before := d.serving()
	for _, command := range [][]string{append([]string{"gc", d.Host}, d.byHand()...), append([]string{"rank"}, d.rankVia()...)} {
		got := d.regsweep(command...)
		d.want(got, 0)
		if command[0] == "gc" && (got.gc.Skipped == nil || *got.gc.Skipped != "nothing was ever pushed to the registry" || got.gc.Stopped) {
			t.Errorf("got %+v", *got.gc)
		}
	}
	text, err := os.ReadFile(d.Config)
	must(t, err)
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	config := filepath.Join(t.TempDir(), "config.yml")
	must(t, os.WriteFile(config, []byte(strings.Replace(string(text), d.Dir, nowhere, 1)), 0o600))
	d.builds("team/app", 1, 1000)
	d.want(d.regsweep(append([]string{"gc", d.Host}, d.configured(config)...)...), 3, "the storage "+nowhere+", which "+config+" names, does not exist")
	via := d.rankVia()
	via[slices.Index(via, d.Config)] = config
	ranked := d.regsweep(append([]string{"rank"}, via...)...)
	if ranked.code == 0 || !strings.Contains(ranked.stderr, "does not exist") {
		t.Errorf("exit %d\n%s", ranked.code, ranked.stderr)
	}
	if d.serving() != before {
		t.Error("the registry was restarted")
	}
}

// The variables of the registry that serves count, not those of regsweep.
func TestGCWithTheVariablesOfTheRegistry(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 8, 1000)
		d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
		// The configuration names another folder, and the registry's own variable the right one.
		text, err := os.ReadFile(d.Config)
		must(t, err)
		must(t, os.WriteFile(d.Config, []byte(strings.Replace(string(text), d.Dir, t.TempDir(), 1)), 0o600))
		start, err := os.ReadFile(filepath.Join(d.Work, "start"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(d.Work, "start"), []byte(strings.Replace(string(start), `"$1" serve`, "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY='"+d.Dir+`' "$1" serve`, 1)), 0o600))
		must(t, bounded(t, "sh", "-c", d.Stop).Run())
		must(t, bounded(t, "sh", "-c", d.Start).Run())
		eventually(t, d.Answers)
		d.env = []string{"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=" + t.TempDir()}
		ranked := d.regsweep(append([]string{"rank"}, d.rankVia()...)...)
		d.want(ranked, 0)
		if !strings.Contains(ranked.stdout, "team/app") {
			t.Errorf("got %s", ranked.stdout)
		}
		got := d.regsweep(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
		d.want(got, 0)
		if g := got.gc; g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 {
			t.Errorf("got %+v", *g)
		}
		d.healthy("team/app", "b7", "b8")
	})
}

// GitLab's registry is told by its version, and what collects it.
func TestGCOfGitLabsRegistry(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 1, 1000)
	before := d.serving()
	d.stand("registry", `[ "$1" != --version ] || { echo "registry github.com/docker/distribution v4.15.2-gitlab"; exit; }
exec "$REAL" "$@"`)
	got := d.regsweep(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
	d.want(got, 3, "this is GitLab's registry (registry github.com/docker/distribution v4.15.2-gitlab), whose garbage collection is its own; nothing was stopped", "hint: run gitlab-ctl registry-garbage-collect there")
	if d.serving() != before {
		t.Error("the registry was restarted")
	}
}
