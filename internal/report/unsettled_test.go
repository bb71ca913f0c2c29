package report

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
)

// No form says that nothing was deleted where a deletion was sent and not answered.
func TestNothingWasDeletedIsTrue(t *testing.T) {
	t.Parallel()
	f := repo("zdtest").pair(3)
	f.drop(f.image(9*day, 84*mib, "1"), prune.Outcome{Status: prune.Unsettled, Detail: "no answer"}, "beyond the last 2")
	f.r.Err = advised{errNoAnswer, "wait"}
	s := summary(f)
	for _, f := range forms {
		var b strings.Builder
		if err := f.write(&b, s); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "nothing was deleted") || strings.Contains(b.String(), "nothing to delete") {
			t.Errorf("%s\n%s", f.form, b.String())
		}
	}
	for _, test := range []struct {
		change func(r *Outcome)
		want   string
	}{
		{func(*Outcome) {}, "1 deletion was sent and not answered"},
		{func(r *Outcome) { r.Outcomes = nil }, "nothing was deleted"},
		{func(r *Outcome) { r.Plan = nil }, "nothing was deleted"},
		{func(r *Outcome) { r.Outcomes = map[oci.Digest]prune.Outcome{digest(3): deleted} }, "1 manifest had been deleted"},
		{func(r *Outcome) { r.Outcomes = map[oci.Digest]prune.Outcome{digest(3): {Status: prune.Gone}} }, "1 image was gone already"},
		{func(r *Outcome) { r.Outcomes, r.Untagged = nil, map[oci.Digest][]string{digest(3): {"1"}} }, "1 image that was not deleted has lost tags"},
	} {
		r := f.r
		if test.change(&r); r.Done() != test.want {
			t.Errorf("got %q, want %q", r.Done(), test.want)
		}
	}
}

var errNoAnswer = errors.New("the registry stopped answering")

// Everything that the run leaves behind is said in every form that a person reads, also when it was read from JSON.
func TestUnsettledAndBrokenInEveryForm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		s    Summary
		says map[Form][]string
	}{
		"unsettled": {unsettled(), map[Form][]string{
			FormTable:    {"unsettled  5", "not answered", "finds out", "3 deletions were begun and not finished", "1 unsettled"},
			FormMarkdown: {"**unsettled**", "not answered", "finds out", "3 deletions were begun and not finished", "1 unsettled"},
			FormHTML:     {">unsettled<", "not answered", "finds out", "3 deletions were begun and not finished", "1 unsettled"},
			FormJUnit:    {`type="unsettled"`, `name="unsettled" value="1"`, "not answered"},
			FormDotenv:   {"REGSWEEP_UNSETTLED=1"},
			FormMetrics:  {`regsweep_images{outcome="unsettled"} 1`},
			FormLine:     {"1 unsettled"}, FormAnnotations: {"1 unsettled"},
		}},
		"broken": {broken(), map[Form][]string{
			FormTable:    {"\nA PUSHED IMAGE IS BROKEN: 10 in ", "broken: 10 was pushed during this run and lacks ", "lost tags: sha256:", "push it again"},
			FormMarkdown: {"### A PUSHED IMAGE IS BROKEN: 10 in ", "**broken**", "**lost tags**", "push it again"},
			FormHTML:     {"<h1>A PUSHED IMAGE IS BROKEN", ">broken<", ">lost tags<", "push it again"},
			FormJUnit:    {`type="broken">hint: push it again`, `type="lost tags"`},
			FormDotenv:   {"REGSWEEP_BROKEN=2"},
			FormMetrics:  {"regsweep_broken_images 2"},
			FormLine:     {"A PUSHED IMAGE IS BROKEN: 10 in "}, FormAnnotations: {"A PUSHED IMAGE IS BROKEN: 10 in "},
		}},
	} {
		read, err := ReadJSON(bytes.NewReader(writeJSON(t, test.s)))
		if err != nil {
			t.Fatal(err)
		}
		for from, s := range map[string]Summary{"run": test.s, "JSON": read} {
			if !s.Repositories[0].Troubled() {
				t.Errorf("%s from %s: all is well", name, from)
			}
			for form, says := range test.says {
				var b strings.Builder
				if err := Write(&b, form, s); err != nil {
					t.Fatal(err)
				}
				for _, want := range says {
					if !strings.Contains(b.String(), want) {
						t.Errorf("%s from %s: %s does not say %q\n%s", name, from, form, want, b.String())
					}
				}
			}
		}
	}
}

// Tags that a later run deletes with their image are not lost.
func TestLostTags(t *testing.T) {
	t.Parallel()
	if got := unsettled().Repositories[0].lost(); len(got) != 0 {
		t.Errorf("unfinished images: got %v", got)
	}
	if got := broken().Repositories[0].lost(); len(got) != 1 || got[0].Kind != oci.KindAttachment {
		t.Errorf("a signature that stays: got %v", got)
	}
	f := repo("zdtest").pair(3)
	f.r.Untagged = map[oci.Digest][]string{f.r.Plan.Decisions[0].Image.Digest: {"of an earlier run"}}
	read, err := ReadJSON(bytes.NewReader(writeJSON(t, summary(f))))
	if err != nil || len(f.r.lost()) != 1 || len(read.Repositories[0].lost()) != 1 {
		t.Errorf("a kept image: got %v, and %v, %v from JSON", f.r.lost(), read.Repositories, err)
	}
	if ordinary().Repositories[0].Troubled() || !partial().Repositories[0].Troubled() {
		t.Error("trouble is not what failed")
	}
}

// A run that only finishes what an earlier one has begun deletes parts and attachments alone, which no count of images has.
func TestPartsAloneAreNotNothing(t *testing.T) {
	t.Parallel()
	r := repositoryOf("a", made{oci.KindAttachment, prune.Deleted, nil}, made{oci.KindImage, kept, nil})
	if line := (Summary{Repositories: []Outcome{r}}).Line(); !strings.Contains(line, "deleted 0 images (1 manifest), kept 1") {
		t.Errorf("the line says %q", line)
	}
	for status, want := range map[prune.Status]string{prune.Gone: "1 part of an image was gone already", prune.Skipped: "nothing was deleted"} {
		r := repositoryOf("a", made{oci.KindAttachment, status, nil}, made{oci.KindImage, kept, nil})
		if line := (Summary{Repositories: []Outcome{r}}).Line(); r.Done() != want || !strings.Contains(line, "deleted 0 images, kept 1") {
			t.Errorf("%s: %q, and the line says %q", status, r.Done(), line)
		}
	}
}
