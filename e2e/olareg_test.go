package e2e

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestOlaregConformance holds olareg 0.1.2 to the tables, but for what it does in another way.
func TestOlaregConformance(t *testing.T) {
	t.Parallel()
	registrytest.Conformance(t, product(registries.Olareg, server{Version: registrytest.V3}), olaregDiffers...)
}

var olaregDiffers = []registrytest.Difference{
	{Reason: "it knows no logins", Names: []string{"accounts"}},
	{Reason: "it has no catalog", Names: []string{"catalog"}},
	{Reason: "it sends as many tags as are asked for, and its link has no quotes and no empty last page", Names: []string{
		"two tags a page", "three tags a page", "pages by n and last on 3.x only", "an exact page links to an empty one",
	}},
	{Reason: "it breaks the connection when n is 0, negative or no number", Names: []string{"a page of nothing", "an n that is not a number"}},
	{Reason: "a repository that it does not know has an empty list of tags", Names: []string{
		"tags of an unknown repository", "tags of a repository that never had any", "a placeholder is taken by digest and without layers",
		"reading goes on", "an unknown repository is an error",
	}},
	{Reason: "it has the referrers API", Names: []string{"no referrers API", "a subject is not noticed"}},
	{Reason: "it sends no manifest of a type that Accept does not name, and of an index the first child of a type that it names", Names: []string{
		"schema 2 manifest by Accept", "docker manifest list by Accept", "docker manifest list without a default child by Accept",
		"OCI index by Accept", "not modified has no digest",
	}},
	{Reason: "its manifests have no ETag", Names: []string{"manifest by tag and by digest"}},
	{Reason: "the children of an index that were pushed without a tag go with the last index that lists them", Names: []string{"deleting an index leaves its children"}},
	{Reason: "what is not a digest and not a tag is not there, and neither is the manifest of a layer's digest", Names: []string{
		"deleting a malformed digest", "deleting a layer's digest as a manifest is accepted by 2.x",
	}},
	{Reason: "it takes a blob in one POST, and its locations have no host", Names: []string{"a blob comes by POST and PUT"}},
	{Reason: "where deletion is disabled, its 405 has no body, as a proxy's", Names: []string{
		"every deletion is unsupported", "disabled deletion stops the execution at the first",
	}},
	{Reason: "where it is read-only, it answers 403 DENIED, as to a login without the right", Names: []string{
		"every write is refused in plain text", "read-only is told from disabled", "the probe and the push of a placeholder are refused",
	}},
}

// TestOlareg prunes a registry that has the referrers API, which is recognized as one with the OCI API alone.
func TestOlareg(t *testing.T) {
	t.Parallel()
	s := product(registries.Olareg, server{Version: registrytest.V3})(t, registrytest.Setup{})
	b := newBuilds(t, s, "team/app", 6)
	attached := map[oci.Digest]oci.Digest{} // what names it as its subject, and has no tag
	for _, d := range b.digests {
		attached[d] = b.Push.Image(fixture.Image{
			Seed: "of " + d.String(), MediaType: fixture.OCIManifest, Subject: d, ArtifactType: "application/spdx+json",
		})
	}
	run := b.prune("--keep-last", "2")
	equal(b.Wire, "exit code", run.code, 0)
	equal(b.Wire, "kind", run.report.Repositories[0].Kind, "distribution")
	b.Left("b4", "b5")
	for _, d := range b.digests[:4] {
		b.There(false, d, attached[d])
	}
	for _, d := range b.digests[4:] {
		b.Pullable(d.String())
		b.There(true, attached[d])
		listed := b.Do("GET", "referrers/"+d.String())
		equal(b.Wire, "the referrers API names "+attached[d].String(), strings.Contains(listed.Body, attached[d].String()), true)
	}
	equal(b.Wire, "deletions of the second run", len(b.prune("--keep-last", "2").report.outcomes()), 0)
}
