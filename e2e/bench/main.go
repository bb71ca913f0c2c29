// Command bench measures regsweep against the script that it replaces, on real registries: the nine repositories of
// that script's job, filled anew for each contestant, with build dates in another order than the tags.
//
//	go run -C e2e ./bench                                  a tenth of the 6516 images, both registries
//	go run -C e2e ./bench --large 0                        without the 20,000 tags that memory is measured with
//	go run -C e2e ./bench --scale 1 --registry 2.8.2       all of them, on docker-registry 2.8.2
//
// It prints Markdown, and it fails when regsweep leaves anything but the newest two images of each repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/regsweep/regsweep/e2e/registries"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2) // the flags have said it
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errUsage is returned for a command line that cannot be read.
var errUsage = errors.New("usage")

// kind is a registry that contestants meet on.
type kind struct {
	name  string
	start registries.Start
}

var kinds = []kind{
	{"2.8.2", registries.DockerRegistry2},
	{"3.1.2", registries.Distribution3},
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	scale := flags.Float64("scale", 0.1, "how much of the job: 1 is all of its 6516 images")
	name := flags.String("registry", "all", "2.8.2, 3.1.2 or all")
	large := flags.Int("large", 20000, "tags of the repository that peak memory is measured with; 0 leaves it out")
	if err := flags.Parse(args); err != nil {
		return errors.Join(errUsage, err)
	}
	chosen, err := choose(*name)
	if err != nil {
		return err
	}
	if flags.NArg() > 0 || *scale <= 0 || *large < 0 {
		return errors.New("usage: bench [--scale 0.1] [--registry 2.8.2|3.1.2|all] [--large 20000]")
	}
	b, err := newBench(ctx, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var rows []result
	for _, k := range chosen {
		r, err := b.contest(ctx, k, job(*scale))
		if len(chosen) > 1 && errors.Is(err, registries.ErrNotInstalled) {
			fmt.Fprintf(stderr, "%s is left out: %v\n", k.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("registry %s: %w", k.name, err)
		}
		rows = append(rows, r...)
	}
	writeContest(stdout, rows)
	if *large > 0 {
		r, err := b.large(ctx, chosen[len(chosen)-1], *large)
		if err != nil {
			return err
		}
		writeLarge(stdout, r)
	}
	return judge(rows)
}

func choose(name string) ([]kind, error) {
	if name == "all" {
		return kinds, nil
	}
	var names []string
	for _, k := range kinds {
		if k.name == name {
			return []kind{k}, nil
		}
		names = append(names, k.name)
	}
	return nil, fmt.Errorf("--registry: %q is none of %s, all", name, strings.Join(names, ", "))
}

// judge returns an error when regsweep did not leave exactly what it had to.
func judge(rows []result) error {
	var errs []error
	for _, r := range rows {
		if r.exact {
			errs = append(errs, r.wrong())
		}
	}
	return errors.Join(errs...)
}
