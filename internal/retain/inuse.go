package retain

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// MaxInUse is how many bytes a text of images in use may have: far more than the images of a large cluster need, and
// little enough to be held in memory.
const MaxInUse = 64 << 20

// InUse is what a text names: image references, digests, and words that can be tags. The zero value names nothing.
type InUse struct {
	source string // what reasons and warnings call the text
	text   string
	names  map[string]place
}

// place is where a name stands.
type place struct {
	line    uint32
	comment uint32 // where in the text the comment of the line begins; 0 when it has none
}

// ParseInUse reads which images a text names, whatever the text is: what kubectl prints, a compose file, a Nomad job, a
// list with comments behind " #". Whatever may be a name is taken for one: a word too many keeps an image too many, a
// word too few would delete one that is running.
//
// source is what the text is called in reasons. Errors do not name it.
func ParseInUse(source, text string) (InUse, error) {
	if len(text) > MaxInUse {
		return InUse{}, fmt.Errorf("it has more than %d MiB", MaxInUse>>20)
	}
	u := InUse{source: source, text: text, names: map[string]place{}}
	start := 0
	for number := uint32(1); start < len(text); number++ {
		end := len(text)
		if n := strings.IndexAny(text[start:], "\r\n"); n >= 0 {
			end = start + n
		}
		line := text[start:end]
		// Windows' shells redirect UTF-16, in which every word would be torn into letters.
		if n := strings.IndexByte(line, 0); n >= 0 {
			return InUse{}, fmt.Errorf("line %d, column %d: a zero byte: this is no text, or UTF-16, which must be saved as UTF-8", number, n+1)
		}
		at := place{line: number}
		body := line[:commentStart(line)]
		if len(body) < len(line) {
			at.comment = uint32(start + len(body))
		}
		u.readWords(body, at)
		start = end + 1
		if strings.HasPrefix(text[end:], "\r\n") {
			start++
		}
	}
	if len(u.names) == 0 {
		return InUse{}, errors.New("it names nothing: there is no image reference, tag or digest in it")
	}
	return u, nil
}

// commentStart returns where the comment of a line begins, or the line's length: at a # that begins the line or follows
// white space. One inside of quotes is none: a whole cluster can be one line of JSON, and what follows "see #7" in it
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

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// inWord reports whether references are made of such bytes.
func inWord(c byte) bool { return alphanumeric(c) || strings.IndexByte("._-/:@", c) >= 0 }

// readWords takes a line apart.
func (u *InUse) readWords(line string, at place) {
	for i := 0; i < len(line); {
		start := i
		for i < len(line) {
			if n := addressLength(line[i:]); n > 0 {
				i += n
			} else if inWord(line[i]) {
				i++
			} else {
				break
			}
		}
		if i == start {
			i++
			continue
		}
		u.readWord(line[start:i], at)
		if start > 0 && line[start-1] == '\\' { // JSON within JSON: \napp:v1
			if word := line[start:i]; strings.IndexByte("nrt", word[0]) >= 0 {
				u.readWord(word[1:], at)
			} else if word[0] == 'u' && len(word) > 5 {
				u.readWord(word[5:], at)
			}
		}
	}
}

// addressLength returns the length of the IPv6 address, in brackets, that the text begins with as a reference does
// ([::1]:5000/app), or 0.
func addressLength(s string) int {
	if s == "" || s[0] != '[' {
		return 0
	}
	end := strings.IndexByte(s[:min(len(s), len("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]"))], ']')
	if end < 0 || strings.Count(s[:end], ":") < 2 || strings.Trim(s[1:end], "0123456789abcdefABCDEF:.") != "" {
		return 0
	}
	if rest := s[end+1:]; rest == "" || (rest[0] != ':' && rest[0] != '/') {
		return 0
	}
	return end + 1
}

