package cli

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestDocsComingFrom runs each command of docs/coming-from.md on a repository that is a year old. None is an error, and each
// would delete something, but for those that keep everything here: the double does not say when an image was pushed.
func TestDocsComingFrom(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/coming-from.md")
	if err != nil {
		t.Fatal(err)
	}
	reg := registrytest.New(t, registrytest.Options{})
	images := reg.Pusher(t, "team/app")
	for n := range 120 {
		images.Image(fixture.Image{Tags: []string{fmt.Sprint("b", 120-n)}, Created: testNow.AddDate(0, 0, -3*n)})
	}
	images.Image(fixture.Image{Tags: []string{"release-1", "release", "v1", "latest"}, Created: testNow.AddDate(-1, 0, 0)})
	found := regexp.MustCompile("(?m)^\\| .* \\| `(regsweep [^`]+)` \\|$").FindAllStringSubmatch(string(text), -1)
	for _, m := range found {
		command := strings.ReplaceAll(m[1], "registry.example.com", reg.Host())
		out, err := exec.Command("sh", "-c", `regsweep() { for a; do printf '%s\n' "$a"; done; }; `+command).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		args := strings.Split(strings.TrimSpace(string(out)), "\n")
		if args[0] != "rank" {
			args = append(args, "--dry-run", "--output", "line")
		}
		got := sweep(t, reg, nil, args...)
		if got.code != 0 {
			t.Errorf("%s: exit %d\n%s", command, got.code, got.stderr)
		}
		deletes := strings.Contains(got.stdout, "would delete ")
		keepsAll := args[0] == "rank" || strings.Contains(command, "--sort pushed") || strings.Contains(command, "100y")
		if deletes == keepsAll {
			t.Errorf("%s: %s", command, got.stdout)
		}
	}
	if len(found) < 20 {
		t.Errorf("%d commands", len(found))
	}
}
