package oci

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestParseReference(t *testing.T) {
	t.Parallel()
	d := "sha256:" + strings.Repeat("a", 64)
	for text, want := range map[string]string{
		"registry.example.com/team/app":      "registry.example.com/team/app",
		"reg:5000/app:v1":                    "reg:5000/app:v1",
		"localhost/app":                      "localhost/app",
		"[::1]:5000/app@" + d:                "[::1]:5000/app@" + d,
		"reg.example/app:v1@" + d:            "reg.example/app:v1@" + d,
		"REG.example/app":                    "reg.example/app",
		"docker.io/nginx":                    "docker.io/library/nginx",
		"index.docker.io/me/app:1":           "docker.io/me/app:1",
		"registry-1.docker.io/library/nginx": "docker.io/library/nginx",
		"reg.example/team/*":                 "reg.example/team/*",
		"reg.example/**":                     "reg.example/**",
	} {
		if got, err := ParseReference(text); err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "nginx", "team/app", "reg.example", "reg.example/", "reg.example/UP", "reg.example/app:", "reg.example/app:a b", "reg.example/app@sha256:12",
		"reg.example/app@", "https://ci:s3cret@reg.example/app", "reg.example/*:v1", "reg example/app", "reg.example/../app", "reg.example/a//b", "reg.example/app:v1:v2",
	} {
		_, err := ParseReference(text)
		if !errors.Is(err, ErrReference) || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"team/*", "team/app", true},
		{"team/*", "team/sub/app", false},
		{"team/**", "team/sub/app", true},
		{"**", "a/b", true},
		{"*", "a", true},
		{"*", "a/b", false},
		{"team/*-api", "team/web-api", true},
		{"team/*-api", "team/api", false},
		{"a.b", "axb", false},
	} {
		if got := (Repository{"reg.example", c.pattern}).Matches(c.path); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.path, got)
		}
	}
}

// The pattern language as a regular expression says it, on all short patterns and paths of a few letters.
func TestMatchesLikeARegularExpression(t *testing.T) {
	t.Parallel()
	short := func(letters string) []string {
		out := []string{""}
		for begin, length := 0, 0; length < 5; length++ {
			end := len(out)
			for _, s := range out[begin:end] {
				for _, l := range letters {
					out = append(out, s+string(l))
				}
			}
			begin = end
		}
		return out
	}
	paths := short("a/.")
	for _, pattern := range short("a/*.") {
		expression := strings.NewReplacer("**", ".*", "*", "[^/]*", ".", "[.]").Replace(pattern)
		want := regexp.MustCompile("^(?:" + expression + ")$")
		for _, path := range paths {
			if got := (Repository{"reg.example", pattern}).Matches(path); got != want.MatchString(path) {
				t.Fatalf("%s matches %s: %v", pattern, path, got)
			}
		}
	}
}

func TestNaturalCompare(t *testing.T) {
	t.Parallel()
	want := []string{"", "01", "1", "2", "010", "10", "b", "b1", "b9", "b10", "b10a", "b99999999999999999999", "b100000000000000000000", "latest", "v1.9.0", "v1.10.0"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, NaturalCompare)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	for _, a := range want {
		for _, b := range want {
			if x, y := NaturalCompare(a, b), NaturalCompare(b, a); x != -y || (x == 0) != (a == b) {
				t.Errorf("%q and %q: %d and %d", a, b, x, y)
			}
		}
	}
}

func TestAttachmentSubject(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0a", 32)
	for tag, want := range map[string]string{
		"sha256-" + hex: "sha256:" + hex, "sha256-" + hex + ".sig": "sha256:" + hex, "sha512-" + hex + hex + ".att": "sha512:" + hex + hex,
		"sha256-" + hex + ".src": "sha256:" + hex, "sha256-" + hex + "-source": "sha256:" + hex, "sha256-" + hex + "_0": "sha256:" + hex, "sha256-" + hex + "0": "",
		"sha256-" + hex + "x": "", "sha256-" + hex[1:]: "", "sha512-" + hex: "", "x-sha256-" + hex: "", "latest": "",
	} {
		if got, ok := AttachmentSubject(tag); string(got) != want || ok != (want != "") {
			t.Errorf("%s: got %q, %v", tag, got, ok)
		}
	}
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	hex := strings.Repeat("0a", 32)
	if got := KeyOf(Digest("sha256:" + hex)); got != Key([]byte(strings.Repeat("\n", 32))) {
		t.Errorf("got %x, want the hash itself", got)
	}
	seen := map[Key]Digest{}
	for _, d := range []Digest{"", "latest", Digest("sha256:" + hex), Digest("sha256:" + hex[1:]), Digest("sha256:" + hex[1:] + "x"), Digest("sha512:" + hex + hex), Digest("blake3:" + hex)} {
		if other, taken := seen[KeyOf(d)]; taken {
			t.Errorf("%q and %q have one key", d, other)
		}
		seen[KeyOf(d)] = d
	}
}
