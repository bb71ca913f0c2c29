package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// survivors returns what the tags of a repository point at. It asks the registry without any of regsweep's code. A tag
// whose manifest is gone is an error: there must be none.
func survivors(ctx context.Context, url, path string) (map[string]oci.Digest, error) {
	base := url + "/v2/" + path
	_, body, err := send(ctx, http.DefaultClient, http.MethodGet, base+"/tags/list", "")
	if err != nil {
		return nil, err
	}
	var list struct{ Tags []string }
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	all := strings.Join([]string{fixture.DockerManifest, fixture.DockerList, fixture.OCIManifest, fixture.OCIIndex}, ", ")
	out := map[string]oci.Digest{}
	for _, tag := range list.Tags {
		header, _, err := send(ctx, http.DefaultClient, http.MethodGet, base+"/manifests/"+tag, all)
		if err != nil {
			return nil, err
		}
		out[tag] = oci.Digest(header.Get("Docker-Content-Digest"))
	}
	return out, nil
}
