package cli

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// At a terminal, by hand, the plan is shown and nothing is deleted before somebody says yes.
func TestConfirm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env    map[string]string
		stdin  string
		args   []string
		pipe   bool // standard input is not a terminal
		asked  bool
		code   int
		tags   int // that are left
		expect string
	}{
		"yes":                 {stdin: "y\n", asked: true, tags: 2},
		"YES":                 {stdin: " YES \n", asked: true, tags: 2},
		"no":                  {stdin: "n\n", asked: true, code: exitCancelled, tags: 9, expect: "regsweep: the plan was not confirmed; nothing was deleted"},
		"nothing":             {stdin: "\n", asked: true, code: exitCancelled, tags: 9},
		"the end":             {asked: true, code: exitCancelled, tags: 9},
		"something else":      {stdin: "yesterday\n", asked: true, code: exitCancelled, tags: 9},
		"--yes":               {args: []string{"--yes"}, tags: 2},
		"REGSWEEP_YES":        {env: map[string]string{"REGSWEEP_YES": "true"}, tags: 2},
		"a dry run":           {args: []string{"--dry-run"}, tags: 9},
		"a pipeline":          {env: map[string]string{"GITLAB_CI": "true"}, tags: 2},
		"a CI without a name": {env: map[string]string{"CI": "true"}, tags: 2},
		"no terminal":         {pipe: true, tags: 2},
		"nothing to delete":   {args: []string{"--keep-last", "9"}, tags: 9},
		"refused":             {args: []string{"--max-delete", "1"}, code: exitRefused, tags: 9},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reg := registrytest.New(t, registrytest.Options{})
			builds(reg.Pusher(t, "team/app"), 9)
			env := map[string]string{"HOME": t.TempDir()}
			for k, v := range test.env {
				env[k] = v
			}
			got := start(t.Context(), World{
				Args:   append([]string{reg.Host() + "/team/app", "--keep-last", "2"}, test.args...),
				Getenv: func(name string) string { return env[name] }, Stdin: strings.NewReader(test.stdin),
				IsTerminal: func(stream any) bool {
					_, isInput := stream.(*strings.Reader)
					return !isInput || !test.pipe
				},
			})
			const question = "regsweep: delete 7 images? [y/N] "
			if got.code != test.code || len(reg.Tags("team/app")) != test.tags || strings.Contains(got.stderr, question) != test.asked || !strings.Contains(got.stderr, test.expect) {
				t.Errorf("exit %d, %d tags\n%s%s", got.code, len(reg.Tags("team/app")), got.stdout, got.stderr)
			}
			if plan, _, _ := strings.Cut(got.stderr, question); test.asked && !strings.Contains(plan, "would delete 7 images, keep 2") {
				t.Errorf("the plan is not shown before the question\n%s", got.stderr)
			}
			if strings.Contains(got.stderr, "dry run") {
				t.Errorf("what is to be confirmed is called a dry run\n%s", got.stderr)
			}
			if test.code == exitCancelled && !strings.Contains(got.stdout, "deleted 0 images, kept 2, failed 0, skipped 7") {
				t.Errorf("the report does not say why nothing was deleted\n%s", got.stdout)
			}
		})
	}
}

// Somebody who presses ^C at the question has answered it.
func TestConfirmIsCancelled(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 4)
	builds(reg.Pusher(t, "team/web"), 4)
	ctx, cancel := context.WithCancel(t.Context())
	never, writer := io.Pipe()
	defer writer.Close()
	got := start(ctx, World{
		Args: []string{reg.Host() + "/team/app", reg.Host() + "/team/web", "--keep-last", "1"}, Stdin: readerThat{never, cancel},
		IsTerminal: func(any) bool { return true },
	})
	if got.code != exitCancelled || len(reg.Tags("team/app"))+len(reg.Tags("team/web")) != 8 || !strings.Contains(got.stderr, "delete 6 images of 2 repositories? [y/N] ") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}

// readerThat calls a function when it is read.
type readerThat struct {
	io.Reader
	call func()
}

func (r readerThat) Read(p []byte) (int, error) {
	r.call()
	return r.Reader.Read(p)
}

// The journal of an interrupted run is there for the execution although it was not held while somebody was asked.
func TestConfirmKeepsTheJournal(t *testing.T) {
	t.Parallel()
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/app"), 5)
	state := t.TempDir()
	got := start(t.Context(), World{
		Args:  []string{reg.Host() + "/team/app", "--keep-last", "2", "--state-dir", state, "--delete-by", "tags-first"},
		Stdin: strings.NewReader("y\n"), IsTerminal: func(any) bool { return true },
	})
	if got.code != exitDone || len(reg.Tags("team/app")) != 2 || strings.Contains(got.stderr, "warning") {
		t.Errorf("exit %d\n%s%s", got.code, got.stdout, got.stderr)
	}
}
