package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A folder can be written again. Its page shows the pictures of the last run alone, and all of them are there.
func TestReportFolderAgain(t *testing.T) {
	t.Parallel()
	one, other := filepath.Join("testdata", "reports", "shard-3.json"), filepath.Join("testdata", "reports", "shard-1.json")
	folder := filepath.Join(t.TempDir(), "out") + "/"
	write := func(files ...string) []string {
		t.Helper()
		got := invoke(t, nil, "", append([]string{"report", "--report", folder}, files...)...)
		if got.stderr != "" && !strings.Contains(got.stderr, "missing") {
			t.Errorf("exit %d: %s", got.code, got.stderr)
		}
		page, err := os.ReadFile(folder + "index.html")
		if err != nil {
			t.Fatal(err)
		}
		var shown []string
		for _, m := range regexp.MustCompile(`src="([^"]*)"`).FindAllStringSubmatch(string(page), -1) {
			shown = append(shown, m[1])
			if text, err := os.ReadFile(folder + m[1]); err != nil || !strings.HasPrefix(string(text), "<svg ") {
				t.Errorf("%s: %v %q", m[1], err, text)
			}
		}
		return shown
	}
	first := write(one, other)
	second := write(other)
	if len(second) == 0 || len(second) >= len(first) {
		t.Errorf("the page shows %q, showed %q", second, first)
	}
	left, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range left {
		if strings.HasPrefix(f.Name(), ".") {
			t.Errorf("%s is left in the folder", f.Name())
		}
	}
}
