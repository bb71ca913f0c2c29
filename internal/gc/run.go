package gc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"time"
)

// The bounds of the parts of a run that no option is about.
const (
	stopTimeout  = 10 * time.Minute // kubernetes lets a pod take its time
	silence      = 15 * time.Second // a registry that was stopped answers its last requests
	bringTimeout = 15 * time.Minute // of all tries to start the registry, a lost connection included
	lookTimeout  = 2 * time.Minute
)

// Run collects. Whatever happens on the way, a cancelled ctx included, the registry is started again once it was
// stopped, and only when its collection is known to be over.
func Run(ctx context.Context, t *Target, front Front, o Options) Result {
	began := time.Now()
	o.Timeout, o.Wait = cmp.Or(o.Timeout, time.Hour), cmp.Or(o.Wait, time.Minute)
	o.Mode, o.RetryBase = cmp.Or(o.Mode, Offline), cmp.Or(o.RetryBase, time.Second)
	if o.Say == nil {
		o.Say = func(string) {}
	}
	r := &run{target: t, front: front, o: o, res: Result{Via: t.String(), Mode: o.Mode}}
	r.res.Err = r.all(ctx)
	r.res.Elapsed = time.Since(began)
	return r.res
}

// run is a collection on its way.
type run struct {
	target *Target
	front  Front
	o      Options
	site   site
	res    Result
	folder string // of this run, inside of the lock
	begun  bool   // the collection, or at least the attempt
}

func (r *run) all(ctx context.Context) (err error) {
	after := context.WithoutCancel(ctx) // for what has to be done when the run is cancelled as well
	defer func() {
		closing, cancel := context.WithTimeout(after, lookTimeout)
		defer cancel()
		if failed := r.target.place.close(closing); err == nil {
			err = failed
		}
	}()
	if err := r.look(ctx); err != nil {
		return err
	}
	before, err := r.front.Verify(ctx)
	if err != nil {
		return fmt.Errorf("look at the kept images: %w; nothing was stopped", err)
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	err = r.collect(ctx)
	var absent *NotBackError
	if errors.As(err, &absent) && absent.Collecting {
		return err // the lock stays: somebody has to look first
	}
	if failed := r.unlock(after); err == nil {
		err = failed
	}
	if r.res.Restarted {
		if failed := r.verify(after, before); failed != nil {
			return errors.Join(failed, err) // the loudest first
		}
	}
	return err
}

// look finds out what is there and refuses what must not be done.
func (r *run) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, lookTimeout, errors.New("no answer within "+lookTimeout.String()))
	defer cancel()
	if err := r.target.place.open(ctx); err != nil {
		return err
	}
	if r.site, err = r.target.probe(ctx, r.o); err != nil {
		return err
	}
	r.res.Version, r.res.Notes = r.site.version, r.site.notes
	if err := r.refuse(); err != nil {
		return err
	}
	if err := r.front.Answers(ctx); err != nil {
		return hinted{fmt.Errorf("the registry does not serve: %w; nothing was stopped", err), "it is collected when it serves, so that it can be told that it is back"}
	}
	return nil
}

// refuse says what must not be collected, or not so.
func (r *run) refuse() error {
	switch o := r.o; {
	case r.site.proxy != "":
		return &Refusal{Why: "the registry is a pull-through cache of another (proxy.remoteurl), which expires what it holds by itself"}
	case r.site.readOnly:
		return &Refusal{Why: "the registry is read-only (storage.maintenance.readonly), so somebody else is at work on it", Advice: "make it writable again first"}
	case o.DeleteUntagged && r.site.major < 3 && !o.DestroysMultiArch:
		return &Refusal{
			Why:    "--gc-delete-untagged on " + r.site.version + " destroys multi-arch images: their parts have no tag",
			Advice: "3.0 and later keep them; leave --gc-delete-untagged out, or, where no multi-arch image is, say --gc-delete-untagged-destroys-multi-arch-images",
		}
	case o.DeleteUntagged && len(o.Untagged) > 0:
		return &Refusal{Why: fmt.Sprintf("--gc-delete-untagged would delete %s, which is kept and has no tag", o.Untagged[0]), Advice: "give it a tag, or leave --gc-delete-untagged out"}
	}
	return nil
}

