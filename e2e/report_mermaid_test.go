package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// mermaidParser is the parser of the diagrams that GitHub and GitLab draw (https://github.com/mermaid-js/mermaid).
var mermaidParser = filepath.Join("..", ".tools", "node_modules", "@mermaid-js", "parser", "dist", "mermaid-parser.core.mjs")

// parseDiagram has the parser read a pie chart and writes its parts. What does not parse ends it with an error.
const parseDiagram = `
import(process.argv[1]).then(m => m.parse("pie", require("fs").readFileSync(0, "utf8"))).then(d => {
	console.log(JSON.stringify({title: d.title, parts: d.sections.map(s => ({label: s.label, value: s.value}))}))
})`

// diagram is a pie chart as the parser has read it.
type diagram struct {
	Title string
	Parts []struct {
		Label string
		Value int64
	}
}

// TestMermaid has Mermaid's own parser read the picture of a job summary, with names of all kinds.
func TestMermaid(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(mermaidParser)
	}
	if err != nil {
		if os.Getenv("REGSWEEP_CI") == "1" {
			t.Fatalf("Mermaid's parser is not installed (make tools): %v", err)
		}
		t.Skip(err)
	}
	names := []string{"team/api"}
	for _, nasty := range []string{`a"] : 1`, `%%{init: {"theme":"forest"}}%%`, "```\n# out", "<img src=x>`y`", "#quot;;end", "pie title x\n\"a\" : 1", "__proto__", "\u202eabc 日本"} {
		names = append(names, nasty+"/"+nasty)
	}
	for _, name := range names {
		got := readDiagram(t, node, picture(t, name))
		if want := "Space that became unreferenced, by repository, and what stays"; got.Title != want {
			t.Errorf("%q: the title is %q, want %q", name, got.Title, want)
		}
		if len(got.Parts) != 2 || got.Parts[0].Value != 19637 || !strings.HasPrefix(got.Parts[1].Label, "stays in use, ") {
			t.Errorf("%q: got %+v", name, got)
		}
	}
	if _, err := parsed(t, node, "pie title x\n\"a\"b\" : 1"); err == nil {
		t.Error("the parser takes a quote in a name")
	}
}

// picture is the picture of the summary of a run, whose first repository has the name.
func picture(t *testing.T, name string) string {
	t.Helper()
	var report map[string]any
	text, err := os.ReadFile(filepath.Join("..", "testdata", "reports", "shard-1.json"))
	if err == nil {
		err = json.Unmarshal(text, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	report["repositories"].([]any)[0].(map[string]any)["repository"] = name
	if text, err = json.Marshal(report); err != nil {
		t.Fatal(err)
	}
	cmd := sweep(t, "report", "-", "--ci", "github", "--output", "markdown")
	cmd.Stdin, cmd.Env = bytes.NewReader(text), []string{}
	out, _ := cmd.Output() // its exit code is that of the run that the report is about
	_, after, found := strings.Cut(string(out), "\n```mermaid\n")
	body, _, closed := strings.Cut(after, "\n```\n")
	if !found || !closed {
		t.Fatalf("%q: no picture in\n%s", name, out)
	}
	return body
}

func readDiagram(t *testing.T, node, text string) diagram {
	t.Helper()
	out, err := parsed(t, node, text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	var d diagram
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func parsed(t *testing.T, node, text string) ([]byte, error) {
	t.Helper()
	file, err := filepath.Abs(mermaidParser)
	if err != nil {
		t.Fatal(err)
	}
	cmd := bounded(t, node, "-e", parseDiagram, file)
	cmd.Stdin = strings.NewReader(text)
	return cmd.Output()
}
