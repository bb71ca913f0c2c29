package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/prune"
	port "github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/kinds"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// TestGitea holds Gitea 1.26.0 to the tables, and the program to what it needs there. One server serves all of it.
func TestGitea(t *testing.T) {
	t.Parallel()
	g := registries.GiteaForTest(t)
	s := server{
		Version: registrytest.V3, Kind: "gitea", URL: g.URL, Host: g.Host, Username: g.Username, Password: g.Token,
		Open:    func(o port.Options) (port.Registry, error) { return kinds.Open(g.Host, o) },
		Methods: []prune.Method{prune.ByDigest, prune.Auto}, Frees: true,
	}
	push := func(t *testing.T, path, token string, n int) builds {
		t.Helper()
		b := newBuilds(t, s, path, n)
		file := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		b.login = []string{"--username", g.Username, "--password-file", file}
		return b
	}
	t.Run("Conformance", func(t *testing.T) {
		registrytest.Conformance(t, func(*testing.T, registrytest.Setup) server { return s }, giteaDiffers...)
	})
	t.Run("each request is sent once", func(t *testing.T) {
		t.Parallel()
		b := push(t, "team/many", g.Token, 500)
		run := b.prune("--keep-last", "2", "--delete-by", "digest")
		b.swept(run, 498)
		if got := b.requests(); got > 2010 {
			t.Errorf("got %d requests, want at most 2010: %v", got, b.door.counted())
		}
	})
	t.Run("what auto deletes is counted as deleted", func(t *testing.T) {
		t.Parallel()
		b := push(t, "team/auto", g.Token, 60)
		b.swept(b.prune("--keep-last", "2"), 58)
		b.swept(b.prune("--keep-last", "2"), 0)
	})
	t.Run("a token that may only read is told so", func(t *testing.T) {
		t.Parallel()
		b := push(t, "team/read", g.ReadToken, 4)
		run := b.prune("--keep-last", "2")
		equal(b.Wire, "exit code", run.code, 4)
		if !strings.Contains(run.stderr, "needs the scope write:package") || strings.Contains(run.stderr, "docker login") {
			t.Errorf("stderr: got %s, want the hint that the token lacks a scope", run.stderr)
		}
		b.Left("b0", "b1", "b2", "b3")
	})
}

// swept checks what a run has deleted on Gitea, and that the newest two images are left.
func (b builds) swept(run swept, want int) {
	b.T.Helper()
	equal(b.Wire, "exit code", run.code, 0)
	equal(b.Wire, "stderr", run.stderr, "")
	equal(b.Wire, "kind", run.report.Repositories[0].Kind, "gitea")
	counts := map[string]int{}
	for _, outcome := range run.report.outcomes() {
		counts[outcome]++
	}
	equal(b.Wire, "outcomes", fmt.Sprint(counts), fmt.Sprint(map[bool]map[string]int{false: {"deleted": want}, true: {}}[want == 0]))
	n := len(b.digests)
	b.There(true, b.digests[n-2:]...)
	b.Left(fmt.Sprint("b", n-1), fmt.Sprint("b", n-2))
}

var giteaDiffers = []registrytest.Difference{
	{Reason: "the first part of a path is an owner that exists", Names: []string{"catalog"}},
	{Reason: "it has no such settings", Names: []string{"two tags a page", "three tags a page", "deletion disabled", "read-only"}},
	{Reason: "its challenge is for a token", Names: []string{"everything wants the password"}},
	{Reason: "a token costs two requests, and the last page of tags links to an empty one", Names: []string{
		"a repository in order costs a listing, and a manifest and a config for each image", "pages by n and last on 3.x only",
	}},
	{Reason: "tags are listed in lower case", Names: []string{"tags are sorted by byte on 3.x only"}},
	{Reason: "an n that is not a number is 0", Names: []string{"an n that is not a number"}},
	{Reason: "a repository without a tag has an empty list of tags", Names: []string{
		"tags of a repository that never had any", "a placeholder is taken by digest and without layers",
	}},
	{Reason: "no header of the request changes the answer: neither Accept nor If-None-Match", Names: []string{
		"docker manifest list by Accept", "docker manifest list without a default child by Accept", "OCI manifest by Accept",
		"not modified has no digest",
	}},
	{Reason: "a blob has the media type that a manifest gives it", Names: []string{"blob"}},
	{Reason: "an index lists no index", Names: []string{
		"every kind of fixture is taken", "an index inside an index", "an index inside an index goes from the outside in",
		"an index inside an index stays with it",
	}},
	{Reason: "a manifest goes with its last tag, whether that is deleted or moved", Names: []string{
		"deleting the last tag leaves the manifest", "a tag that is pushed again leaves its old manifest",
		"a tag that is pointed at a placeholder leaves its manifest", "deleting a placeholder deletes all tags that point there, and no other's",
		"a doomed tag that moves saves what it moved to", "a large plan that somebody works against",
	}},
	{Reason: "blobs go with their last manifest", Names: []string{"blobs stay", "a placeholder that was deleted can be pushed again"}},
	{Reason: "what is not a digest and not a tag is not there, and neither is the manifest of a layer's digest", Names: []string{
		"deleting a malformed digest", "deleting a layer's digest as a manifest is accepted by 2.x",
	}},
	{Reason: "it names what a manifest misses by other codes", Names: []string{
		"a manifest needs its blobs, its children and its digest", "a placeholder needs its config",
	}},
	{Reason: "it takes a blob in one POST", Names: []string{"a blob comes by POST and PUT"}},
	{Reason: "regsweep removes no tag there, so that there is no probe", Names: []string{"the other family's way is refused"}},
}
