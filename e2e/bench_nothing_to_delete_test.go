package e2e

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/regsweep/regsweep/e2e/registries"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// BenchmarkNothingToDelete measures what the step adds to a pipeline when there is nothing to delete: the whole program,
// from its start to its end, against a registry on this machine. "first" knows nothing of the ten images, "again" has
// read them before. A "version" does nothing at all, which is the price of a process here.
func BenchmarkNothingToDelete(b *testing.B) {
	step := func(b *testing.B, args ...string) {
		cmd := sweep(b, args...)
		cmd.Env = []string{"HOME=" + b.TempDir()}
		if out, err := cmd.CombinedOutput(); err != nil || len(args) > 1 && !bytes.Contains(out, []byte("nothing to delete, kept 10")) {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	b.Run("version", func(b *testing.B) {
		for b.Loop() {
			step(b, "--version")
		}
	})
	for _, r := range []struct {
		name  string
		start registries.Start
	}{{"3.1.2", registries.Distribution3}, {"2.8.2", registries.DockerRegistry2}} {
		s := registries.ForTest(b, r.start, registries.Options{})
		p := fixture.ForTest(b, fixture.New(s.URL, "team/app"))
		for n := range 10 {
			p.Image(fixture.Image{Tags: []string{fmt.Sprintf("b%d", n)}, Created: time.Now().AddDate(0, 0, n-9)})
		}
		args := []string{s.Host + "/team/app:b9", "--keep-last", "10", "--state-dir"}
		b.Run(r.name+"/first", func(b *testing.B) {
			for b.Loop() {
				step(b, append(args, b.TempDir())...)
			}
		})
		b.Run(r.name+"/again", func(b *testing.B) {
			dir := b.TempDir()
			step(b, append(args, dir)...)
			for b.Loop() {
				step(b, append(args, dir)...)
			}
		})
	}
}
