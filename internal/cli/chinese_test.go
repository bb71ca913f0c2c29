package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/doctest"
)

// TestDocsChinese holds README.zh-CN.md to the English pages: its commands and pipelines are theirs, its flags exist, its exit
// codes are those of the README, and the messages that it explains are explained there.
func TestDocsChinese(t *testing.T) {
	t.Parallel()
	const page = "README.zh-CN.md"
	all, err := doctest.Find(os.DirFS(projectRoot))
	if err != nil {
		t.Fatal(err)
	}
	var english, chinese []string
	for _, b := range all {
		if b.Page == page {
			chinese = append(chinese, b.Text)
		} else {
			english = append(english, b.Text)
		}
	}
	if len(chinese) < 8 {
		t.Errorf("%d blocks", len(chinese))
	}
	for _, text := range chinese {
		if !slices.ContainsFunc(english, func(e string) bool { return strings.Contains(e, text) }) {
			t.Errorf("no English page has\n%s", text)
		}
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text, readme, troubles := read(page), read("README.md"), read("docs/troubleshooting.md")
	for _, flag := range regexp.MustCompile("--[a-z][a-z-]+").FindAllString(text, -1) {
		if !slices.Contains(pruneFlags(t), flag[2:]) && flag != "--probe" && flag != "--from" {
			t.Errorf("no flag %s", flag)
		}
	}
	codes := regexp.MustCompile(`(?m)^\| (\d+) \|`)
	if got, want := codes.FindAllString(text, -1), codes.FindAllString(readme, -1); !slices.Equal(got, want) || len(want) < 6 {
		t.Errorf("exit codes %q, want %q", got, want)
	}
	_, rows, found := strings.Cut(text, "## 常见问题")
	if !found {
		t.Fatal("no troubleshooting")
	}
	messages := regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(rows, -1)
	for _, m := range messages {
		if !strings.Contains(troubles, "`"+m[1]) {
			t.Errorf("docs/troubleshooting.md does not explain %q", m[1])
		}
	}
	if len(messages) < 12 {
		t.Errorf("%d messages", len(messages))
	}
}
