package vendors

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const gitlabProject = "acme/app"

func gitlab(t *testing.T, o GitLabOptions) (*GitLab, visitor) {
	t.Helper()
	f := NewGitLab(t, o)
	return f, visitor{t: t, base: f.URL()}
}

func manifestPath(path string, ref any) string { return fmt.Sprintf("/v2/%s/manifests/%s", path, ref) }

func TestGitLabNeedsReferrersToGoFirst(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest})
	sbom := p.Image(fixture.Image{Tags: []string{"sbom-b1"}, MediaType: fixture.OCIManifest, Subject: image})
	v.delete(manifestPath(gitlabProject, image)).tells(t, "subject", 500, "UNKNOWN")
	v.delete(manifestPath(gitlabProject, sbom)).tells(t, "referrer", 202, "")
	v.delete(manifestPath(gitlabProject, image)).tells(t, "subject", 202, "")

	signed := p.Image(fixture.Image{Tags: []string{"b2"}, MediaType: fixture.OCIManifest})
	signature, fallback := p.Referrer(signed, "application/vnd.example.signature")
	for _, d := range []oci.Digest{signed, signature} {
		v.delete(manifestPath(gitlabProject, d)).tells(t, "before the fallback index", 409, "MANIFEST_REFERENCED")
	}
	for _, d := range []oci.Digest{fallback, signature, signed} {
		v.delete(manifestPath(gitlabProject, d)).tells(t, "in order", 202, "")
	}
	alike(t, "left", f.Images(gitlabProject), "[]")
	alike(t, "deleted", f.Deleted(), []Deletion{
		{Path: gitlabProject, Digest: sbom, Tags: []string{"sbom-b1"}},
		{Path: gitlabProject, Digest: image, Tags: []string{"b1"}},
		{Path: gitlabProject, Digest: fallback, Tags: []string{strings.Replace(signed.String(), ":", "-", 1)}},
		{Path: gitlabProject, Digest: signature},
		{Path: gitlabProject, Digest: signed, Tags: []string{"b2"}},
	})
	alike(t, "refused", f.Refused(), []Refusal{{Path: gitlabProject, What: image.String(), Status: 500, Code: "UNKNOWN"}, {Path: gitlabProject, What: signed.String(), Status: 409, Code: "MANIFEST_REFERENCED"}, {Path: gitlabProject, What: signature.String(), Status: 409, Code: "MANIFEST_REFERENCED"}})
}

func TestGitLabKeepsWhatAnIndexLists(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	p := f.Pusher(t, gitlabProject)
	a, b := p.Image(fixture.Image{Seed: "a"}), p.Image(fixture.Image{Seed: "b"})
	c := p.Image(fixture.Image{Seed: "c"})
	old := p.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{a, b}})
	moved := p.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{a, c}})
	v.delete(manifestPath(gitlabProject, moved)).tells(t, "index", 202, "")
	v.delete(manifestPath(gitlabProject, c)).tells(t, "its child", 202, "")
	v.delete(manifestPath(gitlabProject, a)).tells(t, "child of the untagged index", 409, "MANIFEST_REFERENCED")
	f.CollectGarbage(gitlabProject)
	alike(t, "left after garbage collection", f.Images(gitlabProject), "[]")
	v.delete(manifestPath(gitlabProject, old)).tells(t, "what is gone", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(gitlabProject, "b1")).tells(t, "tag that is gone", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(gitlabProject, "sha256:abc")).tells(t, "no digest", 400, "DIGEST_INVALID")
	v.delete(manifestPath("acme/none", old)).tells(t, "unknown repository", 404, "MANIFEST_UNKNOWN")
}

func TestGitLabCollectsWhatHasNoTag(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"b1", "v1"}, MediaType: fixture.OCIManifest})
	p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: image})
	v.delete(manifestPath(gitlabProject, "v1")).tells(t, "tag", 202, "")
	f.CollectGarbage(gitlabProject)
	alike(t, "left", f.Manifests(gitlabProject), []oci.Digest{image})
	alike(t, "tags", f.Tags(gitlabProject), map[string]oci.Digest{"b1": image})
	alike(t, "deleted", f.Deleted(), []Deletion{{Path: gitlabProject, Digest: image, Tags: []string{"v1"}, TagOnly: true}})
	alike(t, "referrers", v.get("/v2/"+gitlabProject+"/referrers/"+image.String()).status, 404)
}

