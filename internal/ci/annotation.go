package ci

import (
	"fmt"
	"io"

	"github.com/sethvargo/go-githubactions"
)

// Level is how grave an annotation is.
type Level string

// The levels of annotations.
const (
	Notice  Level = "notice"
	Warning Level = "warning"
	Error   Level = "error"
)

// Annotate shows one message on the page of the run, where the system has such: as an annotation on GitHub and its kin,
// as an issue on Azure, which has no notices. Both read commands from standard output and standard error alike, so w is
// the one that does not carry the report. GitHub shows ten of a level for a step
// (https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs): make it one that sums up.
func (s System) Annotate(w io.Writer, level Level, title, message string) error {
	switch {
	case s.Actions:
		return annotate(w, level, title, message)
	case s.Name == Azure && (level == Warning || level == Error):
		if _, err := fmt.Fprintf(w, "##vso[task.logissue type=%s]%s\n", level, azureEscape.Replace(title+": "+message)); err != nil {
			return fmt.Errorf("annotate step: %w", err)
		}
	}
	return nil
}

func annotate(w io.Writer, level Level, title, message string) error {
	action := githubactions.New(githubactions.WithWriter(w)).WithFieldsMap(map[string]string{"title": title})
	say := action.Noticef
	switch level {
	case Warning:
		say = action.Warningf
	case Error:
		say = action.Errorf
	}
	if err := attempt(func() { say("%s", message) }); err != nil {
		return fmt.Errorf("annotate step: %w", err)
	}
	return nil
}
