package vendors

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const (
	harborPath = "acme/team/app"
	harborList = "/api/v2.0/projects/acme/repositories/team%252Fapp/artifacts"
)

func harbor(t *testing.T, o HarborOptions) (*Harbor, visitor, fixture.Tester) {
	t.Helper()
	f := NewHarbor(t, o)
	return f, visitor{t: t, base: f.URL()}, f.Pusher(t, harborPath)
}

func TestHarborDeletesDeeply(t *testing.T) {
	t.Parallel()
	f, v, p := harbor(t, HarborOptions{})
	only, tagged := p.Image(fixture.Image{Seed: "only"}), p.Image(fixture.Image{Tags: []string{"child"}})
	shared := p.Image(fixture.Image{Seed: "shared"})
	index := p.Index(fixture.Index{Tags: []string{"b1", "v1"}, Children: []oci.Digest{only, tagged, shared}})
	other := p.Index(fixture.Index{Tags: []string{"b2"}, Children: []oci.Digest{shared}})
	signature := p.Signature(index, ".sig")
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: only, ArtifactType: "application/sbom"})
	for _, d := range []oci.Digest{only, tagged, shared} {
		v.delete(manifestPath(harborPath, d)).tells(t, "child", 412, "VIOLATE_FOREIGN_KEY_CONSTRAINT")
	}
	v.delete(manifestPath(harborPath, "b1")).tells(t, "tag", 400, "UNSUPPORTED")
	v.delete(manifestPath(harborPath, index)).tells(t, "index", 202, "")
	for what, d := range map[string]oci.Digest{"child": only, "signature": signature, "accessory of the child": sbom, "index": index} {
		v.delete(manifestPath(harborPath, d)).tells(t, what, 404, "NOT_FOUND")
	}
	left := map[oci.Digest]string{}
	for _, s := range f.Images(harborPath) {
		left[s.Digest] = strings.Join(s.Tags, " ")
	}
	alike(t, "left", left, map[oci.Digest]string{tagged: "child", shared: "", other: "b2"})
	alike(t, "deleted", f.Deleted(), []Deletion{
		{Path: harborPath, Digest: signature, Tags: []string{cosignTag(index)}},
		{Path: harborPath, Digest: sbom},
		{Path: harborPath, Digest: only},
		{Path: harborPath, Digest: index, Tags: []string{"b1", "v1"}},
	})
	v.delete(manifestPath(harborPath, tagged)).tells(t, "former child", 202, "")
	alike(t, "refused first", f.Refused()[0], Refusal{harborPath, only.String(), only, 412, "VIOLATE_FOREIGN_KEY_CONSTRAINT"})
}

func TestHarborKeepsImmutableTags(t *testing.T) {
	t.Parallel()
	f, v, p := harbor(t, HarborOptions{Immutable: []string{"v*"}})
	child := p.Image(fixture.Image{Seed: "child"})
	image := p.Index(fixture.Index{Tags: []string{"b1", "v1"}, Children: []oci.Digest{child}})
	p.Signature(image, ".sig")
	before := fmt.Sprint(f.Images(harborPath))
	v.delete(manifestPath(harborPath, image)).tells(t, "manifest", 412, "PRECONDITION")
	v.delete(harborList+"/"+image.String()).tells(t, "artifact", 412, "PRECONDITION")
	v.delete(harborList+"/"+image.String()+"/tags/v1").tells(t, "tag", 412, "PRECONDITION")
	alike(t, "nothing is deleted by halves", f.Images(harborPath), before)
	alike(t, "deleted", f.Deleted(), "[]")
	v.delete(harborList+"/v1/tags/b1").tells(t, "other tag", 200, "")
	v.delete(harborList+"/v1/tags/b1").tells(t, "other tag again", 404, "NOT_FOUND")
	alike(t, "tags", len(f.Tags(harborPath)), 2)
}

