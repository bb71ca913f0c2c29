package rank

import (
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// What no tag leads to is counted without its parts, and weighs what nothing with a tag needs in any repository.
func TestLedgerUntagged(t *testing.T) {
	t.Parallel()
	as := func(i oci.Image, name string, children ...string) oci.Image {
		i.Digest, i.Tags = oci.Digest("sha256:"+name), nil
		for _, c := range children {
			i.Children = append(i.Children, oci.Digest("sha256:"+c))
		}
		return i
	}
	tagged := as(image(oci.KindIndex, 1), "tagged", "shared")
	tagged.Tags = []string{"latest"}
	signature := as(image(oci.KindAttachment, 1, 2000), "signature")
	signature.Tags, signature.Subject = []string{"sig"}, "sha256:old"
	referrer := as(image(oci.KindAttachment, 1, 7), "referrer")
	referrer.Subject = "sha256:shared"
	var l Ledger
	l.Add(snapshot("a",
		tagged, as(image(oci.KindChild, 1, 10), "shared"), referrer,
		as(image(oci.KindIndex, 9), "old", "shared", "own"), as(image(oci.KindChild, 9, 10, 300), "own"), signature,
		as(image(oci.KindImage, 9, 40, 5), "plain"),
	), now)
	other := as(image(oci.KindImage, 1, 5), "other")
	other.Tags = []string{"b1"}
	l.Add(snapshot("b", other, as(image(oci.KindImage, 9, 40), "plain")), now)
	got := l.Ranking("x")
	a, b := got.Repositories[0], got.Repositories[1]
	if a.Untagged != 2 || a.UntaggedBytes != 2300 || b.Untagged != 1 || b.UntaggedBytes != 0 || got.Untagged() != 3 || got.UntaggedBytes != 2340 {
		t.Errorf("got %+v, %+v, %d bytes", a, b, got.UntaggedBytes)
	}
}
