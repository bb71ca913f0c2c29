package vendors

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

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
	with.delete(manifestPath(gitlabProject, "b1")).tells(t, "renewed", 202, "")
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