func TestHarborReadOnly(t *testing.T) {
	t.Parallel()
	f, v, p := harbor(t, HarborOptions{ReadOnly: true})
	image := p.Image(fixture.Image{Tags: []string{"b1"}})
	v.delete(manifestPath(harborPath, image)).tells(t, "manifest", 403, "DENIED")
	v.delete(harborList+"/b1").tells(t, "artifact", 403, "DENIED")
	v.do("PUT", manifestPath(harborPath, "x"), "{}").tells(t, "push", 403, "DENIED")
	alike(t, "reading", v.get(harborList).status, 200)
	alike(t, "left", f.Manifests(harborPath), []oci.Digest{image})
}

func artifacts(t *testing.T, r reply) (out []harborArtifact) {
	t.Helper()
	if r.status != 200 {
		t.Fatal(r.status, r.body)
	}
	r.into(t, &out)
	return out
}

func TestHarborLists(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v, p := harbor(t, HarborOptions{Now: clock.now, Immutable: []string{"v*"}})
	child := p.Image(fixture.Image{Seed: "child", MediaType: fixture.OCIManifest})
	clock.advance(time.Minute)
	index := p.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{child}})
	clock.advance(time.Minute)
	p.Tag(index, "v1")
	signature := p.Signature(index, ".sig")
	clock.advance(time.Minute)
	untagged := p.Image(fixture.Image{Seed: "untagged"})

	digests := func(r reply) (out []oci.Digest) {
		for _, a := range artifacts(t, r) {
			out = append(out, a.Digest)
		}
		return out
	}
	alike(t, "without base", digests(v.get(harborList)), []oci.Digest{untagged, index})
	alike(t, "with base", digests(v.get(harborList+"?q=base%3D*")), []oci.Digest{untagged, signature, index, child})
	alike(t, "oldest first", digests(v.get(harborList+"?q=base%3D*&sort=push_time")), []oci.Digest{child, index, signature, untagged})
	alike(t, "tagged", digests(v.get(harborList+"?q=tags%3D*")), []oci.Digest{index})
	alike(t, "untagged", digests(v.get(harborList+"?q=tags%3Dnil")), []oci.Digest{untagged})

	one := v.get(harborList + "?q=base%3D*&page=1&page_size=3&sort=-push_time")
	alike(t, "total", one.header.Get("X-Total-Count"), "4")
	alike(t, "link", one.header.Get("Link"), "<"+harborList+`?page=2&page_size=3&q=base=*&sort=-push_time>; rel="next"`)
	two := v.get(one.next("next"))
	alike(t, "second page", digests(two), []oci.Digest{child})
	alike(t, "last link", two.header.Get("Link"), "<"+harborList+`?page=1&page_size=3&q=base=*&sort=-push_time>; rel="prev"`)

	a := artifacts(t, v.get(harborList+"?with_accessory=true&with_immutable_status=true"))[1]
	alike(t, "index", []any{a.ManifestMediaType, a.PushTime, a.References[0].ChildDigest, string(a.References[0].Platform)},
		[]any{fixture.OCIIndex, "2026-03-01T12:01:00.000Z", child, `{"architecture":"amd64","os":"linux"}`})
	alike(t, "tags", a.Tags, []harborTag{{"b1", "2026-03-01T12:01:00.000Z", harborNever, false}, {"v1", "2026-03-01T12:02:00.000Z", harborNever, true}})
	alike(t, "accessories", []any{a.Accessories[0].Digest, a.Accessories[0].Type}, []any{signature, "signature.cosign"})
	plain := artifacts(t, v.get(harborList+"?with_tag=false"))[1]
	alike(t, "without", []any{plain.Tags == nil, plain.Accessories == nil}, "[true true]")

	v.get(harborList+"?page_size=101").tells(t, "page size", 422, "UNPROCESSABLE_ENTITY")
	v.get(harborList+"?page=0").tells(t, "page", 422, "UNPROCESSABLE_ENTITY")
	v.get(harborList+"?q=name").tells(t, "query", 400, "BAD_REQUEST")
	v.get(strings.Replace(harborList, "%252F", "%2F", 1)).tells(t, "encoded once", 404, "NOT_FOUND")
	v.get(strings.Replace(harborList, "app", "none", 1)).tells(t, "no repository", 404, "NOT_FOUND")
	alike(t, "version", strings.Contains(v.get("/api/v2.0/systeminfo").body, `"harbor_version":"v2.`), true)

	referrers := v.get("/v2/" + harborPath + "/referrers/" + index.String())
	alike(t, "referrers", []any{referrers.status, strings.Contains(referrers.body, `"manifests":[]`)}, "[200 true]")
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: index, ArtifactType: "application/sbom"})
	referrers = v.get("/v2/" + harborPath + "/referrers/" + index.String() + "?artifactType=application/sbom")
	alike(t, "filtered", []any{strings.Contains(referrers.body, sbom.String()), referrers.header.Get("OCI-Filters-Applied")}, "[true artifactType]")
	alike(t, "left", len(f.Manifests(harborPath)), 5)
}

