package gc

import (
	"cmp"
	"context"
	"time"
)

// Findings are what a garbage collection would find next to a registry.
type Findings struct {
	// Binary is the registry's program, Version its version, and Config its configuration file.
	Binary, Version, Config string
	// Driver is the kind of the storage. Root is its folder, "" where the storage is not a folder.
	Driver, Root string
	// Empty is true for a folder to which nothing was ever pushed.
	Empty bool
	// Recognized is true when the folder holds all that it was asked for.
	Recognized bool
	// Free is how many bytes are free on the disk of the folder; -1 when that is not known.
	Free  int64
	Notes []string
}

// Inspect finds out what a garbage collection would find, and changes nothing: the registry serves on. held are manifests
// that the registry serves, which tell whether the storage is its own. Of the options it takes Binary, Config and Timeout.
// An error is what a garbage collection would fail with.
func Inspect(ctx context.Context, t *Target, o Options, held []Held) (out Findings, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(o.Timeout, time.Hour), errTimeout)
	defer cancel()
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
		defer cancel()
		if failed := t.host.close(closing); err == nil {
			err = failed
		}
	}()
	if err := t.host.open(ctx); err != nil {
		return Findings{}, err
	}
	s, err := t.probe(ctx, o)
	if err != nil {
		return Findings{}, err
	}
	if err := t.refuse(s); err != nil {
		return Findings{}, err
	}
	out = Findings{Binary: s.binary, Version: s.version, Config: s.file, Driver: s.driver, Root: s.root, Free: -1, Notes: s.notes}
	if s.root == "" {
		return out, nil
	}
	found, err := t.look(ctx, s.root, entriesOf(held))
	if err == nil {
		err = found.refuse(s, false)
	}
	if err != nil {
		return Findings{}, err
	}
	out.Empty, out.Recognized, out.Free = found.repositories == 0, len(held) > 0, found.free
	return out, nil
}

// entriesOf returns manifests as the storage is asked for them.
func entriesOf(held []Held) []string {
	var out []string
	for _, h := range held {
		entry := h.Repository.Path
		if h.Digest != "" {
			entry += "@" + h.Digest.String()
		}
		out = append(out, entry)
	}
	return out
}
