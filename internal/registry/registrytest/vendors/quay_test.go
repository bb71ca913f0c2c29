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
	quayPath = "acme/app"
	quayList = "/api/v1/repository/acme/app/tag/"
)

func quay(t *testing.T, o QuayOptions) (*Quay, visitor, fixture.Tester) {
	t.Helper()
	f := NewQuay(t, o)
	return f, visitor{t: t, base: f.URL()}, f.Pusher(t, quayPath)
}

func TestQuayDeletesTags(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v, p := quay(t, QuayOptions{Now: clock.now})
	child := p.Image(fixture.Image{Seed: "child"})
	index := p.Index(fixture.Index{Tags: []string{"b1", "b2"}, Children: []oci.Digest{child}})
	signature := p.Signature(index, ".sig")
	attached := strings.Replace(index.String(), ":", "-", 1) + ".sig"
	v.delete(manifestPath(quayPath, child)).tells(t, "child of an index that is there", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(quayPath, "b2")).tells(t, "tag", 202, "")
	alike(t, "signature", f.Tags(quayPath)[attached], signature)
	v.delete(manifestPath(quayPath, index)).tells(t, "digest", 202, "")
	for what, ref := range map[string]any{"digest": index, "signature": signature, "tag": "b2"} {
		v.delete(manifestPath(quayPath, ref)).tells(t, what+" again", 404, "MANIFEST_UNKNOWN")
	}
	v.get(manifestPath(quayPath, "b1")).tells(t, "expired tag", 404, "TAG_EXPIRED")
	v.get(manifestPath(quayPath, "none")).tells(t, "unknown tag", 404, "MANIFEST_UNKNOWN")
	v.get(manifestPath(quayPath, index)).tells(t, "expired digest", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath("acme/none", "b1")).tells(t, "unknown repository", 404, "NAME_UNKNOWN")
	alike(t, "deleted", f.Deleted(), []Deletion{
		{Path: quayPath, Digest: index, Tags: []string{"b2"}, TagOnly: true},
		{Path: quayPath, Digest: index, Tags: []string{"b1"}},
		{Path: quayPath, Digest: signature, Tags: []string{attached}},
	})
	alike(t, "young child", len(f.Images(quayPath)), 1)
	clock.advance(time.Hour)
	alike(t, "reachable", f.Images(quayPath), "[]")
	alike(t, "kept for its time", len(f.Manifests(quayPath)), 3)
	alike(t, "expired", len(f.Expired(quayPath)), 3)
	alike(t, "restore", f.Restore(quayPath, "b1"), true)
	alike(t, "reachable", len(f.Images(quayPath)), 2)
	f.CollectGarbage(quayPath)
	alike(t, "collected", f.Manifests(quayPath), sortedDigests(index, child))
	alike(t, "restore what was collected", f.Restore(quayPath, attached), false)
}

func TestQuayKeepsImmutableTags(t *testing.T) {
	t.Parallel()
	f, v, p := quay(t, QuayOptions{Immutable: []string{"v1"}})
	image := p.Image(fixture.Image{Tags: []string{"v1", "b1"}})
	v.delete(manifestPath(quayPath, image)).tells(t, "digest", 409, "TAG_IMMUTABLE")
	v.delete(manifestPath(quayPath, "v1")).tells(t, "tag", 409, "TAG_IMMUTABLE")
	v.delete(manifestPath(quayPath, "b1")).tells(t, "other tag", 202, "")
	alike(t, "tags", f.Tags(quayPath), map[string]oci.Digest{"v1": image})
	alike(t, "refused", f.Refused(), []Refusal{{quayPath, image.String(), image, 409, "TAG_IMMUTABLE"}, {quayPath, "v1", image, 409, "TAG_IMMUTABLE"}})
}

