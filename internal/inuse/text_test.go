package inuse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

var testRepository = oci.Repository{Host: "registry.example.com", Path: "app"}

const testDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// namesIn reports which of the tags and digests a text names of a repository.
func namesIn(t *testing.T, text string, repository oci.Repository, candidates ...string) string {
	t.Helper()
	u, err := Parse("x", text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var out []string
	for _, c := range candidates {
		_, tag := u.tag(namesOf(repository), c)
		_, digest := u.digest(namesOf(repository), oci.Digest(c))
		if tag || digest {
			out = append(out, c)
		}
	}
	return strings.Join(out, " ")
}

func TestParseNames(t *testing.T) {
	t.Parallel()
	app := oci.Repository{Host: "registry.example.com:5000", Path: "team/app"}
	for _, c := range []struct{ name, text, want string }{
		{"a list", "v1\nv2 \n", "v1 v2"},
		{"a reference", "registry.example.com:5000/team/app:v1", "v1"},
		{"its digest", "registry.example.com:5000/team/app@" + testDigest, testDigest},
		{"its tag and its digest", "registry.example.com:5000/team/app:v1@" + testDigest, "v1 " + testDigest},
		{"neither tag nor digest", "registry.example.com:5000/team/app", "latest"},
		{"a tag that a variable holds", "registry.example.com:5000/team/app:${TAG}", "latest"},
		{"a variable's default", "registry.example.com:5000/team/app:${TAG:-v1}", "latest v1"},
		{"a variable for all", "${IMAGE:-registry.example.com:5000/team/app:v1}", "v1"},
		{"a host in capitals", "Registry.Example.COM:5000/team/app:v1", "v1"},
		{"a scheme", "https://registry.example.com:5000/team/app:v1 docker-pullable://registry.example.com:5000/team/app@" + testDigest, "v1 " + testDigest},
		{"a short name", "team/app:v1", "v1"},
		{"a digest alone", testDigest, testDigest},
		{"a digest of a node's store", "containerd://" + testDigest, testDigest},
		{"key and digest in one word", "digest:" + testDigest, testDigest},
		{"key and reference in one word", "image:registry.example.com:5000/team/app:v1 image:team/app:v2", "v1 v2"},
		{"flags", "--image=registry.example.com:5000/team/app:v1 --tag=v2", "v1 v2"},
		{"JSON", `{"image":"registry.example.com:5000/team/app:v1","tag":"v2"}`, "v1 v2"},
		{"JSON within JSON", `{"last":"{\"image\":\"registry.example.com:5000/team/app:v1\"}\nv2\u003cv3"}`, "v1 v2 v3"},
		{"a hash in JSON of one line", `{"note":"see #7, don't","image":"registry.example.com:5000/team/app:v1"}`, "v1"},
		{"a hash in escaped JSON", `{"a":"{\"b\":\"see #7\"}","c":"v1"}`, "v1"},
		{"a hash in single quotes", `{a: 'see #7', image: 'team/app:v1'}`, "v1"},
		{"an apostrophe is no quote", "don't v1 # v2 isn't", "v1"},
		{"a quote that is not closed", `"v1 # v2`, "v1 v2"},
		{"a comment", "v1 # v2\n# v3\n\t# latest\n#v1", "v1"},
		{"a hash without a space before", "v1#v2", "v1 v2"},
		{"a carriage return ends a line", "v1 # why\rv2 # why\r\nv3", "v1 v2 v3"},
		{"windows line ends and a byte order mark", "\ufeffv1\r\nv2\r\n", "v1 v2"},
		{"the end of a sentence", "It runs v1. Or team/app:v2.", "v1 v2"},
		{"a markdown table", "| `v1` | **v2** | <v3> |", "v1 v2 v3"},
		{"an HCL file", `config { image = "registry.example.com:5000/team/app:v1" }`, "v1"},
		{"another repository", "registry.example.com:5000/team/web:v1 registry.example.com:5000/app:v1 app:v2", ""},
		{"another registry", "registry.example.com/team/app:v1 registry.example.com:5001/team/app@" + testDigest + " docker.io/team/app:v2", ""},
		{"a repository below", "registry.example.com:5000/team/app/debug:v1 registry.example.com:5000/x/team/app:v2", ""},
		{"a longer tag", "v1-debug v11 team/app:v2-debug", ""},
		{"half a digest", testDigest[:40] + " " + testDigest + "0", ""},
		{"a pinned short name is not latest", "team/app@" + testDigest[:20], ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := namesIn(t, c.text, app, "latest", "v1", "v2", "v3", testDigest); got != c.want {
				t.Errorf("%s\nnames %q, want %q", c.text, got, c.want)
			}
		})
	}
}

