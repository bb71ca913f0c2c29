package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/regsweep/regsweep/e2e/registries"
)

// collection is the demo of how the disk comes back: on a registry that is a process of its own, as regsweep has to stop
// and to start it.
type collection struct {
	demo
	program  string // regsweep
	dir      string // the workspace, which goes at the end
	registry *registries.Operated
}

// collect starts the registry that is at a path in such a way, fills it, shows the collection and stops it, whatever happens.
func (d demo) collect(ctx context.Context, program, binary, dir string) (code int, err error) {
	registry, err := registries.Operate(binary, filepath.Join(dir, "storage"), registries.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	if err := pushAll(ctx, registry.Server, team); err != nil {
		return 0, err
	}
	if err := overwriteTags(ctx, registry.Server); err != nil {
		return 0, err
	}
	return collection{d, program, dir, registry}.run(ctx)
}

// registryBinary finds Debian's docker-registry, which is distribution 2.8, or else builds distribution's own 3.1.2.
func registryBinary(ctx context.Context, dir string) (string, error) {
	for _, name := range []string{"docker-registry", "/usr/sbin/docker-registry"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return registries.BuildDistribution3(ctx, dir)
}

// run ranks, prunes, collects and ranks again, and returns the prune's exit code.
func (c collection) run(ctx context.Context) (code int, err error) {
	s := step{host: c.registry.Host, dir: c.dir, args: append(c.target(), c.args...)}
	fmt.Fprintf(c.stdout, "For weeks, nine pipelines have pushed to the registry on %s. Which repositories use its disk space?\n\n", s.host)
	before, err := weigh(c.registry.Dir)
	if err != nil {
		return 0, err
	}
	if code, err := c.rank(ctx, s); code != 0 || err != nil || ctx.Err() != nil {
		return code, err
	}
	fmt.Fprintf(c.stdout, "\nDelete the old images and run the registry's garbage collection. regsweep stops the registry for it and starts it again:\n\n%s\n\n", s.typed())
	if code, err = s.run(ctx, c.program, c.stdout, c.stderr); err != nil || ctx.Err() != nil {
		return code, err
	}
	fmt.Fprint(c.stdout, "\nAnd now:\n\n")
	if ranked, err := c.rank(ctx, s); ranked != 0 || err != nil || ctx.Err() != nil {
		return ranked, err
	}
	after, err := weigh(c.registry.Dir)
	if err != nil {
		return code, err
	}
	fmt.Fprintf(c.stdout, "\nThe files in the registry's storage: %.1f MiB before, %.1f MiB after.\n", mebibytes(before), mebibytes(after))
	if err := c.tellOverwritten(s); err != nil {
		return code, err
	}
	fmt.Fprintf(c.stdout, "\n%s", s.ending(code))
	return code, nil
}

// tellOverwritten says what is left of the images of which the tags were pushed again.
func (c collection) tellOverwritten(s step) error {
	left, err := overwritten(c.registry.Dir)
	if err != nil || left == 0 {
		return err
	}
	fmt.Fprintf(c.stdout, "%s has pushed latest and main %d times. The storage has %d of these images.\n", nightly, nights, left)
	if !s.says("--untagged") {
		fmt.Fprint(c.stdout, "The others have no tag any more. With --untagged 1d they go as well: go run -C e2e ./demo --gc --untagged 1d\n")
	}
	return nil
}

// target tells regsweep where the registry is and how it is stopped and started.
func (c collection) target() []string {
	r := c.registry
	return []string{
		"--gc", "--gc-via", "local:", "--gc-stop", r.Stop, "--gc-start", r.Start,
		"--gc-binary", r.Binary, "--gc-config", r.Config,
	}
}

// rank shows which repositories hold the most.
func (c collection) rank(ctx context.Context, s step) (int, error) {
	args := []string{"rank", s.host}
	fmt.Fprintf(c.stdout, "%s\n\n", typed(args))
	return s.call(ctx, c.program, args, c.stdout, c.stderr)
}

// weigh adds up the files below a folder.
func weigh(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) { // the registry serves meanwhile
			return nil
		}
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("weigh storage: %w", err)
	}
	return sum, nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// typed is a call as somebody would type it, with a line for each flag that says how to collect.
func typed(args []string) string {
	var out strings.Builder
	out.WriteString("  $ regsweep")
	for _, a := range args {
		separator := " "
		if strings.HasPrefix(a, "--gc") {
			separator = " \\\n      "
		}
		out.WriteString(separator + quoted(a))
	}
	return out.String()
}

// quoted is an argument as a shell takes it.
func quoted(a string) string {
	switch {
	case !strings.ContainsAny(a, " *?[]|&;<>()$`\\\"'"):
		return a
	case strings.Contains(a, "'") && !strings.ContainsAny(a, "$`\\\"!"):
		return `"` + a + `"`
	}
	return "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
}
