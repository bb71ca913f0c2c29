package gc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// The bounds of the steps that have no option.
const (
	stopTimeout    = 10 * time.Minute // kubernetes lets a pod take its time
	silenceTimeout = 15 * time.Second // a registry that was stopped answers its last requests
	startTimeout   = 15 * time.Minute // of all tries to start the registry, lost connections included
	stepTimeout    = 2 * time.Minute  // of a short command on the registry's host
	roomTimeout    = 10 * time.Minute // of one that counts the blobs
	tidyTimeout    = 10 * time.Minute // of one that deletes what was removed
	watchInterval  = time.Second      // between two looks whether a stopped registry answers
)

// Run runs the registry's garbage collection. Whatever happens on the way, a cancelled ctx included, a registry that was
// stopped is started again, and only when its garbage collection is known to be over.
func Run(ctx context.Context, t *Target, client Client, o Options) Result {
	began := time.Now()
	o.Timeout, o.Wait = cmp.Or(o.Timeout, time.Hour), cmp.Or(o.Wait, time.Minute)
	o.Mode, o.RetryBase = cmp.Or(o.Mode, Offline), cmp.Or(o.RetryBase, time.Second)
	if o.Say == nil {
		o.Say = func(string) {}
	}
	r := &run{target: t, client: client, o: o, res: Result{Via: t.String(), Mode: o.Mode}}
	r.res.Err = r.all(ctx)
	r.res.Elapsed = time.Since(began)
	return r.res
}

// run is one garbage collection from the first look to the last.
type run struct {
	target *Target
	client Client
	o      Options
	site   site
	before Check // the kept images, when nothing was touched yet
	res    Result
	home   string // the folder of the lock
	folder string // of this run
	stream bool   // the log has no room there
	// removing is the folder of the removal; "" until it was begun, or at least tried
	removing string
	begun    bool // the garbage collection, or at least the attempt
}

func (r *run) all(ctx context.Context) (err error) {
	after := context.WithoutCancel(ctx) // for what has to be done when the run is cancelled as well
	defer func() {
		closing, cancel := context.WithTimeout(after, stepTimeout)
		defer cancel()
		if failed := r.target.host.close(closing); err == nil {
			err = failed
		}
	}()
	if err := r.inspect(ctx); err != nil {
		return err
	}
	if r.before, err = r.client.Verify(ctx); err != nil {
		return fmt.Errorf("check the kept images: %w; nothing was stopped", err)
	}
	if err := r.identify(ctx); err != nil || r.res.Skipped != "" {
		return err
	}
	if err := r.target.host.settle(ctx, r.site.root != ""); err != nil {
		return err
	}
	if err := r.findHome(ctx); err != nil {
		return err
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err = r.findRoom(ctx); err == nil {
		err = r.lookForRemoval(ctx)
	}
	if err == nil && r.res.Skipped == "" {
		err = r.collect(ctx)
	}
	var down *NotBackError
	if errors.As(err, &down) && down.Collecting {
		return err // the lock stays: a person has to look first
	}
	if failed := r.unlock(after); err == nil {
		err = failed
	}
	if r.res.Restarted {
		if failed := r.verify(after); failed != nil {
			return errors.Join(failed, err) // the most severe first
		}
	}
	return err
}

// inspect finds out what is there and refuses what must not be done.
func (r *run) inspect(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, stepTimeout, errors.New("no answer within "+stepTimeout.String()))
	defer cancel()
	if err := r.target.host.open(ctx); err != nil {
		return err
	}
	if r.site, err = r.target.probe(ctx, r.o); err != nil {
		return err
	}
	r.res.Version, r.res.Notes = r.site.version, r.site.notes
	if err := r.target.refuse(r.site); err != nil {
		return err
	}
	if err := r.refuseRemoval(); err != nil {
		return err
	}
	if err := r.client.Answers(ctx); err != nil {
		return hinted{fmt.Errorf("the registry does not serve: %w; nothing was stopped", err), "start the registry first: regsweep has to see that it answers before the garbage collection and after it"}
	}
	return nil
}

// refuse says which registries must not be collected, whatever the options are.
func (t *Target) refuse(s site) error {
	switch f := t.host.facts(); {
	case f.noRestart != nil:
		return f.noRestart
	case s.proxy != "":
		return &Refusal{Why: "the registry is a pull-through cache of another (proxy.remoteurl), and removes expired content by itself"}
	case s.readOnly:
		return &Refusal{Why: "the registry is read-only (storage.maintenance.readonly), so somebody else may be working on it", Advice: "make the registry writable first"}
	}
	return nil
}

// collect does it, the way that the mode says.
func (r *run) collect(ctx context.Context) error {
	if r.o.Mode == Live {
		if err := r.garbageCollect(ctx); err != nil {
			// It may still run. The registry serves and stays up: all that is left to do is to end the garbage collection.
			return errors.Join(err, r.halt(context.WithoutCancel(ctx)))
		}
	}
	return r.whileStopped(ctx)
}

