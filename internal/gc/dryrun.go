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
		return Log{}, err
	}
	s, err := t.probe(ctx, o)
	if err != nil {
		return Log{}, err
	}
	if s.root != "" {
		found, err := t.look(ctx, s.root, nil)
		if err == nil && !found.root {
			err = found.refuse(s, true)
		}
		if err != nil || found.repositories == 0 { // a dry run fails where nothing was ever pushed
			return Log{}, err
		}
	}
	err = stream(ctx, t.withVariables(s, script(dryRunScript, s.binary, "garbage-collect", "--dry-run", s.file)), func(in *bufio.Reader) (err error) {
		log, err = readOwnLog(in)
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
