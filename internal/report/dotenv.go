package report

import (
	"bytes"
	"fmt"
	"io"
)

// WriteDotenv writes the numbers of the run as KEY=VALUE lines, for GitLab's reports:dotenv and for any shell. GitLab
// takes at most 20 variables and 5 KB, and no spaces (https://docs.gitlab.com/ci/yaml/artifacts_reports): what is
// written has no text from outside in it, so that it needs no quotes.
//
// GitLab gives the variables to later jobs, where REGSWEEP_X is also the flag --x. None may have a flag's name, or a
// dry run here would decide about one there.
func WriteDotenv(w io.Writer, s Summary) error {
	t := s.Totals()
	var b bytes.Buffer
	for _, v := range []struct {
		name  string
		value any
	}{
		{"EXIT_CODE", s.ExitCode},
		{"WAS_DRY_RUN", s.DryRun},
		{"REPOSITORIES", len(s.Repositories)},
		{"KEPT", t.Kept},
		{"DELETED", t.Deleted},
		{"GONE", t.Gone},
		{"FAILED", t.Failed},
		{"SKIPPED", t.Skipped},
		{"PLANNED", t.Planned},
		{"MANIFESTS_DELETED", t.Manifests},
		{"UNREFERENCED_BYTES", t.UniqueBytes},
		{"FREED_BYTES", s.Freed()},
		{"UNSETTLED", t.Unsettled},
		{"BROKEN", t.Broken},
	} {
		fmt.Fprintf(&b, "REGSWEEP_%s=%v\n", v.name, v.value)
	}
	return write(w, "dotenv report", b.Bytes())
}
