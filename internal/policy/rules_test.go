package policy

import (
	"strings"
	"testing"
)

// What a flag and an entry protect is added to latest, until somebody says otherwise.
func TestProtectLatest(t *testing.T) {
	t.Parallel()
	var release Patterns
	if err := release.UnmarshalText([]byte("release-*")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, keys string
		flags      Rules
		want       string
	}{
		{"nothing", "", Rules{}, "keep the last 1; protect latest"},
		{"a key", "    protect: v*\n", Rules{}, "keep the last 1; protect latest, v*"},
		{"a key that says latest", "    protect: [v*, latest]\n", Rules{}, "keep the last 1; protect v*, latest"},
		{"a flag", "", Rules{Protect: []Patterns{release}}, "keep the last 1; protect latest, release-*"},
		{"no-protect-latest", "    no-protect-latest: true\n", Rules{}, "keep the last 1"},
		{"no-protect-latest: false", "    no-protect-latest: false\n", Rules{}, "keep the last 1; protect latest"},
		{"--no-protect-latest and a key", "    protect: v*\n", Rules{NoProtectLatest: true}, "keep the last 1; protect v*"},
	} {
		file, err := parseFile("f", []byte("policies:\n  - repositories: '**'\n    keep-last: 1\n"+c.keys))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		p, err := c.flags.over(file.Policies[0].Rules).Policy()
		if got := p.String(); err != nil || got != c.want {
			t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
		}
	}
	for _, value := range []string{"yes", "1", "True", "[true]"} {
		_, err := parseFile("f", []byte("policies:\n  - repositories: '**'\n    keep-last: 1\n    no-protect-latest: "+value+"\n"))
		if err == nil || !strings.Contains(err.Error(), "f:4:24: no-protect-latest: ") {
			t.Errorf("%s: got %v", value, err)
		}
	}
}
