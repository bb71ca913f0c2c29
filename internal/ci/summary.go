package ci

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sethvargo/go-githubactions"
)

// SummaryLimit is the size in bytes that a step summary is kept under. The runner drops the whole of a summary above
// 1 MiB (https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs), and it counts what other
// commands of the same step wrote.
const SummaryLimit = 900 << 10

const summaryVariable = "GITHUB_STEP_SUMMARY"

// separator makes a paragraph end that stood there before, whether it had a newline or not.
const separator = "\n\n"

// SummaryRoom returns how many bytes of Markdown [AppendSummary] still takes. ok is false when the environment names
// no summary file. A file that cannot be looked at counts as empty; appending to it will tell.
func SummaryRoom(getenv func(string) string) (room int, ok bool) {
	path := getenv(summaryVariable)
	if path == "" {
		return 0, false
	}
	used, _ := size(path)
	return max(0, int(SummaryLimit-used)-len(separator)-len(githubactions.EOF)), true
}

// AppendSummary appends Markdown to the step summary, below what is already there. It refuses text that the room does
// not hold, because that would cost the whole summary. When the environment names no file, nothing happens.
func AppendSummary(getenv func(string) string, markdown string) error {
	room, ok := SummaryRoom(getenv)
	if !ok {
		return nil
	}
	if len(markdown) > room {
		return fmt.Errorf("append step summary: %d bytes, there is room for %d", len(markdown), room)
	}
	if used, err := size(getenv(summaryVariable)); err == nil && used > 0 {
		markdown = separator + markdown
	}
	action := githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(io.Discard))
	if err := attempt(func() { action.AddStepSummary(markdown) }); err != nil {
		return fmt.Errorf("append step summary: %w", err)
	}
	return nil
}

func size(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
