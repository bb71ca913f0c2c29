package report

import (
	"errors"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/retain"
)

// blobs makes blobs of 2^n bytes each, so that a sum tells which of them were counted.
func blobs(ns ...int) []oci.Blob {
	var out []oci.Blob
	for _, n := range ns {
		out = append(out, oci.Blob{Digest: digest(n), Size: 1 << n})
	}
	return out
}

type made struct {
	kind   oci.Kind
	status prune.Status // "" is kept
	blobs  []oci.Blob
}

func repositoryOf(host string, images ...made) Outcome {
	r := Outcome{Name: oci.Repository{Host: host, Path: "app"}, Plan: &retain.Plan{}, Outcomes: map[oci.Digest]prune.Outcome{}}
	for n, m := range images {
		d := retain.Decision{Image: oci.Image{Digest: digest(100 + n), Kind: m.kind, Blobs: m.blobs}, Verdict: retain.Keep}
		if m.status != kept {
			d.Verdict = retain.Delete
			r.Outcomes[d.Image.Digest] = prune.Outcome{Status: m.status}
		}
		r.Plan.Decisions = append(r.Plan.Decisions, d)
	}
	return r
}

func TestRepositoryTotals(t *testing.T) {
	t.Parallel()
	const image, index, child, attachment = oci.KindImage, oci.KindIndex, oci.KindChild, oci.KindAttachment
	unknown := repositoryOf("a", made{image, prune.Deleted, blobs(1)})
	unknown.Outcomes = nil
	for _, test := range []struct {
		name string
		in   Outcome
		want Totals
	}{
		{"nothing", repositoryOf("a"), Totals{}},
		{"not read", Outcome{Err: errors.New("401")}, Totals{}},
		{
			"each status once", repositoryOf("a",
				made{image, kept, nil}, made{image, prune.Deleted, nil}, made{image, prune.Gone, nil},
				made{image, prune.Failed, nil}, made{image, prune.Skipped, nil}, made{image, prune.Planned, nil}),
			Totals{Kept: 1, Deleted: 1, Gone: 1, Failed: 1, Skipped: 1, Planned: 1, Manifests: 1},
		},
		{
			"parts are counted by themselves, but for failures", repositoryOf("a",
				made{index, kept, nil}, made{child, kept, nil}, made{attachment, kept, nil},
				made{index, prune.Deleted, nil}, made{child, prune.Deleted, nil}, made{attachment, prune.Deleted, nil},
				made{child, prune.Failed, nil}, made{attachment, prune.Failed, nil},
				made{child, prune.Gone, nil}, made{child, prune.Skipped, nil}, made{child, prune.Planned, nil}),
			Totals{Kept: 1, Deleted: 1, Failed: 2, Manifests: 3, PartsGone: 1, PartsLeft: 2},
		},
		{
			"a blob of two deleted images counts once", repositoryOf("a",
				made{image, prune.Deleted, blobs(1, 2)}, made{image, prune.Gone, blobs(1, 3)}),
			Totals{Deleted: 1, Gone: 1, Manifests: 1, UniqueBytes: 2 + 4 + 8},
		},
		{
			"a blob of a kept image does not count", repositoryOf("a",
				made{image, kept, blobs(1)}, made{image, prune.Deleted, blobs(1, 2)}),
			Totals{Kept: 1, Deleted: 1, Manifests: 1, UniqueBytes: 4},
		},
		{
			"failed and skipped images hold their blobs", repositoryOf("a",
				made{image, prune.Deleted, blobs(1, 2, 3)}, made{image, prune.Failed, blobs(1)}, made{image, prune.Skipped, blobs(2, 4)}),
			Totals{Deleted: 1, Failed: 1, Skipped: 1, Manifests: 1, UniqueBytes: 8},
		},
		{
			"a kept child holds its blobs", repositoryOf("a",
				made{child, kept, blobs(1)}, made{child, prune.Deleted, blobs(1, 2)}),
			Totals{Manifests: 1, UniqueBytes: 4},
		},
		{
			"a dry run says what it would free", repositoryOf("a",
				made{image, kept, blobs(1)}, made{image, prune.Planned, blobs(1, 2)}),
			Totals{Kept: 1, Planned: 1, UniqueBytes: 4},
		},
		{"no outcome means not tried", unknown, Totals{Skipped: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := test.in.Totals(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestSummaryTotals(t *testing.T) {
	t.Parallel()
	drop := func(ns ...int) made { return made{oci.KindImage, prune.Deleted, blobs(ns...)} }
	hold := func(ns ...int) made { return made{oci.KindImage, kept, blobs(ns...)} }
	for _, test := range []struct {
		name string
		in   []Outcome
		want Totals
	}{
		{"none", nil, Totals{}},
		{
			"a blob that two repositories lose is freed once",
			[]Outcome{repositoryOf("a", drop(1, 2)), repositoryOf("a", drop(1, 3))},
			Totals{Deleted: 2, Manifests: 2, UniqueBytes: 2 + 4 + 8},
		},
		{
			"a blob that another repository holds is not freed",
			[]Outcome{repositoryOf("a", drop(1, 2)), repositoryOf("a", hold(1))},
			Totals{Kept: 1, Deleted: 1, Manifests: 1, UniqueBytes: 4},
		},
		{
			"registries share nothing",
			[]Outcome{repositoryOf("a", drop(1)), repositoryOf("b", drop(1)), repositoryOf("c", hold(1))},
			Totals{Kept: 1, Deleted: 2, Manifests: 2, UniqueBytes: 2 + 2},
		},
		{
			"one was not read",
			[]Outcome{repositoryOf("a", drop(1)), {Name: oci.Repository{Host: "a"}, Err: errors.New("401")}},
			Totals{Deleted: 1, Manifests: 1, UniqueBytes: 2},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := (Summary{Repositories: test.in}).Totals(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}
