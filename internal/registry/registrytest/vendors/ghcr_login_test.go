package vendors

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// bearer asks ghcr.io, or a fake on loopback, for a token of a repository with the asking's login, or with that of a
// token that may do everything.
func (a asking) bearer(scope string) asking {
	a.t.Helper()
	if a.login == "" {
		a.login = "Basic " + basic("anybody", GHCRAll)
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
	same(t, "challenge of the version check", ask.get("/v2/").Header.Get("WWW-Authenticate"),
		`Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"`)
	same(t, "challenge of a push", ask.do("PUT", "/v2/acme/team/app/manifests/b1", "{}").Header.Get("WWW-Authenticate"),
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
			who = ask.as("Basic " + basic("anybody", tc.secret))
		}
		who.get("/token?service=ghcr.io&scope="+url.QueryEscape(tc.scope)).wants(tc.secret+" "+tc.scope, tc.status, "")
	}
	ask.do("POST", "/token", "").is(405, "UNSUPPORTED")

	reader := ask.as("Basic " + basic("x", "ghp_read")).bearer("acme/team/app:pull,push")
	reader.get("/v2/acme/team/app/tags/list").is(200, `"tags":["b0"]`)
	reader.get("/v2/").is(200, "")
	reader.do("PUT", "/v2/acme/team/app/manifests/b1", "{}").is(401, "UNAUTHORIZED")
	reader.get("/v2/acme/other/tags/list").is(401, "UNAUTHORIZED")
	ask.as("Basic "+basic("x", GHCRAll)).get("/v2/acme/team/app/tags/list").is(401, "") // the registry takes bearers alone
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
	now := newTicker().at
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
		{"Basic " + basic("x", "ghp_all"), "401", "401", "401", "Bad credentials"},
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
		same(t, tc.login+": list", fmt.Sprint(who.get(teamApp).Status), tc.list)
		same(t, tc.login+": version", fmt.Sprint(who.get(path).Status), tc.version)
		answer := who.delete(path)
		same(t, tc.login+": deletion", fmt.Sprint(answer.Status), tc.deletion)
		answer.wants(tc.login, answer.Status, tc.message)
	}
	same(t, "deleted", len(f.Deleted()), 1)
	same(t, "refused", len(f.Refused()), 11)
	ask.as("Bearer ghp_none").get(teamApp).is(403, "You need at least read:packages scope to get a package's versions.")
	ask.as("Bearer ghp_none").get("/orgs/acme/packages?package_type=container").is(403, "You need at least read:packages scope to list packages.")
	job := ask.as("Bearer ghs_reader")
	job.get("/user").is(403, "Resource not accessible by integration")
	job.get("/orgs/acme/packages?package_type=container").is(403, "Resource not accessible by integration")
	same(t, "scopes", ask.get(teamApp).Header.Get("X-OAuth-Scopes"), "read:packages, delete:packages")
	same(t, "scopes of a job", job.get(teamApp).Header.Get("X-OAuth-Scopes"), "")
}

func TestGHCRTokenEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newGHCRWith(t, GHCROptions{Tokens: []GHCRToken{
		{Secret: "ghp_two", Scopes: []string{"read:packages"}, Uses: 2}, {Secret: "ghp_revoked", Scopes: []string{"read:packages"}},
	}}, 1)
	for _, want := range []int{200, 200, 401, 401} {
		same(t, "status", ask.get(teamApp).Status, want)
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

func TestGHCRQuota(t *testing.T) {
	t.Parallel()
	f, clock, ask, ds := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Quota: 5}}, 3)
	path := teamApp + "/" + ask.idOf(ds[0])
	answer := ask.get(teamApp)
	for key, want := range map[string]string{"Limit": "5", "Used": "2", "Remaining": "3", "Resource": "core", "Reset": fmt.Sprint(clock.at.Add(time.Hour).Unix())} {
		same(t, key, answer.Header.Get("X-RateLimit-"+key), want)
	}
	same(t, "remaining", f.Remaining(GHCRAll), 3)
	ask.get("/rate_limit").is(200, `"remaining":3`)
	ask.get("/rate_limit").is(200, `"remaining":3`)
	f.Spend(GHCRAll, 3)
	answer = ask.delete(path)
	answer.is(403, `"message":"API rate limit exceeded for user ID 1."`)
	same(t, "remaining", answer.Header.Get("X-RateLimit-Remaining"), "0")
	same(t, "retry after", answer.Header.Get("Retry-After"), "")
	same(t, "refused", fmt.Sprint(f.Refused()[0].Digest, " ", f.Refused()[0].Status), ds[0].String()+" 403")
	clock.advance(time.Hour)
	ask.delete(path).is(204, "")
	same(t, "remaining", f.Remaining(GHCRAll), 4)

	f, _, _, _ = newGHCRWith(t, GHCROptions{Tokens: []GHCRToken{{Secret: "ghs_job"}, {Secret: "ghp_x"}}}, 1)
	same(t, "of a job", f.Remaining("ghs_job"), 1000)
	same(t, "of a classic token", f.Remaining("ghp_x"), 5000)
}

func TestGHCRSecondaryLimit(t *testing.T) {
	t.Parallel()
	f, clock, ask, _ := newGHCRWith(t, GHCROptions{}, 200)
	var paths []string
	for _, v := range append(ask.versions(teamApp+"?per_page=100"), ask.versions(teamApp+"?per_page=100&page=2")...) {
		paths = append(paths, fmt.Sprint(teamApp, "/", v.ID))
	}
	clock.advance(time.Minute)
	for _, path := range paths[:179] {
		ask.delete(path).is(204, "")
	}
	for range 5 {
		ask.get(paths[199]).is(200, "")
	}
	same(t, "points", f.Points(), 900)
	answer := ask.get(teamApp)
	answer.is(403, `"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."`)
	same(t, "retry after", answer.Header.Get("Retry-After"), "60")
	if answer.Header.Get("X-RateLimit-Remaining") == "0" {
		t.Error("the primary limit is used up")
	}
	ask.delete(paths[180]).is(403, "secondary rate limit")
	same(t, "points", f.Points(), 906) // what was refused counts as asked
	clock.advance(59 * time.Second)
	ask.delete(paths[180]).is(403, "secondary rate limit")
	clock.advance(time.Second)
	ask.delete(paths[180]).is(204, "")
	same(t, "deleted", len(f.Deleted()), 180)
	same(t, "most at once", f.MostAtOnce(), 1)
}

func TestGHCRLimitsAsked(t *testing.T) {
	t.Parallel()
	_, _, ask, _ := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Points: 2, Status: 429, NoRetryAfter: true}}, 1)
	ask.get(teamApp).is(200, "")
	ask.get(teamApp).is(200, "")
	answer := ask.get(teamApp)
	answer.is(429, "secondary rate limit")
	same(t, "retry after", answer.Header.Get("Retry-After"), "")

	f, _, ask, _ := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Points: -1}}, 1)
	f.LimitNext(2, 403, "86400")
	f.LimitNext(1, 429, "")
	for _, want := range []string{"403 86400", "403 86400", "429 ", "200 "} {
		answer := ask.get(teamApp)
		same(t, "forced", fmt.Sprint(answer.Status, " ", answer.Header.Get("Retry-After")), want)
	}
}

func TestGHCRManifestsAreLimited(t *testing.T) {
	t.Parallel()
	_, clock, ask, ds := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Manifests: 2}}, 1)
	ask.base = "https://ghcr.io"
	ask = ask.as("").bearer("acme/team/app:pull")
	path := "/v2/acme/team/app/manifests/" + ds[0].String()
	read := func() int {
		return ask.do("GET", path, "", "Accept: "+fixture.DockerManifest).Status
	}
	for _, want := range []int{200, 200, 429} {
		same(t, "status", read(), want)
	}
	clock.advance(time.Second)
	same(t, "a second later", read(), 200)
}
