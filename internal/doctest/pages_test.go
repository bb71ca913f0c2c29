package doctest

import (
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the project's top level.
const root = "../.."

var (
	testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\) \{$`)
	link         = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
)

// pages returns the README and all pages of docs/, by their names with slashes from the top level.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files := os.DirFS(root)
	read := func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Ext(name) != ".md" {
			return err
		}
		text, err := fs.ReadFile(files, name)
		out[name] = string(text)
		return err
	}
	for _, top := range []string{"README.md", "docs"} {
		if err := fs.WalkDir(files, top, read); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// runners are the tests that run the blocks of each kind. Each runs all that there are on any page.
var runners = map[Kind][]string{
	Shell:    {"TestDocsCommands", "TestDocsShell", "TestPageCommands", "TestRunnerServices"},
	Console:  {"TestDocsCommands"},
	Example:  {"TestDocs"},
	Policy:   {"TestPolicyDocs"},
	Message:  {"TestPolicyDocs"},
	InUse:    {"TestDocsInUse"},
	Action:   {"TestDocsInputs", "TestRunnerDocsAction", "TestRunnerBranchesGitHub", "TestRunnerPullRequest", "TestRunnerServices"},
	GitLab:   {"TestDocsInputs", "TestRunnerGitLab", "TestRunnerBranchesGitLab", "TestRunnerServices"},
	Jenkins:  {"TestRunnerDocsJenkins", "TestRunnerBranchesJenkins"},
	Pipeline: {"TestRunnerPages"},
	Registry: {"TestDocsRegistry"},
}

// TestBlocks holds that each block of each page is of a kind that a test runs.
func TestBlocks(t *testing.T) {
	t.Parallel()
	all, err := Find(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	found := map[Kind]bool{}
	for _, b := range all {
		found[b.Kind] = true
		if runners[b.Kind] == nil {
			t.Errorf("%s: no test runs a block of %q with this in it:\n%s", b, b.Language, b.Text)
		}
	}
	tests := testFunctions(t)
	for kind, names := range runners {
		if !found[kind] {
			t.Errorf("no page has %s", kind)
		}
		for _, name := range names {
			if !slices.Contains(tests, name) {
				t.Errorf("%s: no file has the test %s", kind, name)
			}
		}
	}
}

// testFunctions returns the names of the tests in all test files of the project.
func testFunctions(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root:
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllSubmatch(text, -1) {
			out = append(out, string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// foreign are the messages in docs/troubleshooting.md that other programs print.
var foreign = []string{"manifest unknown", "Layer already exists"}

// TestDocsMessages holds that each message that docs/troubleshooting.md quotes as a symptom is in the program, or in
// what a script has seen it say. "…" stands for any text.
func TestDocsMessages(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	for _, pattern := range []string{"*.go", "internal/*/*.go", "internal/*/*/*.go", "e2e/testdata/script/*.txt"} {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			said.Write(text)
		}
	}
	// A script writes a message as a regular expression between quotes.
	all := strings.NewReplacer("''", "'", `\.`, ".").Replace(said.String())
	messages := 0
	for line := range strings.Lines(pages(t)["docs/troubleshooting.md"]) {
		symptom, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !strings.HasPrefix(line, "| ") || regexp.MustCompile(`^[0-9]+$`).MatchString(symptom) { // an exit code
			continue
		}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(symptom, -1) {
			messages++
			for part := range strings.SplitSeq(m[1], "…") {
				code, _ := strconv.Atoi(strings.SplitN(part, " ", 2)[0])
				status := code != 0 && strings.HasSuffix(part, http.StatusText(code)) // which the program takes from there
				if !strings.Contains(all, strings.TrimSpace(part)) && !status && !slices.Contains(foreign, m[1]) {
					t.Errorf("nothing says %q of %q", part, m[1])
				}
			}
		}
	}
	if messages < 30 {
		t.Errorf("%d messages", messages)
	}
}

// TestDocsLinks follows each link to a file, and sees that the index names every page.
func TestDocsLinks(t *testing.T) {
	t.Parallel()
	all := pages(t)
	indexed := []string{"README.md", "docs/README.md"}
	for page, text := range all {
		for _, l := range link.FindAllStringSubmatch(text, -1) {
			to := path.Join(path.Dir(page), l[1])
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: %v", page, err)
			}
			if page == indexed[1] {
				indexed = append(indexed, to)
			}
		}
	}
	for page := range all {
		if !slices.Contains(indexed, page) {
			t.Errorf("docs/README.md does not name %s", page)
		}
	}
}
