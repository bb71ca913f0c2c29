package vendors

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const acrBase = "https://acme.azurecr.io"

// acrForm posts a form to the token service.
func acrForm(t *testing.T, f *ACR, path string, pairs ...string) cloudAnswer {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return send(t, f.Transport(), newRequest(t, "POST", acrBase+path, form.Encode(), "Content-Type", "application/x-www-form-urlencoded"))
}

// acrBearer returns the header of an access token for a scope.
func acrBearer(t *testing.T, f *ACR, scope string) string {
	t.Helper()
	a := acrForm(t, f, "/oauth2/token", "grant_type", "refresh_token", "service", "acme.azurecr.io",
		"scope", scope, "refresh_token", f.RefreshToken())
	return "Bearer " + decode[map[string]string](t, a)["access_token"]
}

// askACR sends a request with the service principal's login.
func askACR(t *testing.T, f *ACR, method, path, body string) cloudAnswer {
	t.Helper()
	return send(t, f.Transport(), newRequest(t, method, acrBase+path, body, "Authorization", basicLogin(f.Login())))
}

type acrAnswer struct {
	Registry, ImageName string
	Manifests           []acrManifest
	Tags                []acrTag
}

func TestACRTokens(t *testing.T) {
	t.Parallel()
	c := newTestClock()
	f := NewACR(t, ACROptions{Now: c.now, ABAC: true, NoARMTokens: true})
	f.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
	const service = "acme.azurecr.io"
	exchange := func(token, service string) cloudAnswer {
		return acrForm(t, f, "/oauth2/exchange", "grant_type", "access_token", "service", service, "tenant", "t", "access_token", token)
	}
	checkEqual(t, "ARM token", strings.Contains(exchange(f.ARMToken(), service).body, "arm aad token disallowed"), true)
	checkEqual(t, "unknown token", exchange("x", service).status, http.StatusUnauthorized)
	checkEqual(t, "other service", exchange(f.AADToken(), "other.azurecr.io").status, http.StatusBadRequest)
	checkEqual(t, "grant", acrForm(t, f, "/oauth2/exchange", "grant_type", "password").status, http.StatusBadRequest)
	refresh := decode[map[string]string](t, exchange(f.AADToken(), service))["refresh_token"]
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(refresh, ".")[1])
	if err != nil || !strings.Contains(string(claims), "aad_identity") {
		t.Errorf("claims: got %s, %v", claims, err)
	}
	for _, tc := range []struct {
		name, grant, service, scope, token string
		want                               int
	}{
		{"good", "refresh_token", service, "repository:team/app:pull,delete,metadata_read", refresh, 200},
		{"wildcard", "refresh_token", service, "repository:*:*", refresh, 401},
		{"no repository", "refresh_token", service, "registry:catalog:*", refresh, 401},
		{"grant", "password", service, "repository:team/app:pull", refresh, 400},
		{"service", "refresh_token", "other.azurecr.io", "repository:team/app:pull", refresh, 401},
		{"token", "refresh_token", service, "repository:team/app:pull", "x", 401},
	} {
		a := acrForm(t, f, "/oauth2/token", "grant_type", tc.grant, "service", tc.service, "scope", tc.scope, "refresh_token", tc.token)
		checkEqual(t, tc.name, a.status, tc.want)
	}
	get := func(path, login string) cloudAnswer {
		return send(t, f.Transport(), newRequest(t, "GET", acrBase+path, "", "Authorization", login))
	}
	for _, tc := range []struct {
		user, password string
		want           int
	}{{acrNobody, refresh, 200}, {acrNobody, "x", 401}, {"somebody", refresh, 401}} {
		a := get("/oauth2/token?service="+service+"&scope=repository:team/app:pull", basicLogin(tc.user, tc.password))
		checkEqual(t, tc.user, a.status, tc.want)
	}
	checkEqual(t, "refresh token as a password", get("/v2/team/app/tags/list", basicLogin(acrNobody, refresh)).status, 401)
	pull := acrBearer(t, f, "repository:team/app:pull")
	checkEqual(t, "pull", get("/v2/team/app/tags/list", pull).status, 200)
	checkEqual(t, "other repository", get("/v2/team/other/tags/list", pull).status, 401)
	a := get("/acr/v1/team/app/_manifests", pull)
	checkEqual(t, "without metadata_read", a.header.Get("WWW-Authenticate"),
		`Bearer realm="https://acme.azurecr.io/oauth2/token",service="acme.azurecr.io",scope="repository:team/app:metadata_read",error="insufficient_scope"`)
	c.move(75 * time.Minute)
	checkEqual(t, "ended", strings.Contains(get("/v2/team/app/tags/list", pull).header.Get("WWW-Authenticate"), "invalid_token"), true)
	pull = acrBearer(t, f, "repository:team/app:pull")
	f.ExpireTokens()
	checkEqual(t, "ended in the middle", get("/v2/team/app/tags/list", pull).status, 401)
	f.ExpireRefreshTokens()
	a = acrForm(t, f, "/oauth2/token", "grant_type", "refresh_token", "service", service, "scope", "repository:team/app:pull", "refresh_token", refresh)
	checkEqual(t, "refresh token ended", a.status, 401)

	f = NewACR(t, ACROptions{Lacks: []string{"delete"}})
	d := f.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
	login := acrBearer(t, f, "repository:*:*")
	checkEqual(t, "wildcard", get("/v2/team/app/tags/list", login).status, 200)
	for _, login := range []string{login, basicLogin(f.Login())} {
		r := newRequest(t, "DELETE", acrBase+"/v2/team/app/manifests/"+d.String(), "", "Authorization", login)
		checkEqual(t, "role without delete", send(t, f.Transport(), r).status, 401)
	}
	checkEqual(t, "refused", len(f.Refused()), 2)
}

