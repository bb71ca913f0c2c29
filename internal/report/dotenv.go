package report

import (
	"bytes"
	"fmt"
	"io"
)

// dotenv are the numbers of the dotenv report, by the ends of their names.
var dotenv = []struct {
	name  string
	value func(Summary, Totals) any
}{
	{"EXIT_CODE", func(s Summary, _ Totals) any { return s.ExitCode }},
	{"WAS_DRY_RUN", func(s Summary, _ Totals) any { return s.DryRun }},
	{"REPOSITORIES", func(s Summary, _ Totals) any { return len(s.Repositories) }},
	{"KEPT", func(_ Summary, t Totals) any { return t.Kept }},
	{"DELETED", func(_ Summary, t Totals) any { return t.Deleted }},
	{"GONE", func(_ Summary, t Totals) any { return t.Gone }},
	{"FAILED", func(_ Summary, t Totals) any { return t.Failed }},
	{"SKIPPED", func(_ Summary, t Totals) any { return t.Skipped }},
	{"PLANNED", func(_ Summary, t Totals) any { return t.Planned }},
	{"MANIFESTS_DELETED", func(_ Summary, t Totals) any { return t.Manifests }},
	{"UNREFERENCED_BYTES", func(_ Summary, t Totals) any { return t.UniqueBytes }},
	{"FREED_BYTES", func(s Summary, _ Totals) any { return s.Freed() }},
	{"UNSETTLED", func(_ Summary, t Totals) any { return t.Unsettled }},
	{"RETAINED", func(_ Summary, t Totals) any { return t.Retained }},
	{"BROKEN", func(_ Summary, t Totals) any { return t.Broken }},
}

// DotenvNames returns the names of the variables that the dotenv report hands on to later jobs.
func DotenvNames() []string {
	var out []string
	for _, v := range dotenv {
		out = append(out, "REGSWEEP_"+v.name)
	}
	return out
}

// WriteDotenv writes the numbers of the run as KEY=VALUE lines, for GitLab's reports:dotenv and for any shell. GitLab
// takes at most 20 variables and 5 KB, and no spaces (https://docs.gitlab.com/ci/yaml/artifacts_reports): what is
// written has no text from outside in it, so that it needs no quotes.
//
// GitLab gives the variables to later jobs, where REGSWEEP_X is also the flag --x. None may have a flag's name, or a
// dry run here would decide about one there.
func WriteDotenv(w io.Writer, s Summary) error {
	t := s.Totals()
	var b bytes.Buffer
	for _, v := range dotenv {
		fmt.Fprintf(&b, "REGSWEEP_%s=%v\n", v.name, v.value(s, t))
	}
	return write(w, "dotenv report", b.Bytes())
}