// readWord notes what a word may name. A scheme goes (docker-pullable://app@sha256:…), ":-" parts the default of a
// variable from its name (${TAG:-v1}), and what ends in a full stop may or may not end a sentence.
func (u *InUse) readWord(word string, at place) {
	for part := range strings.SplitSeq(word, ":-") {
		if n := strings.LastIndex(part, "://"); n >= 0 {
			part = part[n+3:]
		}
		part = strings.TrimRight(strings.TrimLeft(part, "-./:@"), "/:@")
		u.readName(part, at)
		if shorter := strings.TrimRight(part, "-./:@"); shorter != part {
			u.readName(shorter, at)
		}
	}
}

func (u *InUse) readName(name string, at place) {
	if name == "" {
		return
	}
	name, digest, pinned := strings.Cut(name, "@")
	repository, tag := cutTag(name)
	repository = canonical(repository)
	switch {
	case pinned:
		u.add(repository+"@"+digest, at)
		if tag != "" { // docker pulls by the digest, but whoever wrote the tag means it
			u.add(repository+":"+tag, at)
		}
	case tag == "":
		u.add(repository, at) // latest, or a word
	default:
		u.add(joined(name, repository, tag), at)
		if n := strings.LastIndexByte(repository, ':'); n >= 0 && !strings.Contains(name, "/") {
			u.add(name[n+1:], at) // digest:sha256:…, image:app:v1
		}
	}
}

// joined returns the repository with the tag, as a part of the word where it is one, so that most names need no memory.
func joined(word, repository, tag string) string {
	if n := len(repository) + 1 + len(tag); n <= len(word) && word[len(word)-n:len(word)-len(tag)-1] == repository {
		return word[len(word)-n:]
	}
	return repository + ":" + tag
}

func (u *InUse) add(name string, at place) {
	if _, ok := u.names[name]; !ok {
		u.names[name] = at
	}
}

// tag returns where the text names a tag of the repository: as a word, in a reference, or as latest by a reference that
// has neither tag nor digest.
func (u InUse) tag(repository []string, tag string) (place, bool) {
	at, ok := u.names[tag]
	for _, r := range repository {
		at, ok = u.first(at, ok, r+":"+tag)
		if tag == "latest" {
			at, ok = u.first(at, ok, r)
		}
	}
	return at, ok
}

// digest returns where the text names a digest of the repository.
func (u InUse) digest(repository []string, d oci.Digest) (place, bool) {
	at, ok := u.names[string(d)]
	for _, r := range repository {
		at, ok = u.first(at, ok, r+"@"+string(d))
	}
	return at, ok
}

// Digests returns the digests that the text names by references to the repository, such as app@sha256:…, sorted. A
// manifest can run without a tag.
func (u InUse) Digests(r oci.Repository) []oci.Digest {
	var out []oci.Digest
	names := namesOf(r)
	for name := range u.names {
		repository, d, pinned := strings.Cut(name, "@")
		if pinned && slices.Contains(names, repository) && oci.Digest(d).Validate() == nil {
			out = append(out, oci.Digest(d))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// first returns the earlier of a place and that of a name.
func (u InUse) first(at place, ok bool, name string) (place, bool) {
	other, found := u.names[name]
	if found && (!ok || other.line < at.line) {
		return other, true
	}
	return at, ok
}

// mostComment bounds what a comment adds to the reasons of each image on its line, in bytes.
const mostComment = 120

// where says where an image is in use and, where the text does, why.
func (u InUse) where(at place) string {
	out := fmt.Sprintf("in use (%s:%d", u.source, at.line)
	if at.comment > 0 {
		comment := u.text[at.comment:]
		if n := strings.IndexAny(comment, "\r\n"); n >= 0 {
			comment = comment[:n]
		}
		comment = strings.TrimSpace(strings.TrimLeft(comment, "# \t"))
		if len(comment) > mostComment {
			comment = strings.ToValidUTF8(comment[:mostComment], "") + " …"
		}
		if comment != "" {
			out += ": " + comment
		}
	}
	return out + ")"
}
