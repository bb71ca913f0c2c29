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

// Annotate writes one annotation to the log of the step. The runner reads commands from stdout and stderr alike, so w
// is the one that does not carry the report. It shows ten of a level for a step
// (https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs): make it one that sums up.
func Annotate(w io.Writer, level Level, title, message string) error {
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
