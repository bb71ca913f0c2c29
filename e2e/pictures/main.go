// Command pictures makes the pictures of the README from a run of the demo, so that they show what the program really
// makes: docs/pictures/terminal.svg, a recording of the terminal, and docs/pictures/report.png, the beginning of the HTML
// report in Chromium.
//
//	go run -C e2e ./pictures
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, "../docs/pictures")
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// run makes the pictures in a folder.
func run(ctx context.Context, dir string) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "regsweep-pictures-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	page := filepath.Join(work, "report.html")
	var said, told bytes.Buffer
	demo := exec.CommandContext(ctx, "go", "run", "./demo", "--color", "always", "--report", page)
	demo.Stdout, demo.Stderr = &said, &told
	if err := demo.Run(); err != nil {
		return fmt.Errorf("demo: %w\n%s", err, told.Bytes())
	}
	if err := photograph(ctx, page, filepath.Join(dir, "report.png")); err != nil {
		return err
	}
	lines, err := scene(strings.ReplaceAll(said.String(), " --report "+page, ""))
	if err != nil {
		return err
	}
	svg, err := terminal(lines)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "terminal.svg"), svg, 0o644)
}

// photograph makes a picture of the beginning of a page, whose registry is given another name.
func photograph(ctx context.Context, page, picture string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	named := regexp.MustCompile(`127\.(<wbr>)?0\.(<wbr>)?0\.(<wbr>)?1:(<wbr>)?\d+`).ReplaceAll(text, []byte("registry.example.com"))
	if err := os.WriteFile(page, named, 0o600); err != nil {
		return err
	}
	chromium := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1.5",
		"--window-size=860,1180", "--screenshot="+picture, "file://"+page)
	if out, err := chromium.CombinedOutput(); err != nil {
		return fmt.Errorf("chromium: %w\n%s", err, out)
	}
	return nil
}

// loopback is the demo's registry, whose port is another one each time.
var loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// scene are the lines of the demo that the recording shows: the call, what it says of one repository, and its last line.
func scene(said string) ([]string, error) {
	const shown = "registry.example.com/zdtest/web: "
	text := loopback.ReplaceAllString(said, "registry.example.com")
	var out []string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "  $ regsweep "):
			out = append(out, strings.TrimSpace(strings.ReplaceAll(line, " --color always", "")), "", "…", "")
		case strings.HasPrefix(line, shown):
			inside = true
		case strings.HasPrefix(line, "9 repositories: "):
			return append(out, "…", "", line), nil
		case inside && strings.HasPrefix(line, "registry.example.com/"):
			inside = false
		}
		if inside {
			out = append(out, line)
		}
	}
	return nil, fmt.Errorf("the demo does not print what the recording shows:\n%s", said)
}
