// Package snippet finds the fenced blocks of the project's pages and says what each is, so that tests can run every one
// of them. A reader copies what a page shows; what no test has run will be wrong one day.
package snippet

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Kind is what a block is, and by that how it is run.
type Kind string

// The kinds of blocks.
const (
	Shell    Kind = "shell commands"
	Console  Kind = "a terminal with commands and what they print"
	Example  Kind = "an example of a retention rule"
	Policy   Kind = "a policy file"
	Message  Kind = "what regsweep says of the policy file above"
	InUse    Kind = "a list of images in use"
	Action   Kind = "a workflow that uses the action, or a part of one"
	GitLab   Kind = "a pipeline of GitLab"
	Jenkins  Kind = "a pipeline of Jenkins, or a part of one"
	Pipeline Kind = "a pipeline of another CI"
	Registry Kind = "a part of the registry's configuration"
)

// kinds are told by a block's language and by what is in it; the first that fits counts. A block that is none of them
// has no kind, and the test of the pages fails.
var kinds = []struct {
	kind     Kind
	language string
	page     string // a pattern as of [path.Match]; "" is any page
	has      *regexp.Regexp
}{
	{Shell, "sh", "", regexp.MustCompile(``)},
	{Console, "console", "", regexp.MustCompile(`^\$ `)},
	{Example, "retain", "docs/retention.md", regexp.MustCompile(``)},
	{Message, "text", "", regexp.MustCompile(`^regsweep: `)},
	{InUse, "text", "docs/in-use.md", regexp.MustCompile(``)},
	{Policy, "yaml", "", regexp.MustCompile(`(?m)^policies:$`)},
	{Registry, "yaml", "", regexp.MustCompile(`(?m)^storage:$`)},
	{Action, "yaml", "", regexp.MustCompile(`uses: (https://github\.com/)?regsweep/regsweep@`)},
	{GitLab, "yaml", "", regexp.MustCompile(`(?m)^include:$`)},
	{Pipeline, "yaml", "docs/ci/*.md", regexp.MustCompile(`(?m)^(steps|jobs|spec):$`)},
	{Jenkins, "groovy", "", regexp.MustCompile(`(?m)^(stage\(|pipeline \{)`)},
}

// Block is a fenced block of a page.
type Block struct {
	Page     string // with slashes, from the project's top level
	Line     int    // of its first line
	Language string
	Text     string // with the line's end of its last line
	Kind     Kind   // "" when it is of none
}

// String is where the block is.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Find returns the blocks of all pages in the project's top level and docs, in the order of the pages.
func Find(root fs.FS) ([]Block, error) {
	var out []Block
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && name != "docs" && !strings.HasPrefix(name, "docs/"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		blocks, err := read(name, string(text))
		out = append(out, blocks...)
		return err
	})
	return out, err
}

// Of returns those of [Find] that are of a kind. That there is none is an error: a test of them would run nothing.
func Of(root fs.FS, kind Kind) ([]Block, error) {
	all, err := Find(root)
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(all, func(b Block) bool { return b.Kind != kind })
	if len(out) == 0 {
		return nil, fmt.Errorf("no page has %s", kind)
	}
	return out, nil
}

// read returns the blocks of a page.
func read(page, text string) ([]Block, error) {
	var out []Block
	var open *Block
	n := 0
	for line := range strings.Lines(text) {
		n++
		fence, isFence := strings.CutPrefix(strings.TrimLeft(line, " >"), "```")
		switch {
		case isFence && !strings.HasPrefix(line, "```"):
			return nil, fmt.Errorf("%s:%d: an indented block is not looked at", page, n)
		case strings.HasPrefix(strings.TrimLeft(line, " >"), "~~~"):
			return nil, fmt.Errorf("%s:%d: a block between tildes is not looked at", page, n)
		case isFence && open == nil:
			open = &Block{Page: page, Line: n + 1, Language: strings.TrimSpace(fence)}
		case isFence:
			open.Kind = open.kind()
			out, open = append(out, *open), nil
		case open != nil:
			open.Text += line
		}
	}
	if open != nil {
		return nil, fmt.Errorf("%s: the block has no end", open)
	}
	return out, nil
}

func (b Block) kind() Kind {
	for _, k := range kinds {
		onPage, _ := path.Match(k.page, b.Page) // the patterns are ours
		if b.Language == k.language && (k.page == "" || onPage) && k.has.MatchString(b.Text) {
			return k.kind
		}
	}
	return ""
}
