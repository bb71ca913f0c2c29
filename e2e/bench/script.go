package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/errgroup"

	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// script does what the Python script did: ten threads over the repositories, and in each repository one request after
// the other. It keeps the last tags in the order of the listing, and asks for the digest of every other one as if there
// were nothing but images of one platform.
func script(ctx context.Context, host string, repositories []repository) (int64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 10}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(10)
	for _, r := range repositories {
		g.Go(func() error {
			if err := scriptRepository(ctx, client, "http://"+host+"/v2/"+r.path); err != nil {
				return fmt.Errorf("%s: %w", r.path, err)
			}
			return nil
		})
	}
	return 0, g.Wait()
}

func scriptRepository(ctx context.Context, client *http.Client, base string) error {
	_, body, err := send(ctx, client, http.MethodGet, base+"/tags/list", "")
	if err != nil {
		return err
	}
	var list struct{ Tags []string }
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("list tags: %w", err)
	}
	for _, tag := range list.Tags[:max(0, len(list.Tags)-keep)] {
		header, _, err := send(ctx, client, http.MethodGet, base+"/manifests/"+tag, fixture.DockerManifest)
		if err != nil {
			return err
		}
		if _, _, err := send(ctx, client, http.MethodDelete, base+"/manifests/"+header.Get("Docker-Content-Digest"), ""); err != nil {
			return err
		}
	}
	return nil
}

// send sends a request and reads the answer; any that is no success is an error.
func send(ctx context.Context, client *http.Client, method, url, accept string) (http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, nil, err
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if resp.StatusCode/100 != 2 {
		return nil, nil, fmt.Errorf("%s %s: status %d: %.200s", method, url, resp.StatusCode, body)
	}
	return resp.Header, body, nil
}
