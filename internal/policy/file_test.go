package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

func TestRepositoryGlob(t *testing.T) {
	t.Parallel()
	names := []string{"registry.example.com/web", "registry.example.com/team/web", "localhost:5000/team/shop-api", "localhost:5000/team/sub/web"}
	for glob, want := range map[string][]int{
		"**":                            {0, 1, 2, 3},
		"*":                             {0},
		"web":                           {0},
		"*/web":                         {0, 1}, // over host/path, and over path
		"**/web":                        {0, 1, 3},
		"team/*":                        {1, 2},
		"team/**":                       {1, 2, 3},
		"team/*-api":                    {2},
		"team/**/web":                   {3},
		"registry.example.com/**":       {0, 1},
		"*.example.com/team/*":          {1},
		"localhost:5000/team/*":         {2},
		"localhost:*/**":                {2, 3},
		"registryxexample.com/**":       nil,
		"registry.example.com/team/web": {1},
	} {
		var g repositoryGlob
		if err := g.UnmarshalText([]byte(glob)); err != nil {
			t.Errorf("%s: %v", glob, err)
			continue
		}
		var got []int
		for i, name := range names {
			ref, err := oci.ParseReference(name)
			if err != nil {
				t.Fatal(err)
			}
			if g.matches(ref.Repository) {
				got = append(got, i)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s matches %v, want %v", glob, got, want)
		}
	}
}

// FuzzPolicyFile looks for a text that ends the program, and for an error without the name of the file in one line.
func FuzzPolicyFile(f *testing.F) {
	f.Add("policies:\n  - repositories: [\"**\", web]\n    keep-last: 5\n    protect: [latest, 're:(a|b)']\n")
	f.Add("policies: [{repositories: '**', keep-younger-than: 14d, group-by: '^(.+)-[0-9]+$'}]\n")
	f.Add("%YAML 1.2\n---\n? policies\n: - &a !!map\n    keep-last: |\n      5\n...\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := parseFile("regsweep.yml", []byte(text))
		switch {
		case err == nil && len(file.Policies) == 0:
			t.Error("no policies and no error")
		case err != nil && !strings.HasPrefix(err.Error(), "--policy regsweep.yml:"):
			t.Errorf("got %q", err)
		}
	})
}
