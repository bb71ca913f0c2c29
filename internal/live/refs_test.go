package live

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const object = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"

// TestNames holds the readings of a name against what each CI system makes of it.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, groups := range map[string]struct{ live, gone string }{
		"refs/heads/main":        {"main Main MAIN edge nightly latest sha pr refs-heads-main", "mai main2 main-2 pr-1 dev"},
		"refs/heads/Fix/Login_2": {"Fix-Login_2 fix-login-2 fix_login_2 fix.login.2 Fix-2FLogin_2 fix-2flogin-2 Login_2 web/Fix-Login_2 web/edge/x Fix/Login_2", "fix Fix-Login login fix-login-22 web/fix"},
		"feature/x":              {"feature-x feature_x x FEATURE-X feature-2Fx", "feature featurex feature-xy y"},
		"origin/main":            {"main origin-main", "origin"},
		"remotes/origin/a/b":     {"a-b b", "a"},
		// docker/metadata-action replaces a run of other characters by one dash, GitLab each one by one, and cuts them off the ends.
		"refs/heads/-größe--(x)":     {"gr-e-x -gr-e--x- gr----e----x", "groesse-x gr-e"},
		"refs/heads/K":               {"k", ""}, // the sign of kelvin, which is k in lower case
		"refs/pull/12/head":          {"pr-12 PR-12 pr12 pull-12 mr-12 12 12-merge PR-12-head pull-request-12 web/pr-12", "pr-1 pr-123 pr-2 issue-12 12-1 pr-12-x"},
		"refs/pull/12/merge":         {"pr-12 12-merge 12", "pr-1"},
		"refs/merge-requests/7/head": {"mr-7 pr-7 merge-requests-7-head 7", "mr-77 mr-17"},
		"PR-3":                       {"pr-3 PR-3 mr-3 3", "4 pr-33"},
		"3":                          {"pr-3 3", "33 pr-33"},
		"renovate/(all)/1":           {"renovate-2F-all-2F1 renovate-2F-28all-29-2F1 renovate--all--1 renovate-all-1", "renovate"},
		"fix/#12":                    {"fix-2F-2312 fix-12", "pr-12"},
		"release/3":                  {"release-3 3", "pr-3 mr-3"},
		"refs/tags/v1.4.2":           {"v1.4.2 1.4.2 1.4 1 1/4", "1.3 2 v1.4.1 1.4.22"},
		"refs/tags/v1.4.2^{}":        {"v1.4.2", ""},
		"feature%2Fx":                {"feature-x feature-2Fx", "feature"},
		"a/branch/with/a/very/long/name/that/no/tag/can/have/whole/since/it/is/cut/after/63/bytes": {
			"a-branch-with-a-very-long-name-that-no-tag-can-have-whole-since a-branch-with-a-very-long-name-t", "a-branch-with-a-very-long-nam a-branch-with-a-very-long-name-tt",
		},
	} {
		r, err := Parse("refs.txt", name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, g := range strings.Fields(groups.live) {
			if !r.Has(g) {
				t.Errorf("%s: the group %s is gone", name, g)
			}
		}
		for _, g := range strings.Fields(groups.gone) {
			if r.Has(g) {
				t.Errorf("%s: the group %s is live", name, g)
			}
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, live, gone string }{
		"git ls-remote": {
			object + "\tHEAD\n" + object + "\trefs/heads/main\n" + object + "\trefs/heads/a/b\n" + object + "\trefs/pull/7/head\n" + object + "\trefs/tags/v1\n" + object + "\trefs/tags/v1^{}\n",
			"main a-b pr-7 v1", "head",
		},
		"of SHA-256":          {strings.Repeat("ab", 32) + "\trefs/heads/main\n", "main", "ab"},
		"git show-ref":        {object + " refs/heads/main\n" + object + " refs/remotes/origin/x\n", "main x", "y"},
		"git for-each-ref":    {object + " commit\trefs/heads/main\n" + object + " tag\trefs/tags/v2\n", "main v2", "commit tag"},
		"git branch -r":       {"  origin/HEAD -> origin/main\n  origin/main\n  origin/feature/x\n", "main feature-x", "feature"},
		"git branch -a":       {"* (HEAD detached at 0a1b2c3)\n+ topic\n  main\n  remotes/origin/x\n", "topic main x", "detached"},
		"names":               {"main\nfeature/#12 # still needed\n# old\n\n  x", "main feature-12 x", "old still"},
		"carriage returns":    {"main\r\ndev\rtopic\r\n", "main dev topic", "x"},
		"a byte order mark":   {"\ufeffmain\n", "main", "x"},
		"a name in Latin-1":   {"caf\xe9\n", "caf", "cafe"},
		"quotes and brackets": {"fix(ui)/it's-\"x\"\n", "fix-ui-it-s-x", "fix"},
	} {
		r, err := Parse("refs.txt", c.text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, g := range strings.Fields(c.live) {
			if !r.Has(g) {
				t.Errorf("%s: %s is gone", name, g)
			}
		}
		for _, g := range strings.Fields(c.gone) {
			if r.Has(g) {
				t.Errorf("%s: %s is live", name, g)
			}
		}
	}
}

// TestParseRefuses holds that a text that is not a list of names is not read in part.
func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                         "it names no branch, tag or pull request",
		"# main\n\n":               "it names no branch, tag or pull request",
		object + "\tHEAD\n":        "it names no branch, tag or pull request",
		"main\n<!DOCTYPE html>\n":  "line 2: this is HTML or XML, and not a list of names",
		"main\n<html lang=\"en\">": "line 2: this is HTML or XML",
		"<p>a</p>\n<p>b</p>":       "line 1: this is HTML or XML",
		"main\nold branch\n":       `line 2: "old branch" is not a name: a name in git has no space`,
		"main\nold\tbranch\n":      "has no space",
		"\x1b[31mmain\x1b[m\n":     `line 1: "\x1b[31mmain\x1b[m" has a control character`,
		"main\ndev\x7f\n":          "has a control character",
		"m\x00a\x00i\x00n\x00":     "a zero byte: this is not text, or it is UTF-16",
		"{\"message\":\"Gone\"}":   "is not a name: git allows no : in it",
		`["main","dev"]`:           "git allows no [ in it",
		"main\nfatal: no\n":        "has no space",
		object + "\n":              object + " is a commit without the name of a branch",
		"a/" + strings.Repeat("x", maxName) + "\n": "is longer than 4096 bytes",
		"main\n" + strings.Repeat("x ", 90) + "\n": `x x x x x x x x " … is not a name`,
		strings.Repeat("main\n", MaxSize/5+1):      "it is larger than 64 MiB",
	} {
		_, err := Parse("refs.txt", text)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, ErrUnusable) || strings.ContainsAny(err.Error(), "\n\x1b\x00") {
			t.Errorf("%.40q: got %v, want %q", text, err, want)
		}
	}
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		branches int
		requests bool
	}{
		"main":                            {1, false},
		"refs/heads/main\nmain\norigin/x": {2, false},
		"refs/remotes/origin/main\nrefs/heads/main":   {1, false},
		"refs/tags/v1.0.0\nv1.0.1":                    {0, false},
		"refs/pull/1/head":                            {0, true},
		"12\nPR-3":                                    {0, true},
		"refs/merge-requests/1/head\nrefs/heads/pr-1": {1, true},
		"refs/heads/pr-1":                             {1, false},
	} {
		r, err := Parse("refs.txt", text)
		if err != nil || r.Branches() != want.branches || r.NamesBranches() != (want.branches > 0) || r.NamesRequests() != want.requests {
			t.Errorf("%q: %d branches, requests %v, %v", text, r.Branches(), r.NamesRequests(), err)
		}
	}
	for group, want := range map[string]bool{"pr-1": true, "PR-12-head": true, "web/mr-3": true, "12": false, "main": false, "pr-x": false} {
		if got := IsRequest(group); got != want {
			t.Errorf("%s: got %v", group, got)
		}
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	a, _ := Parse("a", "main\n1\n")
	b, _ := Parse("b", "refs/heads/dev\na-branch-with-a-name-that-is-longer-than-a-tag\n")
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	both := a.With(b)
	if !both.Written().IsZero() || !a.WrittenAt(late).With(b).Written().Equal(late) || !b.With(a.WrittenAt(late)).Written().Equal(late) ||
		!a.WrittenAt(late).With(b.WrittenAt(early)).Written().Equal(early) {
		t.Error("the earliest time that is known does not count")
	}
	for _, g := range []string{"main", "dev", "pr-1", "a-branch-with-a-name-that-is-longer"} {
		if !both.Has(g) {
			t.Errorf("%s is gone", g)
		}
	}
	if a.Has("dev") || strings.Join(both.Sources(), " ") != "a b" || both.Branches() != 3 || !both.NamesRequests() {
		t.Errorf("got %v, and the first has dev: %v", both.Sources(), a.Has("dev"))
	}
}

// FuzzParse looks for a text that is read, and read otherwise in another order or with more names.
func FuzzParse(f *testing.F) {
	f.Add("refs/heads/main\norigin/x\n12\n"+object+"\trefs/pull/7/head", "feature-x")
	f.Fuzz(func(t *testing.T, text, group string) {
		r, err := Parse("refs.txt", text)
		if err != nil {
			return
		}
		more, err := Parse("refs.txt", text+"\nmore/names\n")
		if err != nil || r.Has(group) && !more.Has(group) {
			t.Errorf("%q is live, and gone with more names: %v", group, err)
		}
		lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
		rand.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		if again, err := Parse("refs.txt", strings.Join(lines, "\n")); err == nil && again.Has(group) != r.Has(group) {
			t.Errorf("the order of %q matters for %q", text, group)
		}
	})
}

// BenchmarkParse reads what git ls-remote prints for a large repository.
func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for n := range 5000 {
		fmt.Fprintf(&text, "%s\trefs/heads/team%d/feature/branch-%d\n", object, n%7, n)
	}
	for b.Loop() {
		if _, err := Parse("refs.txt", text.String()); err != nil {
			b.Fatal(err)
		}
	}
}
