package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// TestOddTags has folders and files in the storage, next to those of the tags, that the registry lists and that are no
// tags: what a network storage and desktops leave there.
func TestOddTags(t *testing.T) {
	t.Parallel()
	const skipped = "which cannot be a tag (1 such names in all); it is skipped; if this is a folder in the registry's storage, remove it"
	var oddities []oddity
	add := func(name string, c oddity) {
		c.name = fmt.Sprintf("%.20s", strings.NewReplacer(",", "", "/", "").Replace(name))
		c.make = func(o *odd) {
			o.write(filepath.Join("_manifests", "tags", name, "current", "link"), o.named["b4"].String())
		}
		c.left, c.gone = "b3 b4 "+name, "b1 b2"
		c.says = append(c.says, skipped)
		oddities = append(oddities, c)
	}
	// The filesystem driver knows such paths, so that the tags of what is deleted go with it.
	for _, name := range []string{".snapshot", "-dash", strings.Repeat("long", 40)} {
		add(name, oddity{says: []string{"deleted 2 images"}})
	}
	for _, name := range []string{"@eaDir", "#recycle", "b4~", "b4@1", "it's", `"quoted"`, "naïve", "%2e%2e", "$(id)", "a:b"} {
		add(name, oddity{ghosts: "b1 b2"})
	}
	several := []string{"@eaDir", "#recycle", ".DS_Store", "lost and found"}
	oddities = append(oddities,
		oddity{
			name: "several",
			make: func(o *odd) {
				for _, name := range several {
					o.write(filepath.Join("_manifests", "tags", name, "note"), "")
				}
			},
			others: several, ghosts: "b1 b2", gone: "b1 b2", says: []string{"(4 such names in all)"},
		},
		oddity{
			name: "a file", make: func(o *odd) { o.write(filepath.Join("_manifests", "tags", ".DS_Store"), "x") },
			left: "b3 b4 .DS_Store", ghosts: "b1 b2", gone: "b1 b2", says: []string{`".DS_Store", which cannot be a tag`},
		},
		oddity{
			name: "a folder that could be a tag", make: func(o *odd) { o.write(filepath.Join("_manifests", "tags", "eaDir", "x"), "x") },
			left: "b3 b4 eaDir", gone: "b1 b2", says: []string{"deleted 2 images", "eaDir"},
		},
		oddity{
			name: "a file that could be a tag", make: func(o *odd) { o.write(filepath.Join("_manifests", "tags", "Thumbs.db"), "x") },
			left: "b1 b2 b3 b4 Thumbs.db", code: 4, says: []string{"Thumbs.db", "500", "nothing was deleted", "hint: the registry cannot read this"},
		},
	)
	testOdd(t, "tags", oddities)
}

// schema1 puts a manifest of docker's first form into the storage, where it was when the registry was updated. Distribution
// 2.8 signs it itself whenever it is asked for it.
func schema1(o *odd, name string) {
	o.T.Helper()
	body := `{"schemaVersion":1,"name":"team/app","tag":"` + name + `","architecture":"amd64","fsLayers":[{"blobSum":"` + o.blob("layer").digest.String() +
		`"}],"history":[{"v1Compatibility":"{\"created\":\"2015-01-01T00:00:00Z\"}"}]}`
	d := digest.FromString(body)
	o.named[name] = d
	o.plant(name, d, body)
}

// TestOddForms has tags of docker's first form, which distribution 2.8 still reads and 3.x does not. They are told by tag,
// and hinder nothing.
func TestOddForms(t *testing.T) {
	t.Parallel()
	told := []string{"these tags have docker's schema 1 format, which current clients cannot pull: old1; delete them, or push them again"}
	one := func(o *odd) { schema1(o, "old1") }
	partOfIndex := func(o *odd) {
		schema1(o, "old1")
		o.index("multi", o.platform("amd64", "", 9), made{o.named["old1"], 7}.entry("application/vnd.docker.distribution.manifest.v1+json"))
	}
	protected := []string{"--keep-last", "2", "--protect", "old*"}
	testOdd(t, "forms", []oddity{
		{name: "one", make: one, left: "b3 b4 old1", says: append(told, "deleted 2 images")},
		{name: "outside of the scope", make: one, args: []string{"--keep-last", "2", "--tags", "b*"}, left: "b3 b4 old1", says: told},
		{name: "by name", make: one, args: []string{"--keep-last", "2", "--sort", "name", "--tags", "b*"}, left: "b3 b4 old1", says: told},
		{name: "protected where it can be read", make: one, args: protected, left: "b3 b4 old1", says: told, only: registrytest.V2},
		{name: "protected where it cannot", make: one, args: protected, left: "b1 b2 b3 b4 old1", code: 3, says: append(told, "the tag old1 is protected by old*, but"), only: registrytest.V3},
		{
			name: "several", left: "b3 b4 old1 old2 old10", says: []string{"cannot pull: old1, old2, old10;"},
			make: func(o *odd) {
				schema1(o, "old1")
				schema1(o, "old2")
				schema1(o, "old10")
			},
		},
		{
			name: "nothing else", left: "old1 old2", says: []string{"cannot pull: old1, old2;"},
			make: func(o *odd) {
				for name := range o.named {
					o.remove(name)
				}
				schema1(o, "old1")
				schema1(o, "old2")
			},
		},
		{
			name: "a part of an index", gone: "multi amd64 old1", make: partOfIndex, only: registrytest.V2,
		},
		{
			name: "a part of an index outside of the scope", left: "b3 b4 old1", gone: "multi amd64", make: partOfIndex,
			args: []string{"--keep-last", "2", "--tags", "b*,multi"},
		},
		{ // and where nobody knows which tag leads to it
			name: "a part of an index that cannot be read", left: "b3 b4 old1", gone: "multi amd64", make: partOfIndex, only: registrytest.V3,
		},
		{
			name: "a part of a new index", left: "b4 multi old1", stay: "amd64",
			make: func(o *odd) {
				schema1(o, "old1")
				o.index("multi", o.platform("amd64", "", 0), made{o.named["old1"], 7}.entry("application/vnd.docker.distribution.manifest.v1+prettyjws"))
			},
		},
	})
}

// TestOddRepositories has folders in the storage that the registry's catalog lists and that are no repositories.
func TestOddRepositories(t *testing.T) {
	t.Parallel()
	for _, r := range stored {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			o := openStored(t, r.version, r.start).repository(t, "odd/app")
			// The catalog has them as repositories: 2.8 those with a blank, 3.1 all of them.
			for _, name := range []string{"@eaDir/x", "odd/@eaDir", "odd/Upper", "odd/a b", "odd/#recycle"} {
				for _, part := range []string{"_manifests/tags/x/current/link", "_layers/x"} {
					o.writeTo(filepath.Join(o.dir, "docker/registry/v2/repositories", name, part), "x")
				}
			}
			const which = `which cannot be a repository`
			for _, pattern := range []string{"/odd/*", "/**"} {
				run := start(t, o.Server.Host+pattern, "--keep-last", "2").end()
				if text := run.stdout + run.stderr; run.code != 0 || !strings.Contains(text, which) || len(run.report.Repositories) != 1 {
					t.Errorf("%s: exit code %d\n%s", pattern, run.code, text)
				}
			}
			o.Left("b3", "b4")
		})
	}
}
