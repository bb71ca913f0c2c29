package vendors

import (
	"fmt"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestGHCRQuota(t *testing.T) {
	t.Parallel()
	f, clock, ask, ds := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Quota: 5}}, 3)
	path := teamApp + "/" + ask.idOf(ds[0])
	answer := ask.get(teamApp)
	for key, want := range map[string]string{"Limit": "5", "Used": "2", "Remaining": "3", "Resource": "core", "Reset": fmt.Sprint(clock.at.Add(time.Hour).Unix())} {
		equal(t, key, answer.Header.Get("X-RateLimit-"+key), want)
	}
	equal(t, "remaining", f.Remaining(GHCRAll), 3)
	ask.get("/rate_limit").is(200, `"remaining":3`)
	ask.get("/rate_limit").is(200, `"remaining":3`)
	f.Spend(GHCRAll, 3)
	answer = ask.delete(path)
	answer.is(403, `"message":"API rate limit exceeded for user ID 1."`)
	equal(t, "remaining", answer.Header.Get("X-RateLimit-Remaining"), "0")
	equal(t, "retry after", answer.Header.Get("Retry-After"), "")
	equal(t, "refused", fmt.Sprint(f.Refused()[0].Digest, " ", f.Refused()[0].Status), ds[0].String()+" 403")
	clock.advance(time.Hour)
	ask.delete(path).is(204, "")
	equal(t, "remaining", f.Remaining(GHCRAll), 4)

	f, _, _, _ = newGHCRWith(t, GHCROptions{Tokens: []GHCRToken{{Secret: "ghs_job"}, {Secret: "ghp_x"}}}, 1)
	equal(t, "of a job", f.Remaining("ghs_job"), 1000)
	equal(t, "of a classic token", f.Remaining("ghp_x"), 5000)
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
	equal(t, "points", f.Points(), 900)
	answer := ask.get(teamApp)
	answer.is(403, `"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."`)
	equal(t, "retry after", answer.Header.Get("Retry-After"), "60")
	if answer.Header.Get("X-RateLimit-Remaining") == "0" {
		t.Error("the primary limit is used up")
	}
	ask.delete(paths[180]).is(403, "secondary rate limit")
	equal(t, "points", f.Points(), 906) // what was refused counts as asked
	clock.advance(59 * time.Second)
	ask.delete(paths[180]).is(403, "secondary rate limit")
	clock.advance(time.Second)
	ask.delete(paths[180]).is(204, "")
	equal(t, "deleted", len(f.Deleted()), 180)
	equal(t, "most at once", f.MostAtOnce(), 1)
}

func TestGHCRLimitsAsked(t *testing.T) {
	t.Parallel()
	_, _, ask, _ := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Points: 2, Status: 429, NoRetryAfter: true}}, 1)
	ask.get(teamApp).is(200, "")
	ask.get(teamApp).is(200, "")
	answer := ask.get(teamApp)
	answer.is(429, "secondary rate limit")
	equal(t, "retry after", answer.Header.Get("Retry-After"), "")

	f, _, ask, _ := newGHCRWith(t, GHCROptions{Limits: GHCRLimits{Points: -1}}, 1)
	f.LimitNext(2, 403, "86400")
	f.LimitNext(1, 429, "")
	for _, want := range []string{"403 86400", "403 86400", "429 ", "200 "} {
		answer := ask.get(teamApp)
		equal(t, "forced", fmt.Sprint(answer.Status, " ", answer.Header.Get("Retry-After")), want)
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
		equal(t, "status", read(), want)
	}
	clock.advance(time.Second)
	equal(t, "a second later", read(), 200)
}

func TestGHCRRequestsAtOnce(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newGHCRWith(t, GHCROptions{}, 1)
	f.mu.Lock()
	f.limits.now = ghcrConcurrent // as if so many were being answered
	f.mu.Unlock()
	ask.get(teamApp).is(403, "secondary rate limit")
	f.leave()
	ask.get(teamApp).is(200, "")
	equal(t, "most at once", f.MostAtOnce(), ghcrConcurrent)
}
