package vendors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const giteaPath = "acme/team/app"

func gitea(t *testing.T, o GiteaOptions) (*Gitea, visitor, fixture.Tester) {
	t.Helper()
	f := NewGitea(t, o)
	return f, visitor{t: t, base: f.URL()}, f.Pusher(t, giteaPath)
}

func TestGiteaLastTagTakesTheManifest(t *testing.T) {
	t.Parallel()
	f, v, p := gitea(t, GiteaOptions{})
	image := p.Image(fixture.Image{Tags: []string{"b1", "v1"}, MediaType: fixture.OCIManifest})
	child := p.Image(fixture.Image{Seed: "child"})
	p.Index(fixture.Index{Tags: []string{"i"}, Children: []oci.Digest{child}})
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: image})
	v.delete(manifestPath(giteaPath, "v1")).tells(t, "tag", 202, "")
	alike(t, "manifest", v.get(manifestPath(giteaPath, image)).status, 200)
	v.delete(manifestPath(giteaPath, "b1")).tells(t, "last tag", 202, "")
	v.delete(manifestPath(giteaPath, image)).tells(t, "manifest", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(giteaPath, child)).tells(t, "child", 202, "")
	v.delete(manifestPath(giteaPath, sbom)).tells(t, "orphan", 202, "")
	alike(t, "referrers", v.get("/v2/"+giteaPath+"/referrers/"+image.String()).status, 404)
	alike(t, "deleted", f.Deleted(), []Deletion{
		{Path: giteaPath, Digest: image, Tags: []string{"v1"}, TagOnly: true},
		{Path: giteaPath, Digest: image, Tags: []string{"b1"}},
		{Path: giteaPath, Digest: child},
		{Path: giteaPath, Digest: sbom},
	})
	alike(t, "refused", f.Refused(), []Refusal{{giteaPath, image.String(), "", 404, "MANIFEST_UNKNOWN"}})
	two := p.Image(fixture.Image{Tags: []string{"x", "y"}})
	v.delete(manifestPath(giteaPath, two)).tells(t, "digest", 202, "")
	p.Image(fixture.Image{Tags: []string{"latest"}, Seed: "1"})
	fresh := p.Image(fixture.Image{Tags: []string{"latest"}, Seed: "2"})
	alike(t, "left", len(f.Images(giteaPath)), 2)
	alike(t, "tags", f.Tags(giteaPath)["latest"], fresh)
}

func TestGiteaLinksTheLastPage(t *testing.T) {
	t.Parallel()
	f, v, p := gitea(t, GiteaOptions{})
	p.Image(fixture.Image{Tags: []string{"a", "b", "c"}})
	list := "/v2/" + giteaPath + "/tags/list"
	for _, tc := range []struct{ query, tags, next string }{
		{"", `["a","b","c"]`, list + "?last=c"},
		{"?n=2", `["a","b"]`, list + "?last=b&n=2"},
		{"?n=2&last=b", `["c"]`, list + "?last=c&n=2"},
		{"?n=2&last=c", `[]`, ""},
	} {
		a := v.get(list + tc.query)
		alike(t, tc.query, a.next("next"), tc.next)
		alike(t, tc.query, strings.Contains(a.body, `"tags":`+tc.tags), true)
	}
	v.get("/v2/acme/none/tags/list").tells(t, "unknown", 404, "NAME_UNKNOWN")
	alike(t, "left", len(f.Tags(giteaPath)), 3)
}

