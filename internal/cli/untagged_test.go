package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// A build that pushes latest again leaves a manifest behind, which the next step deletes: of a multi-arch image, with its
// platforms, but for the one that the new image shares.
func TestUntagged(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	push, state := reg.Pusher(t, "team/app"), t.TempDir()
	step := func(build int, args ...string) outcome {
		t.Helper()
		shared := push.Image(fixture.Image{Seed: "shared", Created: testNow.AddDate(0, 0, -30)})
		own := push.Image(fixture.Image{Seed: fmt.Sprint("own", build), Created: testNow.AddDate(0, 0, build-20)})
		push.Index(fixture.Index{Tags: []string{"latest"}, Children: []oci.Digest{shared, own}})
		got := sweep(t, reg, nil, append([]string{"HOST/team/app:latest", "--keep-last", "5", "--state-dir", state}, args...)...)
		if got.code != exitDone {
			t.Fatalf("build %d: exit %d\n%s%s", build, got.code, got.stdout, got.stderr)
		}
		return got
	}
	step(1)
	if got := step(2); len(reg.Manifests("team/app")) != 5 || strings.Contains(got.stdout, "without a tag") {
		t.Fatalf("without --untagged, %d manifests are left\n%s", len(reg.Manifests("team/app")), got.stdout)
	}
	young := step(3, "--untagged", "30d")
	if !strings.Contains(young.stdout, "2 manifests without a tag stay") || len(reg.Manifests("team/app")) != 7 {
		t.Errorf("too young, %d manifests are left:\n%s", len(reg.Manifests("team/app")), young.stdout)
	}
	got := step(4, "--untagged", "7d")
	if left := reg.Manifests("team/app"); len(left) != 3 || !slices.Contains(left, reg.Tags("team/app")["latest"]) || !strings.Contains(got.stdout, "nothing in the repository refers to it") {
		t.Errorf("left are %v, want latest and its two platforms:\n%s", left, got.stdout)
	}
	if again := step(4, "--untagged", "7d"); !strings.Contains(again.stdout, "nothing to delete") {
		t.Errorf("again:\n%s", again.stdout)
	}
}
