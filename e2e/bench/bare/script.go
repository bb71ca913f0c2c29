package bare

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// script does what the Python script did: ten threads over the repositories, and in each repository one request after
// the other. It keeps the last tags in the order of the listing, and asks for the digest of every other one as if there
// were nothing but images of one platform.
func script(ctx context.Context, t Task) error {
	client := newClient(10)
	defer client.CloseIdleConnections()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(10)
	for _, r := range t.Repositories {
		g.Go(func() error {
			if err := scriptRepository(ctx, client, t.base(r), t.Keep); err != nil {
				return fmt.Errorf("%s: %w", r, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func scriptRepository(ctx context.Context, client *http.Client, base string, keep int) error {
	tags, err := List(ctx, client, base)
	if err != nil {
		return err
	}
	for _, tag := range doomed(tags, keep) {
		header, _, err := Send(ctx, client, Request{Method: http.MethodGet, URL: base + "/manifests/" + tag, Accept: fixture.DockerManifest})
		if err != nil {
			return err
		}
		if err := remove(ctx, client, base, header.Get("Docker-Content-Digest")); err != nil {
			return err
		}
	}
	return nil
}

// doomed is all but the last tags of a listing.
func doomed(tags []string, keep int) []string { return tags[:max(0, len(tags)-keep)] }
