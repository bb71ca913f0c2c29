package gc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Stored is what a storage holds of one repository: _manifests/tags/TAG/current/link has the digest of a tag, and
// _manifests/revisions/sha256/HEX/link is there for each manifest
// (https://github.com/distribution/distribution/blob/v3.1.2/registry/storage/paths.go).
type Stored struct {
	Path string
	// Tags are what the tags point at; "" for the folder of a tag that has no link, which points at nothing.
	Tags map[string]oci.Digest
	// Manifests are those that were not deleted, with or without a tag.
	Manifests map[oci.Digest]bool
	// Rewritten are the manifests that somebody has pushed, new or again, since the registry was looked at for the last time.
	Rewritten []oci.Digest
	// Odd names the first thing that the registry does not write there, such as a symbolic link. If it is not "", the other fields
	// cannot be trusted.
	Odd string
}

// markName is the file, in the folder of the lock, whose time tells what was pushed after the last look.
const markName = "looked"

// segment is a part of a repository's path (OCI distribution-spec v1.1, "Pulling manifests").
const segment = `[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`

var (
	storedPath = regexp.MustCompile(`^` + segment + `(?:/` + segment + `)*$`)
	storedTag  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// readStored reads what the storage holds of repositories, in one stream, and hands each one over as soon as it is read.
// first makes the mark.
func (r *run) readStored(ctx context.Context, paths []string, first bool, take func(Stored)) error {
	ask := &strings.Builder{}
	for _, p := range paths {
		if !storedPath.MatchString(p) {
			return fmt.Errorf("read the tags in the storage: %q is not the path of a repository", p)
		}
		fmt.Fprintf(ask, "repository %s\n", p)
	}
	ask.WriteString("done\n")
	how := ""
	if first {
		how = "new"
	}
	c := r.target.feeding(script(storedScript, r.site.root, path.Join(r.res.Lock, markName), how), ask.String())
	left := slices.Clone(paths)
	err := stream(ctx, c, func(in *bufio.Reader) error {
		return readRepositories(in, func(s Stored) error {
			if len(left) == 0 || left[0] != s.Path {
				return fmt.Errorf("an answer about %q, which was not asked for", s.Path)
			}
			left = left[1:]
			take(s)
			return nil
		})
	})
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("no answer about %s", left[0])
	}
	if err != nil {
		return fmt.Errorf("read the tags in the storage %s: %w", r.site.root, err)
	}
	return nil
}

// feeding is a program next to the registry that reads a text from standard input.
func (t *Target) feeding(args []string, text string) command {
	c := t.command(t.host.feed(args)...)
	c.stdin = strings.NewReader(text)
	return c
}

// readRepositories reads what the script prints. An end without "done" is an error: the rest was lost.
func readRepositories(in *bufio.Reader, take func(Stored) error) error {
	for {
		verb, value, err := storedLine(in)
		switch {
		case err != nil:
			return err
		case verb == "done":
			return nil
		case verb != "repository":
			return fmt.Errorf("unexpected output %q", oneLine(verb+" "+value))
		}
		s := Stored{Path: value, Tags: map[string]oci.Digest{}, Manifests: map[oci.Digest]bool{}}
		if err := s.read(in); err != nil {
			return err
		}
		if err := take(s); err != nil {
			return err
		}
	}
}

// storedLine reads a line: a word, and what comes after it.
func storedLine(in *bufio.Reader) (verb, value string, err error) {
	line, err := in.ReadString('\n')
	if err == io.EOF {
		return "", "", io.ErrUnexpectedEOF
	}
	verb, value, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	return verb, value, err
}

// read reads one repository to its end. What is not understood makes it odd.
func (s *Stored) read(in *bufio.Reader) error {
	for {
		verb, value, err := storedLine(in)
		if err != nil {
			return err
		}
		wrong := false
		switch verb {
		case "end":
			return nil
		case "odd":
			s.odd(value)
		case "tag":
			wrong = !s.addTag(value)
		case "revision":
			d := oci.Digest("sha256:" + value)
			s.Manifests[d], wrong = true, d.Validate() != nil
		case "rewritten":
			d := oci.Digest("sha256:" + path.Base(path.Dir(value)))
			s.Rewritten = append(s.Rewritten, d)
			wrong = d.Validate() != nil
		default:
			return fmt.Errorf("unexpected output %q", oneLine(verb+" "+value))
		}
		if wrong {
			s.odd(verb + " " + value)
		}
	}
}

// odd notes the first thing that does not belong there.
func (s *Stored) odd(what string) {
	if s.Odd == "" {
		s.Odd = oneLine(what)
	}
}

// addTag takes a tag and its digest, and reports whether they are valid.
func (s *Stored) addTag(line string) bool {
	tag, digest, _ := strings.Cut(line, " ")
	if !storedTag.MatchString(tag) {
		return false
	}
	if digest == "-" {
		s.Tags[tag] = ""
		return true
	}
	s.Tags[tag] = oci.Digest(digest)
	return strings.HasPrefix(digest, "sha256:") && oci.Digest(digest).Validate() == nil
}
