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
func newHubWith(t *testing.T, o DockerHubOptions, n int) (*DockerHub, *stepClock, webClient, []oci.Digest) {
	t.Helper()
	clock := newStepClock()
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
	return f, clock, newWebClient(t, f.Transport(), "https://hub.docker.com", "").hubLogin(user, secret), ds
}

// hubLogin logs into the API.
func (a webClient) hubLogin(user, secret string) webClient {
	a.t.Helper()
	answer := a.as("").do("POST", "https://hub.docker.com/v2/auth/token", fmt.Sprintf(`{"identifier":%q,"secret":%q}`, user, secret))
	answer.is(200, "access_token")
	return a.as(fmt.Sprint("Bearer ", answer.field("access_token")))
}

// hubBearer logs into the registry.
func (a webClient) hubBearer(user, secret, scope string) webClient {
	a.t.Helper()
	answer := a.as("Basic " + basicOf(user, secret)).get("https://auth.docker.io/token?service=registry.docker.io&scope=" + url.QueryEscape(scope))
	answer.is(200, `"expires_in":300`)
	return a.as(fmt.Sprint("Bearer ", answer.field("token")))
}

func (a webClient) deleter() webClient {
	a.t.Helper()
	return a.hubBearer("acme", HubAll, "repository:acme/app:pull,delete")
}

// hubPage is a page of tags.
type hubPage struct {
	Count          int
	Next, Previous *string
	Results        []hubTag
}

func (a webClient) page(url string) (p hubPage) {
	a.t.Helper()
	answer := a.get(url)
	answer.wants(url, 200, "")
	answer.decode(&p)
	return p
}

func hubNames(tags []hubTag) string {
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
	equal(t, "tags", hubNames(tags), "multi")
	equal(t, "digest", tags[0].Digest, index.String())
	equal(t, "media type", tags[0].MediaType, fixture.OCIIndex)
	var parts []string
	for _, p := range tags[0].Images {
		parts = append(parts, p.OS+"/"+p.Architecture+" "+p.Digest)
	}
	equal(t, "platforms", strings.Join(parts, ", "), "linux/amd64 "+amd.String()+", linux/arm64 "+arm.String())
	equal(t, "images", len(f.Images("acme/app")), 4)
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
		equal(t, tc.query, fmt.Sprint(len(p.Results), " ", p.Count, " ", link(p.Next), " ", link(p.Previous)),
			fmt.Sprint(tc.n, " 105 ", tc.next, " ", tc.previous))
	}
	equal(t, "newest first", ask.page(hubTags).Results[0].Name, "b104")
	ask.get(hubTags+"?page=12&page_size=10").is(404, "object not found")
	equal(t, "the old form", len(ask.page("/v2/repositories/acme/app/tags/?page_size=100").Results), 100)
}

func TestDockerHubLimits(t *testing.T) {
	t.Parallel()
	f, clock, ask, ds := newHubWith(t, DockerHubOptions{Limits: HubLimits{API: 3, Pulls: 1}}, 1)
	for n := range 3 {
		answer := ask.get(hubTags)
		answer.is(200, "")
		equal(t, "remaining", answer.Header.Get("X-RateLimit-Remaining"), fmt.Sprint(2-n))
	}
	clock.advance(10 * time.Second)
	answer := ask.delete("/v2/repositories/acme/app/tags/b0/")
	answer.is(429, "Rate limit exceeded")
	for key, want := range map[string]string{
		"Retry-After": "50", "X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": fmt.Sprint(clock.at.Add(50 * time.Second).Unix()),
	} {
		equal(t, key, answer.Header.Get(key), want)
	}
	equal(t, "refused", fmt.Sprint(f.Refused()[0].What, " ", f.Refused()[0].Status), "b0 429")
	clock.advance(50 * time.Second)
	ask.delete("/v2/repositories/acme/app/tags/b0/").is(204, "")

	reader := ask.deleter()
	manifest := func(method string) webAnswer {
		return reader.do(method, hubManifests+ds[0].String(), "", "Accept: "+fixture.DockerManifest)
	}
	manifest(http.MethodHead).is(200, "")
	equal(t, "left", manifest(http.MethodGet).Header.Get("RateLimit-Remaining"), "0;w=21600")
	manifest(http.MethodGet).is(429, "TOOMANYREQUESTS")
	manifest(http.MethodHead).is(200, "")
	equal(t, "pulls", f.Pulls("acme"), 1)
}
