package gc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// Remover decides what is removed from the storage of a stopped registry. Its methods are called one after the other.
type Remover interface {
	// Paths are the repositories in which something may be removed, each once.
	Paths() []string
	// Look is told what the storage holds of these, in their order, while the registry still serves. It looks at the registry
	// for the last time and reports whether anything is to be removed; the registry is not stopped otherwise.
	Look(ctx context.Context, stored []Stored) bool
	// Choose returns what is to be removed of a repository, when nothing can be pushed to it any more; the zero value for nothing.
	Choose(atRest Stored) Removal
	// Settle takes what has become of one tag or manifest. Those of which nothing is told are perhaps removed.
	Settle(path string, r Removed)
}

// Removal is what is to be removed of one repository. An interruption at any point leaves nothing that lacks a part when
// each level has only what nothing on a later level needs.
type Removal struct {
	Tags   []string
	Levels [][]oci.Digest // of manifests, removed one after the other, after all tags
}

// RemovalStatus is what has become of a removal.
type RemovalStatus string

// The statuses.
const (
	RemovalDone    RemovalStatus = "deleted"
	RemovalGone    RemovalStatus = "gone" // it was not there
	RemovalFailed  RemovalStatus = "failed"
	RemovalSkipped RemovalStatus = "skipped" // it was not tried, after a failure in the same repository
)

var removalStatuses = []RemovalStatus{RemovalDone, RemovalGone, RemovalFailed, RemovalSkipped}

// Removed is what has become of one tag, or of one manifest when Tag is "".
type Removed struct {
	Tag    string
	Digest oci.Digest
	Status RemovalStatus
	Why    string // why it failed, where that is known
}

// refuseRemoval says why nothing can be removed next to this registry.
func (r *run) refuseRemoval() error {
	switch {
	case r.o.Remover == nil:
		return nil
	case r.o.Mode != Offline:
		return &Refusal{Why: "images can be removed from the storage only while the registry is stopped", Advice: "leave --gc-mode live out, or --delete-by offline"}
	case r.site.root == "":
		return &Refusal{Why: fmt.Sprintf("the storage is %s, and images can be removed only from one that is a folder (filesystem)", r.site.driver), Advice: "leave --delete-by offline out"}
	}
	return nil
}

// lookForRemoval has the remover look at the registry for the last time. What is pushed after that shows at rest.
func (r *run) lookForRemoval(ctx context.Context) error {
	if r.o.Remover == nil {
		return nil
	}
	r.o.Say("reading the tags in the storage")
	var stored []Stored
	reading, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errTimeout)
	defer cancel()
	if err := r.readStored(reading, r.o.Remover.Paths(), true, func(s Stored) { stored = append(stored, s) }); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%w; nothing was stopped", err)
	}
	if !r.o.Remover.Look(ctx, stored) {
		r.res.Skipped = "nothing is left to be removed"
	}
	return nil
}

// removeAndCollect removes at rest what the remover chooses, and collects.
func (r *run) removeAndCollect(ctx context.Context) error {
	if r.o.Remover != nil {
		removed, err := r.remove(ctx)
		if err != nil {
			return fmt.Errorf("remove images from the storage: %w", err)
		}
		if removed == 0 {
			r.res.Skipped = "nothing was removed"
			return nil
		}
		defer r.tidy(ctx)()
	}
	r.o.Say("the registry is stopped, collecting garbage")
	return r.garbageCollect(ctx)
}

// tidy deletes what was removed, as long as the collection runs. The function that it returns ends that: the rest goes with the
// lock, when the registry serves again.
func (r *run) tidy(ctx context.Context) func() {
	ctx, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = r.target.onHost(script(tidyScript, r.removedFolder())).run(ctx) // what is left goes with the lock
	}()
	return func() {
		end()
		<-ended
	}
}

// removedFolder is where the removal moves things.
func (r *run) removedFolder() string { return r.removing + "-removed" }

// remove removes what the remover chooses, and returns how many manifests are not there any more. When the connection is
// lost, what was not heard of is perhaps removed: halt ends the rest.
func (r *run) remove(ctx context.Context) (removed int, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.o.Timeout, errTimeout)
	defer cancel()
	r.o.Say("the registry is stopped, removing images from its storage")
	orders := &orders{Remover: r.o.Remover}
	if err := r.readStored(ctx, r.o.Remover.Paths(), false, orders.choose); err != nil {
		return 0, orCause(ctx, err)
	}
	if orders.manifests == 0 {
		return 0, nil
	}
	r.removing = path.Join(r.res.Lock, "run-"+token())
	variables := []string{"env", "REGSWEEP_GC_RUN=" + r.removing, "REGSWEEP_GC_LOCK=" + r.res.Lock}
	args := append(variables, script(removeScript, r.site.root, r.removing, r.removedFolder())...)
	if err := stream(ctx, r.target.feeding(args, orders.text()), orders.read); err != nil {
		return 0, orCause(ctx, err)
	}
	return orders.done, nil
}

// orCause is the reason why a context ended, if that is why a command failed.
func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// orders are what the script is told to remove, and what it has answered.
type orders struct {
	Remover
	lines     []string
	pending   []map[string]bool // for each repository, what no answer has come for
	paths     []string
	manifests int // that are to be removed
	done      int // that are not there any more
}

// choose adds what the remover chooses of a repository.
func (o *orders) choose(s Stored) {
	chosen := o.Choose(s)
	if len(chosen.Tags) == 0 && len(chosen.Levels) == 0 {
		return
	}
	pending := map[string]bool{}
	add := func(line string) {
		pending[line] = true
		o.lines = append(o.lines, line)
	}
	o.lines = append(o.lines, "repository "+s.Path)
	for _, t := range chosen.Tags {
		add("tag " + t)
	}
	for _, level := range chosen.Levels {
		o.lines = append(o.lines, "level")
		for _, d := range level {
			add("manifest " + strings.TrimPrefix(d.String(), "sha256:"))
			o.manifests++
		}
	}
	o.paths, o.pending = append(o.paths, s.Path), append(o.pending, pending)
}

func (o *orders) text() string {
	return strings.Join(append(slices.Clone(o.lines), "done"), "\n") + "\n"
}

// read reads the answers. Each is about the first repository that has not been answered for in whole, or about a later one
// after a failure.
func (o *orders) read(in *bufio.Reader) error {
	at := -1
	for {
		verb, value, err := storedLine(in)
		if err != nil {
			return err
		}
		if verb == "done" {
			return nil
		}
		if verb == "repository" {
			if at++; at >= len(o.paths) || o.paths[at] != value {
				return errors.New("an answer about " + oneLine(value) + ", which was not to be changed")
			}
			continue
		}
		kind, rest, _ := strings.Cut(value, " ")
		name, why, _ := strings.Cut(rest, " ")
		status := RemovalStatus(verb)
		if at < 0 || !o.pending[at][kind+" "+name] || !slices.Contains(removalStatuses, status) {
			return fmt.Errorf("unexpected output %q", oneLine(verb+" "+value))
		}
		delete(o.pending[at], kind+" "+name)
		out := Removed{Tag: name, Status: status, Why: oneLine(why)}
		if kind == "manifest" {
			out.Tag, out.Digest = "", oci.Digest("sha256:"+name)
			if status == RemovalDone || status == RemovalGone {
				o.done++
			}
		}
		o.Settle(o.paths[at], out)
	}
}
