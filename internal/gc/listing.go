package gc

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// Listing is what a dry run of the garbage collection with --delete-untagged says of the manifests in a registry's storage.
// It holds 32 bytes for each manifest and 8 more for each that it names. The zero value is that of an empty storage.
type Listing struct {
	// Log has the numbers of the dry run.
	Log Log
	// Notes are for a reader, such as why the times of pushes are not known.
	Notes []string

	repositories map[string]*listed
	named        int
}

// listed are the manifests of one repository.
type listed struct {
	marked     []oci.Key
	candidates []candidate
}

// candidate is a manifest to which the storage has no tag. Something that has one may need it all the same.
type candidate struct {
	key oci.Key
	// age is how many seconds ago it was pushed, by the clock of the registry's host; noAge when that is not known.
	age int64
}

// noAge stands for an age that is not known.
const noAge = -1

// eligibleManifest begins the line of a manifest without a tag.
const eligibleManifest = "manifest eligible for deletion: "

// namedManifest is the rest of such a line: 2.x has the digest, under the repository's name; 3.x has the repository, the
// digest and all tags of the repository, of which the line may be cut (storage/garbagecollect.go of each).
var namedManifest = regexp.MustCompile(`^(?:\{(` + name + `) )?([a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,})(?: \[.*)?$`)

// candidate takes the line of a manifest without a tag and returns what is wrong with it.
func (p *parser) candidate(what string) string {
	m := namedManifest.FindStringSubmatch(what)
	if m == nil {
		return fmt.Sprintf("line %d names a manifest in an unknown way: %q", p.lines, shorten(what))
	}
	repository, n := m[1], len(p.log.Repositories)
	if repository == "" && n > 0 {
		repository = p.log.Repositories[n-1].Name
	}
	if p.summed || repository == "" {
		return fmt.Sprintf("line %d names a manifest of no repository", p.lines)
	}
	p.own = true
	p.listing.name(repository, oci.Digest(m[2]))
	return ""
}

func (l *Listing) of(path string) *listed {
	if l.repositories == nil {
		l.repositories = map[string]*listed{}
	}
	r := l.repositories[path]
	if r == nil {
		r = &listed{}
		l.repositories[path] = r
	}
	return r
}

func (l *Listing) mark(path string, d oci.Digest) {
	r := l.of(path)
	r.marked = append(r.marked, oci.KeyOf(d))
}

// name takes a candidate. A digest that is not a sha256 cannot be told from its key, and stays.
func (l *Listing) name(path string, d oci.Digest) {
	l.named++
	if !strings.HasPrefix(d.String(), "sha256:") {
		l.mark(path, d)
		return
	}
	r := l.of(path)
	r.candidates = append(r.candidates, candidate{oci.KeyOf(d), noAge})
}

// sort makes the listing ready to be asked.
func (l *Listing) sort() {
	for _, r := range l.repositories {
		slices.SortFunc(r.marked, compareKeys)
		r.marked = slices.Compact(r.marked)
		slices.SortFunc(r.candidates, func(a, b candidate) int { return compareKeys(a.key, b.key) })
		r.candidates = slices.CompactFunc(r.candidates, func(a, b candidate) bool { return a.key == b.key })
	}
}

func compareKeys(a, b oci.Key) int { return bytes.Compare(a[:], b[:]) }

func (r *listed) find(d oci.Digest) *candidate {
	if r == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(r.candidates, oci.KeyOf(d), func(c candidate, k oci.Key) int { return compareKeys(c.key, k) })
	if !found {
		return nil
	}
	return &r.candidates[i]
}

// Paths returns the repositories that have candidates, in natural order.
func (l *Listing) Paths() []string {
	var out []string
	for path, r := range l.repositories {
		if len(r.candidates) > 0 {
			out = append(out, path)
		}
	}
	slices.SortFunc(out, oci.NaturalCompare)
	return out
}

// Candidates returns the manifests of a repository to which the storage has no tag, sorted. What tagged images need, such as
// the platforms of a multi-arch image, is among them on 2.x; so are attachments.
func (l *Listing) Candidates(path string) []oci.Digest {
	r := l.repositories[path]
	if r == nil {
		return nil
	}
	out := make([]oci.Digest, len(r.candidates))
	for i, c := range r.candidates {
		out[i] = oci.Digest("sha256:" + hex.EncodeToString(c.key[:]))
	}
	return out
}

// HasTags reports whether a repository has a manifest in the storage that a tag there points at, or that such a one needs.
func (l *Listing) HasTags(path string) bool {
	r := l.repositories[path]
	return r != nil && len(r.marked) > 0
}

// Holds reports whether the storage has a manifest in a repository.
func (l *Listing) Holds(path string, d oci.Digest) bool {
	r := l.repositories[path]
	if r == nil {
		return false
	}
	_, marked := slices.BinarySearchFunc(r.marked, oci.KeyOf(d), compareKeys)
	return marked || r.find(d) != nil
}

// Dated reports whether the age of every candidate of a repository is known.
func (l *Listing) Dated(path string) bool {
	r := l.repositories[path]
	return r == nil || !slices.ContainsFunc(r.candidates, func(c candidate) bool { return c.age == noAge })
}

// Age returns how long ago a candidate was pushed, and whether that is known. It does not depend on the clock of this machine.
func (l *Listing) Age(path string, d oci.Digest) (age time.Duration, known bool) {
	c := l.repositories[path].find(d)
	if c == nil || c.age == noAge {
		return 0, false
	}
	return time.Duration(c.age) * time.Second, true
}
