package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// --explain shows one image in place of the others, and deletes nothing.
func TestExplain(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	digests := builds(reg.Pusher(t, "team/web"), 5)
	name := reg.Host() + "/team/web"
	for which, want := range map[string][]string{
		"b2":                {"  delete b2\n", "keep-last: beyond the last 2", "4 of 5 by build date", "--keep-last 4 (turns 1 other verdict as well)", "would delete 3 images, keep 2"},
		digests[4].String(): {"  keep b5\n", "keep-last: last 1 of 2", "1 of 5 by build date", "no change of the policy does"},
	} {
		got := sweep(t, reg, nil, name, "--keep-last", "2", "--explain", which)
		for _, text := range want {
			if got.code != 0 || !strings.Contains(got.stdout, text) {
				t.Errorf("%s: exit %d, want %q in\n%s%s", which, got.code, text, got.stdout, got.stderr)
			}
		}
		if strings.Contains(got.stdout, " b3") {
			t.Errorf("%s: other images are shown:\n%s", which, got.stdout)
		}
	}
	got := sweep(t, reg, nil, name, "--keep-last", "2", "--explain", "b2", "--output", "markdown")
	if !strings.Contains(got.stdout, "- keep-last: beyond the last 2\n") {
		t.Errorf("Markdown:\n%s", got.stdout)
	}
	var report struct {
		Explained []struct {
			Verdict string
			Changes []struct{ Text string }
		}
	}
	got = sweep(t, reg, nil, name, "--keep-last", "2", "--explain", "b2", "--output", "json")
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || len(report.Explained) != 1 || report.Explained[0].Verdict != "delete" || len(report.Explained[0].Changes) == 0 {
		t.Errorf("JSON: %v, %+v", err, report)
	}
	if n := reg.Count("DELETE", "*"); n > 0 {
		t.Errorf("%d deletions were sent", n)
	}
}

// --all shows what the table cuts otherwise.
func TestAll(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 30)
	for _, c := range []struct {
		args []string
		rows int
	}{{nil, 10}, {[]string{"--all"}, 28}} {
		got := sweep(t, reg, nil, append([]string{"HOST/team/web", "--keep-last", "2", "--dry-run"}, c.args...)...)
		if n := strings.Count(got.stdout, "beyond the last 2\n"); got.code != 0 || n != c.rows {
			t.Errorf("%v: exit %d, %d rows, want %d\n%s", c.args, got.code, n, c.rows, got.stdout)
		}
	}
}

// An image that is not there is bad input, and a near name is named.
func TestExplainNothing(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 2)
	name := reg.Host() + "/team/web"
	for which, hint := range map[string]string{"c2": "did you mean b2?", "sha256:12": "a whole digest"} {
		got := sweep(t, reg, nil, name, "--keep-last", "2", "--explain", which)
		if got.code != 2 || !strings.HasPrefix(got.stderr, "regsweep: --explain "+which+": no image of "+name) || !strings.Contains(got.stderr, hint) {
			t.Errorf("%s: exit %d\n%s", which, got.code, got.stderr)
		}
	}
}