func TestGitLabProtectsTags(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{ProtectedTags: []string{`^v\d+$`}})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"v1", "b1"}})
	v.delete(manifestPath(gitlabProject, "v1")).tells(t, "tag", 403, "DENIED")
	v.delete(manifestPath(gitlabProject, image)).tells(t, "digest", 403, "DENIED")
	v.delete(manifestPath(gitlabProject, "b1")).tells(t, "other tag", 202, "")
	alike(t, "tags", f.Tags(gitlabProject), map[string]oci.Digest{"v1": image})
	alike(t, "refused", f.Refused(), []Refusal{{Path: gitlabProject, What: "v1", Status: 403, Code: "DENIED"}, {Path: gitlabProject, What: image.String(), Status: 403, Code: "DENIED"}})
}

func TestGitLabWithoutDatabase(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{NoDatabase: true, ProtectedTags: []string{"b1"}})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest})
	p.Referrer(image, "application/vnd.example.signature")
	list := v.get("/gitlab/v1/repositories/" + gitlabProject + "/tags/list/")
	alike(t, "listing", list.status, 404)
	alike(t, "version", list.header.Get("Gitlab-Container-Registry-Version"), gitlabVersion)
	alike(t, "database", v.get("/v2/").header.Get("Gitlab-Container-Registry-Database-Enabled"), "false")
	v.delete(manifestPath(gitlabProject, image)).tells(t, "subject with a referrer", 202, "")
	f.CollectGarbage(gitlabProject)
	alike(t, "left", len(f.Images(gitlabProject)), 2)
}

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
	alike(t, "second page", names(t, two), "[c]")
	alike(t, "next", two.next("next"), "")
	alike(t, "previous", two.next("previous"), f.URL()+list+"?before=c&n=2")
	alike(t, "first page again", names(t, v.get(two.next("previous"))), "[a b]")

	newest := v.get(list + "?n=2&sort=-published_at")
	alike(t, "newest", names(t, newest), "[c b]")
	marker := base64.StdEncoding.EncodeToString([]byte(one + "|b"))
	alike(t, "next by time", strings.Contains(newest.next("next"), "last="+strings.ReplaceAll(marker, "=", "%3D")), true)
	alike(t, "oldest", names(t, v.get(newest.next("next"))), "[a]")
	alike(t, "by name", names(t, v.get(list+"?name=b")), "[b]")

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

