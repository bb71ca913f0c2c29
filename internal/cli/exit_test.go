package cli

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/policy"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
	"github.com/regsweep/regsweep/internal/run"
)

// TestCodeOfChecks holds that a check succeeds when a prune would work, and else ends as the prune would, but never with a
// refusal.
func TestCodeOfChecks(t *testing.T) {
	t.Parallel()
	finding := func(state report.CheckState, errs ...error) report.Checks {
		section := report.CheckSection{}
		for _, err := range errs {
			section.Lines = append(section.Lines, report.CheckLine{State: state, Err: err})
		}
		return report.Checks{Sections: []report.CheckSection{{}, section}}
	}
	for name, c := range map[string]struct {
		checks report.Checks
		want   int
	}{
		"nothing was found":              {report.Checks{}, exitDone},
		"all is well":                    {finding(report.CheckOK, nil), exitDone},
		"something is not there":         {finding(report.CheckNo, nil), exitDone},
		"something is not known":         {finding(report.CheckUnknown, errors.New("502")), exitDone},
		"a problem without an error":     {finding(report.CheckProblem, nil), exitRegistry},
		"no login":                       {finding(report.CheckProblem, registry.ErrUnauthorized), exitRegistry},
		"no right to delete":             {finding(report.CheckProblem, registry.ErrForbidden), exitRegistry},
		"deletion disabled":              {finding(report.CheckProblem, registry.ErrDeletionDisabled), exitRegistry},
		"read-only":                      {finding(report.CheckProblem, registry.ErrReadOnly), exitRegistry},
		"not completely known":           {finding(report.CheckProblem, registry.ErrIncomplete), exitRegistry},
		"a collection would be refused":  {finding(report.CheckProblem, &gc.Refusal{}), exitRegistry},
		"no such repository":             {finding(report.CheckProblem, registry.ErrUnknownRepository), exitUsage},
		"no repository matches":          {finding(report.CheckProblem, run.ErrNoMatch), exitUsage},
		"cancelled":                      {finding(report.CheckProblem, fmt.Errorf("cancelled: %w", context.Canceled)), exitCancelled},
		"no answer, and a name is wrong": {finding(report.CheckProblem, registry.ErrUnknownRepository, errors.New("no answer")), exitRegistry},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := codeOfChecks(c.checks); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// TestCodeOf is the whole rule: which exit code what became of a run has.
func TestCodeOf(t *testing.T) {
	t.Parallel()
	ended := func(err error) report.Summary { return report.Summary{Cause: err} }
	collected := func(err error) report.Summary { return report.Summary{GC: &gc.Result{Err: err}} }
	unread := func(errs ...error) (s report.Summary) {
		for _, err := range errs {
			s.Repositories = append(s.Repositories, report.Outcome{Err: err})
		}
		return s
	}
	doomed := oci.Digest("sha256:1")
	planned := func(p retain.Plan, status prune.Status) report.Summary {
		p.Decisions = []retain.Decision{{Image: oci.Image{Digest: doomed}, Verdict: retain.Delete}}
		return report.Summary{Repositories: []report.Outcome{{Plan: &p, Outcomes: map[oci.Digest]prune.Outcome{doomed: {Status: status}}}}}
	}
	stopped := func(err error) report.Summary {
		s := planned(retain.Plan{}, prune.Skipped)
		s.Repositories[0].Err = err
		return s
	}
	late := fmt.Errorf("%w: %w", run.ErrNotLookedAt, report.ErrTimeout)
	for name, c := range map[string]struct {
		summary report.Summary
		want    int
	}{
		"nothing happened":                        {report.Summary{}, exitDone},
		"an image was deleted":                    {planned(retain.Plan{}, prune.Deleted), exitDone},
		"an image was gone":                       {planned(retain.Plan{}, prune.Gone), exitDone},
		"a dry run":                               {planned(retain.Plan{}, prune.Planned), exitDone},
		"a deletion failed":                       {planned(retain.Plan{}, prune.Failed), exitFailed},
		"a guard refused":                         {planned(retain.Plan{Refusals: []retain.Refusal{{}}}, prune.Skipped), exitRefused},
		"the time was over before a repository":   {unread(late), exitDone},
		"the time was over while one was read":    {unread(report.ErrTimeout), exitDone},
		"the time was over before it finished":    {stopped(report.ErrTimeout), exitFailed},
		"the time was over, some were read":       {ended(report.ErrTimeout), exitDone},
		"the time was over, none was read":        {ended(run.ErrNothingRead), exitRegistry},
		"cancelled":                               {ended(context.Canceled), exitCancelled},
		"cancelled before a repository":           {unread(fmt.Errorf("%w: %w", run.ErrNotLookedAt, context.Canceled)), exitCancelled},
		"no such repository":                      {unread(registry.ErrUnknownRepository), exitUsage},
		"no repository of the catalog matches":    {unread(run.ErrNoMatch), exitUsage},
		"no entry of the policy file matches":     {unread(&policy.NoEntryError{}), exitUsage},
		"not completely known":                    {unread(registry.ErrIncomplete), exitRefused},
		"no tag deletion there":                   {unread(prune.ErrNoTagDeletion), exitRefused},
		"offline elsewhere":                       {unread(run.ErrNotDistribution), exitRefused},
		"a storage of another layout":             {unread(prune.ErrLayout), exitRefused},
		"tag deletion without retag":              {unread(prune.ErrTagDeletion), exitRefused},
		"tag deletion unclear":                    {unread(registry.ErrTagDeletionUnclear), exitRefused},
		"no placeholder there":                    {unread(prune.ErrNoPlaceholder), exitRefused},
		"no journal":                              {unread(prune.ErrNoJournal), exitRefused},
		"no login":                                {unread(registry.ErrUnauthorized), exitRegistry},
		"deletion disabled":                       {unread(registry.ErrDeletionDisabled), exitRegistry},
		"no answer":                               {unread(errors.New("connection refused")), exitRegistry},
		"collected":                               {collected(nil), exitDone},
		"the collection was refused":              {collected(&gc.Refusal{}), exitRefused},
		"the collection failed":                   {collected(errors.New("no space left on device")), exitRegistry},
		"the collection was cancelled":            {collected(context.Canceled), exitCancelled},
		"cancelled, and the registry is down":     {collected(&gc.NotBackError{Cause: context.Canceled}), exitRegistry},
		"cancelled, and an image is broken":       {collected(errors.Join(&gc.MissingError{}, context.Canceled)), exitRegistry},
		"a refusal is more severe than no answer": {unread(errors.New("no answer"), registry.ErrIncomplete), exitRefused},
		"no answer is more severe than bad input": {unread(run.ErrNoMatch, errors.New("no answer")), exitRegistry},
		"a cancel is the most severe":             {unread(context.Canceled, registry.ErrIncomplete), exitCancelled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := codeOf(c.summary); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}
