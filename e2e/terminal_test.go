package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// TestTerminal shows tables on a real terminal, of tmux (https://github.com/tmux/tmux), and holds what is seen there to stored
// screens. With REGSWEEP_UPDATE=1 it stores what it sees.
func TestTerminal(t *testing.T) {
	t.Parallel()
	needs(t, "tmux")
	reg := crowd(t)
	for name, args := range map[string]string{
		"prune":         reg.Host() + "/team/app --keep-last 2 --dry-run",
		"prune-groups":  reg.Host() + "/team/app --keep-last 2 --group-by '^(.+)-[0-9a-f]+$' --dry-run",
		"prune-several": reg.Host() + "/team/app " + reg.Host() + "/team/a-service-with-a-rather-long-name --keep-last 2 --protect 'release-*' --dry-run",
		"rank":          "rank " + reg.Host(),
		// Of these the screen has the messages.
		"messages-slip":    reg.Host() + "/team/app --keep-last 2 --keep-younger-than 10 --dry-run",
		"messages-refusal": reg.Host() + "/team/app:not-there --keep-last 2 --dry-run",
	} {
		for _, width := range []int{80, 120} {
			t.Run(fmt.Sprint(name, " in ", width, " columns"), func(t *testing.T) {
				t.Parallel()
				compareScreen(t, fmt.Sprintf("%s-%d.txt", name, width), screen(t, width, args))
			})
		}
	}
}

// crowd is a registry with repositories whose names and tags are long and short.
func crowd(t *testing.T) *registrytest.Registry {
	t.Helper()
	reg := registrytest.New(t, registrytest.Options{})
	at := time.Now().UTC().Truncate(time.Second)
	push := func(path string, days, size int, tags ...string) {
		reg.Pusher(t, path).Image(fixture.Image{Tags: tags, Created: at.AddDate(0, 0, -days), Size: size})
	}
	for i := range 6 {
		push("team/app", 2+3*i, 84_000+i, fmt.Sprintf("main-%07x", 0xb8c41c1-i*70_001))
	}
	for i := range 30 {
		push("team/app", 3+i, 60_000+i, fmt.Sprintf("feature-login-with-single-sign-on-%07x", 0xa02e9f0-i*90_001))
	}
	push("team/app", 40, 90_000, "release-2026.10", "v2.10.0", "stable", "the-image-that-everybody-has-running-in-production-right-now")
	for i := range 4 {
		push("team/a-service-with-a-rather-long-name", 5+40*i, 900_000+i, fmt.Sprint("build-", 1204-i))
	}
	push("tools/lint", 7, 12_000, "latest")
	return reg
}

// screen runs the program on a terminal of so many columns and returns what is seen when it has ended.
func screen(t *testing.T, width int, args string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "screen-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	tmux := func(args ...string) string {
		t.Helper()
		cmd := bounded(t, "tmux", append([]string{"-u", "-f", os.DevNull, "-S", filepath.Join(dir, "socket")}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "TERM=xterm-256color", "SHELL=/bin/sh"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	errors := filepath.Join(dir, "errors")
	messages := strings.Contains(t.Name(), "messages")
	run := filepath.Join(program, "regsweep") + " " + args + " --state-dir " + filepath.Join(dir, "state") + " 2>" + errors
	if messages {
		run = strings.Replace(run, " 2>", " >", 1)
	}
	if strings.HasPrefix(args, "rank ") {
		run = strings.Replace(run, " --state-dir "+filepath.Join(dir, "state"), "", 1)
	}
	tmux("new-session", "-d", "-x", strconv.Itoa(width), "-y", "200", run+"; tmux -S "+filepath.Join(dir, "socket")+" wait-for -S done; exec cat")
	defer tmux("kill-server")
	tmux("wait-for", "done")
	seen, joined := tmux("capture-pane", "-p"), tmux("capture-pane", "-p", "-J")
	if said, err := os.ReadFile(errors); err != nil || !messages && strings.Contains(string(said), "hint: ") {
		t.Errorf("%v %s", err, said)
	}
	// The terminal marks the lines that it has broken, and joins them on demand: it breaks wherever they end.
	if a, b := len(strings.Split(seen, "\n")), len(strings.Split(joined, "\n")); a != b {
		t.Errorf("the terminal has broken %d lines\n%s", a-b, seen)
	}
	return strings.TrimRight(seen, "\n") + "\n"
}

var (
	screenPort = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	screenTime = regexp.MustCompile(` · [0-9.]+ m?s\b`)
)

// compareScreen compares a screen with the stored one, but for what differs in each run.
func compareScreen(t *testing.T, name, got string) {
	t.Helper()
	got = screenTime.ReplaceAllString(screenPort.ReplaceAllString(got, "127.0.0.1:50000"), " · 0.1 s")
	compareStored(t, filepath.Join("testdata", "terminal", name), got)
}
