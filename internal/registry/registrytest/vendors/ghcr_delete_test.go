package vendors

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

func TestGHCRListIsStale(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newGHCRWith(t, GHCROptions{StaleReads: 2}, 3)
	path := teamApp + "/" + ask.idOf(ds[1])
	ask.delete(path).is(204, "")
	for _, want := range []int{3, 3, 2, 2} {
		equal(t, "listed", len(ask.versions(teamApp)), want)
		ask.get(path).is(404, "Package not found.")
		ask.delete(path).is(404, "Package not found.")
	}
	equal(t, "versions", len(f.Versions("acme/team/app")), 2)
	equal(t, "deleted", len(f.Deleted()), 1)
	equal(t, "listed as deleted", ask.versions(teamApp + "?state=deleted")[0].Name, ds[1].String())
}

func TestGHCRDeletesRedirected(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newGHCRWith(t, GHCROptions{RedirectDeletes: true}, 2)
	path := teamApp + "/" + ask.idOf(ds[0])
	answer := ask.delete(path)
	answer.is(301, "Moved Permanently")
	ask.client.CheckRedirect = nil
	ask.delete(path).is(200, ds[0].String()) // Go sends GET, which deletes nothing
	equal(t, "deleted", len(f.Deleted()), 0)
	equal(t, "refused", fmt.Sprint(f.Refused()[0].Digest, " ", f.Refused()[0].Status), ds[0].String()+" 301")
	ask.delete(answer.Header.Get("Location")).is(204, "")
	equal(t, "the number", "/"+f.Refused()[0].What, strings.TrimPrefix(path, teamApp))
	equal(t, "deleted", f.Deleted()[0].Digest, ds[0])
}

func TestGHCRDelete(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newGHCRWith(t, GHCROptions{Public: true}, 4)
	push := f.Pusher(t, "acme/team/app")
	for n := range ds { // again, for the index
		push.Image(fixture.Image{Tags: []string{fmt.Sprint("b", n)}})
	}
	push.Tag(ds[0], "alias")
	index := push.Index(fixture.Index{Tags: []string{"multi"}, Children: []oci.Digest{ds[0], ds[1]}})
	f.SetPopular("acme/team/app", ds[3])
	path := func(d oci.Digest) string { return teamApp + "/" + ask.idOf(d) }

	ask.delete(path(ds[0])).is(204, "") // an index lists it, and nothing minds
	equal(t, "deleted", fmt.Sprint(f.Deleted()), fmt.Sprint([]Deletion{{Path: "acme/team/app", Digest: ds[0], Tags: []string{"alias", "b0"}}}))
	ask.delete(teamApp+"/836501").is(404, "Package not found.")
	ask.delete(teamApp+"/x").is(404, "Package not found.")
	popular := path(ds[3])
	ask.delete(popular).is(400, `"message":"Publicly visible package versions with more than 5000 downloads cannot be deleted. Contact GitHub support for further assistance.","status":"400"`)
	ask.delete("/orgs/acme/packages/container/team%2Fapp").is(400, "Publicly visible packages with a version with more than 5000 downloads cannot be deleted.")
	f.Untag("acme/team/app", "b2")
	f.Untag("acme/team/app", "b3")
	ask.delete(path(index)).is(204, "") // children stay
	last := path(ds[1])
	ask.delete(last).is(400, `"message":"You cannot delete the last tagged version of a package. You must delete the package instead."`)
	ask.delete(path(ds[2])).is(204, "")
	equal(t, "left", fmt.Sprint(versionDigests(f.Versions("acme/team/app"))), fmt.Sprint([]oci.Digest{ds[3], ds[1]}))
	f.Remove("acme/team/app", ds[3])
	f.Untag("acme/team/app", "b1")
	ask.delete(last).is(400, "You cannot delete the last version of a package.")
	var refused []string
	for _, r := range f.Refused() {
		refused = append(refused, fmt.Sprint(r.Path, " ", cmp.Or(r.Digest.String(), r.What), " ", r.Status))
	}
	want := []string{
		"acme/team/app 836501 404", "acme/team/app x 404", "acme/team/app " + ds[3].String() + " 400", "acme/team/app  400",
		"acme/team/app " + ds[1].String() + " 400", "acme/team/app " + ds[1].String() + " 400",
	}
	if !slices.Equal(refused, want) {
		t.Errorf("refused: got %q, want %q", refused, want)
	}
	ask.delete("/orgs/acme/packages/container/team%2Fapp").is(204, "")
	ask.get(teamApp).is(404, "Package not found.")
}

func TestGHCRDeletesWithoutAPublicPackage(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newGHCRWith(t, GHCROptions{}, 2)
	f.SetPopular("acme/team/app", ds[0])
	ask.delete(teamApp+"/"+ask.idOf(ds[0])).is(204, "")
}

func TestGHCRHasNoDeletionInTheRegistry(t *testing.T) {
	t.Parallel()
	f, _, ask, ds := newGHCRWith(t, GHCROptions{}, 2)
	ask.base = "https://ghcr.io"
	ask = ask.as("").bearer("acme/team/app:pull,push,delete")
	for _, ref := range []string{ds[0].String(), "b0"} {
		ask.delete("/v2/acme/team/app/manifests/"+ref).is(405, `{"errors":[{"code":"UNSUPPORTED","message":"The operation is unsupported."}]}`)
	}
	equal(t, "refused", fmt.Sprint(f.Refused()[0]), fmt.Sprintf("{acme/team/app %s %s 405 UNSUPPORTED}", ds[0], ds[0]))
	ask.get("/v2/acme/team/app/referrers/"+ds[0].String()).is(404, "MANIFEST_UNKNOWN")
	ask.get("/v2/_catalog").is(401, "") // its bearer is for another scope
}

func versionDigests(versions []GHCRVersion) (out []oci.Digest) {
	for _, v := range versions {
		out = append(out, v.Digest)
	}
	return out
}
