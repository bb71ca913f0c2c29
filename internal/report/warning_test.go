package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/oci"
)

// What is said of several repositories is said once to people, and of each repository to programs.
func TestWarningsAreSaidOnce(t *testing.T) {
	t.Parallel()
	s := warned()
	for _, form := range []Form{FormTable, FormMarkdown, FormHTML} {
		text := inForm(t, form, s)
		if n := strings.Count(text, "matches no tag"); n != 1 {
			t.Errorf("%s: the warning of all is there %d times", form, n)
		}
		if n := strings.Count(text, "does not say when"); n != 1 {
			t.Errorf("%s: the warning of two is there %d times", form, n)
		}
	}
	var got struct {
		Repositories []struct {
			Repository string
			Warnings   []string
		}
	}
	if err := json.Unmarshal([]byte(inForm(t, FormJSON, s)), &got); err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Repositories {
		if len(r.Warnings) == 0 || !strings.Contains(r.Warnings[0], "matches no tag") {
			t.Errorf("%s: the JSON has %q", r.Repository, r.Warnings)
		}
	}
}

func TestWarningIsAbout(t *testing.T) {
	t.Parallel()
	var names []oci.Repository
	for _, path := range []string{"a", "b", "c", "d", "e", "f"} {
		names = append(names, oci.Repository{Host: "h", Path: path})
	}
	for n, want := range map[int]string{
		1: "h/a", 2: "2 repositories (h/a, h/b)", 4: "4 repositories (h/a, h/b, h/c, h/d)", 5: "5 repositories (h/a, h/b, h/c and 2 more)",
	} {
		if got := (Warning{"", names[:n]}).About(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
