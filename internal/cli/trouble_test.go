package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/publish"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// What a run leaves broken or unsettled is a failure, and it is said on standard error.
func TestTroubleIsAFailure(t *testing.T) {
	t.Parallel()
	const digest = oci.Digest("sha256:0000000000000000000000000000000000000000000000000000000000000007")
	image := oci.Image{Digest: digest, Kind: oci.KindImage, Tags: []string{"7"}}
	for name, test := range map[string]struct {
		change func(r *report.Outcome)
		code   int
		says   string
	}{
		"deleted": {func(r *report.Outcome) {}, exitDone, ""},
		"failed":  {func(r *report.Outcome) { r.Outcomes[digest] = prune.Outcome{Status: prune.Failed} }, exitFailed, "1 deletion failed"},
		"unsettled": {func(r *report.Outcome) {
			r.Outcomes[digest], r.Unfinished = prune.Outcome{Status: prune.Unsettled}, []oci.Digest{digest}
		}, exitFailed, "1 deletion was sent and not answered; the next run"},
		"unsettled without a journal": {func(r *report.Outcome) { r.Outcomes[digest] = prune.Outcome{Status: prune.Unsettled} }, exitFailed, "1 deletion was sent and not answered; no journal has it"},
		"broken": {func(r *report.Outcome) {
			r.Broken = []prune.Broken{{Name: "8", Digest: digest, Missing: []oci.Digest{digest}}}
		}, exitFailed, "broken: 8 was pushed during this run and lacks sha256:00"},
		"lost tags": {func(r *report.Outcome) {
			r.Outcomes[digest] = prune.Outcome{Status: prune.Skipped, Detail: "it is needed"}
			r.Untagged = map[oci.Digest][]string{digest: {"7"}}
		}, exitFailed, "lost tags: sha256:00"},
		"unfinished": {func(r *report.Outcome) {
			r.Outcomes[digest] = prune.Outcome{Status: prune.Skipped, Detail: "the time is over"}
			r.Untagged, r.Unfinished = map[oci.Digest][]string{digest: {"7"}}, []oci.Digest{digest}
		}, exitDone, ""},
	} {
		r := report.Outcome{
			Name: oci.Repository{Host: "h.example", Path: "app"}, Outcomes: map[oci.Digest]prune.Outcome{digest: {Status: prune.Deleted}},
			Plan: &retain.Plan{Decisions: []retain.Decision{{Image: image, Verdict: retain.Delete}}},
		}
		test.change(&r)
		if code := codeOf(report.Summary{Repositories: []report.Outcome{r}}); code != test.code {
			t.Errorf("%s: exit %d, want %d", name, code, test.code)
		}
		var stderr bytes.Buffer
		sayRepository(publish.NewConsole(&stderr, func() time.Time { return testNow }), r)
		if said := stderr.String(); !strings.Contains(said, test.says) || test.says == "" && said != "" {
			t.Errorf("%s: got %q, want %q", name, said, test.says)
		}
	}
}
