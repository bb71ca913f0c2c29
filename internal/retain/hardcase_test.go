package retain

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// borders are moments at which calendars are got wrong: leap days, ends of months, years with a 53rd ISO week, and
// days of January and December that belong to a week of the other year.
var borders = []time.Time{
	testNow,
	time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC),
	time.Date(2024, 3, 31, 23, 59, 59, 999999999, time.UTC),
	time.Date(2025, 2, 28, 12, 0, 0, 0, time.UTC),
	time.Date(2021, 1, 3, 23, 30, 0, 0, time.UTC),  // 2020-W53
	time.Date(2024, 12, 30, 0, 30, 0, 0, time.UTC), // 2025-W01
	time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),    // 2026-W53
}

var zones = []*time.Location{time.UTC, time.FixedZone("", 14*3600), time.FixedZone("", -12*3600), time.FixedZone("", 5*3600+1800)}

// timedCase is a case at a moment of its own.
type timedCase struct {
	testCase
	now time.Time
}

// hardCase makes a repository in which the sentences of the page meet each other.
func hardCase(r *rand.Rand) timedCase {
	c := timedCase{testCase{names: map[oci.Digest]string{}, policy: hardPolicy(r)}, pick(r, borders).In(pick(r, zones))}
	c.randomLive(r)
	if at := c.policy.Live.Written(); !at.IsZero() {
		c.policy.Live = c.policy.Live.WrittenAt(c.now.Add(at.Sub(testNow)))
	}
	c.randomNone(r)
	s := oci.Snapshot{Repository: testRepository}
	count := 1 + r.IntN(12)
	width := 1 + r.IntN(8) // how far apart numbers in tags are
	used := map[string]bool{}
	add := func(i *oci.Image, tag string) {
		if !used[tag] { // a tag is on one image
			used[tag] = true
			i.Tags = append(i.Tags, tag)
		}
	}
	for n := range count {
		i := oci.Image{Digest: named(fmt.Sprint(n)), Kind: oci.KindImage, Created: hardDate(r, c), Pushed: hardDate(r, c)}
		if r.IntN(20) == 0 {
			i.Retained = "locked"
		}
		c.names[i.Digest] = fmt.Sprint("i", n)
		for range []int{0, 1, 1, 1, 1, 2, 3, 4}[r.IntN(8)] {
			add(&i, hardTag(r, width))
		}
		if n > 0 && r.IntN(4) == 0 {
			for range 1 + r.IntN(3) {
				i.Children = append(i.Children, named(fmt.Sprint(r.IntN(n))))
			}
		}
		if r.IntN(12) == 0 {
			i.Children = append(i.Children, named("nowhere"))
			i.Missing = append(i.Missing, named("nowhere"))
		}
		if n > 0 && r.IntN(8) == 0 {
			i.Subject = pick(r, []oci.Digest{named(fmt.Sprint(r.IntN(n))), named(fmt.Sprint(r.IntN(n))), named("nowhere")})
		}
		for range max(0, r.IntN(9)-6) {
			subject := pick(r, []oci.Digest{named(fmt.Sprint(r.IntN(count))), named(fmt.Sprint(r.IntN(n + 1))), named("nowhere")})
			if r.IntN(2) == 0 && i.Subject == "" {
				i.Tags = nil
			}
			add(&i, "sha256-"+subject.Encoded()+pick(r, []string{"", ".sig", ".att", ".src", "-x"}))
		}
		slices.SortFunc(i.Tags, oci.NaturalCompare)
		s.Images = append(s.Images, i)
	}
	for range max(0, r.IntN(6)-3) {
		i, p := pick(r, s.Images), oci.Pushed{Reference: oci.Reference{Repository: testRepository}, Assumed: r.IntN(4) == 0}
		if p.Digest = i.Digest; r.IntN(2) == 0 && len(i.Tags) > 0 {
			p.Tag, p.Digest = pick(r, i.Tags), pick(r, []oci.Digest{"", i.Digest, named("elsewhere"), pick(r, s.Images).Digest})
		}
		c.context.Pushed = append(c.context.Pushed, p)
	}
	c.listsUntagged = r.IntN(2) == 0
	classify(&s, c.seen(s))
	c.snapshot = s
	return c
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func hardTag(r *rand.Rand, width int) string {
	form := pick(r, []string{
		"main-%d", "main-%d", "dev-%d", "dev-%d", "feat/x-%d", "b%d", "b0%d", "%d", "v%d", "v1.%d", "1.%d.0", "v1.%d.0", "1.0.%d", "2.%d.1",
		"1.%d.0-rc.1", "1.1.0-rc.%d", "v1.1.0-rc.%d", "1.1.0_%d", "1.%d.0_a", "1.1.0-5_%d", "1.1.0-%d", "1.1_%d", "latest", "stable", "edge-%d-arm", "%d.x",
		"web-1.%d.0", "web-1.%d", "api-v1.%d.0", "1.%d.0-arm", "web-1.%d.0-1",
		"pr-1-%d", "PR-2-%d", "pr-%d", "main-%d", "a-branch-with-a-long-name-that-is-cut-%d", "refs_heads_dev-%d",
	})
	form = strings.ReplaceAll(form, "/", "_")
	if !strings.Contains(form, "%") {
		return form
	}
	return fmt.Sprintf(form, r.IntN(width))
}

// hardDate is a date near a border, of the policy or of the calendar, or one that is none.
func hardDate(r *rand.Rand, c timedCase) time.Time {
	near := pick(r, []time.Duration{0, 0, 0, time.Nanosecond, time.Second, time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 31 * 24 * time.Hour})
	if r.IntN(2) == 0 {
		near = -near
	}
	var at time.Time
	switch r.IntN(12) {
	case 0:
		return pick(r, []time.Time{{}, {}, c.now.AddDate(50, 0, 0)})
	case 1:
		at = c.now.Add(24 * time.Hour)
	case 2, 3:
		at = pick(r, borders)
	case 4:
		at = time.Date(c.now.Year(), c.now.Month(), 1, 0, 0, 0, 0, time.UTC)
	case 5:
		at = time.Date(c.now.Year()-r.IntN(2), 1, 1+r.IntN(8), 0, 0, 0, 0, time.UTC)
	case 6:
		at = c.now.Truncate(24*time.Hour).AddDate(0, 0, -r.IntN(10))
	case 7, 8:
		if at = c.now; !c.policy.KeepYoungerThan.IsZero() {
			at = c.policy.KeepYoungerThan.Before(c.now)
		}
	case 9:
		if at = c.now; !c.policy.ExpireGroups.IsZero() {
			at = c.policy.ExpireGroups.Before(c.now)
		}
	default:
		at = c.now.Add(-time.Duration(r.IntN(60)) * time.Hour)
	}
	return at.Add(near).In(pick(r, zones))
}

func hardPolicy(r *rand.Rand) Policy {
	p := Policy{Sort: pick(r, []Sort{"", SortCreated, SortPushed, SortSemver, SortSemver, SortName}), Undated: pick(r, []Undated{"", UndatedKeep, UndatedOldest, UndatedPushed})}
	units := []string{"m", "h", "d", "w", "mo", "y"}
	often := 1 + r.IntN(6) // 1: all rules at once
	for _, n := range []*int{&p.KeepLast, &p.KeepHourly, &p.KeepDaily, &p.KeepWeekly, &p.KeepMonthly, &p.KeepYearly, &p.KeepSemver.n} {
		if r.IntN(often) == 0 {
			*n = 1 + r.IntN(3)
		}
	}
	p.KeepTagged = r.IntN(12) == 0
	if p.KeepSemver.n > 0 {
		p.KeepSemver.per = pick(r, []string{"", "major", "minor"})
	}
	if r.IntN(often) == 0 || len(p.keepRules()) == 0 {
		p.KeepYoungerThan = Age{1 + r.IntN(3), pick(r, units)}
	}
	if r.IntN(2) == 0 {
		p.GroupBy, _ = ParseGrouping(pick(r, []string{`^(.+)-[0-9]+$`, `^([a-z]+)-?[0-9]*$`, `^v?([0-9]+)\.([0-9]+).*$`, `^(?:([a-z]+)-)?([a-z0-9]).*$`, `^([a-z]*).*$`, `^([a-z]+)-[0-9.]+$`, `^(?:.+)-(arm|[a-z]+)$`, `^([a-z]+)-(?:.+)-([0-9])$`}))
		if r.IntN(2) == 0 {
			p.ExpireGroups = Age{1 + r.IntN(3), pick(r, units)}
		}
	}
	if r.IntN(2) == 0 {
		p.Untagged = Age{1 + r.IntN(3), pick(r, units)}
	}
	lists := []string{"latest", "stable,latest", "main-*", "dev-?", "v*", "re:[0-9].*", "*.*", "*-[0-4]", "sha256-*", "*.sig", "b*,1.*"}
	p.NoProtectLatest = r.IntN(2) == 0
	if r.IntN(3) == 0 {
		p.Protect, _ = ParsePatterns(pick(r, lists))
	}
	if r.IntN(3) == 0 {
		p.Tags, _ = ParsePatterns(pick(r, append(lists, "main-*,dev-*,b*")))
	}
	return p
}
