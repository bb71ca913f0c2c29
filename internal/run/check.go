package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/report"
)

// maxChecked is how many repositories of a pattern are checked: repositories of one registry rarely differ in what a login
// may do, and each of them is read completely.
const maxChecked = 5

// CheckJob is what a check has to look at.
type CheckJob struct {
	// Images are the repositories, which may be patterns.
	Images []oci.Repository
	// Kind is the kind of registry that the user names; "" finds out.
	Kind string
	// Policy says in English what a prune would keep in a repository, and where that is from, or why it would keep nothing by
	// rule; nil is not told.
	Policy func(oci.Repository) (keep, source string, err error)
	// Probe means that the registries are asked to delete what does not exist.
	Probe bool
	// StateFolder is the state folder of a prune; "" when it has none.
	StateFolder string
	// StateRequired means that a prune fails where that folder cannot be used.
	StateRequired bool
	// Via is the target of a garbage collection as the user wrote it; "" for none. Inspect looks there, as [gc.Inspect] does,
	// for manifests that the registry serves.
	Via     string
	Inspect func(ctx context.Context, held []gc.Held) (gc.Findings, error)
}

// Check finds out what the registries of a job and this login can do. It changes nothing. Everything that is wrong is in the
// sections; the caller sets ExitCode.
func Check(ctx context.Context, job CheckJob, w World) report.Checks {
	c := &checker{CheckJob: job, World: w, out: report.Checks{Probed: job.Probe, Started: w.Now().UTC()}}
	names := c.choose(ctx)
	sections, held := make([]report.CheckSection, len(names)), make([]*gc.Held, len(names))
	var done atomic.Int64
	inParallel(len(names), func(i int) {
		sections[i], held[i] = c.repository(ctx, names[i])
		w.tell(Progress{"check", "repositories", int(done.Add(1)), len(names)})
	})
	c.out.Sections = append(c.out.Sections, sections...)
	c.out.Sections = append(c.out.Sections, c.state())
	if job.Via != "" {
		c.out.Sections = append(c.out.Sections, c.gc(ctx, held))
	}
	c.out.Elapsed = w.Now().Sub(c.out.Started)
	return c.out
}

// checker is the state of a check.
type checker struct {
	CheckJob
	World
	out report.Checks
}

// choose returns the repositories to look at. A pattern that cannot be expanded is a section of its own.
func (c *checker) choose(ctx context.Context) []oci.Repository {
	var names []oci.Repository
	for _, asked := range c.Images {
		found, err := c.expand(ctx, asked)
		if err != nil {
			c.out.Sections = append(c.out.Sections, report.CheckSection{About: report.AboutRepository, Name: asked.String(), Lines: []report.CheckLine{
				problem(report.TopicRead, cancelled(err)),
			}})
		}
		found = slices.DeleteFunc(slices.Clone(found), func(name oci.Repository) bool { return slices.Contains(names, name) })
		if asked.IsPattern() && len(found) > maxChecked {
			c.out.NotLookedAt += len(found) - maxChecked
			found = found[:maxChecked]
		}
		names = append(names, found...)
	}
	return names
}

// line is a finding.
func line(topic report.CheckTopic, state report.CheckState, format string, args ...any) report.CheckLine {
	return report.CheckLine{Topic: topic, State: state, Text: fmt.Sprintf(format, args...)}
}

// problem is what a prune would fail with.
func problem(topic report.CheckTopic, err error) report.CheckLine {
	return report.CheckLine{Topic: topic, State: report.CheckProblem, Text: err.Error(), Err: err}
}

// unknown is what could not be found out.
func unknown(topic report.CheckTopic, err error) report.CheckLine {
	return report.CheckLine{Topic: topic, State: report.CheckUnknown, Text: "not known: " + err.Error(), Err: err}
}

// counted is a finding about n things of all; all is -1 where there is nothing to compare n with.
func counted(l report.CheckLine, n, all int) report.CheckLine {
	l.Count = new(int64(n))
	if all >= 0 {
		l.Of = new(int64(all))
	}
	return l
}

// errNoFolder is the problem of a run without a state folder.
var errNoFolder = errors.New("there is no state folder: neither --state-dir nor a cache folder is set")
