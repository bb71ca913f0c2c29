package inuse

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// What several texts say of one repository: the first place of each text, what contains a digest, and who says nothing.
func TestFind(t *testing.T) {
	t.Parallel()
	d := func(c string) oci.Digest { return oci.Digest("sha256:" + strings.Repeat(c, 64)) }
	snapshot := oci.Snapshot{Repository: testRepository, Ghosts: []string{"gone", "b2"}, Images: []oci.Image{
		{Digest: d("1"), Tags: []string{"b1", "b1-a"}},
		{Digest: d("2"), Tags: []string{"multi"}, Children: []oci.Digest{d("3"), d("9")}},
		{Digest: d("3")},
		{Digest: d("4"), Tags: []string{"outer"}, Children: []oci.Digest{d("2")}},
	}}
	var texts []Text
	for _, c := range []struct{ source, text string }{
		{"pods", "nothing\nb1-a # later\nregistry.example.com/app@" + d("3").String() + "\nb1"},
		{"other", "registry.example.com/other:b1"},
		{"list", "multi # pinned\ngone\n" + d("3").String()},
	} {
		text, err := Parse(c.source, c.text)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	u := Find(texts, snapshot)
	for n, want := range []string{
		"in use (pods:2: later)",
		"contains what is in use (pods:3); in use (list:1: pinned)",
		"in use (pods:3); in use (list:3)",
		"contains what is in use (pods:3); contains what is in use (list:3)",
	} {
		if got := strings.Join(u.Reasons(snapshot.Images[n].Digest), "; "); got != want {
			t.Errorf("image %d: got %q, want %q", n+1, got, want)
		}
	}
	for n, want := range [][]bool{{true, true}, {true}, nil, {true}} {
		for k, tag := range snapshot.Images[n].Tags {
			if u.Names(snapshot.Images[n], tag) != want[k] {
				t.Errorf("%s is named: %v", tag, !want[k])
			}
		}
	}
	if u.Names(oci.Image{Digest: d("1")}, "b2") {
		t.Error("an image that is named by its tags alone is named by another one")
	}
	if got := strings.Join(append(u.Tag("gone"), u.Tag("b2")...), "; "); got != "in use (list:2)" {
		t.Errorf("tags without a manifest: got %q", got)
	}
	if got := strings.Join(u.Unmatched, " "); got != "other" {
		t.Errorf("names nothing: %q, want other", got)
	}
	if none := Find(nil, snapshot); none.Names(snapshot.Images[0], "b1") || none.Reasons(d("1")) != nil || none.Unmatched != nil {
		t.Errorf("no text says %+v", none)
	}
}
