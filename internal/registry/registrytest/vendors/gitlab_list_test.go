package vendors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestGitLabLists(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v := gitlab(t, GitLabOptions{Now: clock.now})
	p := f.Pusher(t, gitlabProject)
	first := p.Image(fixture.Image{Tags: []string{"a", "c"}, Size: 5000})
	clock.advance(time.Hour)
	second := p.Image(fixture.Image{Tags: []string{"b", "c"}, MediaType: fixture.OCIManifest})
	list := "/gitlab/v1/repositories/" + gitlabProject + "/tags/list/"
	alike(t, "probe", v.get("/gitlab/v1/").status, 200)
	moved := v.get(strings.TrimSuffix(list, "/") + "?n=2")
	alike(t, "without the slash", fmt.Sprint(moved.status, moved.header.Get("Location")), "301"+list+"?n=2")

	var tags []gitlabTag
	a := v.get(list)
	a.into(t, &tags)
	alike(t, "link", a.header.Get("Link"), "")
	alike(t, "tags", len(tags), 3)
	m, _ := f.Manifest(gitlabProject, first)
	var body struct {
		Config struct {
			Digest oci.Digest
			Size   int64
		}
	}
	if err := json.Unmarshal(m.Body, &body); err != nil {
		t.Fatal(err)
	}
	const noon, one = "2026-03-01T12:00:00.000+00:00", "2026-03-01T13:00:00.000+00:00"
	alike(t, "a", tags[0], gitlabTag{"a", first, body.Config.Digest, fixture.DockerManifest, 1024 + 5000 + body.Config.Size, noon, "", noon})
	alike(t, "c", []any{tags[2].Digest, tags[2].CreatedAt, tags[2].UpdatedAt, tags[2].PublishedAt}, []any{second, noon, one, one})

	one1 := v.get(list + "?n=2")
	alike(t, "next", one1.next("next"), f.URL()+list+"?last=b&n=2")
	alike(t, "previous", one1.next("previous"), "")
	two := v.get(one1.next("next"))
	alike(t, "second page", tagNames(t, two), "[c]")
	alike(t, "next", two.next("next"), "")
	alike(t, "previous", two.next("previous"), f.URL()+list+"?before=c&n=2")
	alike(t, "first page again", tagNames(t, v.get(two.next("previous"))), "[a b]")

	newest := v.get(list + "?n=2&sort=-published_at")
	alike(t, "newest", tagNames(t, newest), "[c b]")
	marker := base64.StdEncoding.EncodeToString([]byte(one + "|b"))
	alike(t, "next by time", strings.Contains(newest.next("next"), "last="+strings.ReplaceAll(marker, "=", "%3D")), true)
	alike(t, "oldest", tagNames(t, v.get(newest.next("next"))), "[a]")
	alike(t, "by name", tagNames(t, v.get(list+"?name=b")), "[b]")

	for query, code := range map[string]string{
		"n=x": "INVALID_QUERY_PARAMETER_TYPE", "n=0": "INVALID_QUERY_PARAMETER_VALUE", "n=1001": "INVALID_QUERY_PARAMETER_VALUE",
		"last=a&before=c": "INVALID_QUERY_PARAMETER_VALUE", "last=a%2Fb": "INVALID_QUERY_PARAMETER_VALUE", "sort=size": "INVALID_QUERY_PARAMETER_VALUE",
	} {
		v.get(list+"?"+query).tells(t, query, 400, code)
	}
	v.get("/gitlab/v1/repositories/acme/none/tags/list/").tells(t, "unknown", 404, "NAME_UNKNOWN")
	f.Remove(gitlabProject, first)
	f.Remove(gitlabProject, second)
	alike(t, "emptied", strings.TrimSpace(v.get(list).body), "[]")
}

func tagNames(t *testing.T, r reply) (out []string) {
	t.Helper()
	var tags []gitlabTag
	r.into(t, &tags)
	for _, tag := range tags {
		out = append(out, tag.Name)
	}
	return out
}

func TestGitLabBeforePublished(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{NoPublished: true})
	f.Pusher(t, gitlabProject).Image(fixture.Image{Tags: []string{"a"}})
	a := v.get("/gitlab/v1/repositories/" + gitlabProject + "/tags/list/?sort=-published_at")
	alike(t, "status", a.status, 200)
	alike(t, "published", strings.Contains(a.body, "published_at"), false)
	alike(t, "created", strings.Contains(a.body, "created_at"), true)
}

func TestGitLabPagesTagsByHundred(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	d := f.Pusher(t, gitlabProject).Image(fixture.Image{Tags: []string{"t0"}})
	for n := range 150 {
		f.SetTag(gitlabProject, fmt.Sprintf("t%d", n), d)
	}
	for query, want := range map[string]int{"": 100, "?n=1000": 150} {
		var list struct{ Tags []string }
		v.get("/v2/"+gitlabProject+"/tags/list"+query).into(t, &list)
		alike(t, "tags "+query, len(list.Tags), want)
	}
}
