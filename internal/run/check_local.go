package run

import (
	"context"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/report"
	"github.com/regsweep/regsweep/internal/state"
)

// state looks at the state folder.
func (c *checker) state() report.CheckSection {
	section := report.CheckSection{About: report.AboutState, Name: c.StateFolder}
	if c.StateFolder == "" {
		section.Lines = []report.CheckLine{without(errNoFolder)}
		return section
	}
	exists, err := state.Look(c.StateFolder)
	switch {
	case err != nil && c.StateRequired:
		section.Lines = append(section.Lines, problem(report.TopicFolder, err))
	case err != nil:
		section.Lines = append(section.Lines, without(err))
	case exists:
		section.Lines = append(section.Lines, line(report.TopicFolder, report.CheckOK, "regsweep can write to it"))
	default:
		section.Lines = append(section.Lines, line(report.TopicFolder, report.CheckOK, "it does not exist yet, and the first prune can make it"))
	}
	return section
}

// without says what a prune does without a state folder.
func without(err error) report.CheckLine {
	l := line(report.TopicFolder, report.CheckNo, "%v; a prune works without it, deletes by digest and reads everything again", err)
	l.Advice = "--state-dir names a folder that the job may write to"
	return l
}

// gc looks at what a garbage collection would find.
func (c *checker) gc(ctx context.Context, held []*gc.Held) report.CheckSection {
	section := report.CheckSection{About: report.AboutGC, Name: c.Via}
	var sample []gc.Held
	for _, h := range held {
		if h != nil {
			sample = append(sample, *h)
		}
	}
	c.tell(GCStep{Text: "looking at " + c.Via + "; nothing is stopped"})
	found, err := c.Inspect(ctx, sample)
	if err != nil {
		section.Lines = []report.CheckLine{problem(report.TopicHost, cancelled(err))}
		return section
	}
	section.Lines = []report.CheckLine{
		line(report.TopicBinary, report.CheckOK, "%s, version %s", found.Binary, found.Version),
		line(report.TopicConfig, report.CheckOK, "%s", found.Config),
		storage(found),
	}
	if found.Root != "" {
		section.Lines = append(section.Lines, space(found))
	}
	for _, note := range found.Notes {
		section.Lines = append(section.Lines, line(report.TopicNote, report.CheckUnknown, "%s", note))
	}
	return section
}

// storage says whether the storage is that of the registry.
func storage(f gc.Findings) report.CheckLine {
	switch {
	case f.Root == "":
		return line(report.TopicStorage, report.CheckUnknown, "%s, which is not a folder, so regsweep cannot compare it with what the registry serves", f.Driver)
	case f.Empty:
		return line(report.TopicStorage, report.CheckNo, "%s, to which nothing was ever pushed", f.Root)
	case f.Recognized:
		return line(report.TopicStorage, report.CheckOK, "%s, which holds the images that the registry serves", f.Root)
	}
	return line(report.TopicStorage, report.CheckUnknown, "%s; no image could be read that would tell whether it is the storage of this registry", f.Root)
}

// space says how much of the disk is free.
func space(f gc.Findings) report.CheckLine {
	if f.Free < 0 {
		return line(report.TopicSpace, report.CheckUnknown, "it is not known how much of the disk is free")
	}
	l := line(report.TopicSpace, report.CheckOK, "%s free on the disk", report.Bytes(f.Free))
	l.Count = &f.Free
	return l
}