func TestHarborAsksWhoIsThere(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	robot := Login{User: "robot$acme+prune", Password: "r0b", Actions: []string{"pull", "delete", "list"}, Under: "acme"}
	reader := Login{User: "robot$acme+read", Password: "r0b", Actions: []string{"pull", "list"}, Under: "acme"}
	f, v, p := harbor(t, HarborOptions{Now: clock.now, Public: true, Logins: []Login{robot, reader}})
	image := p.Image(fixture.Image{Tags: []string{"b1"}})
	path := manifestPath(harborPath, image)
	realm := `Bearer realm="` + f.URL() + `/service/token",service="harbor-registry"`
	for what, want := range map[string]string{
		"GET /v2/":       realm,
		"DELETE " + path: realm + `,scope="repository:acme/team/app:delete"`,
		"HEAD " + path:   realm + `,scope="repository:acme/team/app:pull"`, // although the project is public
	} {
		method, target, _ := strings.Cut(what, " ")
		a := v.do(method, target, "")
		alike(t, what, fmt.Sprint(a.status, a.header.Get("WWW-Authenticate")), "401"+want)
	}
	alike(t, "public", v.get(path).status, 200)
	const service, scope = "harbor-registry", "repository:acme/team/app:pull,delete"
	denied := func(name string, a reply) {
		t.Helper()
		a.tells(t, name, 401, "UNAUTHORIZED")
		alike(t, name, a.header.Get("WWW-Authenticate"), `Basic realm="harbor"`)
	}
	a, with := v.as(robot.User, "wrong").token("/service/token", service, scope)
	alike(t, "a wrong password gets a token", a.status, 200)
	denied("that is good for nothing", with.delete(path))
	v.as(robot.User, "wrong").get("/service/token?service="+service).tells(t, "docker login", 401, "UNAUTHORIZED")
	_, with = v.as(reader.User, reader.Password).token("/service/token", service, scope)
	denied("reader", with.delete(path))
	denied("basic", v.as(reader.User, reader.Password).delete(path))
	_, with = v.as(robot.User, robot.Password).token("/service/token", service, scope)
	alike(t, "/v2/", with.get("/v2/").status, 200)
	clock.advance(30 * time.Minute)
	denied("expired", with.delete(path))

	v.delete(harborList+"/b1").tells(t, "REST without a login", 401, "UNAUTHORIZED")
	with.delete(harborList+"/b1").tells(t, "REST with a token", 401, "UNAUTHORIZED")
	v.as(reader.User, reader.Password).delete(harborList+"/b1").tells(t, "REST without the right", 403, "FORBIDDEN")
	v.as(robot.User, robot.Password).delete(harborList+"/b1/tags/b1").tells(t, "REST without the right to tags", 403, "FORBIDDEN")
	alike(t, "REST list", v.as(robot.User, robot.Password).get(harborList).status, 200)
	alike(t, "nothing deleted", f.Deleted(), "[]")
	alike(t, "refused", len(f.Refused()), 9)
	_, with = v.as(robot.User, robot.Password).token("/service/token", service, scope)
	alike(t, "delete", with.delete(path).status, 202)
}