func TestACRLists(t *testing.T) {
	t.Parallel()
	c := newTestClock()
	f := NewACR(t, ACROptions{Now: c.now})
	p := f.Pusher(t, "team/app")
	var pushed []oci.Digest
	for _, tag := range []string{"c", "a", "b"} {
		pushed = append(pushed, p.Image(fixture.Image{Tags: []string{tag}}))
		c.move(time.Minute)
	}
	p.Tag(pushed[0], "more")
	untagged := p.Image(fixture.Image{Seed: "untagged"})
	list := func(path string) (all []acrManifest, tags []string) {
		for path != "" {
			a := askACR(t, f, "GET", path, "")
			page := decode[acrAnswer](t, a)
			all = append(all, page.Manifests...)
			for _, tag := range page.Tags {
				tags = append(tags, tag.Name)
			}
			path = strings.TrimPrefix(strings.TrimSuffix(a.header.Get("Link"), `>; rel="next"`), "<")
		}
		return all, tags
	}
	all, _ := list("/acr/v1/team/app/_manifests?n=1&orderby=timedesc")
	var order []oci.Digest
	for _, m := range all {
		order = append(order, m.Digest)
	}
	checkSlices(t, "youngest first", order, []oci.Digest{untagged, pushed[2], pushed[1], pushed[0]})
	oldest := all[3]
	checkSlices(t, "tags", oldest.Tags, []string{"c", "more"})
	checkEqual(t, "created", oldest.CreatedTime, "2026-03-04T05:06:07Z")
	checkEqual(t, "platform", oldest.OS+"/"+oldest.Architecture, "linux/amd64")
	checkEqual(t, "attributes", oldest.ChangeableAttributes, acrAttributes{true, true, true, true})
	if a := askACR(t, f, "GET", "/acr/v1/team/app/_manifests?n=1&orderby=timedesc", ""); strings.Contains(a.body, "tags") {
		t.Errorf("an untagged manifest has tags: %s", a.body)
	}
	_, tags := list("/acr/v1/team/app/_tags?n=3")
	checkSlices(t, "tags by name", tags, []string{"a", "b", "c", "more"})
	_, tags = list("/acr/v1/team/app/_tags?digest=" + pushed[0].String())
	checkSlices(t, "tags of a digest", tags, []string{"c", "more"})
	checkEqual(t, "untag", askACR(t, f, "DELETE", "/acr/v1/team/app/_tags/c", "").status, http.StatusAccepted)
	checkEqual(t, "untag again", askACR(t, f, "DELETE", "/acr/v1/team/app/_tags/c", "").status, http.StatusNotFound)
	_, tags = list("/acr/v1/team/app/_tags?last=c")
	checkSlices(t, "after a tag that has gone", tags, []string{"more"})
	all, _ = list("/acr/v1/team/app/_manifests?orderby=timeasc")
	checkEqual(t, "updated", all[len(all)-1].LastUpdateTime >= all[0].LastUpdateTime, true)
	checkEqual(t, "left", len(f.Images("team/app")), 4)
	checkEqual(t, "wrong n", askACR(t, f, "GET", "/acr/v1/team/app/_tags?n=x", "").status, http.StatusBadRequest)
	checkEqual(t, "unknown", askACR(t, f, "GET", "/acr/v1/team/none/_manifests", "").code(), "NAME_UNKNOWN")
	checkEqual(t, "no trash", askACR(t, f, "GET", "/acr/v1/_deleted/team/app/_manifests", "").status, http.StatusNotFound)
}

