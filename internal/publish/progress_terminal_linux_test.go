package publish_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/regsweep/regsweep/internal/publish"
)

const long = "registry.example.com:5000/team/a-service-with-a-rather-long-name"

// A terminal has one bar, which shows how far the run is and leaves nothing on the screen. Each line of a screen has the parts
// that the case names, with "|" between them.
func TestProgressOnTerminal(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(c *publish.Console)
		want []string
	}{
		"one repository":              {counting("a: reads 100 400"), []string{"a: reads  25% |(100/400"}},
		"several, in one bar":         {counting("a: reads 1 4", "b: reads 2 4"), []string{"b: reads  37% |(3/8"}},
		"more than thought":           {counting("a: reads 1 2", "a: reads 3 8"), []string{"a: reads|(3/8"}},
		"a shorter round":             {counting("a: reads 300 400", "a: reads 1 20"), []string{"a: reads|(1/20"}},
		"one is done, another begins": {counting("a: reads 1 2", "a: reads 2 2", "b: reads 1 5"), []string{"b: reads|(3/7"}},
		"a round like another":        {counting("a: reads 400 400", "a: reads 1 400"), []string{"a: reads|(1/400"}},
		"deletions after reads": {
			counting("a: reads 1 400", "a: reads 400 400", "a: deletions 1 3"), []string{"a: deletions|(1/3"},
		},
		"deletions next to reads": {
			counting("a: reads 60 400", "b: deletions 1 5", "a: reads 70 400", "b: deletions 2 5"), []string{"b: deletions|(2/5"},
		},
		"all is done":   {counting("a: reads 1 2", "a: reads 2 2"), nil},
		"nothing to do": {counting("a: deletions 0 0"), nil},
		"the run ends":  {func(c *publish.Console) { counting("a: reads 1 2")(c); c.EndProgress() }, nil},
		"a message": {
			func(c *publish.Console) { counting("a: reads 1 2")(c); c.Notef("x") }, []string{"regsweep: x"},
		},
		"messages of one repository": {
			func(c *publish.Console) {
				counting(long + ": reads 1 3")(c)
				c.Together(func(c *publish.Console) { c.Errorf("x"); c.Hintf("y") })
				counting(long + ": reads 2 3")(c)
			}, []string{"regsweep: x", "regsweep: hint: y", "long-name: reads|(2/3"},
		},
		"a plan": {
			func(c *publish.Console) {
				counting(long + ": deletions 1 3")(c)
				if err := c.Plan(ran()); err != nil {
					t.Error(err)
				}
			}, screen(plan(t), 80),
		},
		"a long name":    {counting(long+": reads 1 400", long+": reads 2 400"), []string{"…|long-name: reads|(2/400"}},
		"a hostile name": {counting("\x1b[2J\r\n::error::: reads 1 4"), []string{`\x1b[2J\r\n::error::: reads|(1/4`}},
	} {
		for _, columns := range []int{80, 120} {
			t.Run(fmt.Sprint(name, " in ", columns, " columns"), func(t *testing.T) {
				t.Parallel()
				program, written := terminal(t, uint16(columns))
				c.do(publish.NewConsole(program, ticking()))
				text := written()
				seen := screen(text, columns)
				if len(seen) != len(c.want) {
					t.Fatalf("%d columns show %q, want %d lines", columns, seen, len(c.want))
				}
				for i, line := range seen {
					for _, part := range strings.Split(c.want[i], "|") {
						if part == "…" && columns == 120 { // where it fits
							part = long
						}
						if !strings.Contains(line, part) || utf8.RuneCountInString(line) > columns {
							t.Errorf("%d columns show %q, want %q", columns, seen, part)
						}
					}
				}
				if strings.Contains(text, "\x1b") {
					t.Errorf("an escape sequence: %q", text)
				}
			})
		}
	}
}

// A bar is not drawn more often than a person can see.
func TestProgressOnTerminalIsRare(t *testing.T) {
	t.Parallel()
	program, written := terminal(t, 80)
	c := publish.NewConsole(program, now) // whose time stands still
	for done := range 1000 {
		c.Progress("a", "reads", 1+done, 1001)
	}
	if text := written(); strings.Count(text, "reads") != 1 {
		t.Errorf("got %q", text)
	}
}

// counting tells a console the progress of each step, such as "a: reads 1 4".
func counting(steps ...string) func(*publish.Console) {
	return func(c *publish.Console) {
		for _, step := range steps {
			tell(c, step)
		}
	}
}

// plan is the table that is shown before a run where there is no terminal.
func plan(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	if err := publish.NewConsole(&b, now).Plan(ran()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
