package vendors

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

func basicOf(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// bearer asks ghcr.io, or a fake on loopback, for a token of a repository with the asking's login, or with that of a
// token that may do everything.
func (a webClient) bearer(scope string) webClient {
	a.t.Helper()
	if a.login == "" {
		a.login = "Basic " + basicOf("anybody", GHCRAll)
	}
	answer := a.get("/token?service=ghcr.io&scope=" + url.QueryEscape("repository:"+scope))
	answer.is(http.StatusOK, "token")
	return a.as(fmt.Sprint("Bearer ", answer.field("token")))
}

func TestGHCRRegistryLogin(t *testing.T) {
	t.Parallel()
	tokens := []GHCRToken{
		{Secret: GHCRAll, Login: "octocat", Scopes: []string{"write:packages", "delete:packages"}},
		{Secret: "ghp_read", Scopes: []string{"read:packages"}},
		{Secret: "ghp_none"},
		{Secret: "ghp_elsewhere", Scopes: []string{"write:packages"}, Packages: []string{"acme/other"}},
		{Secret: "ghs_job"},
		{Secret: "github_pat_fine"},
	}
	_, clock, ask, _ := newGHCRWith(t, GHCROptions{Tokens: tokens}, 1)
	ask = ask.as("")
	ask.base = "https://ghcr.io"
	equal(t, "challenge of the version check", ask.get("/v2/").Header.Get("WWW-Authenticate"),
		`Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"`)
	equal(t, "challenge of a push", ask.do("PUT", "/v2/acme/team/app/manifests/b1", "{}").Header.Get("WWW-Authenticate"),
		`Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:acme/team/app:pull,push"`)
	for _, tc := range []struct {
		secret, scope string
		status        int
	}{
		{"", "repository:acme/team/app:pull", 401},
		{"wrong", "repository:acme/team/app:pull", 403},
		{"github_pat_fine", "repository:acme/team/app:pull", 403},
		{"ghp_none", "repository:acme/team/app:pull", 403},
		{"ghp_elsewhere", "repository:acme/team/app:pull", 403},
		{"ghp_read", "repository:acme/team/app:push", 403},
		{"ghp_read", "repository:acme/team/app:pull,push", 200},
		{"ghs_job", "repository:acme/team/app:pull", 200},
		{"ghp_read", "nonsense", 400},
	} {
		who := ask
		if tc.secret != "" {
			who = ask.as("Basic " + basicOf("anybody", tc.secret))
		}
		who.get("/token?service=ghcr.io&scope="+url.QueryEscape(tc.scope)).wants(tc.secret+" "+tc.scope, tc.status, "")
	}
	ask.do("POST", "/token", "").is(405, "UNSUPPORTED")

	reader := ask.as("Basic " + basicOf("x", "ghp_read")).bearer("acme/team/app:pull,push")
	reader.get("/v2/acme/team/app/tags/list").is(200, `"tags":["b0"]`)
	reader.get("/v2/").is(200, "")
	reader.do("PUT", "/v2/acme/team/app/manifests/b1", "{}").is(401, "UNAUTHORIZED")
	reader.get("/v2/acme/other/tags/list").is(401, "UNAUTHORIZED")
	ask.as("Basic "+basicOf("x", GHCRAll)).get("/v2/acme/team/app/tags/list").is(401, "") // the registry takes bearers alone
	clock.advance(ghcrBearerLife)
	reader.get("/v2/acme/team/app/tags/list").is(401, "UNAUTHORIZED")
}

func TestGHCRBearersEnd(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newGHCRWith(t, GHCROptions{}, 1)
	ask.base = "https://ghcr.io"
	first := ask.as("").bearer("acme/team/app:pull")
	first.get("/v2/acme/team/app/tags/list").is(200, "")
	f.ExpireBearers()
	first.get("/v2/acme/team/app/tags/list").is(401, "")
	second := ask.as("").bearer("acme/team/app:pull")
	f.Revoke(GHCRAll)
	second.get("/v2/acme/team/app/tags/list").is(401, "")
}

func TestGHCRPublicPackages(t *testing.T) {
	t.Parallel()
	_, _, ask, _ := newGHCRWith(t, GHCROptions{Public: true}, 1)
	anonymous := ask.as("")
	anonymous.get(teamApp).is(401, "Requires authentication")
	anonymous.base = "https://ghcr.io"
	answer := anonymous.get("/token?scope=repository:acme/team/app:pull")
	answer.is(200, "token")
	anonymous.as("Bearer "+answer.field("token").(string)).get("/v2/acme/team/app/tags/list").is(200, "b0")
}

func TestGHCRTokensOfTheAPI(t *testing.T) {
	t.Parallel()
	now := newStepClock().at
	tokens := []GHCRToken{
		{Secret: "ghp_all", Login: "octocat", Scopes: []string{"read:packages", "delete:packages"}},
		{Secret: "ghp_read", Scopes: []string{"read:packages"}},
		{Secret: "ghp_none", Scopes: []string{"repo"}},
		{Secret: "ghp_hidden", Scopes: []string{"read:packages", "delete:packages"}, Denial: GHCRHidden},
		{Secret: "ghp_elsewhere", Scopes: []string{"read:packages", "delete:packages"}, Packages: []string{"acme/other"}},
		{Secret: "ghp_expired", Scopes: []string{"read:packages", "delete:packages"}, Expires: now.Add(time.Minute)},
		{Secret: "ghs_reader", Denial: GHCRForbidden},
		{Secret: "ghs_norole", Denial: GHCRHidden},
		{Secret: "github_pat_fine"},
	}
	f, _, ask, ds := newGHCRWith(t, GHCROptions{Tokens: tokens}, 3)
	path := teamApp + "/" + ask.idOf(ds[0])
	for _, tc := range []struct{ login, list, version, deletion, message string }{
		{"", "401", "401", "401", "Requires authentication"},
		{"Bearer wrong", "401", "401", "401", "Bad credentials"},
		{"Basic " + basicOf("x", "ghp_all"), "401", "401", "401", "Bad credentials"},
		{"Bearer ghp_expired", "401", "401", "401", "Bad credentials"},
		{"Bearer ghp_none", "403", "403", "404", "Package not found."},
		{"Bearer ghp_read", "200", "200", "404", "Package not found."},
		{"Bearer ghp_hidden", "200", "200", "404", "Package not found."},
		{"Bearer ghp_elsewhere", "404", "404", "404", "Package not found."},
		{"Bearer ghs_reader", "200", "200", "403", "Resource not accessible by integration"},
		{"Bearer ghs_norole", "200", "200", "404", "Package not found."},
		{"Bearer github_pat_fine", "403", "403", "403", "Resource not accessible by personal access token"},
		{"token ghp_all", "200", "200", "204", ""},
	} {
		who := ask.as(tc.login)
		equal(t, tc.login+": list", fmt.Sprint(who.get(teamApp).Status), tc.list)
		equal(t, tc.login+": version", fmt.Sprint(who.get(path).Status), tc.version)
		answer := who.delete(path)
		equal(t, tc.login+": deletion", fmt.Sprint(answer.Status), tc.deletion)
		answer.wants(tc.login, answer.Status, tc.message)
	}
	equal(t, "deleted", len(f.Deleted()), 1)
	equal(t, "refused", len(f.Refused()), 11)
	ask.as("Bearer ghp_none").get(teamApp).is(403, "You need at least read:packages scope to get a package's versions.")
	ask.as("Bearer ghp_none").get("/orgs/acme/packages?package_type=container").is(403, "You need at least read:packages scope to list packages.")
	job := ask.as("Bearer ghs_reader")
	job.get("/user").is(403, "Resource not accessible by integration")
	job.get("/orgs/acme/packages?package_type=container").is(403, "Resource not accessible by integration")
	equal(t, "scopes", ask.get(teamApp).Header.Get("X-OAuth-Scopes"), "read:packages, delete:packages")
	equal(t, "scopes of a job", job.get(teamApp).Header.Get("X-OAuth-Scopes"), "")
}

func TestGHCRTokenEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newGHCRWith(t, GHCROptions{Tokens: []GHCRToken{
		{Secret: "ghp_two", Scopes: []string{"read:packages"}, Uses: 2}, {Secret: "ghp_revoked", Scopes: []string{"read:packages"}},
	}}, 1)
	for _, want := range []int{200, 200, 401, 401} {
		equal(t, "status", ask.get(teamApp).Status, want)
	}
	ask = ask.as("Bearer ghp_revoked")
	ask.get(teamApp).is(200, "")
	f.Revoke("ghp_revoked")
	ask.get(teamApp).is(401, "Bad credentials")
}

func TestGHCRHeaders(t *testing.T) {
	t.Parallel()
	_, _, ask, _ := newGHCRWith(t, GHCROptions{}, 1)
	ask.do("GET", teamApp, "", "User-Agent: ").is(403, "User-Agent")
	ask.do("GET", teamApp, "", "X-GitHub-Api-Version: 2022-11-28").is(200, "")
	ask.do("GET", teamApp, "", "X-GitHub-Api-Version: 1999-01-01").is(400, "not supported")
}
