// Package live reads which branches, tags and pull requests of a git repository still exist, and tells whether the name of
// a group of image tags can be that of one of them. It is pure: a text goes in, and answers come out.
//
// CI systems change a name before they write it into a tag. A group that can be live under any reading is live, because a
// name too many keeps a group too many, and a name too few deletes the images of a branch that somebody works on.
package live

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Refs are the names that still exist. The zero value means that nothing is known of them.
type Refs struct {
	sources  []string
	keys     map[string]bool // the names in all their readings, folded
	sorted   []string        // the keys
	requests map[string]bool // the numbers of pull and merge requests
	branches map[string]bool // what is certainly the name of a branch, folded
	// hasRequests says that the text certainly names a pull or merge request.
	hasRequests bool
	written     time.Time // when the oldest text was written; zero when that is not known
}

// IsZero reports whether no names were given.
func (r Refs) IsZero() bool { return len(r.sources) == 0 }

// Sources are what reasons and errors call the texts, such as the names of their files, in the order of the texts.
func (r Refs) Sources() []string { return r.sources }

// NamesBranches reports whether the texts name a branch. Texts that do not say nothing about branches.
func (r Refs) NamesBranches() bool { return len(r.branches) > 0 }

// Branches returns how many branches the texts name.
func (r Refs) Branches() int { return len(r.branches) }

// NamesRequests reports whether the texts name a pull or merge request. Texts that do not say nothing about them.
func (r Refs) NamesRequests() bool { return r.hasRequests }

// WrittenAt returns the names with the time at which their text was written, such as that of the last change of its file.
func (r Refs) WrittenAt(at time.Time) Refs {
	r.written = at
	return r
}

// Written returns when the texts were written: of several, the earliest time that is known; zero when none is known.
// Branches that are newer are not in them.
func (r Refs) Written() time.Time { return r.written }

// With returns the names of both.
func (r Refs) With(other Refs) Refs {
	out := newRefs(slices.Concat(r.sources, other.sources)...)
	out.hasRequests = r.hasRequests || other.hasRequests
	if out.written = r.written; out.written.IsZero() || !other.written.IsZero() && other.written.Before(out.written) {
		out.written = other.written
	}
	for _, from := range []Refs{r, other} {
		maps.Copy(out.keys, from.keys)
		maps.Copy(out.requests, from.requests)
		maps.Copy(out.branches, from.branches)
	}
	out.sort()
	return out
}

func newRefs(sources ...string) Refs {
	return Refs{sources: sources, keys: map[string]bool{}, requests: map[string]bool{}, branches: map[string]bool{}}
}

// sort prepares the search for names that begin with a text.
func (r *Refs) sort() {
	r.sorted = make([]string, 0, len(r.keys))
	for k := range r.keys {
		r.sorted = append(r.sorted, k)
	}
	slices.Sort(r.sorted)
}

// standing are the names of groups that stand for no single branch or request. docker/metadata-action writes edge for the
// default branch, nightly for a schedule, latest for a release, and sha before a commit
// (https://github.com/docker/metadata-action#tags-input); pr, mr or pull alone is what an expression leaves of pr-12 that
// was made for another form of tags.
var standing = []string{"edge", "nightly", "latest", "sha", "pr", "mr", "pull"}

// Has reports whether a group can be live: by one of the names, or because its name stands for no branch. The name of a
// group is its captures, joined by slashes.
func (r Refs) Has(group string) bool {
	for capture := range strings.SplitSeq(group, "/") {
		if slices.Contains(standing, fold(capture)) {
			return true
		}
	}
	return r.Names(group)
}

// Names reports whether one of the names can be that of a group, as a whole or in any neighbouring captures: a group can
// be named by a component and a branch.
func (r Refs) Names(group string) bool {
	captures := strings.Split(group, "/")
	for from := range captures {
		for to := from + 1; to <= len(captures); to++ {
			if r.names(strings.Join(captures[from:to], "-")) {
				return true
			}
		}
	}
	return false
}

// usual are the branches that nearly every git repository has.
var usual = []string{"main", "master", "develop", "dev", "trunk"}

// IsUsual reports whether a group is named after a branch that nearly every git repository has, so that its name does not
// tell one repository from another.
func IsUsual(group string) bool {
	key := fold(group)
	return slices.Contains(usual, key) || slices.Contains(standing, key)
}

// minCut is the length from which on a name may be the beginning of a longer one. GitLab cuts CI_COMMIT_REF_SLUG after 63
// bytes, registries allow tags of 128, and pipelines cut names shorter to leave room for a commit.
const minCut = 30

func (r Refs) names(text string) bool {
	key := fold(text)
	if key == "" {
		return false
	}
	if number, _ := request(key); r.keys[key] || number != "" && r.requests[number] {
		return true
	}
	if len(text) < minCut {
		return false
	}
	n, _ := slices.BinarySearch(r.sorted, key)
	return n < len(r.sorted) && strings.HasPrefix(r.sorted[n], key)
}

// IsRequest reports whether a group is named after a pull or merge request, such as pr-12.
func IsRequest(group string) bool {
	for capture := range strings.SplitSeq(group, "/") {
		if _, worded := request(fold(capture)); worded {
			return true
		}
	}
	_, worded := request(fold(group))
	return worded
}
