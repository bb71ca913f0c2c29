// Command bench measures regsweep on real registries against the script that it replaces, the loop that comes to mind
// first, and the least that the registry can be asked: all delete all but two builds of a repository, filled again for
// each of them, with build dates in another order than the tags.
//
//	go run -C e2e ./bench --quick                          small repositories, about ten minutes
//	go run -C e2e ./bench                                  everything, an hour and a half
//	go run -C e2e ./bench --threshold                      only from which size on tags-first gains
//	go run -C e2e ./bench --svg ../docs/performance.svg --write ../docs/performance.md
//
// It prints Markdown, and it fails when regsweep leaves anything but the newest two images of a repository.
package main

import (
	"bytes"
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
	"github.com/regsweep/regsweep/e2e/relay"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the whole program. What could be measured is written also when something else failed.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	b.repeat = o.repeat
	r := report{command: strings.Join(append([]string{"go run -C e2e ./bench"}, args...), " ")}
	err = b.all(ctx, o, &r)
	return errors.Join(err, o.publish(r, stdout))
}

// all measures what the options ask for, one registry after the other.
func (b *bench) all(ctx context.Context, o options, r *report) error {
	var errs []error
	for _, k := range o.kinds {
		err := b.one(ctx, k, o, r)
		if len(o.kinds) > 1 && errors.Is(err, registries.ErrNotInstalled) {
			r.missing = append(r.missing, fmt.Sprintf("registry %s: %v", k.name, err))
			continue
		}
		if errs = append(errs, err); ctx.Err() != nil {
			return errors.Join(errs...)
		}
	}
	return errors.Join(append(errs, b.elsewhere(ctx, o, r))...)
}

// elsewhere measures what has to do with none of the registries, or with others.
func (b *bench) elsewhere(ctx context.Context, o options, r *report) error {
	var errs []error
	if o.manifests > 0 {
		for _, n := range fifthAndAll(o.manifests) {
			res, err := b.rank(ctx, n)
			if err == nil {
				r.scale = append(r.scale, res)
			}
			errs = append(errs, err)
		}
	}
	if o.listing > 0 {
		l, err := b.listings(ctx, o.listing)
		r.listings, errs = append(r.listings, l...), append(errs, err)
	}
	if o.others > 0 {
		p, err := b.others(ctx, o.others)
		r.others, errs = append(r.others, p...), append(errs, err)
	}
	return errors.Join(errs...)
}

// one measures what the options ask for on one registry.
func (b *bench) one(ctx context.Context, k kind, o options, r *report) error {
	var errs []error
	for _, delay := range o.delays {
		if !o.thresholdOnly {
			p, err := b.panel(ctx, k, delay, o.sizes)
			if errors.Is(err, registries.ErrNotInstalled) {
				return err
			}
			if len(p.rows) > 0 {
				r.panels = append(r.panels, p)
			}
			errs = append(errs, err)
		}
		if o.threshold && k.deletesTags {
			t, err := b.threshold(ctx, k, delay)
			r.thresholds, errs = append(r.thresholds, t), append(errs, err)
		}
	}
	if o.thresholdOnly {
		return errors.Join(errs...)
	}
	if p, err := b.prices(ctx, k, tryWith(o.images)); err == nil {
		r.prices = append(r.prices, p)
	} else {
		errs = append(errs, err)
	}
	for _, handshake := range []bool{false, true} {
		s, err := b.steady(ctx, k, relay.Options{RoundTrip: steadyDelay, Handshake: handshake})
		if err == nil {
			r.steady = append(r.steady, s)
		}
		errs = append(errs, err)
	}
	if o.operation > 0 {
		p, err := b.onObjects(ctx, k, o)
		if p != nil && len(p.rows) > 0 {
			r.panels = append(r.panels, p)
		}
		errs = append(errs, err)
	}
	if o.job > 0 {
		j, err := b.wholeJob(ctx, k, o.job)
		r.job, errs = append(r.job, j...), append(errs, err)
	}
	if k.deletesTags {
		errs = append(errs, b.atScale(ctx, k, o, r))
	}
	return errors.Join(errs...)
}

// atScale measures many tags and many repositories on one registry.
func (b *bench) atScale(ctx context.Context, k kind, o options, r *report) error {
	var errs []error
	add := func(res scaleResult, err error) {
		if err == nil {
			r.scale = append(r.scale, res)
		}
		errs = append(errs, err)
	}
	if o.large > 0 {
		for _, n := range fifthAndAll(o.large) {
			add(b.large(ctx, k, n))
		}
	}
	if o.many > 0 {
		for _, n := range fifthAndAll(o.many) {
			add(b.many(ctx, k, n))
		}
	}
	return errors.Join(errs...)
}

// publish writes the report to wherever the options say.
func (o options) publish(r report, stdout io.Writer) error {
	if o.svg != "" && len(r.panels) > 0 {
		var plot bytes.Buffer
		if err := writePlot(&plot, r.panels); err != nil {
			return fmt.Errorf("draw plot: %w", err)
		}
		if err := os.WriteFile(o.svg, plot.Bytes(), 0o644); err != nil {
			return err
		}
		r.plot = o.plotName()
	}
	var text bytes.Buffer
	r.write(&text)
	if _, err := stdout.Write(text.Bytes()); err != nil {
		return err
	}
	if o.out != "" {
		if err := os.WriteFile(o.out, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	if o.write != "" {
		return writePage(o.write, r)
	}
	return nil
}

// writePage writes the parts of a page that a run has measured.
func writePage(file string, r report) error {
	var answer, tables bytes.Buffer
	writeAnswer(&answer, r.panels)
	r.tables(&tables)
	return errors.Join(replaceBlock(file, answerMark, answer.Bytes()), replaceBlock(file, tablesMark, tables.Bytes()))
}
