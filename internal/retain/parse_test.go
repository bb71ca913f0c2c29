package retain

import (
	"strings"
	"testing"
	"time"
)

func TestParseAge(t *testing.T) {
	t.Parallel()
	at := func(s string) time.Time {
		d, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct{ text, now, want, words string }{
		{"90m", "2026-11-23T12:00:00Z", "2026-11-23T10:30:00Z", "90 minutes"},
		{"1h", "2026-11-23T12:00:00Z", "2026-11-23T11:00:00Z", "1 hour"},
		{"14d", "2026-11-23T12:00:00Z", "2026-11-09T12:00:00Z", "14 days"},
		{"6w", "2026-11-23T12:00:00Z", "2026-10-12T12:00:00Z", "6 weeks"},
		{"3mo", "2026-11-23T12:00:00Z", "2026-08-23T12:00:00Z", "3 months"},
		{"1mo", "2026-03-31T12:00:00Z", "2026-02-28T12:00:00Z", "1 month"},
		{"1mo", "2024-03-30T12:00:00Z", "2024-02-29T12:00:00Z", "1 month"},
		{"1y", "2024-02-29T12:00:00Z", "2023-02-28T12:00:00Z", "1 year"},
		{"1d", "2026-11-23T23:30:00-05:00", "2026-11-23T04:30:00Z", "1 day"},
	} {
		a, err := ParseAge(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := a.Before(at(c.now)); !got.Equal(at(c.want)) || got.Location() != time.UTC {
			t.Errorf("%s before %s is %s, want %s", c.text, c.now, got, c.want)
		}
		if a.String() != c.words {
			t.Errorf("%s reads %q, want %q", c.text, a, c.words)
		}
	}
	for text, want := range map[string]string{
		"":                      "not an age",
		"30":                    "no unit",
		"d":                     "not an age",
		"-3d":                   "not an age",
		"1.5d":                  "unknown unit",
		"3 d":                   "unknown unit",
		"3M":                    "unknown unit",
		"0d":                    "too short",
		"999999d":               "more than a hundred years",
		"99999999999999999999d": "more than a hundred years",
	} {
		if _, err := ParseAge(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want an error with %q", text, err, want)
		}
	}
}

func TestParsePatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ list, match, miss string }{
		{"b*", "b1 b build", "ab v1"},
		{"v?.?", "v1.2", "v1.22"},
		{"[0-9]*", "1 12a", "a1"},
		{"a, b ,\nc,", "a b c", "ab a,"},
		{"re:v[0-9]{1,2}", "v1 v12", "xv1 v123 v1x"},
		{"re:^main|dev$", "main dev", "main-dev mainx"},
		{"latest\nre:a,b|c{1,2}\nz,y", "latest c cc z y a,b", "a b ccc"},
	} {
		ps, err := ParsePatterns(c.list)
		if err != nil {
			t.Errorf("%q: %v", c.list, err)
			continue
		}
		for _, tag := range strings.Fields(c.match) {
			if _, ok := matching(ps, tag); !ok {
				t.Errorf("%q does not match %q", c.list, tag)
			}
		}
		for _, tag := range strings.Fields(c.miss) {
			if p, ok := matching(ps, tag); ok {
				t.Errorf("%q matches %q by %q", c.list, tag, p)
			}
		}
	}
	for list, want := range map[string]string{
		"re:(":           "not a regular expression",
		"re:":            "not a regular expression",
		"[a":             "not a glob",
		"team/app:*":     "cannot match any tag",
		"a,b c":          "cannot match any tag",
		"re:(?P<n>a)(?P": "not a regular expression",
	} {
		if _, err := ParsePatterns(list); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want one line with %q", list, err, want)
		}
	}
}

func TestParseLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text         string
		deleted, all int
		exceeded     bool
	}{
		{"0", 0, 9, false},
		{"0", 1, 9, true},
		{"5", 5, 9, false},
		{"5", 6, 9, true},
		{"50%", 5, 10, false},
		{"50%", 6, 10, true},
		{"0%", 1, 10, true},
		{"100%", 10, 10, false},
		{"33%", 1, 3, true},
		{"34%", 1, 3, false},
	} {
		l, err := ParseLimit(c.text)
		if err != nil || l.exceeded(c.deleted, c.all) != c.exceeded {
			t.Errorf("%s of %d of %d: exceeded is %v, %v", c.text, c.deleted, c.all, !c.exceeded, err)
		}
	}
	for _, text := range []string{"", "-1", "x", "1.5", "101%", "%", "5 %"} {
		if _, err := ParseLimit(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestElapsed(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 119 * time.Second: "1 minute", 90 * time.Minute: "1 hour",
		23 * time.Hour: "23 hours", 24 * time.Hour: "1 day", 48 * time.Hour: "2 days", 1000 * 24 * time.Hour: "1000 days",
		5 * 365 * 24 * time.Hour: "5 years", -time.Hour: "in the future",
	} {
		if got := Elapsed(d); got != want {
			t.Errorf("%s reads %q, want %q", d, got, want)
		}
	}
}

func TestParseVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1": "the highest version", "3": "the 3 highest versions", "2/major": "the 2 highest versions of each major line",
		"1/minor": "the highest version of each minor line",
	} {
		if v, err := ParseVersions(text); err != nil || v.String() != want {
			t.Errorf("%s reads %q, %v; want %q", text, v, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "x", "3/", "3/patch", "/minor", "3/minor/", "1.5", "99999999999999999999"} {
		if _, err := ParseVersions(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestParseGrouping(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ expr, tag, want string }{
		{`^(.+)-[0-9a-f]{7,}$`, "feature/x-1a2b3c4", "feature/x"},
		{`^(.+)-[0-9]+$`, "main", ""},
		{`^(web|api)-(.+)-[0-9]+$`, "web-main-1", "web/main"},
		{`^(?:(pr)-)?.*$`, "x", ""},
	} {
		g, err := ParseGrouping(c.expr)
		if got := g.nameOf(c.tag); err != nil || got != c.want {
			t.Errorf("%s puts %q into %q, %v; want %q", c.expr, c.tag, got, err, c.want)
		}
	}
	for expr, want := range map[string]string{
		`^(`: "not a regular expression", `^.+$`: "no capture group", `(.+)-[0-9]+`: "not anchored", `^(.+)`: "not anchored",
		`^(a)|(b)$`: "not anchored", `(.+)$`: "not anchored", `^(.+)\$`: "not anchored", `(?m)^(a)$`: "not anchored", "": "no capture group",
	} {
		if _, err := ParseGrouping(expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", expr, err, want)
		}
	}
}

func TestPolicyInEnglish(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"--keep-last 2":                          "keep the last 2; protect latest",
		"--keep-last 2 --no-protect-latest":      "keep the last 2",
		"--keep-last 2 --sort name --protect v*": "keep the last 2 by name; protect latest, v*",
		"--keep-daily 7 --keep-weekly 4 --keep-semver 3/minor --keep-yearly 1":                                   "keep the newest of each of the last 7 days, the last 4 weeks and the last year and the 3 highest versions of each minor line; protect latest",
		"--keep-last 1 --group-by ^(.+)-[0-9]+$ --expire-groups 90d --max-delete 50% --undated oldest --tags b*": "keep the last 1, in each group of ^(.+)-[0-9]+$; keep nothing by rule in groups without a new image for 90 days; only tags b*; protect latest; images without a date count as the oldest; delete at most 50%",
	} {
		if got := parsePolicy(t, flags).String(); got != want {
			t.Errorf("%s reads\n%s, want\n%s", flags, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for flags, want := range map[string]string{
		"": "no keep rule", "--sort name": "no keep rule", "--expire-groups 3d": "no keep rule",
		"--keep-last 1 --expire-groups 3d": "needs group-by", "--keep-last -1": "at least 1", "--keep-daily -2": "at least 1",
		"--keep-last 1 --sort size": "unknown sort", "--keep-last 1 --undated delete": "unknown undated",
	} {
		if err := parsePolicy(t, flags).Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", flags, err, want)
		}
	}
}
