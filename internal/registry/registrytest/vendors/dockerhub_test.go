package vendors

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const (
	hubTags      = "https://hub.docker.com/v2/namespaces/acme/repositories/app/tags"
	hubManifests = "https://registry-1.docker.io/v2/acme/app/manifests/"
)

// newHubWith starts a fake with images b0, the oldest, to b<n-1> in acme/app, one a minute, and returns a login of its API.
func newHubWith(t *testing.T, o DockerHubOptions, n int) (*DockerHub, *ticker, asking, []oci.Digest) {
	t.Helper()
	clock := newTicker()
	o.Now = clock.Now
	f := NewDockerHub(t, o)
	push := f.Pusher(t, "acme/app")
	var ds []oci.Digest
	for i := range n {
		ds = append(ds, push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", i)}}))
		clock.advance(time.Minute)
	}
	user, secret := "acme", HubAll
	if len(o.Tokens) > 0 {
		user, secret = o.Tokens[0].User, o.Tokens[0].Secret
	}
	return f, clock, newAsking(t, f.Transport(), "https://hub.docker.com", "").hubLogin(user, secret), ds
}

// hubLogin logs into the API.
func (a asking) hubLogin(user, secret string) asking {
	a.t.Helper()
	answer := a.as("").do("POST", "https://hub.docker.com/v2/auth/token", fmt.Sprintf(`{"identifier":%q,"secret":%q}`, user, secret))
	answer.is(200, "access_token")
	return a.as(fmt.Sprint("Bearer ", answer.field("access_token")))
}

// hubBearer logs into the registry.
func (a asking) hubBearer(user, secret, scope string) asking {
	a.t.Helper()
	answer := a.as("Basic " + basic(user, secret)).get("https://auth.docker.io/token?service=registry.docker.io&scope=" + url.QueryEscape(scope))
	answer.is(200, `"expires_in":300`)
	return a.as(fmt.Sprint("Bearer ", answer.field("token")))
}

func (a asking) deleter() asking {
	a.t.Helper()
	return a.hubBearer("acme", HubAll, "repository:acme/app:pull,delete")
}

// hubPage is a page of tags.
type hubPage struct {
	Count          int
	Next, Previous *string
	Results        []hubTag
}

func (a asking) page(url string) (p hubPage) {
	a.t.Helper()
	answer := a.get(url)
	answer.wants(url, 200, "")
	answer.decode(&p)
	return p
}

func names(tags []hubTag) string {
	var out []string
	for _, tag := range tags {
		out = append(out, tag.Name)
	}
	return strings.Join(out, " ")
}

func TestDockerHubTagHasTheRecordedShape(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newHubWith(t, DockerHubOptions{OldTags: []string{"b0"}}, 2)
	size := f.content("acme/app", ds[1]).size()
	part := func(n int) string {
		return fmt.Sprintf(`"images":[{"architecture":"amd64","features":"","variant":null,"digest":"%s","os":"linux","os_features":"","os_version":null,"size":%d,`+
			`"status":"active","last_pulled":null,"last_pushed":"2026-03-01T12:0%d:00.000000Z"}],"last_updated":"2026-03-01T12:0%d:00.000000Z"`, ds[n], size, n, n)
	}
	body := ask.get(hubTags).Body
	for _, want := range []string{
		`{"count":2,"next":null,"previous":null,"results":[{"creator":1,`, part(0), part(1),
		fmt.Sprintf(`"full_size":%d,"v2":true,"tag_last_pulled":null,"tag_last_pushed":"2026-03-01T12:01:00.000000Z","tag_status":"active",`+
			`"media_type":"application/vnd.docker.container.image.v1+json","content_type":"image","digest":"%s"}`, size, ds[1]),
		`"tag_last_pushed":"2026-03-01T12:00:00.000000Z"}]`, // the old tag ends here
	} {
		if !strings.Contains(body, want) {
			t.Errorf("got %s\nwant %s in it", body, want)
		}
	}
	ask.get(hubTags+"/b1").is(200, ds[1].String())
	ask.get(hubTags+"/none").is(404, `{"detail":"object not found","errinfo":{},"message":"object not found"}`)
}

func TestDockerHubIndex(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newHubWith(t, DockerHubOptions{}, 0)
	push := f.Pusher(t, "acme/app")
	amd, arm := push.Image(fixture.Image{Seed: "amd"}), push.Image(fixture.Image{Seed: "arm", Platform: "linux/arm64"})
	untagged := push.Image(fixture.Image{Seed: "untagged"})
	index := push.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{amd, arm}})
	tags := ask.page(hubTags).Results
	alike(t, "tags", names(tags), "multi")
	alike(t, "digest", tags[0].Digest, index.String())
	alike(t, "media type", tags[0].MediaType, fixture.OCIIndex)
	var parts []string
	for _, p := range tags[0].Images {
		parts = append(parts, p.OS+"/"+p.Architecture+" "+p.Digest)
	}
	alike(t, "platforms", strings.Join(parts, ", "), "linux/amd64 "+amd.String()+", linux/arm64 "+arm.String())
	alike(t, "images", len(f.Images("acme/app")), 4)
	if strings.Contains(ask.get(hubTags).Body, untagged.String()) {
		t.Error("an untagged manifest is listed")
	}
}

