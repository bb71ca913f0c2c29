package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/regsweep/regsweep/e2e/registries"
)

// smallDisk is a disk of its own for a registry's storage.
func smallDisk(t *testing.T) string {
	t.Helper()
	asRoot(t, "only root mounts a disk")
	dir := t.TempDir()
	must(t, syscall.Mount("none", dir, "tmpfs", 0, "size=4m"))
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill writes until the disk is full.
func fill(t *testing.T, disk string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(disk, "fill"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	must(t, err)
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// A disk that is full of what earlier prunes have left is what a garbage collection is for.
func TestGCOnAFullDisk(t *testing.T) {
	t.Parallel()
	for _, l := range lines {
		for name, df := range map[string]string{
			"the files go elsewhere": "",
			"no room for the log":    "#!/bin/sh\nprintf 'a\\na 0 0 0 0 /\\n'\n",
		} {
			t.Run(l.name+" "+name, func(t *testing.T) {
				t.Parallel()
				disk := smallDisk(t)
				d := openDepot(t, l.binary(t), filepath.Join(disk, "storage"), registries.Options{})
				d.builds("team/app", 8, 100_000)
				d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
				if df != "" {
					dir := t.TempDir()
					must(t, os.WriteFile(filepath.Join(dir, "df"), []byte(df), 0o700))
					d.env = []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH")}
				}
				fill(t, disk)
				got := d.regsweep(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
				d.want(got, 0)
				if g := got.gc; g.BlobsDeleted != 18 || !g.Collected || g.FreedBytes < 600_000 || !g.Restarted || g.VerifiedImages != 2 || g.LogIncomplete {
					t.Errorf("got %+v", *g)
				}
				d.healthy("team/app", "b7", "b8")
			})
		}
	}
}

// A disk that fills up while the registry is collected cuts the log off, and no more.
func TestGCWhoseLogIsCutOff(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	d := openDepot(t, lines[0].binary(t), filepath.Join(disk, "storage"), registries.Options{})
	d.builds("team/app", 8, 100_000)
	d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
	g := d.slow()
	cmd, stdout, stderr, report := d.command(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
	must(t, cmd.Start())
	g.reached()
	fill(t, disk)
	g.open()
	got := d.told(cmd.Wait(), stdout, stderr, report)
	d.want(got, 0, "its log was cut off")
	if r := got.gc; !r.Collected || !r.LogIncomplete || r.FreedBytes < 600_000 || !r.Restarted || r.VerifiedImages != 2 {
		t.Errorf("got %+v", *r)
	}
	if !strings.Contains(got.stdout, "garbage collection ran to its end, freed ") && !strings.Contains(got.stdout, "deleted   not known, the log was cut off") {
		t.Errorf("got %s", got.stdout)
	}
	g.never()
	d.healthy("team/app", "b7", "b8")
}

// On a full disk a garbage collection that takes too long is ended all the same before the registry is started.
func TestGCIsCutShortOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	d := openDepot(t, lines[0].binary(t), filepath.Join(disk, "storage"), registries.Options{})
	d.builds("team/app", 2, 1000)
	dir := t.TempDir()
	d.stand("registry", fmt.Sprintf(`[ "$1" = garbage-collect ] || exec "$REAL" "$@"
trap 'rm %[1]s/collecting; exit 1' TERM
: >%[1]s/collecting
while :; do sleep 0.05; done`, dir))
	g := gate{t, dir}
	d.Start = fmt.Sprintf("[ ! -e %s/collecting ] || : >%[1]s/corrupt; %s", dir, d.Start)
	fill(t, disk)
	got := d.regsweep(append([]string{"gc", d.Host + "/team/app", "--gc-timeout", "2s"}, d.byHand()...)...)
	d.want(got, 4, "garbage-collect: it took longer than --gc-timeout; the registry serves again")
	g.never()
	if g.exists("collecting") || !got.gc.Restarted {
		t.Errorf("collecting: %v; got %+v", g.exists("collecting"), *got.gc)
	}
	d.healthy("team/app", "b1", "b2")
}
