package e2e

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestReferrersWithoutTag prunes images that are signed by subject alone, on a registry that has the referrers API. Kept
// images keep all that is attached to them. Deleted ones leave nothing, neither in the API nor in the storage.
func TestReferrersWithoutTag(t *testing.T) {
	t.Parallel()
	w := newSigned(t)
	stay, gone := []oci.Digest{}, []oci.Digest{}
	for n, tag := range []string{"b0", "b1", "b2"} {
		d := w.Push.Image(fixture.Image{Tags: []string{tag}, MediaType: fixture.OCIManifest, Created: ago(20 - n)})
		gone = append(gone, w.signed(d)...)
	}
	gone = append(gone, w.nested("b3", 9)...)
	stay = append(stay, w.nested("b4", 2)...)
	d := w.Push.Image(fixture.Image{Tags: []string{"b5"}, MediaType: fixture.OCIManifest, Created: ago(1)})
	stay = append(stay, w.signed(d)...)

	dry := w.prune("--keep-last", "2", "--dry-run")
	equal(w.Wire, "deletions of a dry run", len(dry.report.outcomes()), len(gone))
	w.There(true, gone...)
	run := w.prune("--keep-last", "2")
	equal(w.Wire, "exit code", run.code, 0)
	equal(w.Wire, "stderr", run.stderr, "")
	outcomes := run.report.outcomes()
	for _, d := range gone {
		equal(w.Wire, "outcome of "+d.String(), outcomes[d], "deleted")
	}
	equal(w.Wire, "deletions", len(outcomes), len(gone))
	equal(w.Wire, "requests for referrers", w.door.counted()[refers], len(gone))
	w.Left("b4", "b5")
	w.There(true, stay...)
	w.There(false, gone...)
	stored := w.stored()
	for _, d := range gone {
		equal(w.Wire, "referrers of "+d.String(), len(w.referrers(d)), 0)
		if stored[d] {
			t.Errorf("the storage still has %s", d)
		}
	}
	for subject, of := range w.attached {
		if slices.Contains(stay, subject) && !slices.Equal(w.referrers(subject), of) {
			t.Errorf("%s has the referrers %v, want %v", subject, w.referrers(subject), of)
		}
	}
	equal(w.Wire, "deletions of the second run", len(w.prune("--keep-last", "2").report.outcomes()), 0)
	if got, want := w.door.counted(), (map[step]int{list: 1, head: 2}); !maps.Equal(got, want) {
		t.Errorf("requests of a run with nothing to delete: got %v, want %v", got, want)
	}
}

