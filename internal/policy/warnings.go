package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Warnings says which entries of the policy file have no effect: those that no repository can reach, because earlier
// entries match everything that they match, and those that match no repository of the run, which are in names.
func (p Policies) Warnings(names []oci.Repository) []string {
	var out []string
	used := make([]bool, len(p.entries))
	for _, name := range names {
		if n := p.entryOf(name); n >= 0 {
			used[n] = true
		}
	}
	var unused []string
	for n, entry := range p.entries {
		switch {
		case used[n]:
		case p.reachable(n):
			unused = append(unused, fmt.Sprint(entry.at.line))
		default:
			out = append(out, fmt.Sprintf("%s:%d:%d: no repository can reach this entry: earlier entries match all that it matches", named(p.file), entry.at.line, entry.at.column))
		}
	}
	switch {
	case len(names) == 0:
	case len(unused) == 1:
		out = append(out, fmt.Sprintf("%s: the entry at line %s matches no repository of this run", named(p.file), unused[0]))
	case len(unused) > 1:
		out = append(out, fmt.Sprintf("%s: the entries at lines %s match no repository of this run", named(p.file), strings.Join(unused, ", ")))
	}
	return out
}

// entryOf returns the number of the entry that is a repository's policy, or -1.
func (p Policies) entryOf(name oci.Repository) int {
	return slices.IndexFunc(p.entries, func(e policyOf) bool { return e.matches(name) })
}

// reachable reports whether a repository can reach an entry: whether one of its globs matches a name that no earlier
// entry matches. An entry that only several earlier ones together cover counts as reachable.
func (p Policies) reachable(n int) bool {
	return slices.ContainsFunc(p.entries[n].repositories, func(g repositoryGlob) bool {
		for _, earlier := range p.entries[:n] {
			if slices.ContainsFunc(earlier.repositories, func(e repositoryGlob) bool { return e.covers(g) }) {
				return false
			}
		}
		return true
	})
}

// anyText stands for any text of a name: no name has this letter, so only a star can match it.
const anyText = "\x00"

// covers reports whether a glob matches every repository that another one matches. It tries names that the other glob
// stands for, with [anyText] in the place of its stars.
func (g repositoryGlob) covers(other repositoryGlob) bool {
	for _, one := range []string{anyText, anyText + anyText} {
		for _, many := range []string{one, one + "/" + anyText, anyText + "/" + one + "/" + anyText} {
			if !g.coversName(strings.NewReplacer("**", many, "*", one).Replace(string(other))) {
				return false
			}
		}
	}
	return true
}

// coversName reports whether a glob matches the repository of a name that begins with a host, and those of all hosts when
// the name can be a path alone.
func (g repositoryGlob) coversName(name string) bool {
	matches := func(name string) bool { return oci.Repository{Path: string(g)}.Matches(name) }
	first, path, slash := strings.Cut(name, "/")
	open := strings.Contains(first, anyText)
	if host := oci.IsHost(first); open || !host {
		if !matches(name) && !matches(anyText+"."+anyText+"/"+name) {
			return false
		}
	}
	return !slash || !open && !oci.IsHost(first) || matches(name) || matches(path)
}
