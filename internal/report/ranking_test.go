package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/rank"
)

// held makes a repository that holds so many MiB by itself.
func held(path string, own int64, manifests int) rank.Row {
	return rank.Row{
		Path: path, Tags: manifests, Manifests: manifests, Blobs: 2 * manifests, Own: own * mib, Shared: 30 * mib,
		Oldest: started.Add(-200 * day), Newest: started.Add(-2 * time.Minute),
	}
}

// ranked is a registry with the repositories, which share one layer of 30 MiB.
func ranked(repositories ...rank.Row) rank.Ranking {
	r := rank.Ranking{
		Source: rank.FromRegistry, Asked: "registry.example.com:5000", Started: started, Elapsed: 3200 * time.Millisecond,
		Repositories: repositories, Bytes: 30 * mib, Shared: 30 * mib,
	}
	for _, one := range repositories {
		r.Bytes += one.Own
	}
	return r
}

func logRanking() rank.Ranking {
	return rank.OfLog("gc.log", gc.Log{
		Repositories: []gc.Marked{{Name: "zdtest/web", Manifests: 1870, Blobs: 5610}, {Name: "zdtest/api", Manifests: 40, Blobs: 95}, {Name: "emptied"}},
		BlobsMarked:  7615, BlobsEligible: 1, ManifestsEligible: 0,
	})
}

func many(n int) rank.Ranking {
	var repositories []rank.Row
	for i := range n {
		repositories = append(repositories, held(fmt.Sprintf("team%d/app%d", i%7, i), int64(4000/(i+1)), 3000/(i+1)))
	}
	return ranked(repositories...)
}

func rankings() map[string]rank.Ranking {
	web, lint := held("zdtest/web", 8300, 1870), held("tools/lint", 0, 2)
	lint.Own, lint.Oldest, lint.Newest = 900, time.Time{}, time.Time{}
	api := held("zdtest/api", 2100, 340)
	api.Newest = api.Oldest
	partial := ranked(web, lint)
	partial.ExitCode = 1
	partial.Unread = []rank.Unread{{Path: "secret/app", Err: errors.New("GET https://registry.example.com:5000/v2/secret/app/tags/list: 403 Forbidden DENIED")}}
	partial.Gone, partial.NotLookedAt = []string{"old/a", "old/b"}, 12
	hostile := ranked(held("<b>@everyone|`x`", 5, 3))
	hostile.Asked = "##vso[x]\x1b[31m"
	hostile.Unread = []rank.Unread{{Path: "::error::\u202e", Err: errors.New("<script>\n##[group]|a|" + strings.Repeat("long ", 200))}}
	hostile.Gone = []string{"a|b\x07"}
	long := ranked(held(strings.Repeat("a-very-long-path/", 14)+"end", 100, 7), held("short", 50, 7))
	untagged := ranked(web, api)
	untagged.KnowsUntagged, untagged.UntaggedBytes = true, 1200*mib
	untagged.Repositories[0].Untagged, untagged.Repositories[0].UntaggedBytes = 1240, 1100*mib
	return map[string]rank.Ranking{
		"untagged": untagged,
		"ordinary": ranked(web, api, lint), "many": many(41), "one": ranked(web), "none": {Source: rank.FromRegistry, Asked: "registry.example.com"},
		"partial": partial, "hostile": hostile, "long": long, "log": logRanking(),
		"nothing_own": func() rank.Ranking { r := ranked(lint); r.Repositories[0].Own, r.Bytes = 0, r.Shared; return r }(),
	}
}

func TestRankingGolden(t *testing.T) {
	t.Parallel()
	for form, o := range map[string]RankingOptions{"table": {Top: 10}, "narrow": {Top: 10, Width: 80}, "tiny": {Top: 2, Width: 40}, "markdown": {Top: 10}, "html": {Top: 10}, "json": {}} {
		for name, r := range rankings() {
			if (form == "narrow" || form == "tiny") && name != "many" && name != "long" && name != "log" || form == "json" && name == "many" {
				continue
			}
			t.Run(form+"/"+name, func(t *testing.T) {
				t.Parallel()
				kind := Form(form)
				if o.Width > 0 {
					kind = FormTable
				}
				var b bytes.Buffer
				if err := WriteRanking(&b, kind, r, o); err != nil {
					t.Fatal(err)
				}
				for line := range strings.Lines(b.String()) {
					if trimmed := strings.TrimRight(line, " \t\r\n"); trimmed+"\n" != line {
						t.Errorf("line ends in white space: %q", line)
					}
					if row := strings.HasPrefix(line, "  "); row && o.Width > 0 && textWidth(strings.TrimSuffix(line, "\n")) > o.Width && name != "long" {
						t.Errorf("line is wider than %d: %q", o.Width, line)
					}
				}
				switch form {
				case "markdown":
					checkMarkdown(t, b.String())
				case "html":
					checkHTML(t, b.String())
					checkInert(t, FormHTML, b.Bytes())
				}
				golden(t, b.Bytes())
			})
		}
	}
}

// Whatever the terminal, a table fits, and the bars are in proportion.
func TestRankingFitsTheTerminal(t *testing.T) {
	t.Parallel()
	r := many(41)
	for width := 60; width <= 200; width++ {
		var b bytes.Buffer
		if err := WriteRanking(&b, FormTable, r, RankingOptions{Top: 10, Width: width}); err != nil {
			t.Fatal(err)
		}
		var bars []int
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if strings.HasPrefix(line, "  ") && textWidth(line) > width {
				t.Errorf("width %d: %q", width, line)
			}
			if n := strings.Count(line, "█"); n > 0 {
				bars = append(bars, n)
			}
		}
		if len(bars) != 10 || bars[0] < minBar || bars[0] > maxBar {
			t.Fatalf("width %d: bars %v", width, bars)
		}
		for i, n := range bars {
			if want := max(1, bars[0]*(4000/(i+1))/4000); n != want && n != want-1 {
				t.Errorf("width %d: bar %d has %d cells, want %d", width, i, n, want)
			}
		}
	}
}

func TestRankingJSON(t *testing.T) {
	t.Parallel()
	for name, r := range rankings() {
		var b bytes.Buffer
		if err := WriteRanking(&b, FormJSON, r, RankingOptions{Top: 1}); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Schema       string
			Repositories []struct{ Repository string }
		}
		if err := json.Unmarshal(b.Bytes(), &got); err != nil || got.Schema != "regsweep/rank/v1" || len(got.Repositories) != len(r.Repositories) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		for i := range got.Repositories {
			if got.Repositories[i].Repository != r.Repositories[i].Path {
				t.Errorf("%s: got %q, want %q", name, got.Repositories[i].Repository, r.Repositories[i].Path)
			}
		}
	}
}

func TestWriteRankingFails(t *testing.T) {
	t.Parallel()
	for _, form := range RankingForms {
		if err := WriteRanking(full{}, form, many(3), RankingOptions{}); !errors.Is(err, errFull) {
			t.Errorf("%s: got error %v, want %v", form, err, errFull)
		}
	}
	if err := WriteRanking(full{}, FormJUnit, many(3), RankingOptions{}); errorText(err) != `a ranking has no form "junit": table, markdown, json or html` {
		t.Errorf("got error %v", err)
	}
}
