package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// command is what plays a seed again.
func (s schedule) command() string { return fmt.Sprintf("go run -C e2e ./chaos -seed %d", s.seed) }

// tell prints what became of a schedule when somebody has to look at it.
func (c campaign) tell(p *player, r result) {
	if c.verbose {
		fmt.Fprintln(c.out, p.story())
	}
	if len(r.found) == 0 && r.err == nil {
		return
	}
	fmt.Fprintln(c.out, r)
}

func (r result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "FAIL %s", r.schedule)
	if r.err != nil {
		fmt.Fprintf(&b, "\n  the harness failed: %v", r.err)
	}
	for _, v := range r.found {
		fmt.Fprintf(&b, "\n  %s", v)
	}
	fmt.Fprintf(&b, "\n  again: %s", r.schedule.command())
	return b.String()
}

// summary counts what was found, and is an error when that is anything.
func (c campaign) summary(results []result) error {
	failed, kinds := 0, map[string]int{}
	var seeds []uint64
	for _, r := range results {
		mine := map[string]bool{}
		for _, v := range r.found {
			mine[v.kind] = true
		}
		if r.err != nil {
			mine["harness"] = true
		}
		for k := range mine {
			kinds[k]++
		}
		if len(mine) > 0 {
			failed++
			seeds = append(seeds, r.schedule.seed)
		}
	}
	fmt.Fprintf(c.out, "%d schedules, %d with violations\n", len(results), failed)
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(c.out, "  %-12s %d\n", k, kinds[k])
	}
	if failed == 0 {
		return nil
	}
	slices.Sort(seeds)
	return fmt.Errorf("%d of %d schedules violate a promise; seeds %v", failed, len(results), seeds)
}

// story is all that happened in a schedule.
func (p *player) story() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n  keep the last %d, protect %v, just built %q\n", p.s, p.w.rules.keepLast, p.w.rules.protect, p.w.rules.built)
	for i, build := range p.w.builds {
		fmt.Fprintf(&b, "  build %d: %v is %s (%s)", i, build.tags, short(build.top.digest), build.top.kind)
		for _, c := range build.parts {
			fmt.Fprintf(&b, ", part %s", short(c.digest))
		}
		for _, e := range build.extras {
			fmt.Fprintf(&b, ", %v is %s", e.tags, short(e.digest))
		}
		b.WriteByte('\n')
	}
	for i, a := range p.acts {
		fmt.Fprintf(&b, "run %d", i+1)
		if a.calm {
			b.WriteString(", calm")
		}
		b.WriteByte('\n')
		for _, line := range a.lines() {
			fmt.Fprintf(&b, "  %s\n", line)
		}
		for _, r := range a.runs {
			fmt.Fprintf(&b, "  exit code %d, killed %t, hung %t, %v\n", r.code, r.killed, r.hung, r.ended.Sub(r.began).Round(time.Millisecond))
			fmt.Fprintf(&b, "%s%s", indent(r.stdout), indent(r.stderr))
			if r.report != nil {
				fmt.Fprintf(&b, "    unfinished %v, warnings %q\n", r.report.Repositories[0].Unfinished, r.report.Repositories[0].Warnings)
			}
		}
	}
	return b.String()
}

// lines are the requests and events of an act in their order.
func (a *act) lines() []string {
	type moment struct {
		at   time.Time
		text string
	}
	var all []moment
	for _, e := range a.log {
		if !e.deletes() && e.kind != "list" && e.fault == "" {
			continue
		}
		all = append(all, moment{e.begin, fmt.Sprintf("%s %s %s (%s): %s the registry said %d, %v", e.method, e.kind, e.ref, short(e.ref), e.fault, e.status, e.end.Sub(e.begin).Round(time.Millisecond))})
	}
	for _, h := range a.happened {
		all = append(all, moment{h.began, fmt.Sprintf("EVENT %s %s %s shared %s accepted %t %v", h.what, h.tag, short(h.top.digest), short(h.shared), h.accepted, h.err)})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.at.Compare(b.at) })
	var out []string
	for _, m := range all {
		out = append(out, fmt.Sprintf("%6dms %s", m.at.Sub(a.runs[0].began).Milliseconds(), m.text))
	}
	return out
}

func indent(text string) string {
	var b strings.Builder
	for l := range strings.Lines(text) {
		b.WriteString("    | " + strings.TrimRight(l, "\n") + "\n")
	}
	return b.String()
}
