package gc

import (
	"bufio"
	"context"
	"fmt"
	"path"
	"strings"
	"time"
)

// lockName is the folder that a run makes in the storage's root: making a folder is atomic everywhere, and every run of
// whatever host sees this one. The registry itself looks below docker/ alone.
const lockName = ".regsweep-gc-lock"

// lock takes the lock, or refuses and says who has it.
func (r *run) lock(ctx context.Context) error {
	r.res.Lock = path.Join(r.site.folder(), lockName)
	how := ""
	if r.o.BreakLock {
		how = "break"
	}
	text, err := r.target.there(script(lockScript, r.res.Lock, r.o.Owner, how)).output(ctx)
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

// held explains a lock that somebody else has.
func held(lock string, h head) *Refusal {
	age := "for an unknown time"
	now, ok := h.number("now")
	since, known := h.number("since")
	if ok && known {
		age = "for " + (time.Duration(now-since) * time.Second).String()
	}
	owner := oneLine(h.one("owner"))
	if owner == "" {
		owner = "somebody unknown"
	}
	out := &Refusal{Why: fmt.Sprintf("the lock %s is held %s by %s", lock, age, owner)}
	if h.one("running") == "yes" {
		out.Why += ", and that collection runs"
		out.Advice = "wait for it; a running collection's lock is not broken"
		return out
	}
	out.Why += "; no collection runs in its name at this moment"
	out.Advice = "when that run is over, having been killed or cut off, --gc-break-lock takes the lock from it"
	return out
}

// unlock gives the lock back.
func (r *run) unlock(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err := r.insist(ctx, func() error {
		if err := r.target.place.open(ctx); err != nil { // a helper may have been removed
			return err
		}
		return r.target.there(script(unlockScript, r.res.Lock)).run(ctx)
	})
	if err != nil {
		return fmt.Errorf("remove the lock %s: %w", r.res.Lock, err)
	}
	return nil
}
