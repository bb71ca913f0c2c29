package main

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestPolicyDocs reads every example of docs/policy.md. An example that is followed by a block of text is wrong, and
// the text is what regsweep says of it.
func TestPolicyDocs(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := strings.Split(string(page), "```yaml\n")[1:]
	if len(examples) < 4 {
		t.Fatalf("%d examples", len(examples))
	}
	wrong := 0
	for n, example := range examples {
		text, rest, _ := strings.Cut(example, "```\n")
		if !strings.HasPrefix(text, "policies:") && !strings.HasPrefix(text, "# yaml-language-server: $schema="+schemaURL+"\npolicies:") {
			continue // a CI's own file
		}
		file, err := parsePolicyFile("regsweep.yml", []byte(text))
		for _, entry := range file.Policies {
			if _, invalid := entry.policy(); err == nil && invalid != nil {
				err = &policyFileError{file: "regsweep.yml", position: entry.at, err: invalid}
			}
		}
		want, isWrong := strings.CutPrefix(strings.TrimLeft(rest, "\n"), "```text\n")
		want, _, _ = strings.Cut(want, "```")
		var got string
		var e *policyFileError
		if errors.As(err, &e) {
			got = "regsweep: " + e.Error() + "\n"
			if h := hint(e); h != "" {
				got += "regsweep: hint: " + h + "\n"
			}
		}
		if !isWrong {
			want = ""
		} else {
			wrong++
		}
		if got != want {
			t.Errorf("example %d: got\n%s\nthe page says\n%s", n+1, got, want)
		}
	}
	if wrong < 2 {
		t.Errorf("%d wrong examples", wrong)
	}
}
