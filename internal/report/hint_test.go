package report

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/gc"
	"github.com/regsweep/regsweep/internal/oci"
)

// advised is an error that knows what helps.
type advised struct {
	error
	advice string
}

func (a advised) Hint() string  { return a.advice }
func (a advised) Unwrap() error { return a.error }

func TestHint(t *testing.T) {
	t.Parallel()
	denied := advised{errors.New("denied"), "ask for the right"}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{errors.New("denied"), ""},
		{fmt.Errorf("read: %w", denied), "ask for the right"},
		{fmt.Errorf("%w: %w", errors.New("stopped"), denied), "ask for the right"},
		{advised{fmt.Errorf("delete: %w", denied), ""}, "ask for the right"},
		{advised{denied, "wait"}, "wait"},
	} {
		if got := Hint(test.err); got != test.want {
			t.Errorf("%v: got %q, want %q", test.err, got, test.want)
		}
	}
}

// hintedCases are runs that ended in each of the ways in which a repository or a collection can fail.
func hintedCases(advice string) map[string]Summary {
	failed := fmt.Errorf("read: %w", advised{errors.New("no"), advice})
	unread, stopped := repo("zdtest"), repo("zdtest").pair(9).builds(7, 1, skipped("no"))
	unread.r.Plan, unread.r.Err, stopped.r.Err = nil, failed, failed
	collected := summary(repo("zdtest").pair(9))
	collected.GC = &gc.Result{Via: "local:", Err: failed}
	return map[string]Summary{"unread": summary(unread), "stopped": summary(stopped), "collected": collected}
}

// What helps is in every form that names the error, also when the report was read back from JSON.
func TestHintsInEveryForm(t *testing.T) {
	t.Parallel()
	const advice = "turn the key twice"
	for name, s := range hintedCases(advice) {
		read, err := ReadJSON(bytes.NewReader(writeJSON(t, s)))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []Summary{s, read} {
			for _, form := range []Form{FormTable, FormMarkdown, FormJSON, FormHTML, FormJUnit, FormAnnotations, FormLine} {
				var b strings.Builder
				if err := Write(&b, form, s); err != nil {
					t.Fatal(err)
				}
				if n := strings.Count(b.String(), advice); n != 1 {
					t.Errorf("%s: %s has the hint %d times\n%s", name, form, n, b.String())
				}
			}
		}
	}
}

// A hint may quote a registry, and then it is as harmless as the error.
func TestHintsAreEscaped(t *testing.T) {
	t.Parallel()
	for name, s := range hintedCases(nasty) {
		for _, form := range []Form{FormTable, FormMarkdown, FormHTML, FormJUnit, FormLine} {
			var b strings.Builder
			if err := Write(&b, form, s); err != nil {
				t.Fatal(err)
			}
			if text := b.String(); strings.ContainsAny(text, "\x1b\r\u202e") || strings.Contains(text, "##[error]") || strings.Contains(text, "\n::error::") ||
				form != FormTable && form != FormLine && strings.Contains(text, "<script>") {
				t.Errorf("%s: %s\n%s", name, form, text)
			}
		}
	}
}

// What was said of a repository that was not read is not lost, and does not make it one that was.
func TestWarningsOfTheRun(t *testing.T) {
	t.Parallel()
	unread := Outcome{Name: oci.Repository{Host: "h.example", Path: "busy"}, Err: errors.New("no"), Warnings: []string{"another run has the journal"}}
	executed := repo("zdtest").pair(12)
	executed.r.Plan.Warnings, executed.r.Warnings = []string{"void rule"}, []string{"deleted by digest"}
	s := summary(executed)
	s.Repositories = append(s.Repositories, unread)
	read, err := ReadJSON(bytes.NewReader(writeJSON(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Summary{s, read} {
		if s.Repositories[1].Plan != nil || !slices.Equal(s.Repositories[0].remarks(), []string{"void rule", "deleted by digest"}) {
			t.Errorf("got %+v", s.Repositories)
		}
		for _, form := range []Form{FormTable, FormMarkdown, FormHTML} {
			var b strings.Builder
			if err := Write(&b, form, s); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"void rule", "deleted by digest", "another run has the journal"} {
				if strings.Count(b.String(), want) != 1 {
					t.Errorf("%s: not once %q\n%s", form, want, b.String())
				}
			}
		}
	}
}
