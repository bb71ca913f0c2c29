package publish_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/publish"
)

// tell tells a console the progress of a step, such as "a: reads 1 4".
func tell(c *publish.Console, step string) {
	name, rest := step[:strings.LastIndex(step, ": ")], step[strings.LastIndex(step, ": ")+2:]
	var unit string
	var done, all int
	if _, err := fmt.Sscan(rest, &unit, &done, &all); err != nil {
		panic(err)
	}
	c.Progress(name, unit, done, all)
}

// A log gets a line every ten seconds of a run, and nothing that only a terminal understands.
func TestProgressInLog(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	at := testNow
	c := publish.NewConsole(&log, func() time.Time { return at })
	for _, step := range []struct {
		after time.Duration
		tells string
	}{
		{0, "h/a: reads 1 400"},
		{9 * time.Second, "h/a: reads 90 400"},
		{time.Second, "h/a: reads 100 400"},
		{9 * time.Second, "h/b: reads 400 400"},
		{time.Second, "h/\x1b[31m\r\n::error::: deletions 1 3"},
		{time.Minute, "h/b: deletions 2 2"},
	} {
		at = at.Add(step.after)
		tell(c, step.tells)
	}
	c.EndProgress()
	want := "regsweep: h/a: 100 of 400 reads\n" +
		`regsweep: h/\x1b[31m\r\n::error::: 1 of 3 deletions` + "\n" +
		"regsweep: h/b: 2 of 2 deletions\n"
	if got := log.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// Several repositories tell their progress at the same time.
func TestProgressOfSeveral(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := publish.NewConsole(&log, ticking())
	done := make(chan bool)
	for i := range 8 {
		go func() {
			for n := range 50 {
				c.Progress(fmt.Sprint("h/", i), "reads", n, 50)
				c.Together(func(c *publish.Console) { c.Errorf("%d fails", i); c.Hintf("%d is helped", i) })
			}
			done <- true
		}()
	}
	for range 8 {
		<-done
	}
	lines := strings.Split(log.String(), "\n")
	failures := 0
	for i, line := range lines {
		var who int
		if _, err := fmt.Sscanf(line, "regsweep: %d fails", &who); err != nil {
			continue
		}
		failures++
		if want := fmt.Sprintf("regsweep: hint: %d is helped", who); lines[i+1] != want {
			t.Fatalf("%q follows %q, want %q", lines[i+1], line, want)
		}
	}
	if failures != 400 {
		t.Errorf("%d errors, want 400", failures)
	}
}
