package report

import (
	"errors"
	"io"
	"strings"
	"time"
)

// Checks are what registries and this login can do, as far as that can be found out without changing anything.
type Checks struct {
	// Probed is true when the registries were asked to delete what does not exist.
	Probed   bool
	Sections []CheckSection
	// NotLookedAt is how many repositories the patterns match beyond those of the sections.
	NotLookedAt int
	Started     time.Time
	Elapsed     time.Duration
	ExitCode    int
}

// CheckSection is what was found about one thing.
type CheckSection struct {
	About CheckAbout
	// Name is that of the repository, the state folder, or the target of a garbage collection.
	Name string
	// Kind and Product are those of a repository's registry, "" when not known.
	Kind, Product string
	Lines         []CheckLine
}

// CheckAbout is what a section is about.
type CheckAbout string

// What sections are about.
const (
	AboutRepository CheckAbout = "repository"
	AboutState      CheckAbout = "state"
	AboutGC         CheckAbout = "gc"
)

// CheckTopic is what a line is about.
type CheckTopic string

// The topics of lines, in the order in which a section has them.
const (
	TopicRegistry   CheckTopic = "registry"
	TopicLogin      CheckTopic = "login"
	TopicRead       CheckTopic = "read"
	TopicTags       CheckTopic = "tags"
	TopicUntagged   CheckTopic = "untagged"
	TopicPushTimes  CheckTopic = "push_times"
	TopicBuildDates CheckTopic = "build_dates"
	TopicReferrers  CheckTopic = "referrers"
	TopicDelete     CheckTopic = "delete"
	TopicQuota      CheckTopic = "quota"
	TopicPolicy     CheckTopic = "policy"
	TopicUnfinished CheckTopic = "unfinished"
	TopicFolder     CheckTopic = "folder"
	TopicHost       CheckTopic = "host"
	TopicBinary     CheckTopic = "binary"
	TopicConfig     CheckTopic = "config"
	TopicStorage    CheckTopic = "storage"
	TopicSpace      CheckTopic = "space"
	TopicNote       CheckTopic = "note"
)

// CheckState is what a line comes to.
type CheckState string

// The states of lines.
const (
	// CheckOK says that it is there, or that it works.
	CheckOK CheckState = "ok"
	// CheckNo says that it is not there. A prune works without it.
	CheckNo CheckState = "no"
	// CheckUnknown says that it could not be found out.
	CheckUnknown CheckState = "unknown"
	// CheckProblem says that a prune would fail.
	CheckProblem CheckState = "problem"
)

// CheckLine is one finding.
type CheckLine struct {
	Topic CheckTopic
	State CheckState
	Text  string
	// Err is the problem, or why something is not known; it may be nil.
	Err error
	// Advice says what to do where Err has no hint.
	Advice string
	// Count is the number that the line is about, and Of of how many, such as 9 images with a date of 10. Nil where the line
	// has none.
	Count, Of *int64
}

// Hint returns what to do about the line; "" when nothing helps or nothing has to be done.
func (l CheckLine) Hint() string {
	if h := Hint(l.Err); h != "" {
		return h
	}
	return l.Advice
}

// Problems returns the lines of a section that make a prune fail.
func (s CheckSection) Problems() []CheckLine {
	var out []CheckLine
	for _, l := range s.Lines {
		if l.State == CheckProblem {
			out = append(out, l)
		}
	}
	return out
}

// Verdict says in one line whether a prune would work.
func (c Checks) Verdict() string {
	problems, repositories, unsure := 0, 0, false
	for _, s := range c.Sections {
		if s.About == AboutRepository {
			repositories++
		}
		problems += len(s.Problems())
		for _, l := range s.Lines {
			unsure = unsure || l.Topic == TopicDelete && l.State == CheckUnknown
		}
	}
	switch {
	case problems > 0:
		return plural(problems, "problem: a prune would fail", "problems: a prune would fail")
	case repositories == 0:
		return "no repository was checked"
	case unsure:
		return "no problem found; whether this login may delete is not known"
	}
	return "a prune would work"
}

// rest says how many repositories were not checked; "" when all were.
func (c Checks) rest() string {
	if c.NotLookedAt == 0 {
		return ""
	}
	return plural(c.NotLookedAt, "more repository matches and was not checked", "more repositories match and were not checked")
}

// CheckForms are the forms that a check has.
var CheckForms = []Form{FormTable, FormMarkdown, FormJSON}

// CheckFormOf is [FormOf] for the report of a check, which has some of the forms.
func CheckFormOf(path string) (Form, error) { return formOf(path, CheckForms) }

// WriteChecks writes a check in the form. width is the number of columns of a terminal, 0 when unknown.
func WriteChecks(w io.Writer, form Form, c Checks, width int) error {
	switch form {
	case FormTable:
		return write(w, "check", []byte(c.table(width)))
	case FormMarkdown:
		return write(w, "check", []byte(c.markdown()))
	case FormJSON:
		return writeChecksJSON(w, c)
	}
	return errors.New("a check has no form " + string(form) + ": table, markdown or json")
}

// label is the topic for a person.
func (t CheckTopic) label() string { return strings.ReplaceAll(string(t), "_", " ") }
