package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A container's storage is pruned in the helper container, which gets its orders on standard input.
func TestOfflinePodman(t *testing.T) {
	t.Parallel()
	for _, l := range lines {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			c := contain(t, l)
			c.builds("team/app", 8, 1000)
			got := c.regsweep(c.Host+"/team/app", "--keep-last", "2", "--gc", "--gc-via", "docker://"+c.name, "--delete-by", "offline", "--state-dir", t.TempDir())
			c.want(got, 0)
			if g := got.gc; !g.Collected || g.BlobsDeleted != 18 || !g.Restarted || g.VerifiedImages != 2 {
				t.Errorf("got %+v\n%s", *g, got.stdout)
			}
			c.healthy("team/app", "b7", "b8")
			c.alone()
		})
	}
}

// A connection that is cut in the middle of the removal ends it: what runs there is ended before the registry is started, and
// the next run finishes.
func TestOfflineSSH(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 8, 1000)
		g := gate{t, t.TempDir()}
		bin := t.TempDir()
		text := fmt.Sprintf(`#!/bin/sh
if [ -n "$REGSWEEP_GC_RUN" ] && [ ! -e %[1]s/open ]; then
  : >%[1]s/collecting
  while [ ! -e %[1]s/open ]; do sleep 0.02; done
  : >%[1]s/moved
fi
exec /bin/mv "$@"
`, g.dir)
		must(t, os.WriteFile(filepath.Join(bin, "mv"), []byte(text), 0o700))
		s := newSSHD(t, "SetEnv PATH="+bin+":/usr/bin:/bin:/usr/sbin:/sbin")
		args := slices.Concat(s.flags(d), d.offline(d.Host+"/team/app", "--keep-last", "2")[len(d.byHand()):])
		cmd, stdout, stderr, report := d.command(args...)
		must(t, cmd.Start())
		g.reached()
		s.cut()
		got := d.told(cmd.Wait(), stdout, stderr, report)
		g.open()
		d.want(got, 4, "remove images from the storage: ssh exited with 255")
		if !got.gc.Restarted || got.gc.Collected || g.exists("moved") {
			t.Errorf("got %+v", *got.gc)
		}
		d.healthy("team/app", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8")
		got = d.regsweep(args...)
		d.want(got, 0)
		if got.gc.BlobsDeleted != 18 {
			t.Errorf("got %+v", *got.gc)
		}
		d.healthy("team/app", "b7", "b8")
		d.finished(d.Host+"/team/app", "--keep-last", "2")
	})
}
