// Package inuse finds the images that a text names, whatever the text is: what kubectl prints, a compose file, a Nomad
// job, a list with comments. It is pure: a text and a snapshot go in, and what is in use comes out.
//
// Whatever may be a name is taken for one. A word too many keeps an image too many, and a word too few deletes one that
// is running.
package inuse

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// MaxSize is how many bytes a text may have: far more than the images of a large cluster need, and little enough to be
// held in memory.
const MaxSize = 64 << 20

// Text is what a text names: image references, digests, and words that can be tags. The zero value names nothing.
type Text struct {
	source string // what reasons and warnings call the text
	text   string
	names  map[string]place
}

// place is where a name stands.
type place struct {
	line    uint32
	comment uint32 // where in the text the comment of the line begins; 0 when it has none
}

// Parse reads which images a text names. What follows " #" on a line, outside of quotes, is a comment: it names nothing
// and becomes a part of the reason.
//
// source is what reasons call the text, such as its file's name. Errors do not name it. A text that names nothing, that
// is larger than [MaxSize] or that is not text is an error.
func Parse(source, text string) (Text, error) {
	if len(text) > MaxSize {
		return Text{}, fmt.Errorf("it is larger than %d MiB", MaxSize>>20)
	}
	t := Text{source: source, text: text, names: map[string]place{}}
	start := 0
	for number := uint32(1); start < len(text); number++ {
		end := len(text)
		if n := strings.IndexAny(text[start:], "\r\n"); n >= 0 {
			end = start + n
		}
		line := text[start:end]
		// Windows' shells redirect UTF-16, in which every word would be torn into letters.
		if n := strings.IndexByte(line, 0); n >= 0 {
			return Text{}, fmt.Errorf("line %d, column %d: a zero byte: this is not text, or it is UTF-16; save it as UTF-8", number, n+1)
		}
		at := place{line: number}
		body := line[:commentStart(line)]
		if len(body) < len(line) {
			at.comment = uint32(start + len(body))
		}
		t.readWords(body, at)
		start = end + 1
		if strings.HasPrefix(text[end:], "\r\n") {
			start++
		}
	}
	if len(t.names) == 0 {
		return Text{}, errors.New("it names no image: it has no image reference, tag or digest")
	}
	return t, nil
}

// commentStart returns where the comment of a line begins, or the line's length: at a # that begins the line or follows
// white space. A # inside quotes does not begin one: a whole cluster can be one line of JSON, and what follows "see #7" in it
// must not be lost. Quotes are those that begin a word; when they are not closed, nothing is a comment.
func commentStart(line string) int {
	quote, before := byte(0), byte(' ')
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == '"' && c == '\\':
			i++ // whatever it escapes
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '#' && (before == ' ' || before == '\t'):
			return i
		case (c == '"' || c == '\'') && !alphanumeric(before):
			quote = c
		}
		before = c
	}
	return len(line)
}

// Source is what reasons call the text.
func (t Text) Source() string { return t.source }

// tag returns where the text names a tag of the repository: as a word, in a reference, or as latest by a reference that
// has neither tag nor digest.
func (t Text) tag(repository []string, tag string) (place, bool) {
	at, ok := t.names[tag]
	for _, r := range repository {
		at, ok = t.earlier(at, ok, r+":"+tag)
		if tag == "latest" {
			at, ok = t.earlier(at, ok, r)
		}
	}
	return at, ok
}

// digest returns where the text names a digest of the repository.
func (t Text) digest(repository []string, d oci.Digest) (place, bool) {
	at, ok := t.names[string(d)]
	for _, r := range repository {
		at, ok = t.earlier(at, ok, r+"@"+string(d))
	}
	return at, ok
}

// Digests returns the digests that the text names by references to the repository, such as app@sha256:…, sorted. A
// manifest can run without a tag.
func (t Text) Digests(r oci.Repository) []oci.Digest {
	var out []oci.Digest
	names := namesOf(r)
	for name := range t.names {
		repository, d, pinned := strings.Cut(name, "@")
		if pinned && slices.Contains(names, repository) && oci.Digest(d).Validate() == nil {
			out = append(out, oci.Digest(d))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// earlier returns the earlier of a place and that of a name.
func (t Text) earlier(at place, ok bool, name string) (place, bool) {
	other, found := t.names[name]
	if found && (!ok || other.line < at.line) {
		return other, true
	}
	return at, ok
}

// maxComment bounds what a comment adds to the reasons of each image on its line, in bytes.
const maxComment = 120

// where says where an image is in use and, where the text does, why.
func (t Text) where(at place) string {
	out := fmt.Sprintf("in use (%s:%d", t.source, at.line)
	if at.comment > 0 {
		comment := t.text[at.comment:]
		if n := strings.IndexAny(comment, "\r\n"); n >= 0 {
			comment = comment[:n]
		}
		comment = strings.TrimSpace(strings.TrimLeft(comment, "# \t"))
		if len(comment) > maxComment {
			comment = strings.ToValidUTF8(comment[:maxComment], "") + " …"
		}
		if comment != "" {
			out += ": " + comment
		}
	}
	return out + ")"
}
