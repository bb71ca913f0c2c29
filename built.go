package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/regsweep/regsweep/internal/ci"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/prune"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/retain"
)

// findImages finds the repositories of the run and what was pushed to them, by the arguments, by what build tools wrote
// and by the CI.
func (c *pruneCommand) findImages(p process, system ci.System) (oci.Pushes, error) {
	built, err := ci.ReadMetadata(c.Metadata)
	if err != nil {
		return oci.Pushes{}, fmt.Errorf("--metadata: %w", err)
	}
	return system.Images(p.getenv, c.Images, built)
}

// readBuilt reads a repository, with what the pipeline pushed to it by digests in place of images' ids. The registry is
// asked for a digest only when no tag leads to it: an id names a blob, and distribution 3.1.2 answers a question for a
// manifest of that digest with 500.
func readBuilt(pushed []oci.Pushed, snapshot func([]oci.Pushed) (oci.Snapshot, error)) (oci.Snapshot, []oci.Pushed, error) {
	read, err := snapshot(nil)
	if err != nil {
		return read, pushed, err
	}
	pushed = oci.ResolveIDs(pushed, read)
	known := map[oci.Digest]bool{"": true}
	for _, i := range read.Images {
		known[i.Digest] = true
	}
	for _, p := range pushed {
		if !known[p.Digest] {
			read, err = snapshot(pushed)
			break
		}
	}
	return read, pushed, err
}

// debugf says what matters only to somebody who looks for a mistake in a pipeline, where the CI has a way to ask.
func (s *session) debugf(format string, args ...any) {
	fmt.Fprint(s.process.stderr, s.system.Debug(s.process.getenv, "regsweep: "+report.Visible(fmt.Sprintf(format, args...))))
}

// debug says what the run goes by.
func (s *session) debug() {
	s.debugf("version %s, in %s, policy: %s", versionString(), s.system.Name, s.policies)
	for _, r := range s.images.Repositories {
		s.debugf("repository %s", r)
	}
	for _, p := range s.images.Pushed {
		certainty := "just built"
		if p.Assumed {
			certainty = "just built if it is there"
		}
		s.debugf("%s: %s, says %s", certainty, p.Reference, p.Source)
	}
}

// section prints the table as a section of the CI's log, where the log has sections, and says below it what a reader
// must not miss in one that is collapsed.
func (s *session) section(sum report.Summary, w io.Writer, table func() error) error {
	if s.form != report.FormTable {
		return table()
	}
	return s.system.Section(w, s.process.now, "regsweep: what is kept and deleted, and why", sum.Line(), table)
}

// outcomes are the outputs of a run.
func outcomes(sum report.Summary, paths []string) ci.Outputs {
	total := sum.Totals()
	out := ci.Outputs{Deleted: total.Deleted, Kept: total.Kept, Failed: total.Failed, Report: strings.Join(paths, "\n"), Line: sum.Line()}
	out.FreedBytes = sum.Freed()
	if !sum.DryRun {
		out.UnreferencedBytes = total.UniqueBytes
	}
	for _, r := range sum.Repositories {
		if r.Plan == nil {
			continue
		}
		for _, d := range r.Plan.Decisions {
			i := ci.ImageOutput{Repository: r.Name.String(), Digest: d.Image.Digest.String(), Tags: d.Image.Tags, Outcome: "kept"}
			if i.Tags == nil {
				i.Tags = []string{}
			}
			if d.Verdict == retain.Delete {
				i.Outcome = string(prune.Skipped) // a deletion without an outcome was not tried
				if o, ok := r.Outcomes[d.Image.Digest]; ok {
					i.Outcome = string(o.Status)
				}
			}
			out.Images = append(out.Images, i)
		}
	}
	return out
}
