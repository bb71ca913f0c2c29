package ci

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// Outputs are what a run tells later steps.
type Outputs struct {
	Deleted, Kept, Failed int
	// Report is the path of the report, or one path a line.
	Report string
}

// delimiter is what the library puts around every value in the output file. It never changes, so that a value with it
// could end early and forge other outputs.
const delimiter = "_GitHubActionsFileCommandDelimeter_"

// WriteOutputs writes the outputs deleted, kept, failed and report to the file that GITHUB_OUTPUT names. When the
// environment names no file, nothing happens.
func WriteOutputs(getenv func(string) string, o Outputs) error {
	if getenv("GITHUB_OUTPUT") == "" {
		return nil
	}
	action := githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(io.Discard))
	for _, output := range []struct{ name, value string }{
		{"deleted", strconv.Itoa(o.Deleted)},
		{"kept", strconv.Itoa(o.Kept)},
		{"failed", strconv.Itoa(o.Failed)},
		{"report", o.Report},
	} {
		if strings.Contains(output.value, delimiter) {
			return fmt.Errorf("set output %s: the value contains %s", output.name, delimiter)
		}
		if err := attempt(func() { action.SetOutput(output.name, output.value) }); err != nil {
			return fmt.Errorf("set output %s: %w", output.name, err)
		}
	}
	return nil
}