func TestDockerHubPages(t *testing.T) {
	t.Parallel()
	_, _, ask, _ := newHubWith(t, DockerHubOptions{}, 105)
	for _, tc := range []struct {
		query          string
		n              int
		next, previous string
	}{
		{"", 10, "?page=2&page_size=10", ""},
		{"?page_size=100&page=1", 100, "?page=2&page_size=100", ""},
		{"?page_size=500", 100, "?page=2&page_size=100", ""},
		{"?page_size=100&page=2", 5, "", "?page=1&page_size=100"},
	} {
		p := ask.page(hubTags + tc.query)
		link := func(s *string) string {
			if s == nil {
				return ""
			}
			return strings.TrimPrefix(*s, hubTags)
		}
		alike(t, tc.query, fmt.Sprint(len(p.Results), " ", p.Count, " ", link(p.Next), " ", link(p.Previous)),
			fmt.Sprint(tc.n, " 105 ", tc.next, " ", tc.previous))
	}
	alike(t, "newest first", ask.page(hubTags).Results[0].Name, "b104")
	ask.get(hubTags+"?page=12&page_size=10").is(404, "object not found")
	alike(t, "the old form", len(ask.page("/v2/repositories/acme/app/tags/?page_size=100").Results), 100)
}

func TestDockerHubLogin(t *testing.T) {
	t.Parallel()
	f, clock, ask, _ := newHubWith(t, DockerHubOptions{Tokens: []HubToken{
		{User: "acme", Secret: HubAll}, {User: "acme", Secret: "pass word"}, {User: "ci", Secret: "dckr_pat_ci", Namespaces: []string{"ci"}},
	}}, 3)
	post := func(path, body string) answered { return ask.as("").do("POST", "https://hub.docker.com"+path, body) }
	post("/v2/auth/token", `{"identifier":"acme","secret":"wrong"}`).is(401, "Incorrect authentication credentials")
	post("/v2/auth/token", `not JSON`).is(400, "")
	ask.get("/v2/auth/token").is(405, "")
	ask.as("").get(hubTags).is(404, "object not found")
	ask.as("Bearer wrong").get(hubTags).is(401, "")
	ask.as("Basic "+basic("acme", HubAll)).get(hubTags).is(401, "")
	ask.hubLogin("ci", "dckr_pat_ci").get(hubTags).is(404, "object not found")
	alike(t, "logins", fmt.Sprint(f.Logins()), "[{/v2/auth/token acme "+HubAll+"} {/v2/auth/token acme wrong} {/v2/auth/token ci dckr_pat_ci}]")

	tag := "/v2/repositories/acme/app/tags/b0/"
	old := func(secret string) asking {
		answer := post("/v2/users/login", fmt.Sprintf(`{"username":"acme","password":%q}`, secret))
		answer.is(200, "token")
		return ask.as(fmt.Sprint("Bearer ", answer.field("token")))
	}
	old(HubAll).get(hubTags).is(200, "")
	old(HubAll).delete(tag).is(403, "access to the resource is forbidden with personal access token")
	ask.as("").delete(tag).is(401, "")
	old("pass word").delete(tag).is(204, "")
	ask.delete("/v2/repositories/acme/app/tags/b1/").is(204, "")
	clock.advance(hubJWTLife)
	ask.get(hubTags).is(401, "")
}

