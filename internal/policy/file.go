package policy

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/retain"
)

// document is the content of a policy file. docs/policy.schema.json is generated from the tags name and help of its fields.
type document struct {
	Policies []entry `name:"policies" help:"What each repository keeps. The first entry with a matching pattern applies. Flags override its keys."`
}

// entry is the policy of the repositories that it matches.
type entry struct {
	Repositories []repositoryGlob `name:"repositories" help:"Globs that match host/path or the path alone. * matches any text without a slash, ** matches any text."`
	Rules
	at position
}

// repositoryGlob matches repositories by their names, with or without the host.
type repositoryGlob string

// UnmarshalText reads a glob. A glob that can match no repository is an error, because regsweep would silently ignore its
// entry.
func (g *repositoryGlob) UnmarshalText(text []byte) error {
	*g = repositoryGlob(text)
	name := strings.ReplaceAll(string(text), "*", "1") // valid in a host, a port and a path
	for _, prefix := range []string{"host.invalid/", ""} {
		ref, err := oci.ParseReference(prefix + name)
		if err == nil && ref.Tag == "" && ref.Digest == "" {
			return nil
		}
	}
	return fmt.Errorf("%q can match no repository: use host/path or the path alone, in lower case; * matches any text without a slash, and ** matches any text", text)
}

func (g repositoryGlob) matches(name oci.Repository) bool {
	glob := oci.Repository{Path: string(g)}
	return glob.Matches(name.Path) || glob.Matches(name.String())
}

// position is a place in a text, counted from 1; the zero value means that the place is unknown.
type position struct{ line, column int }

// FileError says what is wrong with a policy file, and where.
type FileError struct {
	file string
	position
	err  error
	hint string // "" when the error needs none
}

// Error returns the file, the line and column if they are known, and what is wrong there.
func (e *FileError) Error() string {
	if e.line == 0 {
		return fmt.Sprintf("%s: %v", named(e.file), e.err)
	}
	return fmt.Sprintf("%s:%d:%d: %v", named(e.file), e.line, e.column, e.err)
}

// named says which file it is, with the flag that names it.
func named(file string) string {
	if file == DefaultFile {
		return file
	}
	return "--policy " + file
}

// Unwrap returns what is wrong, without the place.
func (e *FileError) Unwrap() error { return e.err }

// Hint says how to correct the file; "" if the error needs no hint.
func (e *FileError) Hint() string {
	if errors.Is(e.err, retain.ErrNoKeepRule) {
		return "give the entry a keep rule, such as keep-last: 5, or set one for all entries with a flag"
	}
	if e.hint != "" {
		return e.hint
	}
	var hinted interface{ Hint() string }
	if errors.As(e.err, &hinted) {
		return hinted.Hint()
	}
	return ""
}

// maxFileBytes limits the size of a policy file: a larger file is probably another file, named by mistake.
const maxFileBytes = 1 << 20

// readFile reads a policy file.
func readFile(name string) (document, error) {
	f, err := os.Open(name)
	if err != nil {
		return document{}, unreadable(name, err)
	}
	defer f.Close() // it is only read
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return document{}, unreadable(name, err)
	}
	if len(text) > maxFileBytes {
		return document{}, &FileError{file: name, err: errors.New("larger than 1 MiB")}
	}
	return parseFile(name, text)
}

// unreadable says of an error that names the file which flag named it.
func unreadable(file string, err error) error {
	if file == DefaultFile {
		return fmt.Errorf("policy file: %w", err)
	}
	return fmt.Errorf("--policy: %w", err)
}

// parseFile reads the text of a policy file, whose name is for errors. Every error is a [FileError].
func parseFile(name string, text []byte) (document, error) {
	var out document
	err := unmarshalYAML(text, &out)
	if err == nil && len(out.Policies) == 0 {
		err = &FileError{err: errors.New("it contains no policy")}
	}
	var e *FileError
	if errors.As(err, &e) {
		e.file = name
	}
	return out, err
}
