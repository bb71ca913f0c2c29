package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestMetricsAreRead has Prometheus' own parser read the metrics, a hostile name of a repository included.
func TestMetricsAreRead(t *testing.T) {
	t.Parallel()
	quoted := "registry.example/a\"} 1\n# EOF\\\x1b[31m"
	in, err := json.Marshal(map[string]any{
		"schema": "regsweep/v1", "exit_code": 4,
		"repositories": []any{map[string]any{"repository": quoted, "error": "no"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "x.prom")
	cmd := sweep(t, "report", "-", "--report", file)
	cmd.Env = []string{} // not that of the CI that this may run in
	cmd.Stdin = strings.NewReader(string(in))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit); exit == nil || exit.ExitCode() != 4 {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := families["regsweep_exit_code"].GetMetric()[0].GetGauge().GetValue(); got != 4 {
		t.Errorf("exit code %v, want 4", got)
	}
	images := families["regsweep_repository_images"].GetMetric()
	if len(images) != 8 {
		t.Fatalf("%d counts of a repository, want 8", len(images))
	}
	for _, l := range images[0].GetLabel() {
		if want := `registry.example/a"} 1\n# EOF\\x1b[31m`; l.GetName() == "repository" && l.GetValue() != want {
			t.Errorf("the repository is called %q, want %q", l.GetValue(), want)
		}
	}
}
