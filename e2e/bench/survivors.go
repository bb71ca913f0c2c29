package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regsweep/regsweep/e2e/bench/bare"
	"github.com/regsweep/regsweep/internal/oci"
)

// survivors returns what the tags of a repository point at. It asks the registry without any of regsweep's code. A tag
// whose manifest is gone is an error: there must be none.
func survivors(ctx context.Context, url, path string) (map[string]oci.Digest, error) {
	base := url + "/v2/" + path
	tags, err := bare.List(ctx, http.DefaultClient, base)
	if err != nil {
		return nil, err
	}
	out := map[string]oci.Digest{}
	for _, tag := range tags {
		header, _, err := bare.Send(ctx, http.DefaultClient, bare.Request{Method: http.MethodGet, URL: base + "/manifests/" + tag, Accept: bare.ManifestTypes})
		if err != nil {
			return nil, err
		}
		out[tag] = oci.Digest(header.Get("Docker-Content-Digest"))
	}
	return out, nil
}

// verdict is what a contestant has left of what it should have.
type verdict struct {
	wanted, right int // images that should be left, and how many of them are
	extra         int // others that are left
}

// look compares what is left in a repository with what should be.
func (v *verdict) look(ctx context.Context, url, path string, wanted map[string]oci.Digest) error {
	left, err := survivors(ctx, url, path)
	if err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	v.wanted += len(wanted)
	for tag, d := range left {
		if wanted[tag] == d {
			v.right++
		} else {
			v.extra++
		}
	}
	return nil
}

// wrong returns what is wrong with the survivors, or nil. Whoever does not have to be exact must still leave as many as
// were asked for: else it has done another work than the others.
func (v verdict) wrong(exact bool) error {
	if left := v.right + v.extra; left != v.wanted {
		return fmt.Errorf("%d images are left instead of %d", left, v.wanted)
	}
	if exact && v.extra > 0 {
		return fmt.Errorf("%d of the newest %d images are left, and %d others", v.right, v.wanted, v.extra)
	}
	return nil
}
