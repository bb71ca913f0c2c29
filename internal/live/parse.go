package live

import (
	"errors"
	"fmt"
	"strings"
)

// MaxSize is how many bytes a text may have: far more than git ls-remote prints for the largest repositories, and little
// enough to be held in memory.
const MaxSize = 64 << 20

// maxName is how long a name may be, in bytes. Git keeps refs as files, and no system has longer paths.
const maxName = 4096

// ErrUnusable is wrapped by all errors of [Parse]: what still exists is then not known, and nothing may be deleted.
var ErrUnusable = errors.New("the names that still exist are not known")

// unusable is an error that wraps [ErrUnusable] without its words.
type unusable struct{ text, hint string }

// Error says what is wrong with the text.
func (e *unusable) Error() string { return e.text }

// Hint says what to do.
func (e *unusable) Hint() string { return e.hint }

// Is makes the error an [ErrUnusable].
func (e *unusable) Is(target error) bool { return target == ErrUnusable }

const howTo = "give it the output of git ls-remote, or one name per line (docs/branches.md)"

// Unusable returns an error that wraps [ErrUnusable] and says what is wrong.
func Unusable(format string, args ...any) error {
	return &unusable{fmt.Sprintf(format, args...), howTo}
}

// Parse reads the output of git ls-remote, git show-ref, git for-each-ref or git branch -r, or one name per line. A # at
// the beginning of a line or after white space begins a comment. The order of the lines does not matter.
//
// source is what reasons call the text, such as the name of its file; errors do not name it. A text that names nothing,
// that is larger than [MaxSize], or that has a line that is not a ref is an [ErrUnusable]: a part of the names would make
// branches look gone.
func Parse(source, text string) (Refs, error) {
	if len(text) > MaxSize {
		return Refs{}, Unusable("it is larger than %d MiB", MaxSize>>20)
	}
	text = strings.TrimPrefix(text, "\ufeff")
	r := newRefs(source)
	number := 0
	for len(text) > 0 {
		line := text
		if n := strings.IndexAny(text, "\r\n"); n >= 0 {
			line = text[:n]
			if strings.HasPrefix(text[n:], "\r\n") {
				n++
			}
			text = text[n+1:]
		} else {
			text = ""
		}
		number++
		names, err := namesOf(line)
		if err != nil {
			return Refs{}, Unusable("line %d: %v", number, err)
		}
		for _, name := range names {
			r.add(name)
		}
	}
	if len(r.keys) == 0 {
		return Refs{}, Unusable("it names no branch, tag or pull request")
	}
	r.sort()
	return r, nil
}

// namesOf returns the names of a line: none, one, or two of a symbolic ref.
func namesOf(line string) ([]string, error) {
	line = strings.TrimSpace(withoutComment(line))
	if strings.HasPrefix(line, "* ") || strings.HasPrefix(line, "+ ") { // git branch marks what is checked out
		line = strings.TrimSpace(line[2:])
	}
	if strings.HasPrefix(line, "(HEAD detached ") || strings.HasPrefix(line, "(no branch") {
		return nil, nil
	}
	fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	switch {
	case len(fields) == 0:
		return nil, nil
	case len(fields) == 3 && fields[1] == "->":
		fields = []string{fields[0], fields[2]}
	case len(fields) == 3 && isObject(fields[0]) && (fields[1] == "commit" || fields[1] == "tag"):
		fields = fields[2:]
	case len(fields) == 2 && isObject(fields[0]):
		fields = fields[1:]
	case len(fields) == 1 && isObject(fields[0]):
		return nil, fmt.Errorf("%s is a commit without the name of a branch", fields[0])
	case strings.HasPrefix(line, "<"):
		return nil, errors.New("this is HTML or XML, and not a list of names")
	case len(fields) > 1:
		return nil, fmt.Errorf("%s is not a name: a name in git has no space", quoted(line))
	}
	var out []string
	for _, name := range fields {
		name = strings.TrimSuffix(name, "^{}") // what an annotated tag points to
		if err := check(name); err != nil {
			return nil, err
		}
		if name != "HEAD" { // which git ls-remote prints for the default branch
			out = append(out, name)
		}
	}
	return out, nil
}

// withoutComment returns a line up to its comment.
func withoutComment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}

// isObject reports whether a word is the name of a git object, by SHA-1 or SHA-256.
func isObject(word string) bool {
	return (len(word) == 40 || len(word) == 64) && strings.Trim(word, "0123456789abcdef") == ""
}

// check returns an error for what git does not allow as the name of a ref (https://git-scm.com/docs/git-check-ref-format).
func check(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%s is longer than %d bytes", quoted(name), maxName)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == 0:
			return errors.New("a zero byte: this is not text, or it is UTF-16; save it as UTF-8")
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("%s has a control character", quoted(name))
		case strings.IndexByte(`~^:?*[\`, c) >= 0:
			return fmt.Errorf("%s is not a name: git allows no %c in it", quoted(name), c)
		}
	}
	return nil
}

// quoted returns a text in quotes, without anything that a terminal takes for a command, and not too long.
func quoted(text string) string {
	const most = 60
	if len(text) > most {
		return fmt.Sprintf("%q …", strings.ToValidUTF8(text[:most], ""))
	}
	return fmt.Sprintf("%q", text)
}

// add notes a name in all its readings.
func (r *Refs) add(name string) {
	tails := maxTails
	if requestRef.MatchString(name) {
		tails = 2 // not 12/head, and not head
	}
	readings(name, tails, func(key string) {
		if key == "" {
			return
		}
		r.keys[key] = true
		if number, worded := request(key); worded {
			r.requests[number] = true
		}
	})
	number, worded := request(fold(name))
	if number != "" && !strings.Contains(name, "/") { // one of a list of numbers
		r.requests[number] = true
	}
	switch {
	case requestRef.MatchString(name), number != "" && !strings.HasPrefix(name, "refs/"):
		r.hasRequests = true
	case strings.HasPrefix(name, "refs/remotes/"):
		_, name, _ = strings.Cut(strings.TrimPrefix(name, "refs/remotes/"), "/")
		r.branches[fold(name)] = true
	case strings.HasPrefix(name, "refs/heads/"), !strings.HasPrefix(name, "refs/") && !worded && !version.MatchString(name):
		r.branches[fold(strings.TrimPrefix(name, "refs/heads/"))] = true
	}
}
