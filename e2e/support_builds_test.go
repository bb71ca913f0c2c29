package e2e

import (
	"fmt"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// builds is a repository of images b0, b1 …, the last the newest, and the program on its way there.
type builds struct {
	stand
	door    *door
	digests []oci.Digest
	login   []string // the program's flags
}

// newBuilds pushes so many images.
func newBuilds(t *testing.T, s server, path string, n int) builds {
	t.Helper()
	b := builds{stand: registrytest.NewStand(t, s, path, nil)}
	b.door = newDoor(t, s, b.Pushes)
	var images []fixture.Image
	for i := range n {
		images = append(images, fixture.Image{Tags: []string{fmt.Sprint("b", i)}, MediaType: fixture.OCIManifest, Created: ago(n - i)})
	}
	b.digests = b.Push.Images(images)
	return b
}

// prune runs the program, which finds out itself what the registry is.
func (b builds) prune(args ...string) swept {
	b.T.Helper()
	b.door.reopen()
	args = append([]string{b.door.host + "/" + b.Path, "--state-dir", b.State}, args...)
	return start(b.T, append(args, b.login...)...).end()
}

// requests is how many requests the last run has sent.
func (b builds) requests() (n int) {
	for _, count := range b.door.counted() {
		n += count
	}
	return n
}
