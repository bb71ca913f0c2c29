package e2e

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestConformanceRefusals runs the scripts in which nothing may be deleted, as a pipeline does that has chosen to remove
// tags first: a refusal comes before the way.
func TestConformanceRefusals(t *testing.T) {
	t.Parallel()
	var files []string
	for _, name := range []string{
		"refuses-*", "list-*", "manifest-is-another", "media-type-unheard-of", "bad-[^sw]*", "unknown-repository", "wrong-password", "dry-run", "undated",
	} {
		found, err := filepath.Glob(filepath.Join("testdata", "script", name+".txt"))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", name, found, err)
		}
		files = append(files, found...)
	}
	for _, way := range []string{"digest", "tags-first"} {
		t.Run(way, func(t *testing.T) {
			p := scripts()
			setup := p.Setup
			p.Dir, p.Files = "", files
			p.Setup = func(env *testscript.Env) error {
				env.Setenv("REGSWEEP_DELETE_BY", way)
				return setup(env)
			}
			testscript.Run(t, p)
		})
	}
}
