package oci

import (
	"slices"
	"strings"
	"testing"
)

func TestResolveIDs(t *testing.T) {
	t.Parallel()
	d := func(c string) Digest { return Digest("sha256:" + strings.Repeat(c, 64)) }
	image := func(digest, config Digest, tags ...string) Image {
		return Image{Digest: digest, Tags: tags, Blobs: []Blob{{Digest: config}}}
	}
	snapshot := Snapshot{Images: []Image{image(d("1"), d("3"), "1"), image(d("2"), d("3"), "2")}}
	for _, tt := range []struct {
		name   string
		tag    string
		digest Digest
		want   []Digest
	}{
		{"a digest", "", d("1"), []Digest{d("1")}},
		{"a tag", "1", "", []Digest{""}},
		{"an id", "", d("3"), []Digest{d("1"), d("2")}},
		{"an id and a tag", "2", d("3"), []Digest{d("2")}},
		{"an id and a tag of another", "3", d("3"), []Digest{d("3")}},
		{"neither", "", d("4"), []Digest{d("4")}},
	} {
		pushed := Pushed{Reference: Reference{Repository{"h.example", "a"}, tt.tag, tt.digest}, Source: "x", Assumed: true}
		var got []Digest
		for _, p := range ResolveIDs([]Pushed{pushed}, snapshot) {
			got = append(got, p.Digest)
			if p.Digest = tt.digest; p != pushed {
				t.Errorf("%s: got %+v, want no change but of the digest", tt.name, p)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestPushesTo(t *testing.T) {
	t.Parallel()
	pushed := func(text string) Pushed {
		repository, tag, _ := strings.Cut(text, ":")
		host, path, _ := strings.Cut(repository, "/")
		return Pushed{Reference: Reference{Repository{host, path}, tag, ""}}
	}
	all := Pushes{Pushed: []Pushed{pushed("h.example/team/**:1"), pushed("h.example/team/a:2"), pushed("H.example/x:3"), pushed("other.example/x:4")}}
	for path, want := range map[string]string{
		"team/a": "h.example/team/a:1 h.example/team/a:2", "team/b/c": "h.example/team/b/c:1", "x": "h.example/x:3", "xteam/a": "",
	} {
		var got []string
		for _, p := range all.To(Repository{"h.example", path}) {
			got = append(got, p.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: got %q, want %q", path, s, want)
		}
	}
}