func TestRepositories(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		repository oci.Repository
		text       string
		want       bool
	}{
		{oci.Repository{Host: "docker.io", Path: "library/redis"}, "redis:v1", true},
		{oci.Repository{Host: "docker.io", Path: "redis"}, "docker.io/library/redis:v1", true},
		{oci.Repository{Host: "docker.io", Path: "library/redis"}, "index.docker.io/redis:v1", true},
		{oci.Repository{Host: "registry-1.docker.io", Path: "team/app"}, "team/app:v1", true},
		{oci.Repository{Host: "index.docker.io", Path: "team/app"}, "docker.io/team/app:v1", true},
		{oci.Repository{Host: "docker.io", Path: "team/app"}, "quay.io/team/app:v1", false},
		{oci.Repository{Host: "docker.io", Path: "library/redis"}, "docker.io/bitnami/redis:v1", false},
		{oci.Repository{Host: "r.example.com", Path: "app"}, "R.example.com:443/app:v1", true},
		{oci.Repository{Host: "r.example.com:80", Path: "app"}, "r.example.com/app:v1", true},
		{oci.Repository{Host: "r.example.com:8080", Path: "app"}, "r.example.com/app:v1", false},
		{oci.Repository{Host: "localhost", Path: "app"}, "localhost/app:v1", true},
		{oci.Repository{Host: "localhost:5000", Path: "app"}, "127.0.0.1:5000/app:v1", false},
		{oci.Repository{Host: "[::1]:5000", Path: "app"}, "image: [[::1]:5000/app:v1]", true},
		{oci.Repository{Host: "[fe80::1]", Path: "app"}, "docker://[FE80::1]/app:v1", true},
	} {
		if got := namesIn(t, c.text, c.repository, "v1") != ""; got != c.want {
			t.Errorf("%s names an image of %s: %v, want %v", c.text, c.repository, got, c.want)
		}
	}
}

func TestReasonSaysWhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"v1": "in use (x:1)",
		"\n\nv1 #  rollback target \r\nv1 # later": "in use (x:3: rollback target)",
		"v1 #":                                  "in use (x:1)",
		"v1\t## why":                            "in use (x:1: why)",
		"v2 # why\nv1":                          "in use (x:2)",
		"registry.example.com/app:v1\nv1 # why": "in use (x:1)",
		"v1 # " + strings.Repeat("ä", 61):       "in use (x:1: " + strings.Repeat("ä", 60) + " …)",
	} {
		u, err := Parse("x", text)
		if err != nil {
			t.Fatal(err)
		}
		at, ok := u.tag(namesOf(testRepository), "v1")
		if got := u.where(at); !ok || got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                 "names no image",
		" \r\n\t- : @ / . {}[]\n":          "names no image",
		"# v1\n  # registry.example.com/a": "names no image",
		"v1\nv\x002\x00":                   "line 2, column 2: a zero byte",
		strings.Repeat(" ", MaxSize) + "v": "larger than 64 MiB",
	} {
		if _, err := Parse("x", text); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.20q: got %v, want one line with %q", text, err, want)
		}
	}
}

// FuzzParse holds that no text makes the parser panic, and that a reference between two words of any text, each on
// its own, is found.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a: b", "\"x\\", "# x", "[::1", "[::1]:5000/x", "://", ":-", "\\u003", "'# '", "@@:", "\xff\xfe", "docker.io/", "x\\n"} {
		f.Add(seed, seed, uint8(0))
	}
	repositories := []oci.Repository{testRepository, {Host: "docker.io", Path: "library/redis"}, {Host: "[::1]:5000", Path: "a/b__c/d-e"}}
	f.Fuzz(func(t *testing.T, before, after string, pick uint8) {
		if _, err := Parse("x", before+after); err == nil && len(before+after) == 0 {
			t.Error("nothing names something")
		}
		if strings.ContainsAny(before+after, "\x00") {
			return
		}
		repository := repositories[int(pick)%len(repositories)]
		tag, digest := "v1.2_3-x", oci.Digest(testDigest)
		gap := []string{"\n", "\n\"", "\n\t- ", "\nimage: '", "\n{\"a\":\"", "\nx=", "\n("}[int(pick)/3%7]
		close := []string{"\n", "\"\n", " # why\n", ",\n", "\\\"\n", ")\n"}[int(pick)/21%6]
		for _, reference := range []string{repository.String() + ":" + tag + "@" + testDigest, repository.String() + ":" + tag + " " + testDigest} {
			u, err := Parse("x", before+gap+reference+close+after)
			if err != nil {
				t.Fatalf("%q: %v", before+gap+reference+close+after, err)
			}
			at, named := u.tag(namesOf(repository), tag)
			_, pinned := u.digest(namesOf(repository), digest)
			if !named || !pinned {
				t.Errorf("%q between %q and %q is not found: tag %v, digest %v", reference, before+gap, close+after, named, pinned)
			}
			if s := u.where(at); strings.ContainsAny(s, "\r\n") {
				t.Errorf("%q is not one line", s)
			}
		}
	})
}

// A text of the greatest size, of nothing but different words, takes seconds and some hundred megabytes.
func BenchmarkParse(b *testing.B) {
	for name, word := range map[string]string{"words": "%x ", "references": "registry.example.com/team/app:%d # x\n", "pods": "\"image\": \"registry.example.com/team/app:v%.1d\",\n"} {
		b.Run(name, func(b *testing.B) {
			var text strings.Builder
			for n := 0; text.Len() < MaxSize-100; n++ {
				if name == "pods" {
					n %= 500
				}
				fmt.Fprintf(&text, word, n)
			}
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				u, err := Parse("x", text.String())
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(time.Since(start).Seconds(), "s/parse")
				b.ReportMetric(float64(len(u.names)), "names")
			}
		})
	}
}
