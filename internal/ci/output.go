package ci

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sethvargo/go-githubactions"
)

// Outputs are what a run tells later steps.
type Outputs struct {
	Deleted, Kept, Failed int
	// UnreferencedBytes is what no image that is left uses any more, FreedBytes what a garbage collection gave back.
	UnreferencedBytes, FreedBytes int64
	// Images says what became of each image.
	Images []ImageOutput
	// Report is the path of the report, or one path a line.
	Report string
	// Line says in one line what the run did.
	Line string
}

// ImageOutput is what became of one image.
type ImageOutput struct {
	Repository string   `json:"repository"`
	Digest     string   `json:"digest"`
	Tags       []string `json:"tags"`
	// Outcome is "kept", or one of those of the JSON report.
	Outcome string `json:"outcome"`
}

// maxImages bounds the output images in bytes. All outputs of a job may have 1 MB
// (https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs).
const maxImages = 512 << 10

// images writes the output images. When it would be too large it is a list of nothing, and the error says so: a list
// that is cut short would be taken for the whole.
func (o Outputs) images() (string, error) {
	if len(o.Images) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(o.Images)
	if err != nil {
		return "[]", fmt.Errorf("set output images: %w", err)
	}
	if len(text) > maxImages {
		return "[]", fmt.Errorf("set output images: %d images do not fit, the JSON report has them", len(o.Images))
	}
	return string(text), nil
}

// delimiter is what the library puts around every value in the output file. It never changes, so that a value with it
// could end early and forge other outputs.
const delimiter = "_GitHubActionsFileCommandDelimeter_"

// WriteOutputs writes the outputs deleted, kept, failed, unreferenced-bytes, freed-bytes, images and report to the file that GITHUB_OUTPUT
// names. When the environment names no file, nothing happens.
func WriteOutputs(getenv func(string) string, o Outputs) error {
	if getenv("GITHUB_OUTPUT") == "" {
		return nil
	}
	images, tooLarge := o.images()
	action := githubactions.New(githubactions.WithGetenv(getenv), githubactions.WithWriter(io.Discard))
	for _, output := range []struct{ name, value string }{
		{"deleted", strconv.Itoa(o.Deleted)},
		{"kept", strconv.Itoa(o.Kept)},
		{"failed", strconv.Itoa(o.Failed)},
		{"unreferenced-bytes", strconv.FormatInt(o.UnreferencedBytes, 10)},
		{"freed-bytes", strconv.FormatInt(o.FreedBytes, 10)},
		{"images", images},
		{"report", o.Report},
	} {
		if strings.Contains(output.value, delimiter) {
			return fmt.Errorf("set output %s: the value contains %s", output.name, delimiter)
		}
		if err := attempt(func() { action.SetOutput(output.name, output.value) }); err != nil {
			return fmt.Errorf("set output %s: %w", output.name, err)
		}
	}
	return tooLarge
}