// whileStopped stops the registry, collects unless that is done, and starts it.
func (r *run) whileStopped(ctx context.Context) (err error) {
	r.o.Say("stopping the registry")
	began := time.Now()
	r.res.Stopped = true
	defer func() {
		down := r.bringBack(context.WithoutCancel(ctx))
		r.res.Away, r.res.Restarted = time.Since(began), down == nil
		if down != nil {
			err = errors.Join(down, err)
		}
	}()
	stopping, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	if err := r.target.host.stop(stopping, r.home); err != nil {
		return fmt.Errorf("stop the registry: %w", err)
	}
	if err := r.waitUntilSilent(stopping); err != nil {
		return err
	}
	if err := r.waitUntilEnded(stopping); err != nil || r.o.Mode == Live {
		return err
	}
	if err := r.target.host.open(stopping); err != nil {
		return err
	}
	if err := r.findRoomThere(stopping); err != nil {
		return err
	}
	return r.garbageCollectWatched(ctx)
}

// garbageCollectWatched collects and asks all the while whether the registry answers. Something may start it: a service
// manager, an orchestrator, a person. Then the garbage collection is ended at once.
func (r *run) garbageCollectWatched(ctx context.Context) error {
	collecting, end := context.WithCancelCause(ctx)
	defer end(nil)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for r.client.Answers(collecting) != nil || collecting.Err() != nil {
			if pause(collecting, watchInterval) != nil {
				return
			}
		}
		end(hinted{fmt.Errorf("%w: something else started it during the garbage collection", errServing), r.startedHint()})
	}()
	err := r.removeAndCollect(collecting)
	if err == nil && r.client.Answers(ctx) == nil {
		err = hinted{fmt.Errorf("%w: something else started it during the garbage collection", errServing), r.startedHint()}
	}
	end(nil)
	<-watched
	return err
}

// startedHint says what to do about a registry that something else starts.
func (r *run) startedHint() string {
	return "what was pushed meanwhile may be lost; pause whatever starts the registry by itself: " + r.target.host.restarts()
}

// waitUntilSilent waits until nothing answers for the registry. What keeps answering has not been stopped, or is another
// registry, perhaps of the same storage, and its storage must not be collected.
func (r *run) waitUntilSilent(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, silenceTimeout)
	defer cancel()
	for limit.Err() == nil {
		if r.client.Answers(limit) != nil {
			return context.Cause(ctx)
		}
		_ = pause(limit, 100*time.Millisecond) // the loop ends with limit
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return hinted{fmt.Errorf("%w after it was stopped; nothing was collected", errServing), "check that --gc-via stops the registry at this address, and all of its replicas; a proxy in front that answers from a cache must not do so for /v2/"}
}

// bringBack starts the registry once its garbage collection is over, and waits until it serves. A connection can be lost
// here as well, so each step is tried several times.
func (r *run) bringBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("gave up after %s", startTimeout))
	defer cancel()
	by := r.target.host.startCommand()
	if err := r.halt(ctx); err != nil {
		return &NotBackError{Started: by, Cause: err, Collecting: true}
	}
	r.o.Say("starting the registry")
	err := r.retry(ctx, func() error { return r.target.host.start(ctx, r.home) })
	if err != nil && r.client.Answers(ctx) != nil {
		return &NotBackError{Started: by, Cause: err}
	}
	limit, stop := context.WithTimeout(ctx, r.o.Wait)
	defer stop()
	for {
		err := r.client.Answers(limit)
		if err == nil {
			return nil
		}
		if pause(limit, 50*time.Millisecond) != nil {
			return &NotBackError{Started: by, Cause: fmt.Errorf("it does not serve after %s: %w", r.o.Wait, err)}
		}
	}
}

// verify asks for the kept images. What was missing before is not the garbage collection's doing.
func (r *run) verify(ctx context.Context) error {
	after, err := r.client.Verify(ctx)
	if err != nil {
		return fmt.Errorf("check the kept images after the garbage collection: %w", err)
	}
	known := map[Missing]bool{}
	for _, m := range r.before.Missing {
		known[m] = true
	}
	r.res.Verified, r.res.Check.Images = after.Images > 0, after.Images
	for _, m := range after.Missing {
		if !known[m] {
			r.res.Check.Missing = append(r.res.Check.Missing, m)
		}
	}
	if n := len(r.before.Missing); n > 0 {
		r.res.Notes = append(r.res.Notes, count(n, "digest", "digests")+" of kept images had been missing before the garbage collection, such as "+r.before.Missing[0].Digest.String())
	}
	if len(r.res.Check.Missing) > 0 {
		return &MissingError{r.res.Check.Missing}
	}
	return nil
}