func TestQuayTakesOnlyItsOwnScopes(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v, p := quay(t, QuayOptions{Now: clock.now, Logins: []Login{
		{User: "acme+prune", Password: "r0b", Actions: []string{"pull", "push"}}, {User: "acme+read", Password: "r0b", Actions: []string{"pull"}},
	}})
	image := p.Image(fixture.Image{Tags: []string{"b1"}})
	path := manifestPath(quayPath, image)
	realm := `Bearer realm="` + f.URL() + `/v2/auth",service="` + f.Host() + `"`
	for what, want := range map[string]string{
		"GET /v2/":       realm,
		"GET " + path:    realm + `,scope="repository:acme/app:pull"`,
		"DELETE " + path: realm + `,scope="repository:acme/app:pull,push"`,
	} {
		method, target, _ := strings.Cut(what, " ")
		a := v.do(method, target, "")
		a.tells(t, what, 401, "UNAUTHORIZED")
		alike(t, what, a.header.Get("WWW-Authenticate"), want)
	}
	robot := v.as("acme+prune", "r0b")
	for _, scope := range []string{"repository:acme/app:pull,delete", "repository:acme/app:delete", "registry:catalog:*", "repository:acme/app:pull repository:acme/app:push"} {
		a, _ := robot.token("/v2/auth", f.Host(), scope)
		a.tells(t, scope, 400, "INVALID_REQUEST")
	}
	a, _ := v.as("acme+prune", "wrong").token("/v2/auth", f.Host(), "repository:acme/app:pull")
	a.tells(t, "wrong password", 401, "UNAUTHORIZED")
	v.get("/v2/auth?service=x").tells(t, "nobody", 401, "UNAUTHORIZED")
	_, reader := v.as("acme+read", "r0b").token("/v2/auth", f.Host(), "repository:acme/app:pull,push")
	reader.delete(path).tells(t, "reader", 401, "UNAUTHORIZED")
	_, with := robot.token("/v2/auth", f.Host(), "repository:acme/app:pull,push")
	alike(t, "pull", with.get(path).status, 200)
	clock.advance(time.Hour)
	with.delete(path).tells(t, "expired", 401, "UNAUTHORIZED")
	_, with = robot.token("/v2/auth", f.Host(), "repository:acme/app:pull,push")
	with.delete(path).tells(t, "delete", 202, "")
}

func TestQuayLists(t *testing.T) {
	t.Parallel()
	clock := newWatch()
	f, v, p := quay(t, QuayOptions{Now: clock.now, Logins: []Login{{User: "acme+prune", Password: "r0b", Actions: []string{"pull"}}}, APITokens: []string{"oauth"}, Immutable: []string{"v1"}})
	child := p.Image(fixture.Image{Seed: "child"})
	index := p.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{child}})
	clock.advance(time.Minute)
	image := p.Image(fixture.Image{Tags: []string{"v1"}})
	for n := range 120 {
		f.SetTag(quayPath, fmt.Sprintf("t%03d", n), image)
	}
	for _, who := range []visitor{v, v.as("acme+prune", "r0b"), v.bearing("other")} {
		alike(t, "robots", who.get(quayList+"?onlyActiveTags=true").status, 401)
	}
	type answer struct {
		Tags          []quayTag
		Page          int
		HasAdditional bool `json:"has_additional"`
	}
	var one, two answer
	v.bearing("oauth").get(quayList+"?onlyActiveTags=true&limit=1000&page=1").into(t, &one)
	v.bearing("oauth").get(quayList+"?onlyActiveTags=true&limit=1000&page=2").into(t, &two)
	alike(t, "pages", []any{len(one.Tags), one.HasAdditional, len(two.Tags), two.HasAdditional}, "[100 true 22 false]")
	last := two.Tags[21]
	alike(t, "index", []any{last.Name, last.IsManifestList, last.Size == nil, last.ChildManifestsPresence, last.LastModified},
		[]any{"b1", true, true, map[oci.Digest]bool{child: true}, "Sun, 01 Mar 2026 12:00:00 -0000"})
	newest := two.Tags[20]
	alike(t, "image", []any{newest.Name, newest.Immutable, newest.ManifestDigest, newest.StartTS}, []any{"v1", true, image, clock.at.Unix()})
	f.expireTags(quayPath, []string{"b1"})
	alike(t, "active", strings.Contains(v.bearing("oauth").get(quayList+"?onlyActiveTags=true&page=2&limit=100").body, index.String()), false)
	alike(t, "all", strings.Contains(v.bearing("oauth").get(quayList+"?page=2&limit=100").body, index.String()), true)
	alike(t, "no repository", v.bearing("oauth").get("/api/v1/repository/acme/none/tag/").status, 404)

	_, with := v.as("acme+prune", "r0b").token("/v2/auth", f.Host(), "repository:acme/app:pull")
	first := with.get("/v2/acme/app/tags/list?n=1000")
	alike(t, "link", first.next("next"), f.URL()+"/v2/acme/app/tags/list?last=t099&n=100")
	alike(t, "last link", with.get(first.next("next")).header.Get("Link"), "")
}

func TestQuayPublic(t *testing.T) {
	t.Parallel()
	_, v, p := quay(t, QuayOptions{Public: true, Logins: []Login{{User: "acme+prune", Password: "r0b"}}})
	image := p.Image(fixture.Image{Tags: []string{"b1"}})
	alike(t, "pull", v.get(manifestPath(quayPath, "b1")).status, 200)
	alike(t, "list", v.get(quayList).status, 200)
	v.delete(manifestPath(quayPath, image)).tells(t, "delete", 401, "UNAUTHORIZED")
}
