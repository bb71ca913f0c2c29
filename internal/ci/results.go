package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// WriteResults writes the files deleted, kept, failed, unreferenced-bytes, freed-bytes, report and line into a folder,
// which is made if it is not there. Tekton's tasks hand results on in this way: a file for each, and together at most 4096 bytes, which is
// why the list of images is not among them
// (https://tekton.dev/docs/pipelines/tasks/#emitting-results). There is no newline at the end, because it would be part
// of the result.
func WriteResults(dir string, o Outputs) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	for _, result := range []struct{ name, value string }{
		{"deleted", strconv.Itoa(o.Deleted)},
		{"kept", strconv.Itoa(o.Kept)},
		{"failed", strconv.Itoa(o.Failed)},
		{"unreferenced-bytes", strconv.FormatInt(o.UnreferencedBytes, 10)},
		{"freed-bytes", strconv.FormatInt(o.FreedBytes, 10)},
		{"report", o.Report},
		{"line", o.Line},
	} {
		if err := os.WriteFile(filepath.Join(dir, result.name), []byte(result.value), 0o644); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
