package vendors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

const gitlabProject = "acme/app"

func gitlab(t *testing.T, o GitLabOptions) (*GitLab, visitor) {
	t.Helper()
	f := NewGitLab(t, o)
	return f, visitor{t: t, base: f.URL()}
}

func manifestPath(path string, ref any) string { return fmt.Sprintf("/v2/%s/manifests/%s", path, ref) }

func TestGitLabNeedsReferrersToGoFirst(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest})
	sbom := p.Image(fixture.Image{Tags: []string{"sbom-b1"}, MediaType: fixture.OCIManifest, Subject: image})
	v.delete(manifestPath(gitlabProject, image)).tells(t, "subject", 500, "UNKNOWN")
	v.delete(manifestPath(gitlabProject, sbom)).tells(t, "referrer", 202, "")
	v.delete(manifestPath(gitlabProject, image)).tells(t, "subject", 202, "")

	signed := p.Image(fixture.Image{Tags: []string{"b2"}, MediaType: fixture.OCIManifest})
	signature, fallback := p.Referrer(signed, "application/vnd.example.signature")
	for _, d := range []oci.Digest{signed, signature} {
		v.delete(manifestPath(gitlabProject, d)).tells(t, "before the fallback index", 409, "MANIFEST_REFERENCED")
	}
	for _, d := range []oci.Digest{fallback, signature, signed} {
		v.delete(manifestPath(gitlabProject, d)).tells(t, "in order", 202, "")
	}
	alike(t, "left", f.Images(gitlabProject), "[]")
	alike(t, "deleted", f.Deleted(), []Deletion{
		{Path: gitlabProject, Digest: sbom, Tags: []string{"sbom-b1"}},
		{Path: gitlabProject, Digest: image, Tags: []string{"b1"}},
		{Path: gitlabProject, Digest: fallback, Tags: []string{strings.Replace(signed.String(), ":", "-", 1)}},
		{Path: gitlabProject, Digest: signature},
		{Path: gitlabProject, Digest: signed, Tags: []string{"b2"}},
	})
	alike(t, "refused", f.Refused(), []Refusal{
		{gitlabProject, image.String(), image, 500, "UNKNOWN"},
		{gitlabProject, signed.String(), signed, 409, "MANIFEST_REFERENCED"},
		{gitlabProject, signature.String(), signature, 409, "MANIFEST_REFERENCED"},
	})
}

func TestGitLabKeepsWhatAnIndexLists(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	p := f.Pusher(t, gitlabProject)
	a, b := p.Image(fixture.Image{Seed: "a"}), p.Image(fixture.Image{Seed: "b"})
	c := p.Image(fixture.Image{Seed: "c"})
	old := p.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{a, b}})
	moved := p.Index(fixture.Index{Tags: []string{"b1"}, Children: []oci.Digest{a, c}})
	v.delete(manifestPath(gitlabProject, moved)).tells(t, "index", 202, "")
	v.delete(manifestPath(gitlabProject, c)).tells(t, "its child", 202, "")
	v.delete(manifestPath(gitlabProject, a)).tells(t, "child of the untagged index", 409, "MANIFEST_REFERENCED")
	f.CollectGarbage(gitlabProject)
	alike(t, "left after garbage collection", f.Images(gitlabProject), "[]")
	v.delete(manifestPath(gitlabProject, old)).tells(t, "what is gone", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(gitlabProject, "b1")).tells(t, "tag that is gone", 404, "MANIFEST_UNKNOWN")
	v.delete(manifestPath(gitlabProject, "sha256:abc")).tells(t, "no digest", 400, "DIGEST_INVALID")
	v.delete(manifestPath("acme/none", old)).tells(t, "unknown repository", 404, "MANIFEST_UNKNOWN")
}

func TestGitLabCollectsWhatHasNoTag(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"b1", "v1"}, MediaType: fixture.OCIManifest})
	p.Image(fixture.Image{Seed: "sbom", MediaType: fixture.OCIManifest, Subject: image})
	v.delete(manifestPath(gitlabProject, "v1")).tells(t, "tag", 202, "")
	f.CollectGarbage(gitlabProject)
	alike(t, "left", f.Manifests(gitlabProject), []oci.Digest{image})
	alike(t, "tags", f.Tags(gitlabProject), map[string]oci.Digest{"b1": image})
	alike(t, "deleted", f.Deleted(), []Deletion{{Path: gitlabProject, Digest: image, Tags: []string{"v1"}, TagOnly: true}})
	alike(t, "referrers", v.get("/v2/"+gitlabProject+"/referrers/"+image.String()).status, 404)
}

func TestGitLabProtectsTags(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{ProtectedTags: []string{`^v\d+$`}})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"v1", "b1"}})
	other := p.Image(fixture.Image{Tags: []string{"b2"}, Seed: "other"})
	v.delete(manifestPath(gitlabProject, "v1")).tells(t, "tag", 401, "PROTECTED_TAG")
	v.delete(manifestPath(gitlabProject, image)).tells(t, "digest", 401, "PROTECTED_MANIFEST")
	v.delete(manifestPath(gitlabProject, other)).tells(t, "digest without a protected tag", 401, "PROTECTED_MANIFEST")
	v.delete(manifestPath(gitlabProject, "b1")).tells(t, "other tag", 202, "")
	alike(t, "tags", f.Tags(gitlabProject), map[string]oci.Digest{"v1": image, "b2": other})
	alike(t, "refused", f.Refused(), []Refusal{
		{gitlabProject, "v1", image, 401, "PROTECTED_TAG"},
		{gitlabProject, image.String(), image, 401, "PROTECTED_MANIFEST"},
		{gitlabProject, other.String(), other, 401, "PROTECTED_MANIFEST"},
	})
}

func TestGitLabWithoutDatabase(t *testing.T) {
	t.Parallel()
	f, v := gitlab(t, GitLabOptions{NoDatabase: true})
	p := f.Pusher(t, gitlabProject)
	image := p.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest})
	p.Referrer(image, "application/vnd.example.signature")
	list := v.get("/gitlab/v1/repositories/" + gitlabProject + "/tags/list/")
	alike(t, "listing", list.status, 404)
	alike(t, "version", list.header.Get("Gitlab-Container-Registry-Version"), gitlabVersion)
	alike(t, "database", v.get("/v2/").header.Get("Gitlab-Container-Registry-Database-Enabled"), "false")
	v.delete(manifestPath(gitlabProject, image)).tells(t, "subject with a referrer", 202, "")
	f.CollectGarbage(gitlabProject)
	alike(t, "left", len(f.Images(gitlabProject)), 2)
}