// TestReferrersOfWhatIsInUse keeps an image that is needed by what is attached to it: an attachment with a tag outside of
// the scope, and one without a tag that something uses.
func TestReferrersOfWhatIsInUse(t *testing.T) {
	t.Parallel()
	w := newSigned(t)
	var ds []oci.Digest
	for n, tag := range []string{"b0", "b1", "b2", "b3"} {
		ds = append(ds, w.Push.Image(fixture.Image{Tags: []string{tag}, MediaType: fixture.OCIManifest, Created: ago(9 - n)}))
	}
	tagged, used, other := w.attach(ds[0]), w.attach(ds[1]), w.attach(ds[1])
	goes := w.attach(ds[2])
	w.Push.Tag(tagged, "sbom-of-b0")
	list := filepath.Join(t.TempDir(), "in-use")
	if err := os.WriteFile(list, []byte(w.door.host+"/"+w.Path+"@"+used.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := w.prune("--keep-last", "1", "--tags", "b*", "--protect-file", list)
	equal(w.Wire, "exit code", run.code, 0)
	w.There(true, ds[0], ds[1], ds[3], tagged, used, other)
	w.There(false, ds[2], goes)
	for _, i := range run.report.Repositories[0].Images {
		if d := oci.Digest(i.Digest); d == ds[0] || d == ds[1] {
			equal(w.Wire, "reason", i.Reasons[0].Rule, "subject")
		}
	}
}

// signed is a repository of olareg in a folder, with what is attached to each digest in the order of the API.
type signed struct {
	builds
	dir      string
	attached map[oci.Digest][]oci.Digest
	pushed   int
}

func newSigned(t *testing.T) *signed {
	t.Helper()
	r := registries.ForTest(t, registries.OlaregInFolder, registries.Options{})
	s := product(func(string, registries.Options) (*registries.Server, error) { return r, nil }, server{Version: registrytest.V3})(t, registrytest.Setup{})
	return &signed{builds: newBuilds(t, s, "team/app", 0), dir: r.Dir, attached: map[oci.Digest][]oci.Digest{}}
}

// attach pushes a manifest without a tag whose subject is a digest.
func (w *signed) attach(subject oci.Digest) oci.Digest {
	w.T.Helper()
	w.pushed++
	d := w.Push.Image(fixture.Image{
		Seed: "attached to " + subject.String() + string(rune('a'+w.pushed)), MediaType: fixture.OCIManifest, Subject: subject, ArtifactType: "application/spdx+json",
	})
	w.attached[subject] = append(w.attached[subject], d)
	slices.Sort(w.attached[subject])
	return d
}

// signed attaches an SBOM to a manifest and a signature to the SBOM, and returns all three.
func (w *signed) signed(d oci.Digest) []oci.Digest {
	w.T.Helper()
	sbom := w.attach(d)
	return []oci.Digest{d, sbom, w.attach(sbom)}
}

// nested pushes an index under a tag that lists an index of two platforms, each of which has an SBOM of its own, and
// returns all of it.
func (w *signed) nested(tag string, days int) (all []oci.Digest) {
	w.T.Helper()
	var platforms []oci.Digest
	for _, p := range []string{"linux/amd64", "linux/arm64"} {
		d := w.Push.Image(fixture.Image{Seed: tag + p, Platform: p, MediaType: fixture.OCIManifest, Created: ago(days), Size: 100})
		platforms = append(platforms, d)
		all = append(all, w.signed(d)...)
	}
	inner := w.Push.Index(fixture.Index{Children: platforms})
	outer := w.Push.Index(fixture.Index{Tags: []string{tag}, Children: []oci.Digest{inner}})
	return append(append(all, inner), w.signed(outer)...)
}

// referrers asks the referrers API for what refers to a digest.
func (w *signed) referrers(d oci.Digest) (of []oci.Digest) {
	w.T.Helper()
	of = manifestsOf(w.T, []byte(w.Do("GET", "referrers/"+d.String()).Body))
	slices.Sort(of)
	return of
}

// manifestsOf returns what an index lists.
func manifestsOf(t *testing.T, body []byte) (of []oci.Digest) {
	t.Helper()
	var index struct{ Manifests []struct{ Digest oci.Digest } }
	if err := json.Unmarshal(body, &index); err != nil {
		t.Fatal(err)
	}
	for _, m := range index.Manifests {
		of = append(of, m.Digest)
	}
	return of
}

// stored is what the repository's folder names: its manifests, and what it keeps as the referrers of each.
func (w *signed) stored() map[oci.Digest]bool {
	w.T.Helper()
	text, err := os.ReadFile(filepath.Join(w.dir, w.Path, "index.json"))
	if err != nil {
		w.T.Fatal(err)
	}
	var layout struct {
		Manifests []struct {
			Digest      oci.Digest
			Annotations map[string]string
		}
	}
	if err := json.Unmarshal(text, &layout); err != nil {
		w.T.Fatal(err)
	}
	out := map[oci.Digest]bool{}
	for _, m := range layout.Manifests {
		out[m.Digest] = true
		if m.Annotations["org.olareg.referrer.subject"] == "" {
			continue
		}
		answer, err := os.ReadFile(filepath.Join(w.dir, w.Path, "blobs", m.Digest.Algorithm().String(), m.Digest.Encoded()))
		if err != nil {
			w.T.Fatal(err)
		}
		for _, d := range manifestsOf(w.T, answer) {
			out[d] = true
		}
	}
	if len(out) == 0 {
		w.T.Error("the storage has nothing at all")
	}
	return out
}

// TestReferrersOfAKilledRun kills the program while it deletes an image and what is attached to it. The next run deletes
// what is left: nothing but the journal leads to it.
func TestReferrersOfAKilledRun(t *testing.T) {
	t.Parallel()
	for _, m := range []moment{
		{name: "after the image", step: deletion, n: 1, after: true},
		{name: "before the SBOM", step: deletion, n: 2},
		{name: "after the SBOM", step: deletion, n: 2, after: true},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			w := newSigned(t)
			gone := w.signed(w.Push.Image(fixture.Image{Tags: []string{"b1"}, MediaType: fixture.OCIManifest, Created: ago(9)}))
			stay := w.signed(w.Push.Image(fixture.Image{Tags: []string{"b2"}, MediaType: fixture.OCIManifest, Created: ago(1)}))
			killed := work{stand: w.stand, door: w.door, way: prune.ByDigest}
			killed.interrupt(m, kill, "--workers", "1", "--keep-last", "1")
			w.There(false, gone[0])
			w.There(true, gone[2])
			equal(w.Wire, "exit code", w.prune("--keep-last", "1").code, 0)
			w.There(false, gone...)
			w.There(true, stay...)
		})
	}
}