// collect does it, the way that the mode says.
func (r *run) collect(ctx context.Context) error {
	r.folder = path.Join(r.res.Lock, "run-"+token())
	if r.o.Mode == Live {
		if err := r.sweep(ctx); err != nil {
			// It may still run. The registry serves, and goes on: all that is left is to end the collection.
			return errors.Join(err, r.settle(context.WithoutCancel(ctx)))
		}
	}
	return r.away(ctx)
}

// away stops the registry, collects unless that is done, and starts it.
func (r *run) away(ctx context.Context) (err error) {
	r.o.Say("stopping the registry")
	began := time.Now()
	r.res.Stopped = true
	defer func() {
		back := r.bringBack(context.WithoutCancel(ctx))
		r.res.Away, r.res.Restarted = time.Since(began), back == nil
		if back != nil {
			err = errors.Join(back, err)
		}
	}()
	stopping, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := r.target.place.stop(stopping, r.site.folder()); err != nil {
		return fmt.Errorf("stop the registry: %w", err)
	}
	if err := r.silent(stopping); err != nil {
		return err
	}
	if r.o.Mode == Live {
		return nil
	}
	if err := r.target.place.open(stopping); err != nil {
		return err
	}
	r.o.Say("the registry is stopped, collecting")
	if err := r.sweep(ctx); err != nil {
		return err
	}
	if r.front.Answers(ctx) == nil {
		return hinted{fmt.Errorf("%w: it was started while it was collected, by somebody else", errServing), "what was pushed meanwhile may be lost; whatever starts the registry by itself has to know of --gc-stop"}
	}
	return nil
}

// silent waits until nobody answers for the registry. What goes on answering has not been stopped, or is another one,
// perhaps of the same storage, and that must not be collected.
func (r *run) silent(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	for limit.Err() == nil {
		if r.front.Answers(limit) != nil {
			return context.Cause(ctx)
		}
		_ = pause(limit, 100*time.Millisecond) // the loop ends with it
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return hinted{fmt.Errorf("%w after it was stopped; nothing was collected", errServing), "does the target stop the registry at this address, and all of its replicas?"}
}

// bringBack starts the registry once its collection is over, and waits until it serves. A connection can be lost here as
// well, so each step is tried again and again.
func (r *run) bringBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, bringTimeout, fmt.Errorf("given up after %s", bringTimeout))
	defer cancel()
	starting := r.target.place.starting()
	if err := r.settle(ctx); err != nil {
		return &NotBackError{Started: starting, Cause: err, Collecting: true}
	}
	r.o.Say("starting the registry")
	err := r.insist(ctx, func() error { return r.target.place.start(ctx, r.site.folder()) })
	if err != nil && r.front.Answers(ctx) != nil {
		return &NotBackError{Started: starting, Cause: err}
	}
	limit, stop := context.WithTimeout(ctx, r.o.Wait)
	defer stop()
	for {
		err := r.front.Answers(limit)
		if err == nil {
			return nil
		}
		if pause(limit, 50*time.Millisecond) != nil {
			return &NotBackError{Started: starting, Cause: fmt.Errorf("it does not serve after %s: %w", r.o.Wait, err)}
		}
	}
}

// verify asks for the kept images. What was missing before is not the collection's doing.
func (r *run) verify(ctx context.Context, before Check) error {
	after, err := r.front.Verify(ctx)
	if err != nil {
		return fmt.Errorf("look at the kept images after the collection: %w", err)
	}
	known := map[Missing]bool{}
	for _, m := range before.Missing {
		known[m] = true
	}
	r.res.Verified, r.res.Check.Images = after.Images > 0, after.Images
	for _, m := range after.Missing {
		if !known[m] {
			r.res.Check.Missing = append(r.res.Check.Missing, m)
		}
	}
	if n := len(before.Missing); n > 0 {
		r.res.Notes = append(r.res.Notes, count(n, "digest", "digests")+" of kept images had been missing before, such as "+before.Missing[0].Digest.String())
	}
	if len(r.res.Check.Missing) > 0 {
		return &MissingError{r.res.Check.Missing}
	}
	return nil
}
