package report

// htmlNumber is a number of the verdict, as in "48" "images deleted".
type htmlNumber struct {
	Value, Label string
	Bad          bool // it is one that somebody has to look at
}

// numbers are the verdict for those who read no sentence.
func (s sheet) numbers() []htmlNumber {
	if len(s.views) == 0 {
		return nil
	}
	t := s.total
	var out []htmlNumber
	add := func(n int, one, many string, bad bool) {
		label := many
		if n == 1 {
			label = one
		}
		out = append(out, htmlNumber{grouped(n), label, bad && n > 0})
	}
	if s.DryRun {
		add(t.Planned, "image to delete", "images to delete", false)
	} else {
		add(t.Deleted, "image deleted", "images deleted", false)
	}
	add(t.Kept, "image kept", "images kept", false)
	switch freed := s.Freed(); {
	case freed > 0:
		out = append(out, htmlNumber{size(freed), "freed", false})
	case t.UniqueBytes > 0 && s.DryRun:
		out = append(out, htmlNumber{size(t.UniqueBytes), "would become unreferenced", false})
	case t.UniqueBytes > 0:
		out = append(out, htmlNumber{size(t.UniqueBytes), "unreferenced", false})
	}
	if len(s.views) > 1 {
		add(len(s.views), "repository", "repositories", false)
	}
	if !s.DryRun || t.Failed > 0 {
		add(t.Failed, "failed", "failed", true)
	}
	if t.Unsettled > 0 {
		add(t.Unsettled, "unsettled", "unsettled", true)
	}
	if t.Skipped > 0 {
		add(t.Skipped, "skipped", "skipped", true)
	}
	if t.Retained > 0 {
		add(t.Retained, "retained by the registry", "retained by the registry", true)
	}
	if ended := s.unfinished(); ended > 0 && len(s.views) > 1 {
		add(ended, "repository not finished", "repositories not finished", true)
	}
	return out
}

// unfinished is how many repositories were not read, refused or stopped.
func (s sheet) unfinished() int {
	n := 0
	for _, v := range s.views {
		if v.condition() != finished {
			n++
		}
	}
	return n
}

// htmlState is a word for the outcome of a run, and the class of its colour.
type htmlState struct{ Word, Class string }

// state is the outcome of the run in a word.
func (s sheet) state() htmlState {
	t := s.total
	switch {
	case s.ExitCode != 0 || s.unfinished()+t.Failed+t.Unsettled+t.Broken > 0 || s.GC != nil && s.GC.Err != nil:
		return htmlState{"Needs attention", "bad"}
	case s.DryRun:
		return htmlState{"Dry run", "dry"}
	}
	return htmlState{"Done", "good"}
}
