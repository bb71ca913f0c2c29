package vendors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestDockerHubDeletesATag(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newHubWith(t, DockerHubOptions{Immutable: []string{"b2"}, TagFailures: 1, StaleReads: 1}, 3)
	path := "/v2/repositories/acme/app/tags/"
	ask.delete(path+"b0").is(301, "")
	ask.delete("/v2/namespaces/acme/repositories/app/tags/b0").is(405, "")
	ask.delete(path+"b0/").is(500, "401")
	ask.delete(path+"b2/").is(403, "immutable")
	ask.delete(path+"b0/").is(204, "")
	ask.delete(path+"b0/").is(404, "object not found")
	equal(t, "listed still", hubNames(ask.page(hubTags).Results), "b2 b1 b0")
	equal(t, "listed", hubNames(ask.page(hubTags).Results), "b2 b1")
	equal(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/app", Digest: ds[0], Tags: []string{"b0"}, TagOnly: true}}))
	equal(t, "images", len(f.Images("acme/app")), 3)
	var refused []string
	for _, r := range f.Refused() {
		refused = append(refused, fmt.Sprint(r.Path, ":", r.What, " ", r.Status))
	}
	equal(t, "refused", strings.Join(refused, ", "), "acme/app:b0 301, acme/app:b0 405, acme/app:b0 500, acme/app:b2 403, acme/app:b0 404")
	equal(t, "digest", f.Refused()[3].Digest, ds[2])
	f.SetTag("acme/app", "b0", ds[1])
	equal(t, "pushed again", hubNames(ask.page(hubTags).Results), "b0 b2 b1")
}

func TestDockerHubDeletesWhatNothingUses(t *testing.T) {
	t.Parallel()
	f, _, ask, _ := newHubWith(t, DockerHubOptions{}, 0)
	push := f.Pusher(t, "acme/app")
	child := push.Image(fixture.Image{Seed: "child"})
	index := push.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{child}})
	subject := push.Image(fixture.Image{Tags: []string{"signed"}})
	referrer, fallback := push.Referrer(subject, "application/spdx+json")
	del := ask.deleter()
	refused := func(d oci.Digest, by string) {
		t.Helper()
		del.delete(hubManifests+d.String()).is(403, `"code":"DENIED","message":"the manifest is referenced by `+by)
	}
	deleted := func(d oci.Digest) {
		t.Helper()
		del.delete(hubManifests+d.String()).is(202, "")
	}
	refused(index, "tag multi")
	refused(child, "index")
	refused(subject, "tag signed")
	refused(referrer, "index")
	refused(fallback, "tag sha256-")
	for _, tag := range []string{"multi", "signed", strings.Replace(subject.String(), ":", "-", 1)} {
		ask.delete("/v2/repositories/acme/app/tags/"+tag+"/").is(204, "")
	}
	refused(child, "index")
	refused(subject, "referrer")
	for _, d := range []oci.Digest{fallback, referrer, subject, index, child} {
		deleted(d)
	}
	del.delete(hubManifests+child.String()).is(404, "MANIFEST_UNKNOWN")
	del.delete(hubManifests+"multi").is(405, "UNSUPPORTED")
	del.delete("https://registry-1.docker.io/v2/acme/app/blobs/"+child.String()).is(405, "UNSUPPORTED")
	equal(t, "images", len(f.Images("acme/app")), 0)
	equal(t, "deleted", len(f.Deleted()), 3+5)
	equal(t, "refused", len(f.Refused()), 5+2+2)
	del.get("https://registry-1.docker.io/v2/acme/app/referrers/"+child.String()).is(404, "")
}

func TestDockerHubFinishesByItself(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newHubWith(t, DockerHubOptions{SlowDeletes: 2, SlowReads: 2}, 3)
	for n := range ds {
		f.Untag("acme/app", fmt.Sprint("b", n))
	}
	del := ask.deleter()
	head := func(d oci.Digest) int { return del.do("HEAD", hubManifests+d.String(), "").Status }
	del.delete(hubManifests+ds[0].String()).is(500, "UNKNOWN")
	del.delete(hubManifests+ds[0].String()).is(500, "UNKNOWN")
	for _, want := range []int{200, 404} {
		equal(t, "HEAD", head(ds[0]), want)
	}
	equal(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/app", Digest: ds[0]}}))
	del.delete(hubManifests+ds[1].String()).is(500, "UNKNOWN")
	f.SetTag("acme/app", "rescued", ds[1])
	for range 4 {
		equal(t, "HEAD of a tagged manifest", head(ds[1]), 200)
	}
	del.delete(hubManifests+ds[2].String()).is(202, "")
}

func TestDockerHubModes(t *testing.T) {
	t.Parallel()
	_, _, ask, ds := newHubWith(t, DockerHubOptions{NoManifestDeletes: true, NoTokenTagDeletes: true}, 1)
	ask.deleter().delete(hubManifests+ds[0].String()).is(405, "UNSUPPORTED")
	ask.delete("/v2/repositories/acme/app/tags/b0/").is(403, "forbidden with personal access token")

	f, _, ask, ds := newHubWith(t, DockerHubOptions{RegistryTagDeletes: true, Immutable: []string{"b1"}}, 2)
	del := ask.hubBearer("acme", HubAll, "repository:acme/app:pull,push,delete")
	del.delete(hubManifests+"b0").is(202, "")
	del.delete(hubManifests+"b0").is(404, "MANIFEST_UNKNOWN")
	del.delete(hubManifests+"b1").is(403, "DENIED")
	del.do("PUT", hubManifests+"b1", "{}").is(403, "DENIED")
	equal(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/app", Digest: ds[0], Tags: []string{"b0"}, TagOnly: true}}))

	_, _, ask, _ = newHubWith(t, DockerHubOptions{DeniedStatus: 405, Tokens: []HubToken{{User: "dev", Secret: "dckr_pat_dev", Member: []string{"acme"}}}}, 1)
	ask.delete("/v2/repositories/acme/app/tags/b0/").is(405, "access to the resource is forbidden")

	_, _, ask, _ = newHubWith(t, DockerHubOptions{Public: true}, 1)
	ask.as("").get(hubTags).is(200, `"name":"b0"`)
	ask.as("").delete("/v2/repositories/acme/app/tags/b0/").is(401, "")
	answer := ask.as("").get("https://auth.docker.io/token?scope=repository:acme/app:pull,delete")
	anonymous := ask.as(fmt.Sprint("Bearer ", answer.field("token")))
	anonymous.get("https://registry-1.docker.io/v2/acme/app/tags/list").is(200, "b0")
	anonymous.delete(hubManifests+"sha256:"+strings.Repeat("0", 64)).is(401, "")
}
