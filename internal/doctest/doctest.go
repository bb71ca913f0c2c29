// Package doctest finds the fenced code blocks in README.md and docs/ and tells the kind of each, so that a test can run
// every block. Readers copy what a page shows, and an example that no test runs becomes wrong sooner or later. Its own
// tests also check the links and the quoted messages of the pages. Only tests import this package.
package doctest

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Kind says what a block contains, and so which test runs it.
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

// kinds tells the kind of a block by its language, its page and its text; the first row that fits counts. A block that
// fits no row has no kind, and TestBlocks fails.
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
	Page     string // the file, with slashes, relative to the project's top level
	Line     int    // the number of the block's first line, counted from 1
	Language string // the word after the opening fence
	Text     string // the lines between the fences, each with its line end
	Kind     Kind   // "" when the block has no kind
}

// String returns the place of the block, such as README.md:12.
func (b Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

// Find returns the blocks of all pages in the top level and in docs, page by page. root is the top level. An indented
// block, a block between tildes and a block without an end are errors, because a test would miss them.
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

// Of returns the blocks of [Find] that have the given kind. It is an error when it finds no block, because a test would then
// run nothing.
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
			return nil, fmt.Errorf("%s:%d: an indented block is not tested", page, n)
		case strings.HasPrefix(strings.TrimLeft(line, " >"), "~~~"):
			return nil, fmt.Errorf("%s:%d: a block between tildes is not tested", page, n)
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
