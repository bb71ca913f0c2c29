package e2e

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestPullRequest runs the scripts of builds that do not push, and of projects whose images are below their own repository.
func TestPullRequest(t *testing.T) {
	t.Parallel()
	p := scripts()
	p.Dir = ""
	for _, name := range []string{"pull-request", "merge-request", "gitlab-images-below"} {
		p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txt"))
	}
	testscript.Run(t, p)
}
