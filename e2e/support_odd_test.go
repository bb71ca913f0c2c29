package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// oddity is what a repository has in addition to the four builds b1 to b4, of which --keep-last 2 deletes b1 and b2.
type oddity struct {
	name string
	make func(o *odd)
	args []string // "--keep-last 2" without any
	code int
	// left are the tags that stay; "b3 b4" without any. others are those whose names have blanks.
	left   string
	others []string
	// ghosts are tags that distribution 2.8 leaves without an image, because it cannot remove them.
	ghosts string
	// only is the line that the row is for; "" is both.
	only registrytest.Version
	// stay and gone are what make has named, tagged or not.
	stay, gone string
	// says is what the program says in the first run, and never what it says in neither, on both streams.
	says, never []string
}

// odd is the repository of an oddity, in a registry that keeps its storage in a folder.
type odd struct {
	stand
	dir   string
	named map[string]oci.Digest
	blobs map[oci.Digest]bool // all of them stay: distribution 2.8 unlinks a layer that is deleted as a manifest
}

// stored are the real registries that keep their storage in a folder.
var stored = []struct {
	name    string
	version registrytest.Version
	start   registries.Start
}{
	{"docker-registry 2.8.2", registrytest.V2, registries.DockerRegistry2},
	{"distribution 3.1.2", registrytest.V3, registries.Distribution3},
}

// testOdd prunes the repository of each oddity twice in each registry: the second run has what the first one remembers.
func testOdd(t *testing.T, path string, oddities []oddity) {
	t.Helper()
	for _, r := range stored {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			server := openStored(t, r.version, r.start)
			for n, c := range oddities {
				if c.only != "" && c.only != r.version {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					o := server.repository(t, fmt.Sprintf("odd/%s%d", path, n))
					c.make(o)
					c.prune(o, o.Server.Host)
				})
			}
		})
	}
}

// storedServer is a registry and the folder of its storage.
type storedServer struct {
	server
	dir string
}

func openStored(t *testing.T, v registrytest.Version, start registries.Start) storedServer {
	t.Helper()
	r := registries.ForTest(t, start, registries.Options{})
	return storedServer{product(func(string, registries.Options) (*registries.Server, error) { return r, nil }, server{Version: v})(t, registrytest.Setup{}), r.Dir}
}

// repository makes a repository of four builds.
func (s storedServer) repository(t *testing.T, path string) *odd {
	t.Helper()
	o := &odd{stand: registrytest.NewStand(t, s.server, path, nil), dir: s.dir, named: map[string]oci.Digest{}, blobs: map[oci.Digest]bool{}}
	for i := range 4 {
		name := fmt.Sprint("b", i+1)
		o.named[name] = o.Aged(name, 4-i)
	}
	return o
}

// prune runs the program twice and checks what is left and what it says.
func (c oddity) prune(o *odd, host string, more ...string) {
	o.T.Helper()
	args := c.args
	if args == nil {
		args = []string{"--keep-last", "2"}
	}
	args = append(append([]string{host + "/" + o.Path, "--state-dir", o.State}, args...), more...)
	for _, which := range []string{"first", "second"} {
		run := start(o.T, args...).end()
		text := run.stdout + run.stderr
		if run.code != c.code {
			o.T.Errorf("%s run: exit code %d, want %d\n%s", which, run.code, c.code, text)
		}
		for _, s := range c.says {
			if which == "first" && !strings.Contains(text, s) {
				o.T.Errorf("%s run: it does not say %q\n%s", which, s, text)
			}
		}
		for _, s := range c.never {
			if strings.Contains(text, s) {
				o.T.Errorf("%s run: it says %q\n%s", which, s, text)
			}
		}
		left := c.left
		if left == "" {
			left = "b3 b4"
		}
		if o.Server.Version == registrytest.V2 {
			left += " " + c.ghosts
		}
		o.Left(append(strings.Fields(left), c.others...)...)
		o.There(true, o.digests(c.stay)...)
		o.There(false, o.digests(c.gone)...)
		for d := range o.blobs {
			equal(o.Wire, "blob "+d.String(), o.Do("HEAD", "blobs/"+d.String()).Status, http.StatusOK)
		}
		if c.code != 0 { // it remembers nothing
			return
		}
	}
}

func (o *odd) digests(names string) []oci.Digest {
	o.T.Helper()
	var out []oci.Digest
	for _, name := range strings.Fields(names) {
		d, known := o.named[name]
		if !known {
			o.T.Fatalf("the test has made nothing that is called %s", name)
		}
		out = append(out, d)
	}
	return out
}