func TestDockerHubRegistryLogin(t *testing.T) {
	t.Parallel()
	f, clock, ask, ds := newHubWith(t, DockerHubOptions{Tokens: []HubToken{
		{User: "acme", Secret: HubAll},
		{User: "acme", Secret: "dckr_pat_write", Access: HubWrite},
		{User: "acme", Secret: "dckr_pat_read", Access: HubRead},
		{User: "dev", Secret: "dckr_pat_dev", Member: []string{"acme"}},
	}}, 1)
	challenge := func(a answered) string { return a.Header.Get("WWW-Authenticate") }
	want := `Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`
	alike(t, "version check", challenge(ask.as("").get("https://registry-1.docker.io/v2/")), want)
	alike(t, "read", challenge(ask.as("").get(hubManifests+"b0")), want+`,scope="repository:acme/app:pull"`)
	alike(t, "catalog", challenge(ask.deleter().get("https://registry-1.docker.io/v2/_catalog")), want+`,scope="registry:catalog:*",error="insufficient_scope"`)
	ask.as("Basic "+basic("acme", "wrong")).get("https://auth.docker.io/token").is(401, "incorrect username or password")
	scope := "repository:acme/app:pull,push,delete"
	for secret, allowed := range map[string][2]bool{ // push, delete
		HubAll: {true, true}, "dckr_pat_write": {true, false}, "dckr_pat_read": {false, false}, "dckr_pat_dev": {true, false},
	} {
		user := "acme"
		if secret == "dckr_pat_dev" {
			user = "dev"
		}
		who := ask.hubBearer(user, secret, scope)
		who.do("HEAD", hubManifests+"b0", "").is(200, "")
		alike(t, secret+": push", who.do("PUT", hubManifests+"b1", "{}").Status != 401, allowed[0])
		answer := who.delete(hubManifests + ds[0].String())
		alike(t, secret+": delete", answer.Status != 401, allowed[1])
		if !allowed[1] {
			alike(t, secret, challenge(answer), want+`,scope="repository:acme/app:delete",error="insufficient_scope"`)
		}
	}
	ask.hubLogin("dev", "dckr_pat_dev").delete("/v2/repositories/acme/app/tags/b0/").is(403, "access to the resource is forbidden")
	ask.hubLogin("acme", "dckr_pat_write").delete("/v2/repositories/acme/app/tags/b0/").is(403, "access to the resource is forbidden")
	alike(t, "refused", len(f.Refused()), 6)
	reader := ask.hubBearer("acme", HubAll, scope)
	f.ExpireBearers()
	reader.get(hubManifests+"b0").is(401, "")
	reader = ask.hubBearer("acme", HubAll, scope)
	clock.advance(hubBearerLife)
	reader.get(hubManifests+"b0").is(401, "")
}

func TestDockerHubDeletesATag(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newHubWith(t, DockerHubOptions{Immutable: []string{"b2"}, TagFailures: 1, StaleReads: 1}, 3)
	path := "/v2/repositories/acme/app/tags/"
	ask.delete(path+"b0").is(301, "")
	ask.delete("/v2/namespaces/acme/repositories/app/tags/b0").is(405, "")
	ask.delete(path+"b0/").is(500, "401")
	ask.delete(path+"b2/").is(403, "immutable")
	ask.delete(path+"b0/").is(204, "")
	ask.delete(path+"b0/").is(404, "object not found")
	alike(t, "listed still", names(ask.page(hubTags).Results), "b2 b1 b0")
	alike(t, "listed", names(ask.page(hubTags).Results), "b2 b1")
	alike(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/app", Digest: ds[0], Tags: []string{"b0"}, TagOnly: true}}))
	alike(t, "images", len(f.Images("acme/app")), 3)
	var refused []string
	for _, r := range f.Refused() {
		refused = append(refused, fmt.Sprint(r.Path, ":", r.What, " ", r.Status))
	}
	alike(t, "refused", strings.Join(refused, ", "), "acme/app:b0 301, acme/app:b0 405, acme/app:b0 500, acme/app:b2 403, acme/app:b0 404")
	alike(t, "digest", f.Refused()[3].Digest, ds[2])
	f.SetTag("acme/app", "b0", ds[1])
	alike(t, "pushed again", names(ask.page(hubTags).Results), "b0 b2 b1")
}

func TestDockerHubDeletesWhatNothingUses(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newHubWith(t, DockerHubOptions{}, 0)
	push := f.Pusher(t, "acme/app")
	child := push.Image(fixture.Image{Seed: "child"})
	index := push.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{child}})
	subject := push.Image(fixture.Image{Tags: []string{"signed"}})
	referrer, fallback := push.Referrer(subject, "application/spdx+json")
	del := ask.deleter()
	refused := func(d oci.Digest, by string) {
		t.Helper()
		del.delete(hubManifests+d.String()).is(403, `"code":"DENIED","message":"the manifest is referenced by `+by)
	}
	deleted := func(d oci.Digest) {
		t.Helper()
		del.delete(hubManifests+d.String()).is(202, "")
	}
	refused(index, "tag multi")
	refused(child, "index")
	refused(subject, "tag signed")
	refused(referrer, "index")
	refused(fallback, "tag sha256-")
	for _, tag := range []string{"multi", "signed", strings.Replace(subject.String(), ":", "-", 1)} {
		ask.delete("/v2/repositories/acme/app/tags/"+tag+"/").is(204, "")
	}
	refused(child, "index")
	refused(subject, "referrer")
	for _, d := range []oci.Digest{fallback, referrer, subject, index, child} {
		deleted(d)
	}
	del.delete(hubManifests+child.String()).is(404, "MANIFEST_UNKNOWN")
	del.delete(hubManifests+"multi").is(405, "UNSUPPORTED")
	del.delete("https://registry-1.docker.io/v2/acme/app/blobs/"+child.String()).is(405, "UNSUPPORTED")
	alike(t, "images", len(f.Images("acme/app")), 0)
	alike(t, "deleted", len(f.Deleted()), 3+5)
	alike(t, "refused", len(f.Refused()), 5+2+2)
	del.get("https://registry-1.docker.io/v2/acme/app/referrers/"+child.String()).is(404, "")
}

