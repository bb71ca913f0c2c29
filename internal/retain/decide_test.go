package retain

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what Decide returns into the cases")

// TestDecide runs the cases in testdata/decide, one file each.
func TestDecide(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/decide/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("found %d cases: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, want := parseCase(t, string(text))
			plan := Decide(c.snapshot, c.policy, c.context, testNow)
			got := c.format(plan)
			if *update {
				head := strings.TrimSuffix(string(text), want)
				if err := os.WriteFile(file, []byte(head+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
			for _, problem := range broken(c, plan) {
				t.Error(problem)
			}
		})
	}
}
