package gc

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// DryRun runs the registry's garbage collection as a dry run and returns its log. The registry serves meanwhile: nothing is
// stopped or deleted. Of the options it takes Binary, Config and Timeout. Every error has a hint.
func DryRun(ctx context.Context, t *Target, o Options) (log Log, err error) {
	err = t.withSite(ctx, o, func(ctx context.Context, s site) error {
		if empty, err := t.isEmpty(ctx, s, nil); err != nil || empty { // a dry run fails where nothing was ever pushed
			return err
		}
		log, err = t.dryRun(ctx, s, &parser{})
		return err
	})
	if err != nil {
		return Log{}, err
	}
	return log, nil
}

// withSite calls do with what is next to the registry, within the options' time.
func (t *Target) withSite(ctx context.Context, o Options, do func(context.Context, site) error) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(o.Timeout, time.Hour), errTimeout)
	defer cancel()
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
		defer cancel()
		if failed := t.host.close(closing); err == nil {
			err = failed
		}
		if err != nil && hintOf(err) == "" {
			err = hinted{err, "--gc-binary and --gc-config name what to run there; --from reads a log that was made by hand"}
		}
	}()
	if err := t.host.open(ctx); err != nil {
		return err
	}
	s, err := t.probe(ctx, o)
	if err != nil {
		return err
	}
	return do(ctx, s)
}

// isEmpty reports whether nothing was ever pushed to the storage. It is an error when the storage is not there, or does not
// hold what the registry serves.
func (t *Target) isEmpty(ctx context.Context, s site, held []Held) (bool, error) {
	if s.root == "" {
		return false, nil
	}
	found, err := t.look(ctx, s.root, entriesOf(held))
	if err == nil && (!found.root || len(found.lacks) > 0) {
		err = found.refuse(s, true)
	}
	return err == nil && found.repositories == 0, err
}

// dryRun runs the program as a dry run, with the arguments in addition, and reads its log.
func (t *Target) dryRun(ctx context.Context, s site, p *parser, arguments ...string) (log Log, err error) {
	args := append([]string{s.binary, "garbage-collect", "--dry-run"}, arguments...)
	err = stream(ctx, t.withVariables(s, script(dryRunScript, append(args, s.file)...)), func(in *bufio.Reader) (err error) {
		log, err = p.read(in)
		var misread *LogError
		if errors.As(err, &misread) { // its hint is for a log that was made by hand
			err = errors.New(misread.Error())
		}
		return err
	})
	if err != nil {
		if ctx.Err() != nil { // then the log is cut off, which is expected
			err = context.Cause(ctx)
		}
		return Log{}, fmt.Errorf("garbage-collect --dry-run: %w", err)
	}
	return log, nil
}
