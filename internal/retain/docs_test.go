package retain

import (
	"os"
	"strings"
	"testing"
)

// TestDocs runs every example of docs/retention.md. With -update the examples' last parts are written anew.
func TestDocs(t *testing.T) {
	t.Parallel()
	const page, fence = "../../docs/retention.md", "```retain\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), fence)
	if len(parts) < 15 {
		t.Fatalf("%d examples", len(parts)-1)
	}
	for n, part := range parts[1:] {
		example, rest, _ := strings.Cut(part, "```")
		c, want := parseCase(t, example)
		c.names[named("elsewhere")] = "elsewhere"
		plan := Decide(c.snapshot, c.policy, c.context, testNow)
		got := c.format(plan)
		parts[n+1] = strings.TrimSuffix(example, want) + got + "```" + rest
		if got != want && !*update {
			t.Errorf("example %d: got\n%s\nthe page says\n%s", n+1, got, want)
		}
		for _, problem := range broken(c, plan) {
			t.Errorf("example %d: %s", n+1, problem)
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(strings.Join(parts, fence)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