func names(t *testing.T, r reply) (out []string) {
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

func TestGitLabAsksWhoIsThere(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v := gitlab(t, GitLabOptions{
		Now: clock.now, Logins: []Login{JobToken(gitlabProject, "job"), DeployToken("deploy", "d3p"), {User: "root", Password: "r00t", Actions: []string{"pull", "push", "delete", "*"}}},
		PushProtected: []string{gitlabProject}, ProtectedTags: []string{"^v"},
	})
	image := f.Pusher(t, gitlabProject).Image(fixture.Image{Tags: []string{"b1"}})
	f.Pusher(t, "acme/other").Image(fixture.Image{Tags: []string{"b1"}})
	path := manifestPath(gitlabProject, image)
	realm := `Bearer realm="` + f.URL() + `/jwt/auth",service="container_registry"`
	for what, want := range map[string]string{
		"GET /v2/":        realm,
		"GET /gitlab/v1/": realm,
		"DELETE " + path:  realm + `,scope="repository:acme/app:delete"`,
		"GET " + path:     realm + `,scope="repository:acme/app:pull"`,
		"GET /gitlab/v1/repositories/acme/app/tags/list/": realm + `,scope="repository:acme/app:pull"`,
	} {
		method, target, _ := strings.Cut(what, " ")
		a := v.do(method, target, "")
		a.tells(t, what, 401, "UNAUTHORIZED")
		alike(t, what, a.header.Get("WWW-Authenticate"), want)
		alike(t, what, a.header.Get("Gitlab-Container-Registry-Version"), "")
	}
	const scope = "repository:acme/app:pull,delete"
	ask := func(user, password string, scopes ...string) (reply, visitor) {
		return v.as(user, password).token("/jwt/auth", "container_registry", scopes...)
	}
	a, _ := ask("gitlab-ci-token", "wrong", scope)
	a.tells(t, "wrong password", 401, "UNAUTHORIZED")
	a, _ = v.token("/jwt/auth", "container_registry", scope)
	a.tells(t, "nobody", 403, "DENIED")
	a, _ = ask("gitlab-ci-token", "job", "repository:acme/app:pull,push,delete")
	a.tells(t, "push on a protected repository", 403, "DENIED")

	for _, tc := range []struct {
		name, user, password, scope, target string
		status                              int
	}{
		{"a deploy token never deletes", "deploy", "d3p", scope, path, 401},
		{"a job deletes nowhere else", "gitlab-ci-token", "job", "repository:acme/other:pull,delete", manifestPath("acme/other", image), 401},
		{"a star gives a job nothing", "gitlab-ci-token", "job", "repository:acme/app:*", path, 401},
		{"pull is not delete", "gitlab-ci-token", "job", "repository:acme/app:pull", path, 401},
		{"a job deletes its own", "gitlab-ci-token", "job", scope, manifestPath(gitlabProject, "none"), 404},
		{"a star is everything to an administrator", "root", "r00t", "repository:acme/app:*", manifestPath(gitlabProject, "none"), 404},
	} {
		a, with := ask(tc.user, tc.password, tc.scope)
		alike(t, tc.name, a.status, http.StatusOK)
		got := with.delete(tc.target)
		alike(t, tc.name, got.status, tc.status)
		if tc.status == 401 {
			alike(t, tc.name, strings.HasSuffix(got.header.Get("WWW-Authenticate"), `error="insufficient_scope"`), true)
		}
	}
	a, with := ask("gitlab-ci-token", "job", scope)
	alike(t, "claims", claims(t, a), `[map[actions:[pull delete] meta:map[project_path:acme/app tag_deny_access_patterns:map[delete:[^v]]] name:acme/app type:repository]]`)
	clock.advance(5 * time.Minute)
	late := with.delete(path)
	late.tells(t, "expired", 401, "UNAUTHORIZED")
	alike(t, "expired", strings.HasSuffix(late.header.Get("WWW-Authenticate"), `error="invalid_token"`), true)
	_, with = ask("gitlab-ci-token", "job", scope)
	f.ExpireTokens()
	with.delete(path).tells(t, "taken back", 401, "UNAUTHORIZED")
	_, with = ask("gitlab-ci-token", "job", scope)
	with.delete(path).tells(t, "renewed", 202, "")
	alike(t, "first request", f.TokenRequests()[0], `{gitlab-ci-token [repository:acme/app:pull,delete] false}`)
	if len(f.Sent()[f.Host()]) == 0 || len(f.Refused()) == 0 {
		t.Error("the fake remembers neither what it was sent nor what it refused")
	}
}

// claims are the access that a token says it gives.
func claims(t *testing.T, r reply) any {
	t.Helper()
	var body struct{ Token string }
	r.into(t, &body)
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(body.Token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var token struct{ Access any }
	if err := json.Unmarshal(text, &token); err != nil {
		t.Fatal(err)
	}
	return token.Access
}

func TestGitLabPublic(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{Public: true, Logins: []Login{JobToken(gitlabProject, "job")}})
	f.Pusher(t, gitlabProject).Image(fixture.Image{Tags: []string{"b1"}})
	a, with := v.token("/jwt/auth", "container_registry", "repository:acme/app:pull,delete")
	alike(t, "token", a.status, 200)
	alike(t, "pull", with.get(manifestPath(gitlabProject, "b1")).status, 200)
	alike(t, "delete", with.delete(manifestPath(gitlabProject, "b1")).status, 401)
}

func TestGitLabRealHost(t *testing.T) {
	t.Parallel()
	f := NewGitLab(t, GitLabOptions{Logins: []Login{JobToken(gitlabProject, "job")}})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://registry.gitlab.com/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := f.Transport().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	alike(t, "challenge", resp.Header.Get("WWW-Authenticate"), `Bearer realm="https://gitlab.com/jwt/auth",service="container_registry"`)
}