func TestACRDeletes(t *testing.T) {
	t.Parallel()
	f := NewACR(t, ACROptions{SoftDelete: true, StaleLocks: true})
	p := f.Pusher(t, "team/app")
	child := p.Image(fixture.Image{Seed: "child"})
	index := p.Index(fixture.Index{Tags: []string{"v1", "v2"}, Children: []oci.Digest{child}})
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: index, ArtifactType: "application/spdx+json"})
	del := func(ref string) string {
		a := askACR(t, f, "DELETE", "/v2/team/app/manifests/"+ref, "")
		return fmt.Sprint(a.status, a.code())
	}
	refs := askACR(t, f, "GET", "/v2/team/app/referrers/"+index.String()+"?artifactType=application/spdx%2Bjson", "")
	checkEqual(t, "referrers", strings.Contains(refs.body, sbom.String()), true)
	for _, lock := range []ACRLock{{NoDelete: true}, {NoWrite: true}} {
		f.Lock("team/app", index.String(), lock)
		checkEqual(t, "locked", del(index.String()), "405"+acrDisallowed)
	}
	a := askACR(t, f, "GET", "/acr/v1/team/app/_manifests", "")
	checkEqual(t, "the list does not tell", strings.Contains(a.body, "false"), false)
	checkEqual(t, "unlocked", askACR(t, f, "PATCH", "/acr/v1/team/app/_manifests/"+index.String(), `{"deleteEnabled":true,"writeEnabled":true}`).status, 200)
	f.Lock("team/app", "v1", ACRLock{NoDelete: true})
	checkEqual(t, "tag locked", askACR(t, f, "DELETE", "/acr/v1/team/app/_tags/v1", "").code(), acrDisallowed)
	checkEqual(t, "image with a locked tag", del(index.String()), "405"+acrDisallowed)
	f.Lock("team/app", "v1", ACRLock{})
	checkEqual(t, "by tag", del("v1"), "405UNSUPPORTED")
	f.Limit(1)
	checkEqual(t, "limited", del(index.String()), "429TOOMANYREQUESTS")
	checkEqual(t, "index", del(index.String()), "202")
	checkEqual(t, "referrer, gone with it", del(sbom.String()), "404MANIFEST_UNKNOWN")
	checkEqual(t, "child", del(child.String()), "202")
	checkSlices(t, "books", deletedDigests(&f.Books), []oci.Digest{index, sbom, child})
	checkEqual(t, "trash", len(f.Trash()), 3)
	a = askACR(t, f, "GET", "/acr/v1/_deleted/team/app/_manifests", "")
	checkEqual(t, "trash listed", len(decode[acrAnswer](t, a).Manifests), 3)
	checkSlices(t, "refused", refusedCodes(&f.Books),
		[]string{acrDisallowed, acrDisallowed, acrDisallowed, acrDisallowed, "UNSUPPORTED", "TOOMANYREQUESTS"})

	f = NewACR(t, ACROptions{KeepsReferrers: true})
	p = f.Pusher(t, "team/app")
	child = p.Image(fixture.Image{Seed: "child"})
	p.Index(fixture.Index{Tags: []string{"v1"}, Children: []oci.Digest{child}})
	p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: child, ArtifactType: "application/spdx+json"})
	checkEqual(t, "child of an index", del(child.String()), "202")
	checkEqual(t, "left", len(f.Images("team/app")), 2)
}
