package e2e

import (
	"slices"
	"testing"
)

// offline are the flags of a prune that removes from the storage of the stopped registry.
func (d *depot) offline(args ...string) []string {
	return slices.Concat(d.byHand(), []string{"--gc", "--delete-by", "offline", "--state-dir", d.state}, args)
}

// Images are removed while the registry is stopped, the collection frees their layers, what is kept can be pulled, and the
// next run has nothing to do.
func TestOffline(t *testing.T) {
	t.Parallel()
	eachLine(t, func(t *testing.T, d *depot) {
		d.state = t.TempDir()
		d.builds("team/app", 8, 1000)
		d.builds("team/other", 2, 1000)
		got := d.regsweep(d.offline(d.Host+"/team/app", d.Host+"/team/other", "--keep-last", "2")...)
		d.want(got, 0)
		d.healthy("team/app", "b7", "b8")
		d.healthy("team/other", "b1", "b2")
		if g := got.gc; !g.Collected || !g.Restarted || g.BlobsDeleted != 18 || g.VerifiedImages != 4 || g.Error != nil {
			t.Errorf("got %+v\n%s", *g, got.stdout)
		}
		t.Log(got.stdout, got.stderr)
		before := d.serving()
		got = d.regsweep(d.offline(d.Host+"/team/app", "--keep-last", "2")...)
		d.want(got, 0)
		if d.serving() != before {
			t.Error("the registry was stopped with nothing to delete")
		}
	})
}