func TestGiteaAsksWhoIsThere(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v, p := gitea(t, GiteaOptions{Now: clock.now, Private: true, Logins: []Login{
		{User: "reader", Password: "t1", Actions: []string{"pull"}}, {User: "ci", Password: "t2", Actions: []string{"pull", "push", "delete"}},
	}})
	image := p.Image(fixture.Image{Tags: []string{"a"}})
	path := manifestPath(giteaPath, image)
	challenge := `Bearer realm="` + f.URL() + `/v2/token",service="container_registry",scope="*"`
	for _, what := range []string{"GET /v2/", "GET " + path, "DELETE " + path, "GET /v2/token"} {
		method, target, _ := strings.Cut(what, " ")
		a := v.do(method, target, "")
		a.tells(t, what, 401, "UNAUTHORIZED")
		alike(t, what, a.header.Get("WWW-Authenticate"), challenge)
	}
	a, _ := v.as("ci", "wrong").token("/v2/token", "container_registry", "*")
	a.tells(t, "wrong password", 401, "UNAUTHORIZED")
	_, reader := v.as("reader", "t1").token("/v2/token", "container_registry", "*", "repository:acme/team/app:delete,pull")
	for name, who := range map[string]visitor{"token": reader, "basic": v.as("reader", "t1")} {
		a := who.delete(path)
		alike(t, name, fmt.Sprint(a.status, strings.TrimSpace(a.body), a.header.Get("WWW-Authenticate")), `401reqPackageAccessBasic realm="Gitea Package API"`)
		alike(t, name, who.get(path).status, 200)
	}
	_, ci := v.as("ci", "t2").token("/v2/token", "container_registry", "*")
	clock.advance(24 * time.Hour)
	alike(t, "expired", ci.delete(path).header.Get("WWW-Authenticate"), challenge)
	_, ci = v.as("ci", "t2").token("/v2/token", "container_registry")
	ci.delete(path).tells(t, "whatever the scope", 202, "")
	alike(t, "refused", f.Refused()[:2], []Refusal{{giteaPath, image.String(), image, 401, "UNAUTHORIZED"}, {giteaPath, image.String(), image, 401, "reqPackageAccess"}})
}

func TestGiteaTwoChallenges(t *testing.T) {
	t.Parallel()
	_, v, _ := gitea(t, GiteaOptions{TwoChallenges: true, Logins: []Login{{User: "ci", Password: "t"}}})
	alike(t, "challenges", v.get("/v2/").header.Values("WWW-Authenticate"),
		`[Bearer realm="`+v.base+`/v2/token",service="container_registry",scope="*" Basic realm="Gitea Container Registry"]`)
}

func TestGiteaAPI(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v, p := gitea(t, GiteaOptions{Now: clock.now, Logins: []Login{
		{User: "reader", Password: "t1", Actions: []string{"pull"}}, {User: "ci", Password: "t2", Actions: []string{"pull", "delete"}},
	}})
	child := p.Image(fixture.Image{Seed: "child"})
	clock.advance(time.Minute)
	image := p.Image(fixture.Image{Tags: []string{"a", "b"}})
	f.Pusher(t, "acme/other").Image(fixture.Image{Tags: []string{"z"}})
	ci := v.as("ci", "t2")
	var got []giteaVersion
	one := ci.get("/api/v1/packages/acme?type=container&q=team%2Fapp&page=1&limit=2")
	one.into(t, &got)
	alike(t, "newest", []string{got[0].Version, got[1].Version, got[0].Name, got[0].CreatedAt.Format(time.RFC3339)}, "[a b team/app 2026-03-01T12:01:00Z]")
	alike(t, "total", one.header.Get("X-Total-Count"), "3")
	two := ci.get(one.next("next"))
	two.into(t, &got)
	alike(t, "rest", []any{len(got), got[0].Version, two.header.Get("Link")}, []any{1, child, ""})
	const version = "/api/v1/packages/acme/container/team%2Fapp/"
	alike(t, "files", strings.Contains(ci.get(version+"a/files").body, image.Encoded()), true)
	alike(t, "stranger", v.delete(version+"a").status, 401)
	alike(t, "reader", v.as("reader", "t1").delete(version+"a").status, 403)
	alike(t, "the digest of a tag is not a version", ci.delete(version+image.String()).status, 404)
	for _, what := range []string{"a", "b", child.String()} {
		alike(t, what, ci.delete(version+what).status, 204)
		alike(t, what+" again", ci.delete(version+what).status, 404)
	}
	alike(t, "left", f.Images(giteaPath), "[]")
	alike(t, "other types", ci.get("/api/v1/packages/acme/npm/x/1").status, 404)
}
