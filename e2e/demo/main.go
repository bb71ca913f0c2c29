// Command demo shows regsweep at work: a real registry on loopback, what nine pipelines of a Jenkins team have left
// behind in it, the step as Jenkins would run it, and what is left afterwards. Nothing outside of a temporary folder is
// touched, and that one goes at the end.
//
//	go run -C e2e ./demo
//	go run -C e2e ./demo --keep-last 5 --dry-run     what stands here goes to regsweep
//	go run -C e2e ./demo --gc                        ranks, prunes, and has the registry give the disk back
//	go run -C e2e ./demo --gc --untagged 1d          the same, with what overwritten tags have left
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/e2e/bench/product"
	"github.com/regsweep/regsweep/e2e/registries"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := demo{os.Args[1:], os.Stdout, os.Stderr}.run(ctx)
	cancelled := ctx.Err() != nil
	stop()
	switch {
	case cancelled:
		code = 130
	case err != nil:
		fmt.Fprintln(os.Stderr, "demo:", err)
		code = 1
	}
	os.Exit(code)
}

// demo is what the program has of the world.
type demo struct {
	args           []string // for regsweep
	stdout, stderr io.Writer
}

// run is the whole demo. It returns regsweep's exit code.
func (d demo) run(ctx context.Context) (code int, err error) {
	dir, err := os.MkdirTemp("", "regsweep-demo-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	collects := slices.Contains(d.args, "--gc")
	registry := "distribution 3.1.2"
	if collects {
		registry = "a process of its own"
	}
	fmt.Fprintf(d.stdout, "Building regsweep, starting the real registry (%s) and filling it: about ten seconds.\n\n", registry)
	program, err := product.Build(ctx, dir)
	if err != nil {
		return 0, err
	}
	if collects {
		d.args = slices.DeleteFunc(slices.Clone(d.args), func(a string) bool { return a == "--gc" })
		binary, err := registryBinary(ctx, dir)
		if err != nil {
			return 0, err
		}
		return d.collect(ctx, program, binary, dir)
	}
	server, err := registries.Distribution3(filepath.Join(dir, "storage"), registries.Options{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	if err := pushAll(ctx, server, team); err != nil {
		return 0, err
	}

	fmt.Fprintf(d.stdout, "For weeks, nine pipelines of a Jenkins team have pushed to the registry on %s:\n\n", server.Host)
	if err := show(ctx, d.stdout, server.Host, func(p pipeline, _ string) string { return p.also }); err != nil {
		return 0, err
	}
	s := step{host: server.Host, dir: dir, args: d.args}
	fmt.Fprintf(d.stdout, "\nJenkins has just pushed IMAGE=%s. The last stage of that pipeline:\n\n%s\n\n", s.image(), s.typed())
	if code, err = s.run(ctx, program, d.stdout, d.stderr); err != nil || ctx.Err() != nil {
		return code, err
	}
	fmt.Fprint(d.stdout, "\nWhat the registry has now:\n\n")
	if err := show(ctx, d.stdout, server.Host, func(_ pipeline, tags string) string { return tags }); err != nil {
		return code, err
	}
	fmt.Fprintf(d.stdout, "\n%s", s.ending(code))
	return code, nil
}

// pushAll leaves behind what the pipelines have pushed.
func pushAll(ctx context.Context, server *registries.Server, pipelines []pipeline) error {
	now := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, p := range pipelines {
		g.Go(func() error {
			if err := p.push(ctx, server, now); err != nil {
				return fmt.Errorf("push %s: %w", p.path, err)
			}
			return nil
		})
	}
	return g.Wait()
}
