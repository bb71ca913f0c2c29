package gc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
)

// ListUntagged runs the registry's garbage collection as a dry run with --delete-untagged, and returns what it names. The
// registry serves meanwhile, and nothing is stopped or deleted. held are manifests that the registry serves; a storage that
// lacks one of them is refused. Of the options it takes Binary, Config and Timeout. Every error has a hint.
func ListUntagged(ctx context.Context, t *Target, o Options, held []Held) (Listing, error) {
	out := Listing{}
	err := t.withSite(ctx, o, func(ctx context.Context, s site) error {
		if err := t.refuse(s); err != nil {
			return err
		}
		if empty, err := t.isEmpty(ctx, s, held); err != nil || empty {
			return err
		}
		if err := t.listUntagged(ctx, s, &out); err != nil {
			return err
		}
		out.sort()
		t.datePushes(ctx, s, &out)
		return nil
	})
	if err != nil {
		return Listing{}, err
	}
	return out, nil
}

// listUntagged fills a listing. On 2.x, the dry run with --delete-untagged ends at a repository to which nothing was ever
// pushed by a tag (fixed in 3.0.0-beta.1). The dry run without it names all manifests, which are candidates then: what tags
// lead to is taken out later anyway.
func (t *Target) listUntagged(ctx context.Context, s site, out *Listing) error {
	var err error
	out.Log, err = t.dryRun(ctx, s, &parser{listing: out}, "--delete-untagged")
	var failed *CommandError
	if s.major < 3 && errors.As(err, &failed) && strings.Contains(failed.Said, "unknown repository name") {
		*out = Listing{}
		if out.Log, err = t.dryRun(ctx, s, &parser{listing: out}); err == nil {
			out.nameAll()
		}
		return err
	}
	if n := out.Log.ManifestsEligible; err == nil && out.named != n {
		err = fmt.Errorf("garbage-collect --dry-run: it names %s without a tag, and its summary says %d", count(out.named, "manifest", "manifests"), n)
	}
	return err
}

// nameAll makes candidates of all manifests.
func (l *Listing) nameAll() {
	for _, r := range l.repositories {
		for _, k := range r.marked {
			r.candidates = append(r.candidates, candidate{k, noAge})
		}
		l.named += len(r.marked)
		r.marked = nil
	}
}

// datePushes finds out when the candidates were pushed. Where that is not known, a note says so.
func (t *Target) datePushes(ctx context.Context, s site, out *Listing) {
	if out.named == 0 {
		return
	}
	dated := 0
	if s.root != "" {
		err := stream(ctx, t.onHost(script(pushedScript, s.root)), func(in *bufio.Reader) error {
			h, err := readHead(in)
			if now, known := h.number("now"); err == nil && known {
				dated, err = out.readPushes(in, now)
			}
			return err
		})
		if err != nil {
			dated = 0
		}
	}
	if dated == 0 {
		out.Notes = append(out.Notes, "the storage does not tell when manifests were pushed, so the age of a manifest without a tag counts from its build")
	}
}

// readPushes reads the links with their times, and returns how many candidates have one.
func (l *Listing) readPushes(in io.Reader, now int64) (dated int, err error) {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		second, link, _ := strings.Cut(lines.Text(), " ")
		path, revision, is := strings.Cut(strings.TrimPrefix(link, "./"), "/_manifests/revisions/")
		at, err := strconv.ParseInt(second, 10, 64)
		if !is || err != nil {
			continue
		}
		algorithm, rest, _ := strings.Cut(revision, "/")
		d := oci.Digest(algorithm + ":" + strings.TrimSuffix(rest, "/link"))
		if c := l.repositories[path].find(d); c != nil {
			c.age = max(0, now-at)
			dated++
		}
	}
	return dated, lines.Err()
}
