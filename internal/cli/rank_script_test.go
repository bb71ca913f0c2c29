package cli

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// byHand is how the largest repositories are found without this program: counted, and sorted by the count and the name.
const byHand = `awk '/: marking manifest / { sub(/: marking manifest.*/, ""); n[$0]++ } END { for (r in n) print n[r], r }' "$1" | LC_ALL=C sort -k1,1nr -k2,2`

// rank --from and awk put the repositories of one log into the same order by manifests.
func TestRankAsAwkDoes(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	logs, err := filepath.Glob("testdata/gc/dry-run-*.log")
	if err != nil || len(logs) < 2 {
		t.Fatalf("logs: %v, %v", logs, err)
	}
	for _, log := range logs {
		out, err := exec.Command("sh", "-c", byHand, "sh", log).Output()
		if err != nil {
			t.Fatalf("%s: %v", log, err)
		}
		counts, place := map[string]string{}, []string{}
		for line := range strings.Lines(string(out)) {
			n, path, _ := strings.Cut(strings.TrimSpace(line), " ")
			counts[path], place = n, append(place, n)
		}
		got := sweep(t, reg, nil, "rank", "--from", log, "--output", "json")
		var ranking struct {
			Repositories []struct {
				Repository string
				Manifests  json.Number
			}
		}
		if err := json.Unmarshal([]byte(got.stdout), &ranking); err != nil || len(place) == 0 {
			t.Fatalf("%s: %v, %d repositories by awk\n%s", log, err, len(place), got.stderr)
		}
		for i, r := range ranking.Repositories {
			want, ours := "0", r.Manifests.String()
			if i < len(place) {
				want = place[i]
			}
			if ours != want || counts[r.Repository] != ours && ours != "0" {
				t.Errorf("%s: place %d is %s with %s manifests; awk has %s there and counts %q for it", log, i+1, r.Repository, ours, want, counts[r.Repository])
			}
		}
	}
}
