package distribution

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// errNotManifest is returned for a part of an index that is not a manifest, or whose kind of manifest regsweep does not know
// well enough to delete it.
var errNotManifest = errors.New("not a manifest")

// whole reads a manifest by digest.
func (r *Repository) whole(ctx context.Context, d oci.Digest) (manifest, error) {
	return r.manifest(ctx, d.String())
}

// part reads what an index lists. An index can list a blob without a media type, or with that of a manifest, and
// distribution, 2.8 as well as 3.1, answers 500 whenever it is asked for such a manifest. So after the first 500 the blob
// of that digest is looked at: what its own content proves to be no manifest is errNotManifest. So is docker's first form
// where the registry cannot read it, because a tag that nobody can resolve may lead to it.
func (r *Repository) part(ctx context.Context, d oci.Digest) (manifest, error) {
	failed := false
	m, err := r.readManifest(ctx, d.String(), func(answer *registry.Error) bool {
		failed = answer.Status == http.StatusInternalServerError
		return failed
	})
	switch {
	case !failed:
		return m, err
	case err == nil, r.isOnlyBlob(ctx, d):
		return manifest{}, errNotManifest
	}
	return r.whole(ctx, d)
}

// isOnlyBlob reports whether the repository has a blob of that digest which cannot be a manifest: it is larger than any, or
// its content, proven by the digest, refers to no manifest. When unsure it says no.
func (r *Repository) isOnlyBlob(ctx context.Context, d oci.Digest) bool {
	call := wire.Call{
		Method: http.MethodHead, URL: "/v2/" + r.name.Path + "/blobs/" + d.String(), Scopes: r.scopes(), Limit: maxManifest,
		Final: func(*registry.Error) bool { return true },
	}
	reply, err := r.client.Do(ctx, call)
	if err != nil {
		return false
	}
	if size, err := strconv.ParseInt(reply.Header.Get("Content-Length"), 10, 64); err == nil && size > maxManifest {
		return true
	}
	call.Method = http.MethodGet
	if reply, err = r.client.Do(ctx, call); err != nil {
		return false
	}
	_, err = proven(reply.Body, d)
	return err == nil && refersToNothing(reply.Body)
}

// refersToNothing reports whether content is not JSON at all, or JSON that no client takes for a manifest or an index.
func refersToNothing(body []byte) bool {
	body = bytes.TrimSpace(body)
	if !bytes.HasPrefix(body, []byte("{")) {
		return !bytes.HasPrefix(body, []byte("\ufeff")) // some clients read what follows the mark
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return false
	}
	for name := range members {
		switch strings.ToLower(name) { // as encoding/json reads names
		case "schemaversion", "manifests", "subject":
			return false
		}
	}
	return true
}
