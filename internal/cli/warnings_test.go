package cli

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// A pattern that matches nothing in several repositories is said once on standard error.
func TestWarningsOfSeveralRepositories(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	var images []string
	for _, path := range []string{"team/api", "team/docs", "team/web"} {
		builds(reg.Pusher(t, path), 3)
		images = append(images, reg.Host()+"/"+path)
	}
	got := sweep(t, reg, nil, append(images, "--keep-last", "2", "--protect", "release-*", "--dry-run")...)
	want := "regsweep: warning: 3 repositories (" + strings.Join(images, ", ") + "): "
	if got.code != exitDone || strings.Count(got.stderr, want) != 1 || strings.Count(got.stderr, "release-*") != 1 || strings.Count(got.stdout, "release-*") != 4 { // three policies, one warning
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
