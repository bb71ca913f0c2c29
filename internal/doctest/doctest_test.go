package doctest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFind(t *testing.T) {
	t.Parallel()
	got, err := Find(fstest.MapFS{
		"README.md":        {Data: []byte("# x\n\n```sh\nregsweep\n```\n\n```yaml\npolicies:\n```\n")},
		"docs/ci/other.md": {Data: []byte("```yaml\nsteps:\n  - x\n```\n```toml\na = 1\n```\n")},
		"docs/x.txt":       {Data: []byte("```sh\n```\n")},
		"e2e/README.md":    {Data: []byte("```sh\n```\n")},
	})
	want := []Block{
		{"README.md", 4, "sh", "regsweep\n", Shell},
		{"README.md", 8, "yaml", "policies:\n", Policy},
		{"docs/ci/other.md", 2, "yaml", "steps:\n  - x\n", Pipeline},
		{"docs/ci/other.md", 6, "toml", "a = 1\n", ""},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for page, want := range map[string]string{
		"```sh\n":            "x.md:2: the block has no end",
		"- a\n  ```sh\n":     "x.md:2: an indented block is not tested",
		"~~~\nregsweep\n~~~": "x.md:1: a block between tildes is not tested",
	} {
		if _, err := Find(fstest.MapFS{"x.md": {Data: []byte(page)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
