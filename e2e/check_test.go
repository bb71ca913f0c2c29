package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCheckVia checks real registries next to which a garbage collection could run: what it would find there is told, the
// storage of another registry is a problem, and nothing is stopped or deleted.
func TestCheckVia(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 3, 1000)
		before := d.serving()
		got := d.regsweep(append([]string{"check", d.Host + "/team/app", "--probe"}, d.rankVia()...)...)
		d.want(got, 0)
		for _, says := range []string{"tags         the registry lists 3 tags of 3 images\n", "delete       the registry would delete, by digest", d.Binary + ", version ", d.Config + "\n", d.Dir + ", which holds the images that the registry serves\n", " free on the disk\n", "\na prune would work\n"} {
			if !strings.Contains(got.stdout, says) {
				t.Errorf("stdout lacks %q:\n%s", says, got.stdout)
			}
		}
		text, err := os.ReadFile(d.Config)
		must(t, err)
		elsewhere := t.TempDir()
		config := filepath.Join(t.TempDir(), "config.yml")
		must(t, os.WriteFile(config, []byte(strings.Replace(string(text), d.Dir, elsewhere, 1)), 0o600))
		via := d.rankVia()
		via[slices.Index(via, d.Config)] = config
		d.want(d.regsweep(append([]string{"check", d.Host + "/team/app"}, via...)...), 4, "does not hold team/app@sha256:", "hint: --gc-config names")
		if d.serving() != before {
			t.Error("the registry was restarted")
		}
	})
}