func TestDockerHubFinishesByItself(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newHubWith(t, DockerHubOptions{SlowDeletes: 2, SlowReads: 2}, 3)
	for n := range ds {
		f.Untag("acme/app", fmt.Sprint("b", n))
	}
	del := ask.deleter()
	head := func(d oci.Digest) int { return del.do("HEAD", hubManifests+d.String(), "").Status }
	del.delete(hubManifests+ds[0].String()).is(500, "UNKNOWN")
	del.delete(hubManifests+ds[0].String()).is(500, "UNKNOWN")
	for _, want := range []int{200, 404} {
		alike(t, "HEAD", head(ds[0]), want)
	}
	alike(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/app", Digest: ds[0]}}))
	del.delete(hubManifests+ds[1].String()).is(500, "UNKNOWN")
	f.SetTag("acme/app", "rescued", ds[1])
	for range 4 {
		alike(t, "HEAD of a tagged manifest", head(ds[1]), 200)
	}
	del.delete(hubManifests+ds[2].String()).is(202, "")
}

func TestDockerHubModes(t *testing.T) {
	t.Parallel()
	_, _, ask, ds := newHubWith(t, DockerHubOptions{NoManifestDeletes: true, NoTokenTagDeletes: true}, 1)
	ask.deleter().delete(hubManifests+ds[0].String()).is(405, "UNSUPPORTED")
	ask.delete("/v2/repositories/acme/app/tags/b0/").is(403, "forbidden with personal access token")

	f, _, ask, ds := newHubWith(t, DockerHubOptions{RegistryTagDeletes: true, Immutable: []string{"b1"}}, 2)
	del := ask.hubBearer("acme", HubAll, "repository:acme/app:pull,push,delete")
	del.delete(hubManifests+"b0").is(202, "")
	del.delete(hubManifests+"b0").is(404, "MANIFEST_UNKNOWN")
	del.delete(hubManifests+"b1").is(403, "DENIED")
	del.do("PUT", hubManifests+"b1", "{}").is(403, "DENIED")
	alike(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/app", Digest: ds[0], Tags: []string{"b0"}, TagOnly: true}}))

	_, _, ask, _ = newHubWith(t, DockerHubOptions{DeniedStatus: 405, Tokens: []HubToken{{User: "dev", Secret: "dckr_pat_dev", Member: []string{"acme"}}}}, 1)
	ask.delete("/v2/repositories/acme/app/tags/b0/").is(405, "access to the resource is forbidden")

	_, _, ask, _ = newHubWith(t, DockerHubOptions{Public: true}, 1)
	ask.as("").get(hubTags).is(200, `"name":"b0"`)
	ask.as("").delete("/v2/repositories/acme/app/tags/b0/").is(401, "")
	answer := ask.as("").get("https://auth.docker.io/token?scope=repository:acme/app:pull,delete")
	anonymous := ask.as(fmt.Sprint("Bearer ", answer.field("token")))
	anonymous.get("https://registry-1.docker.io/v2/acme/app/tags/list").is(200, "b0")
	anonymous.delete(hubManifests+"sha256:"+strings.Repeat("0", 64)).is(401, "")
}

func TestDockerHubLimits(t *testing.T) {
	t.Parallel()
	f, clock, ask, ds := newHubWith(t, DockerHubOptions{Limits: HubLimits{API: 3, Pulls: 1}}, 1)
	for n := range 3 {
		answer := ask.get(hubTags)
		answer.is(200, "")
		alike(t, "remaining", answer.Header.Get("X-RateLimit-Remaining"), fmt.Sprint(2-n))
	}
	clock.advance(10 * time.Second)
	answer := ask.delete("/v2/repositories/acme/app/tags/b0/")
	answer.is(429, "Rate limit exceeded")
	for key, want := range map[string]string{
		"Retry-After": "50", "X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(clock.at.Add(50 * time.Second).Unix()),
	} {
		alike(t, key, answer.Header.Get(key), want)
	}
	alike(t, "refused", fmt.Sprint(f.Refused()[0].What, " ", f.Refused()[0].Status), "b0 429")
	clock.advance(50 * time.Second)
	ask.delete("/v2/repositories/acme/app/tags/b0/").is(204, "")

	reader := ask.deleter()
	manifest := func(method string) answered {
		return reader.do(method, hubManifests+ds[0].String(), "", "Accept: "+fixture.DockerManifest)
	}
	manifest(http.MethodHead).is(200, "")
	alike(t, "left", manifest(http.MethodGet).Header.Get("RateLimit-Remaining"), "0;w=21600")
	manifest(http.MethodGet).is(429, "TOOMANYREQUESTS")
	manifest(http.MethodHead).is(200, "")
	alike(t, "pulls", f.Pulls("acme"), 1)
}

func TestDockerHubOnLoopback(t *testing.T) {
	t.Parallel()
	f, _, _, ds := newHubWith(t, DockerHubOptions{}, 1)
	local := newAsking(t, nil, f.URL(), "")
	alike(t, "challenge", local.get("/v2/acme/app/tags/list").Header.Get("WWW-Authenticate"),
		fmt.Sprintf(`Bearer realm="%s/token",service="registry.docker.io",scope="repository:acme/app:pull"`, f.URL()))
	answer := local.as("Basic " + basic("acme", HubAll)).get("/token?scope=repository:acme/app:pull")
	local.as(fmt.Sprint("Bearer ", answer.field("token"))).get("/v2/acme/app/tags/list").is(200, "b0")
	answer = local.do("POST", "/v2/auth/token", `{"identifier":"acme","secret":"`+HubAll+`"}`)
	api := local.as(fmt.Sprint("Bearer ", answer.field("access_token")))
	api.get("/v2/namespaces/acme/repositories/app/tags").is(200, ds[0].String())
	alike(t, "sent", len(f.Sent()[f.Host()]), 3)
	alike(t, "strays", len(f.Strays()), 0)
}

func TestDockerHubHosts(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newHubWith(t, DockerHubOptions{}, 1)
	for _, url := range []string{
		"https://registry-1.docker.io/v2/namespaces/acme/repositories/app/tags", "https://hub.docker.com/v2/acme/app/tags/list",
		"https://hub.docker.com/token", "https://auth.docker.io/v2/", "https://registry-1.docker.io/token",
	} {
		if status := ask.get(url).Status; status != 404 && status != 401 {
			t.Errorf("%s: got %d", url, status)
		}
	}
	ask.as("").get("https://index.docker.io/v2/").is(401, "")
	var m struct{ Config struct{ Digest oci.Digest } }
	reader := ask.deleter()
	reader.do("GET", hubManifests+"b0", "", "Accept: "+fixture.DockerManifest).decode(&m)
	reader.client.CheckRedirect = nil
	reader.get("https://registry-1.docker.io/v2/acme/app/blobs/"+m.Config.Digest.String()).is(200, `"author":"b0"`)
	alike(t, "sent to the store of blobs", len(f.Sent()[hubBlobs]), 0)
}
