package gc

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strings"
)

// ConfigHint is what to do when the storage that was found is not the registry's.
const ConfigHint = "--gc-config names the configuration that the serving registry has read; the REGISTRY_ variables of its service count as well"

// sampleSize bounds how many things a command line asks for.
const sampleSize = 100

// identify checks that the storage that would be collected is the one that the registry serves. The configuration that is
// found next to a registry may be another registry's, whose storage must not be collected while that one serves. A
// registry that holds nothing is skipped: its garbage collection fails.
func (r *run) identify(ctx context.Context) error {
	sample, err := r.client.Sample(ctx)
	if err != nil {
		return hinted{fmt.Errorf("find out what the registry holds: %w; nothing was stopped", err), "name a repository of the registry, so that its storage can be recognised"}
	}
	for i, h := range sample {
		if slices.Contains(r.before.Missing, Missing(h)) {
			sample[i].Digest = ""
		}
	}
	entries := entriesOf(sample)
	if r.site.root != "" {
		found, err := r.target.look(ctx, r.site.root, entries)
		if err != nil {
			return err
		}
		if err := found.refuse(r.site, len(entries) == 0); err != nil {
			return err
		}
	}
	if len(entries) == 0 {
		r.res.Skipped = "nothing was ever pushed to the registry"
	}
	return nil
}

// found is what a storage holds.
type found struct {
	root         bool // the folder is there
	repositories int64
	lacks        []string // of what was asked for
	free         int64    // bytes of the disk; -1 when not known
}

// refuse says why a storage is not the registry's; empty is true when the registry holds nothing.
func (f found) refuse(s site, empty bool) error {
	switch {
	case !f.root:
		return &Refusal{Why: fmt.Sprintf("the storage %s, which %s names, does not exist", s.root, s.file), Advice: ConfigHint}
	case len(f.lacks) > 0:
		return &Refusal{Why: fmt.Sprintf("the storage %s, which %s names, does not hold %s, which the registry serves: it is not this registry's", s.root, s.file, f.lacks[0]), Advice: ConfigHint}
	case empty && f.repositories > 0:
		return &Refusal{Why: fmt.Sprintf("the storage %s, which %s names, holds %s, and the registry lists none: it is not this registry's", s.root, s.file, count(int(f.repositories), "repository", "repositories")), Advice: ConfigHint}
	}
	return nil
}

// look finds out what a storage holds.
func (t *Target) look(ctx context.Context, root string, entries []string) (found, error) {
	var out found
	for first := true; first || len(entries) > 0; first = false {
		n := min(len(entries), sampleSize)
		text, err := t.onHost(script(storageScript, append([]string{root}, entries[:n]...)...)).output(ctx)
		if err != nil {
			return found{}, fmt.Errorf("look into the storage %s: %w; nothing was stopped", root, err)
		}
		h, err := readHead(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return found{}, fmt.Errorf("look into the storage %s: %w; nothing was stopped", root, err)
		}
		out.root = h.one("root") == "yes"
		out.repositories, _ = h.number("repositories")
		out.free = -1
		if kilobytes, known := h.number("free"); known {
			out.free = kilobytes << 10
		}
		out.lacks = append(out.lacks, h["lacks"]...)
		entries = entries[n:]
	}
	return out, nil
}

// waitUntilEnded waits until the registry's own process has ended, and until no other one serves with its configuration.
// A registry that does not answer any more may still be busy with its last requests. Containers see no process but their own.
func (r *run) waitUntilEnded(ctx context.Context) error {
	if r.target.host.facts().volumes != nil {
		return nil
	}
	text, err := r.target.onHost(script(servedScript, r.site.binary, r.site.file)).output(ctx)
	if err != nil {
		return fmt.Errorf("look for registries on %s: %w", r.target, err)
	}
	h, err := readHead(bufio.NewReader(strings.NewReader(text)))
	if err != nil {
		return fmt.Errorf("look for registries on %s: %w", r.target, err)
	}
	if left := h.one("left"); left != "" {
		return hinted{fmt.Errorf("%w: a registry with the configuration %s still runs there, as process %s; nothing was collected", errServing, r.site.file, oneLine(left)), "check that --gc-stop stops every registry of this storage, and waits until it has ended"}
	}
	return nil
}
