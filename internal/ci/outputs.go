package ci

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Outputs are what a run tells later steps.
type Outputs struct {
	Deleted, Kept, Failed int
	// Planned is what a dry run would have deleted, Skipped what was to be deleted and was not tried.
	Planned, Skipped int
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

// output is one value and its name.
type output struct{ name, value string }

// numbers are the outputs that every system gets.
func (o Outputs) numbers() []output {
	return []output{
		{"deleted", strconv.Itoa(o.Deleted)},
		{"kept", strconv.Itoa(o.Kept)},
		{"failed", strconv.Itoa(o.Failed)},
		{"planned", strconv.Itoa(o.Planned)},
		{"skipped", strconv.Itoa(o.Skipped)},
		{"unreferenced-bytes", strconv.FormatInt(o.UnreferencedBytes, 10)},
		{"freed-bytes", strconv.FormatInt(o.FreedBytes, 10)},
	}
}

// maxImages bounds the output images in bytes. All outputs of a job may have 1 MB
// (https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idoutputs).
const maxImages = 512 << 10

// images writes the output images. When it would be too large it is an empty list, and the error says so: a list that is
// cut short would be taken for the whole.
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

// WriteResults writes the numbers, the report and the line into a folder, a file for each. It makes the folder if it is
// not there. Tekton's tasks hand results on in this way. Together they may have 4096 bytes, which is why the list of
// images is not among them (https://tekton.dev/docs/pipelines/tasks/#emitting-results). There is no newline at the end,
// because it would be part of the result.
func WriteResults(dir string, o Outputs) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	for _, result := range append(o.numbers(), output{"report", o.Report}, output{"line", o.Line}) {
		if err := os.WriteFile(filepath.Join(dir, result.name), []byte(result.value), 0o644); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
