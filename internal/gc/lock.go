package gc

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"path"
	"strings"
	"time"
)

// lockName is the folder that a run makes in the storage's root. Making a folder is atomic everywhere, and the runs of
// all machines see this one. The registry itself looks only below docker/.
const lockName = ".regsweep-gc-lock"

// lock takes the lock, or refuses and says who holds it.
func (r *run) lock(ctx context.Context) error {
	r.res.Lock = path.Join(r.home, lockName)
	how := ""
	if r.o.BreakLock {
		how = "break"
	}
	text, err := r.target.onHost(script(lockScript, r.res.Lock, r.o.Owner, how)).output(ctx)
	if err != nil {
		return fmt.Errorf("take the lock %s: %w", r.res.Lock, err)
	}
	head, err := readHead(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return fmt.Errorf("take the lock %s: %w", r.res.Lock, err)
	}
	if head.one("lock") == "taken" {
		return nil
	}
	return held(r.res.Lock, head)
}

// held explains a lock that another run holds.
func held(lock string, h head) *Refusal {
	age := "for an unknown time"
	now, ok := h.number("now")
	since, known := h.number("since")
	if ok && known {
		age = "for " + (time.Duration(now-since) * time.Second).String()
	}
	owner := oneLine(h.one("owner"))
	if owner == "" {
		owner = "an unknown owner"
	}
	out := &Refusal{Why: fmt.Sprintf("the lock %s is held %s by %s", lock, age, owner)}
	switch h.one("running") {
	case "yes":
		out.Why += ", whose garbage collection is running"
		out.Advice = "wait until it ends; --gc-break-lock does not take the lock of a running garbage collection"
		return out
	case "unknown":
		out.Why += ", and it is not known whether its garbage collection is still running"
		out.Advice = "make sure that no garbage-collect is running on that storage, then remove the folder of the lock"
		return out
	}
	out.Why += ", whose garbage collection is not running now"
	out.Advice = "if that run is over because it was killed or cut off, --gc-break-lock takes its lock"
	return out
}

// unlock gives the lock back.
func (r *run) unlock(ctx context.Context) error {
	limit := stepTimeout
	if r.removing != "" {
		limit = tidyTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := r.retry(ctx, func() error {
		if err := r.target.host.open(ctx); err != nil { // a helper may have been removed
			return err
		}
		return r.target.onHost(script(unlockScript, r.res.Lock, cmp.Or(r.folder, r.res.Lock))).run(ctx)
	})
	if err != nil {
		return fmt.Errorf("remove the lock %s: %w", r.res.Lock, err)
	}
	return nil
}
