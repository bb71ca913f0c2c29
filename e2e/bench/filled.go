package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/regsweep/regsweep/e2e/relay"
	"github.com/regsweep/regsweep/internal/oci"
)

// filling is a storage that a registry has been filled with, and what must survive in each repository.
type filling struct {
	dir    string // a folder to copy; "" where the registry keeps its storage in memory
	wanted map[string]map[string]oci.Digest
}

// fillings are the storages that were filled so far, by the kind of registry and what is in them.
type fillings struct {
	mu sync.Mutex
	by map[string]filling
}

// filled starts a registry that has the images of a field. A registry with a folder is filled once for all contestants, and
// each gets a copy: they find the same storage, none of it in the registry's cache, and nobody waits for the pushes again.
func (b *bench) filled(ctx context.Context, f field, operated bool) (_ *server, wanted map[string]map[string]oci.Digest, err error) {
	from, err := b.filling(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	if operated {
		s, err := b.startOperated(from.dir, f.kind, f.line)
		return s, from.wanted, err
	}
	s, err := b.startOn(from.dir, f.kind, f.line)
	if err != nil || from.dir != "" {
		return s, from.wanted, err
	}
	if wanted, err = fill(ctx, s, f.repositories); err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	return s, wanted, nil
}

// filling returns the storage that contestants get copies of.
func (b *bench) filling(ctx context.Context, f field) (out filling, err error) {
	b.fillings.mu.Lock()
	defer b.fillings.mu.Unlock()
	key := fmt.Sprint(f.kind.name, f.repositories)
	if have, is := b.fillings.by[key]; is {
		return have, nil
	}
	s, err := b.start(f.kind, relay.Options{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if s.Dir != "" {
		if out.wanted, err = fill(ctx, s, f.repositories); err != nil {
			return out, err
		}
		if out.dir, err = os.MkdirTemp(b.dir, "filled-"); err != nil {
			return out, err
		}
		if err := os.CopyFS(out.dir, os.DirFS(s.Dir)); err != nil {
			return out, err
		}
	}
	b.fillings.by[key] = out
	return out, nil
}

// fill pushes the images and returns what must survive.
func fill(ctx context.Context, s *server, repositories []repository) (map[string]map[string]oci.Digest, error) {
	wanted := map[string]map[string]oci.Digest{}
	for _, r := range repositories {
		var err error
		if wanted[r.path], err = r.fill(ctx, s.URL); err != nil {
			return nil, err
		}
	}
	return wanted, nil
}
