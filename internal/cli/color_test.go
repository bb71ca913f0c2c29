package cli

import (
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

// Colours are for terminals, and the user has the last word.
func TestColor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flag     string
		env      map[string]string
		terminal bool
		want     bool
	}{
		"a log":                        {flag: "auto"},
		"a terminal":                   {flag: "auto", terminal: true, want: true},
		"NO_COLOR":                     {flag: "auto", terminal: true, env: map[string]string{"NO_COLOR": "1"}},
		"CLICOLOR=0":                   {flag: "auto", terminal: true, env: map[string]string{"CLICOLOR": "0"}},
		"a dumb terminal":              {flag: "auto", terminal: true, env: map[string]string{"TERM": "dumb"}},
		"CLICOLOR_FORCE in a log":      {flag: "auto", env: map[string]string{"CLICOLOR_FORCE": "1"}, want: true},
		"NO_COLOR before the force":    {flag: "auto", env: map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}},
		"always in a log":              {flag: "always", env: map[string]string{"NO_COLOR": "1"}, want: true},
		"never on a terminal":          {flag: "never", terminal: true, env: map[string]string{"CLICOLOR_FORCE": "1"}},
		"CLICOLOR_FORCE=0 is no force": {flag: "auto", env: map[string]string{"CLICOLOR_FORCE": "0"}},
	} {
		w := World{Getenv: func(name string) string { return c.env[name] }, IsTerminal: func(any) bool { return c.terminal }}
		if got := (reporting{Color: c.flag}).color(w); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	reg := registrytest.New(t, registrytest.Options{})
	builds(reg.Pusher(t, "team/web"), 3)
	painted := sweep(t, reg, nil, "HOST/team/web", "--keep-last", "1", "--dry-run", "--color", "always")
	if !strings.Contains(painted.stdout, "  \x1b[32mkeep\x1b[0m") || !strings.Contains(painted.stdout, "  \x1b[31mdelete\x1b[0m  b1") {
		t.Errorf("%q", painted.stdout)
	}
	plain := sweep(t, reg, nil, "HOST/team/web", "--keep-last", "1", "--dry-run")
	if strings.Contains(plain.stdout, "\x1b") || strings.NewReplacer("\x1b[32m", "", "\x1b[31m", "", "\x1b[0m", "").Replace(painted.stdout) != plain.stdout {
		t.Errorf("without colours it is another text:\n%s", plain.stdout)
	}
}
