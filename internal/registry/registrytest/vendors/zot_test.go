package vendors

import (
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const zotPath = "team/app"

func zot(t *testing.T, o ZotOptions) (*Zot, visitor, fixture.Tester) {
	t.Helper()
	f := NewZot(t, o)
	return f, visitor{t: t, base: f.URL()}, f.Pusher(t, zotPath)
}

func TestZotKeepsWhatAnIndexLists(t *testing.T) {
	t.Parallel()
	f, v, p := zot(t, ZotOptions{})
	a, b := p.Image(fixture.Image{Tags: []string{"a", "a2"}}), p.Image(fixture.Image{Seed: "b"})
	c := p.Image(fixture.Image{Seed: "c"})
	index := p.Index(fixture.Index{Tags: []string{"i1", "i2"}, Children: []oci.Digest{a, b, c}})
	other := p.Index(fixture.Index{Children: []oci.Digest{c}})
	for _, d := range []oci.Digest{a, b, c} {
		v.delete(manifestPath(zotPath, d)).tells(t, "child", 405, "DENIED")
	}
	v.delete(manifestPath(zotPath, "a2")).tells(t, "tag of a child", 202, "")
	v.delete(manifestPath(zotPath, "i1")).tells(t, "tag", 202, "")
	v.delete(manifestPath(zotPath, index)).tells(t, "index", 202, "")
	v.delete(manifestPath(zotPath, b)).tells(t, "child that went with it", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(zotPath, c)).tells(t, "child of an untagged index", 405, "DENIED")
	v.delete(manifestPath(zotPath, a)).tells(t, "child with a tag", 202, "")
	alike(t, "deleted", f.Deleted(), []Deletion{
		{Path: zotPath, Digest: a, Tags: []string{"a2"}, TagOnly: true},
		{Path: zotPath, Digest: index, Tags: []string{"i1"}, TagOnly: true},
		{Path: zotPath, Digest: index, Tags: []string{"i2"}},
		{Path: zotPath, Digest: b},
		{Path: zotPath, Digest: a, Tags: []string{"a"}},
	})
	alike(t, "left", f.Manifests(zotPath), sortedDigests(c, other))
	v.delete(manifestPath("no/such", a)).tells(t, "unknown repository", 400, "NAME_UNKNOWN")
	alike(t, "refused", len(f.Refused()), 6)
}

func TestZotKeepsReferrers(t *testing.T) {
	t.Parallel()
	f, v, p := zot(t, ZotOptions{DetectCollision: true})
	image := p.Image(fixture.Image{Tags: []string{"a", "b"}, MediaType: fixture.OCIManifest})
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: image, ArtifactType: "application/sbom"})
	list := v.get("/v2/" + zotPath + "/referrers/" + image.String())
	alike(t, "referrers", []any{list.status, strings.Contains(list.body, sbom.String())}, "[200 true]")
	v.delete(manifestPath(zotPath, image)).tells(t, "two tags", 409, "MANIFEST_INVALID")
	v.delete(manifestPath(zotPath, "a")).tells(t, "tag", 202, "")
	v.delete(manifestPath(zotPath, "b")).tells(t, "last tag", 202, "")
	alike(t, "untagged manifest", v.get(manifestPath(zotPath, image)).status, 200)
	v.delete(manifestPath(zotPath, image)).tells(t, "subject", 202, "")
	alike(t, "left", f.Manifests(zotPath), []oci.Digest{sbom})
}

func TestZotDropsWhatATagLeaves(t *testing.T) {
	t.Parallel()
	f, v, p := zot(t, ZotOptions{})
	old := p.Image(fixture.Image{Tags: []string{"latest"}, Seed: "1"})
	kept := p.Image(fixture.Image{Tags: []string{"latest", "v2"}, Seed: "2"})
	fresh := p.Image(fixture.Image{Tags: []string{"latest"}, Seed: "3"})
	alike(t, "old", v.get(manifestPath(zotPath, old)).status, 404)
	alike(t, "kept", v.get(manifestPath(zotPath, kept)).status, 200)
	alike(t, "images", len(f.Images(zotPath)), 2)
	alike(t, "fresh", f.Tags(zotPath)["latest"], fresh)
}

func TestZotAsksWhoIsThere(t *testing.T) {
	t.Parallel()
	f, v, p := zot(t, ZotOptions{Logins: []Login{
		{User: "reader", Password: "r", Actions: []string{"pull"}}, {User: "ci", Password: "c", Actions: []string{"pull", "delete"}, Under: "team"},
	}})
	image := p.Image(fixture.Image{Tags: []string{"a"}})
	for _, who := range []visitor{v, v.as("reader", "wrong")} {
		a := who.delete(manifestPath(zotPath, image))
		a.tells(t, "stranger", 401, "UNAUTHORIZED")
		alike(t, "challenge", a.header.Get("WWW-Authenticate"), `Basic realm="Authorization Required"`)
	}
	v.as("reader", "r").delete(manifestPath(zotPath, image)).tells(t, "reader", 403, "DENIED")
	v.as("ci", "c").delete(manifestPath("other/app", image)).tells(t, "elsewhere", 403, "DENIED")
	alike(t, "reading", v.as("reader", "r").get(manifestPath(zotPath, "a")).status, 200)
	v.as("ci", "c").delete(manifestPath(zotPath, image)).tells(t, "ci", 202, "")
	alike(t, "refused", len(f.Refused()), 4)
}

func TestZotSearch(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	_, v, p := zot(t, ZotOptions{Search: true, Now: clock.now})
	child := p.Image(fixture.Image{Tags: []string{"c"}, MediaType: fixture.OCIManifest})
	clock.advance(time.Hour)
	index := p.Index(fixture.Index{Tags: []string{"i"}, Children: []oci.Digest{child}})
	sbom := p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: index, ArtifactType: "application/sbom"})
	alike(t, "discover", strings.Contains(v.get("/v2/_oci/ext/discover").body, zotSearch), true)
	ask := func(query string) reply {
		return v.do("POST", zotSearch, `{"query":"`+strings.ReplaceAll(query, `"`, `\"`)+`"}`)
	}
	a := ask(`{ImageList(repo:"team/app"){Results{Tag Digest PushTimestamp IsDeletable Referrers{Digest ArtifactType} Manifests{Digest}}}}`)
	want := `{"data":{"ImageList":{"Results":[` +
		`{"Digest":"` + child.String() + `","IsDeletable":false,"Manifests":[{"Digest":"` + child.String() + `"}],"PushTimestamp":"2026-03-01T12:00:00Z","Referrers":[],"Tag":"c"},` +
		`{"Digest":"` + index.String() + `","IsDeletable":true,"Manifests":[{"Digest":"` + child.String() + `"}],"PushTimestamp":"2026-03-01T13:00:00Z","Referrers":[{"ArtifactType":"application/sbom","Digest":"` + sbom.String() + `"}],"Tag":"i"}]}}}`
	alike(t, "list", strings.TrimSpace(a.body), want)
	alike(t, "size is a text", strings.Contains(ask(`query { ImageList(repo: "team/app") { Results { Size } } }`).body, `{"Size":"`), true)
	for _, query := range []string{`{ImageList(repo:"team/app"){Results{Colour}}}`, `{RepoList{Name}}`, `{ImageList(repo:"team/app"){Results{Tag}}`} {
		alike(t, query, ask(query).status, 422)
	}
	minimal := NewZot(t, ZotOptions{})
	alike(t, "minimal", visitor{t: t, base: minimal.URL()}.get("/v2/_oci/ext/discover").status, 404)
}
