package vendors

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// What the fake does is held to the documents and issues that its comments name. It was not compared with the service.

// listedVersion is a version as the API lists it.
type listedVersion struct {
	ID                int64
	Name, URL         string
	HTMLURL           string `json:"html_url"`
	CreatedAt         string `json:"created_at"`
	UpdatedAt         string `json:"updated_at"`
	PackageHTMLURL    string `json:"package_html_url"`
	Size, DownloadNum any    // never there
	Metadata          struct {
		PackageType string `json:"package_type"`
		Container   struct{ Tags []string }
	}
}

const teamApp = "/orgs/acme/packages/container/team%2Fapp/versions"

// newGHCRWith starts a fake with images b0, the oldest, to b<n-1> in acme/team/app, one a minute.
func newGHCRWith(t *testing.T, o GHCROptions, n int) (*GHCR, *stepClock, webClient, []oci.Digest) {
	t.Helper()
	clock := newStepClock()
	o.Now = clock.Now
	f := NewGHCR(t, o)
	secret := GHCRAll
	if len(o.Tokens) > 0 {
		secret = o.Tokens[0].Secret
	}
	push := f.Pusher(t, "acme/team/app")
	var ds []oci.Digest
	for i := range n {
		ds = append(ds, push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", i)}}))
		clock.advance(time.Minute)
	}
	return f, clock, newWebClient(t, f.Transport(), "https://api.github.com", "Bearer "+secret), ds
}

func (a webClient) versions(url string) []listedVersion {
	a.t.Helper()
	var out []listedVersion
	answer := a.get(url)
	answer.wants(url, 200, "")
	answer.decode(&out)
	return out
}

func (a webClient) idOf(d oci.Digest) string {
	a.t.Helper()
	for _, v := range a.versions(teamApp + "?per_page=100") {
		if v.Name == d.String() {
			return fmt.Sprint(v.ID)
		}
	}
	a.t.Fatalf("%s is not listed", d)
	return ""
}

func TestGHCRVersionHasTheDocumentedShape(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newGHCRWith(t, GHCROptions{}, 2)
	answer := ask.get(teamApp)
	var all []listedVersion
	answer.decode(&all)
	id := f.Versions("acme/team/app")[0].ID
	want := fmt.Sprintf(`[{"created_at":"2026-03-01T12:01:00Z","html_url":"https://github.com/orgs/acme/packages/container/team%%2Fapp/%d","id":%d,`+
		`"metadata":{"container":{"tags":["b1"]},"package_type":"container"},"name":"%s",`+
		`"package_html_url":"https://github.com/orgs/acme/packages/container/package/team%%2Fapp","updated_at":"2026-03-01T12:01:00Z",`+
		`"url":"https://api.github.com/orgs/acme/packages/container/team%%2Fapp/versions/%d"}`, id, id, ds[1], id)
	if !strings.HasPrefix(answer.Body, want) {
		t.Errorf("got  %s\nwant %s", answer.Body, want)
	}
	equal(t, "versions", len(all), 2)
	equal(t, "the version itself", strings.TrimSpace(ask.get(all[0].URL).Body), want[1:])
}

func TestGHCRPages(t *testing.T) {
	t.Parallel()
	_, _, ask, ds := newGHCRWith(t, GHCROptions{}, 105)
	for _, tc := range []struct {
		query string
		n     int
		link  string
	}{
		{"", 30, `<U?page=2>; rel="next", <U?page=4>; rel="last"`},
		{"?per_page=100&page=1&state=active", 100, `<U?page=2&per_page=100&state=active>; rel="next", <U?page=2&per_page=100&state=active>; rel="last"`},
		{"?per_page=1000", 100, `<U?page=2&per_page=1000>; rel="next", <U?page=2&per_page=1000>; rel="last"`},
		{"?per_page=100&page=2", 5, `<U?page=1&per_page=100>; rel="prev", <U?page=1&per_page=100>; rel="first"`},
		{"?per_page=100&page=3", 0, `<U?page=2&per_page=100>; rel="prev", <U?page=1&per_page=100>; rel="first"`},
		{"?state=deleted", 0, ""},
	} {
		answer := ask.get(teamApp + tc.query)
		var all []listedVersion
		answer.decode(&all)
		equal(t, tc.query+": versions", len(all), tc.n)
		equal(t, tc.query+": link", strings.ReplaceAll(answer.Header.Get("Link"), "https://api.github.com"+teamApp, "U"), tc.link)
	}
	equal(t, "newest first", ask.versions(teamApp)[0].Name, ds[104].String())
	for _, query := range []string{"?per_page=x", "?page=0", "?page=-1", "?state=other"} {
		ask.get(teamApp+query).wants(query, 400, `"message":"Invalid argument."`)
	}
}

func TestGHCRLinksElsewhere(t *testing.T) {
	t.Parallel()
	_, _, ask, _ := newGHCRWith(t, GHCROptions{OrganizationLinks: true}, 4)
	link := ask.get(teamApp + "?per_page=3").Header.Get("Link")
	next, _, _ := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !strings.HasPrefix(next, "https://api.github.com/organizations/") || len(ask.versions(next)) != 1 {
		t.Errorf("next link: got %q", link)
	}
	_, _, ask, _ = newGHCRWith(t, GHCROptions{ForeignLinks: "api.evil.example"}, 4)
	if link := ask.get(teamApp + "?per_page=3").Header.Get("Link"); !strings.HasPrefix(link, "<https://api.evil.example"+teamApp) {
		t.Errorf("foreign link: got %q", link)
	}
}

func TestGHCRNames(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newGHCRWith(t, GHCROptions{Users: []string{"mona"}}, 1)
	f.Pusher(t, "mona/app").Image(fixture.Image{Tags: []string{"1"}})
	f.Pusher(t, "octocat/app").Image(fixture.Image{Tags: []string{"1"}})
	for path, want := range map[string]string{
		teamApp: "200 ",
		"/users/acme/packages/container/team%2Fapp/versions": "200 ",
		"/orgs/ACME/packages/container/team%2Fapp/versions":  "200 ",
		"/orgs/acme/packages/container/team/app/versions":    "404 Not Found",
		"/orgs/acme/packages/container/other/versions":       "404 Package not found.",
		"/orgs/acme/packages/docker/team%2Fapp/versions":     "404 Package not found.",
		"/orgs/acme/packages/images/team%2Fapp/versions":     "400 Invalid argument.",
		"/orgs/mona/packages/container/app/versions":         "404 Not Found",
		"/users/mona/packages/container/app/versions":        "200 ",
		"/user/packages/container/app/versions":              "200 ",
		"/user/packages/container/team%2Fapp/versions":       "404 Package not found.",
		"/orgs/nobody/packages/container/app/versions":       "404 Not Found",
		"/users/acme":   "200 ",
		"/users/nobody": "404 Not Found",
		"/v3/":          "404 Not Found",
	} {
		status, message, _ := strings.Cut(want, " ")
		answer := ask.get(path)
		equal(t, path, fmt.Sprint(answer.Status), status)
		answer.wants(path, answer.Status, message)
	}
	equal(t, "acme", ask.get("/users/acme").field("type"), any("Organization"))
	equal(t, "mona", ask.as("").get("/users/Mona").field("type"), any("User"))
	equal(t, "the token's own", ask.get("/user").field("login"), any("octocat"))
	ask.get("/orgs/acme/packages?package_type=container").wants("packages", 200, `"name":"team/app"`)
	ask.get("/orgs/acme/packages").wants("packages without a type", 400, "Invalid argument.")
	ask.get("/orgs/acme/packages/container/team%2Fapp").wants("package", 200, `"version_count":1,"visibility":"private"`)
}

func TestGHCRServers(t *testing.T) {
	t.Parallel()
	for server, hosts := range map[string][2]string{
		"":                   {"ghcr.io", "https://api.github.com"},
		"github.example.com": {"containers.github.example.com", "https://github.example.com/api/v3"},
		"acme.ghe.com":       {"containers.acme.ghe.com", "https://api.acme.ghe.com"},
	} {
		f := NewGHCR(t, GHCROptions{Server: server})
		f.Pusher(t, "acme/app").Image(fixture.Image{Tags: []string{"1"}})
		ask := newWebClient(t, f.Transport(), "https://"+hosts[0], "")
		equal(t, "challenge", ask.get("/v2/acme/app/tags/list").Header.Get("WWW-Authenticate"),
			fmt.Sprintf(`Bearer realm="https://%s/token",service="%s",scope="repository:acme/app:pull"`, hosts[0], hosts[0]))
		ask = ask.as("Bearer " + GHCRAll)
		versions := "/orgs/acme/packages/container/app/versions"
		equal(t, "versions", len(ask.versions(hosts[1]+versions)), 1)
		equal(t, "versions on loopback", len(ask.versions(f.APIURL()+versions)), 1)
		ask.get(versions).wants("the API on the registry's host", 404, "")
		ask.get(hosts[1]+"/v2/").wants("the registry on the API's host", 404, "")
		if server == "github.example.com" {
			ask.get("https://github.example.com"+versions).wants("without the prefix", 404, "")
			ask.get(hosts[1]+"/rate_limit").wants("limits", 404, "Rate limiting is not enabled.")
			equal(t, "quota", f.Remaining(GHCRAll), -1)
		}
		equal(t, "strays", len(f.Strays()), 0)
		equal(t, "sent", strings.Join(f.Sent()[strings.Split(hosts[1], "/")[2]], " "), "Bearer "+GHCRAll)
	}
}

func TestGHCRRetag(t *testing.T) {
	t.Parallel()
	f, clock, ask, ds := newGHCRWith(t, GHCROptions{}, 2)
	before := ask.versions(teamApp)
	clock.advance(time.Hour)
	f.SetTag("acme/team/app", "b1", ds[0])
	after := ask.versions(teamApp)
	for n := range after {
		equal(t, "id", after[n].ID, before[n].ID)
		equal(t, "created_at", after[n].CreatedAt, before[n].CreatedAt)
	}
	equal(t, "tags of the old version", fmt.Sprint(after[0].Metadata.Container.Tags, after[0].Metadata.Container.Tags == nil), "[] false")
	equal(t, "tags of the new version", fmt.Sprint(after[1].Metadata.Container.Tags), "[b0 b1]")
	equal(t, "updated_at", after[1].UpdatedAt, "2026-03-01T13:02:00Z")
	f.Remove("acme/team/app", ds[0])
	equal(t, "versions", len(ask.versions(teamApp)), 1)
	f.Pusher(t, "acme/team/app").Image(fixture.Image{Tags: []string{"b0"}})
	if again := ask.versions(teamApp)[0]; again.Name != ds[0].String() || again.ID <= before[0].ID {
		t.Errorf("pushed again: got %+v, want a new version of %s", again, ds[0])
	}
}

func TestGHCRBlobsAreElsewhere(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newGHCRWith(t, GHCROptions{}, 1)
	ask.base = "https://ghcr.io"
	ask = ask.as("").bearer("acme/team/app:pull")
	var m struct{ Config struct{ Digest oci.Digest } }
	ask.do("GET", "/v2/acme/team/app/manifests/b0", "", "Accept: "+fixture.DockerManifest).decode(&m)
	blob := "/v2/acme/team/app/blobs/" + m.Config.Digest.String()
	answer := ask.get(blob)
	answer.is(http.StatusTemporaryRedirect, "")
	link := answer.Header.Get("Location")
	ask.get(link).wants("with a login", 400, "InvalidAuthenticationInfo")
	ask.as("").get(link).wants("without a login", 200, `"author":"b0"`)
	ask.as("").get(strings.TrimSuffix(link, blobSignature)).wants("without a signature", 403, "")
	ask.get("/v2/acme/team/app/blobs/"+oci.Digest("sha256:"+strings.Repeat("0", 64)).String()).wants("no such blob", 404, "BLOB_UNKNOWN")
	ask.client.CheckRedirect = nil
	ask.get(blob).wants("with Go's redirects", 200, `"author":"b0"`)
	equal(t, "sent to the store", fmt.Sprint(f.Sent()["pkg-containers.githubusercontent.com"]), "["+ask.login+"]") // by the first request alone
	local := newWebClient(t, nil, f.URL(), "Basic "+basicOf("x", GHCRAll)).bearer("acme/team/app:pull")
	local.client.CheckRedirect = nil
	local.get(blob).wants("on loopback", 200, `"author":"b0"`)
}
