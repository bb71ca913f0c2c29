package bare

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// naiveWorkers is how many requests the naive loop sends at once when it is not told: as many as the script had threads.
const naiveWorkers = 10

// naive is the first thing that comes to mind: it lists, asks for the digest of each tag, and deletes digests, several
// at once. It keeps the last tags of the listing.
func naive(ctx context.Context, t Task) error {
	return t.each(ctx, cmp.Or(t.Workers, naiveWorkers), func(ctx context.Context, l loop) error {
		tags, err := List(ctx, l.client, l.base)
		if err != nil {
			return err
		}
		digests, err := l.digests(ctx, doomed(tags, t.Keep))
		if err != nil {
			return err
		}
		return l.all(ctx, digests, l.remove)
	})
}

// floor is the least that a registry can be asked for the same result, as a loop without any safety: it reads nothing
// again, writes nothing down, and does not know dates. Where tags can be deleted all doomed ones go first, and each
// deletion by digest then finds only the kept ones to read. Where they cannot, they are pointed at one manifest that is
// deleted once.
func floor(ctx context.Context, t Task) error {
	return t.each(ctx, t.Workers, func(ctx context.Context, l loop) error {
		tags, err := List(ctx, l.client, l.base)
		if err != nil {
			return err
		}
		digests, err := l.digests(ctx, doomed(tags, t.Keep))
		if err != nil {
			return err
		}
		untag := func(ctx context.Context, tags []string) error { return l.retag(ctx, tags, nil) }
		if t.DeletesTags {
			untag = func(ctx context.Context, tags []string) error { return l.all(ctx, tags, l.remove) }
		}
		if err := untag(ctx, doomed(tags, t.Keep)); err != nil {
			return err
		}
		return l.all(ctx, digests, l.remove)
	})
}

// loop sends the requests of one repository.
type loop struct {
	client  *http.Client
	workers int
	url     string // of the registry
	path    string // of the repository
	base    string // of what is in the repository
}

// each works on one repository after the other.
func (t Task) each(ctx context.Context, workers int, work func(context.Context, loop) error) error {
	client := newClient(workers)
	defer client.CloseIdleConnections()
	for _, r := range t.Repositories {
		if err := work(ctx, loop{client, workers, t.URL, r, t.base(r)}); err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
	}
	return nil
}

// digests asks what the tags point at.
func (l loop) digests(ctx context.Context, tags []string) ([]string, error) {
	digests := make([]string, len(tags))
	err := l.times(ctx, len(tags), func(ctx context.Context, i int) error {
		header, _, err := Send(ctx, l.client, Request{Method: http.MethodHead, URL: l.base + "/manifests/" + tags[i], Accept: ManifestTypes})
		digests[i] = header.Get("Docker-Content-Digest")
		return err
	})
	return digests, err
}

// all does the same to each reference, several at once.
func (l loop) all(ctx context.Context, refs []string, do func(ctx context.Context, ref string) error) error {
	return l.times(ctx, len(refs), func(ctx context.Context, i int) error { return do(ctx, refs[i]) })
}

// times calls do for 0 to n-1, several at once.
func (l loop) times(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(l.workers)
	for i := range n {
		g.Go(func() error { return do(ctx, i) })
	}
	return g.Wait()
}

func (l loop) remove(ctx context.Context, ref string) error {
	return remove(ctx, l.client, l.base, ref)
}

// retag points the tags at one manifest of no use and deletes that, and with it all of them. look, unless it is nil, comes
// right before each tag.
func (l loop) retag(ctx context.Context, tags []string, look func(ctx context.Context, tag string) error) error {
	pusher := fixture.New(l.url, l.path)
	pusher.Client = l.client
	digest, err := pusher.Image(ctx, fixture.Image{Seed: "placeholder"})
	if err != nil {
		return fmt.Errorf("push placeholder: %w", err)
	}
	_, manifest, err := Send(ctx, l.client, Request{Method: http.MethodGet, URL: l.base + "/manifests/" + digest.String(), Accept: fixture.DockerManifest})
	if err != nil {
		return err
	}
	err = l.all(ctx, tags, func(ctx context.Context, tag string) error {
		if look != nil {
			if err := look(ctx, tag); err != nil {
				return err
			}
		}
		_, _, err := Send(ctx, l.client, Request{
			Method: http.MethodPut, URL: l.base + "/manifests/" + tag, ContentType: fixture.DockerManifest, Body: manifest,
		})
		return err
	})
	if err != nil {
		return err
	}
	return l.remove(ctx, digest.String())
}
