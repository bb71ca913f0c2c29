package vendors

import (
	"fmt"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestDockerHubLogin(t *testing.T) {
	t.Parallel()
	f, clock, ask, _ := newHubWith(t, DockerHubOptions{Tokens: []HubToken{
		{User: "acme", Secret: HubAll}, {User: "acme", Secret: "pass word"}, {User: "ci", Secret: "dckr_pat_ci", Namespaces: []string{"ci"}},
	}}, 3)
	post := func(path, body string) webAnswer { return ask.as("").do("POST", "https://hub.docker.com"+path, body) }
	post("/v2/auth/token", `{"identifier":"acme","secret":"wrong"}`).is(401, "Incorrect authentication credentials")
	post("/v2/auth/token", `not JSON`).is(400, "")
	ask.get("/v2/auth/token").is(405, "")
	ask.as("").get(hubTags).is(404, "object not found")
	ask.as("Bearer wrong").get(hubTags).is(401, "")
	ask.as("Basic "+basicOf("acme", HubAll)).get(hubTags).is(401, "")
	ask.hubLogin("ci", "dckr_pat_ci").get(hubTags).is(404, "object not found")
	equal(t, "logins", fmt.Sprint(f.Logins()), "[{/v2/auth/token acme "+HubAll+"} {/v2/auth/token acme wrong} {/v2/auth/token ci dckr_pat_ci}]")

	tag := "/v2/repositories/acme/app/tags/b0/"
	old := func(secret string) webClient {
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
	challenge := func(a webAnswer) string { return a.Header.Get("WWW-Authenticate") }
	want := `Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`
	equal(t, "version check", challenge(ask.as("").get("https://registry-1.docker.io/v2/")), want)
	equal(t, "read", challenge(ask.as("").get(hubManifests+"b0")), want+`,scope="repository:acme/app:pull"`)
	equal(t, "catalog", challenge(ask.deleter().get("https://registry-1.docker.io/v2/_catalog")), want+`,scope="registry:catalog:*",error="insufficient_scope"`)
	ask.as("Basic "+basicOf("acme", "wrong")).get("https://auth.docker.io/token").is(401, "incorrect username or password")
	scope := "repository:acme/app:pull,push,delete"
	form := func(secret string) webAnswer {
		return ask.as("").do("POST", "https://auth.docker.io/token", "grant_type=password&username=acme&password="+secret+"&scope="+scope,
			"Content-Type: application/x-www-form-urlencoded")
	}
	form("wrong").is(401, "incorrect username or password")
	ask.as(fmt.Sprint("Bearer ", form(HubAll).field("access_token"))).get("https://registry-1.docker.io/v2/acme/app/tags/list").is(200, "b0")
	for secret, allowed := range map[string][2]bool{ // push, delete
		HubAll: {true, true}, "dckr_pat_write": {true, false}, "dckr_pat_read": {false, false}, "dckr_pat_dev": {true, false},
	} {
		user := "acme"
		if secret == "dckr_pat_dev" {
			user = "dev"
		}
		who := ask.hubBearer(user, secret, scope)
		who.do("HEAD", hubManifests+"b0", "").is(200, "")
		equal(t, secret+": push", who.do("PUT", hubManifests+"b1", "{}").Status != 401, allowed[0])
		answer := who.delete(hubManifests + ds[0].String())
		equal(t, secret+": delete", answer.Status != 401, allowed[1])
		if !allowed[1] {
			equal(t, secret, challenge(answer), want+`,scope="repository:acme/app:delete",error="insufficient_scope"`)
		}
	}
	ask.hubLogin("dev", "dckr_pat_dev").delete("/v2/repositories/acme/app/tags/b0/").is(403, "access to the resource is forbidden")
	ask.hubLogin("acme", "dckr_pat_write").delete("/v2/repositories/acme/app/tags/b0/").is(403, "access to the resource is forbidden")
	equal(t, "refused", len(f.Refused()), 6)
	reader := ask.hubBearer("acme", HubAll, scope)
	f.ExpireBearers()
	reader.get(hubManifests+"b0").is(401, "")
	reader = ask.hubBearer("acme", HubAll, scope)
	clock.advance(hubBearerLife)
	reader.get(hubManifests+"b0").is(401, "")
}

func TestDockerHubOnLoopback(t *testing.T) {
	t.Parallel()
	f, _, _, ds := newHubWith(t, DockerHubOptions{}, 1)
	local := newWebClient(t, nil, f.URL(), "")
	equal(t, "challenge", local.get("/v2/acme/app/tags/list").Header.Get("WWW-Authenticate"),
		fmt.Sprintf(`Bearer realm="%s/token",service="registry.docker.io",scope="repository:acme/app:pull"`, f.URL()))
	answer := local.as("Basic " + basicOf("acme", HubAll)).get("/token?scope=repository:acme/app:pull")
	local.as(fmt.Sprint("Bearer ", answer.field("token"))).get("/v2/acme/app/tags/list").is(200, "b0")
	answer = local.do("POST", "/v2/auth/token", `{"identifier":"acme","secret":"`+HubAll+`"}`)
	api := local.as(fmt.Sprint("Bearer ", answer.field("access_token")))
	api.get("/v2/namespaces/acme/repositories/app/tags").is(200, ds[0].String())
	equal(t, "sent", len(f.Sent()[f.Host()]), 3)
	equal(t, "strays", len(f.Strays()), 0)
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
	equal(t, "sent to the store of blobs", len(f.Sent()[hubBlobs]), 0)
}
