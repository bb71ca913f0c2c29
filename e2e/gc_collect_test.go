package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A prune that collects gives the disk back, and the registry serves again, with everything that was kept.
func TestGCAfterPrune(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 8, 1000)
		d.builds("team/other", 2, 1000)
		before := d.serving()
		got := d.regsweep(append(d.byHand(), d.Host+"/team/app", "--keep-last", "2", "--gc")...)
		d.want(got, 0)
		d.healthy("team/app", "b7", "b8")
		d.healthy("team/other", "b1", "b2")
		if d.serving() == before {
			t.Error("the registry was not restarted, and remembers what is gone")
		}
		// 6 builds of a manifest, a config and a layer each.
		if g := got.gc; !g.Collected || !g.Stopped || !g.Restarted || g.BlobsDeleted != 18 || g.VerifiedImages != 2 || len(g.Repositories) != 2 || g.Error != nil {
			t.Errorf("got %+v", *g)
		}
		if !strings.Contains(got.stdout, "garbage collection deleted 18 blobs") {
			t.Errorf("got %s", got.stdout)
		}
	})
}

// regsweep gc alone: with a repository its images are looked at, with a host nothing is, and the report says so.
func TestGCAlone(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", 3, 1000)
		got := d.regsweep(append([]string{"gc", d.Host + "/team/*"}, d.byHand()...)...)
		d.want(got, 0)
		if g := got.gc; !g.Verified || g.VerifiedImages != 3 || g.BlobsDeleted != 0 || !g.Restarted {
			t.Errorf("got %+v", *g)
		}
		got = d.regsweep(append([]string{"gc", d.Host}, d.byHand()...)...)
		d.want(got, 0)
		if g := got.gc; g.Verified || !g.Restarted || !strings.Contains(got.stdout, "verified  nothing") {
			t.Errorf("got %+v\n%s", *g, got.stdout)
		}
		d.healthy("team/app", "b1", "b2", "b3")
	})
}

// Nothing is collected in a dry run, or when too little was deleted.
func TestGCIsSkipped(t *testing.T) {
	t.Parallel()
	d := newDepot(t, lines[0])
	d.builds("team/app", 5, 1000)
	before := d.serving()
	for flag, why := range map[string]string{"--dry-run": "this is a dry run", "--gc-min-deleted=4": "3 manifests were deleted"} {
		got := d.regsweep(append(d.byHand(), d.Host+"/team/app", "--keep-last", "2", "--gc", flag)...)
		d.want(got, 0)
		if g := got.gc; g.Skipped == nil || !strings.Contains(*g.Skipped, why) || g.Stopped {
			t.Errorf("%s: got %+v", flag, *g)
		}
	}
	if d.serving() != before {
		t.Error("the registry was restarted")
	}
}

// What is said to be freed is what the layers weighed, what du says and what the log says.
func TestGCFreesWhatTheLayersWeighed(t *testing.T) {
	t.Parallel()
	builds, layer := 1000, 64<<10
	if testing.Short() {
		builds = 50
	}
	eachLine(t, func(t *testing.T, d *depot) {
		d.builds("team/app", builds, layer)
		d.want(d.regsweep(d.Host+"/team/app", "--keep-last", "2"), 0)
		before := du(t, d.Dir)
		got := d.regsweep(append([]string{"gc", d.Host + "/team/app"}, d.byHand()...)...)
		d.want(got, 0)
		d.healthy("team/app", fmt.Sprint("b", builds-1), fmt.Sprint("b", builds))
		g := got.gc
		if weight := int64((builds - 2) * layer); g.FreedBytes < weight || g.FreedBytes > weight*102/100 {
			t.Errorf("freed %d bytes, the layers weighed %d", g.FreedBytes, weight)
		}
		if freed := before - du(t, d.Dir); g.StorageFreed != freed {
			t.Errorf("the report says that %d bytes of the disk were freed, du says %d", g.StorageFreed, freed)
		}
		if g.BlobsDeleted != 3*(builds-2) || g.BlobsMarked != 2*3+1 {
			t.Errorf("the log says %d deleted and %d in use", g.BlobsDeleted, g.BlobsMarked)
		}
		t.Logf("away %.2f s, of which the registry's own collection %.2f s; freed %d bytes of blobs, %d on the disk", g.AwaySeconds, g.CollectSeconds, g.FreedBytes, g.StorageFreed)
	})
}

// du is what a storage takes up of the disk, without what regsweep writes beside it.
func du(t *testing.T, dir string) int64 {
	t.Helper()
	out, err := exec.Command("du", "-sk", filepath.Join(dir, "docker")).Output()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.Fields(string(out))[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
