package main

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
func script(ctx context.Context, t task) (int64, error) {
	client := newClient(10)
	defer client.CloseIdleConnections()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(10)
	for _, r := range t.repositories {
		g.Go(func() error {
			if err := scriptRepository(ctx, client, t.base(r)); err != nil {
				return fmt.Errorf("%s: %w", r.path, err)
			}
			return nil
		})
	}
	return 0, g.Wait()
}

func scriptRepository(ctx context.Context, client *http.Client, base string) error {
	tags, err := list(ctx, client, base)
	if err != nil {
		return err
	}
	for _, tag := range doomed(tags) {
		header, _, err := send(ctx, client, request{method: http.MethodGet, url: base + "/manifests/" + tag, accept: fixture.DockerManifest})
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
func doomed(tags []string) []string { return tags[:max(0, len(tags)-keep)] }
