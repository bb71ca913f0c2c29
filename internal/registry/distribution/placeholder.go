package distribution

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/opencontainers/go-digest"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// configPlaceholder is the media type of a placeholder's config. It marks the image for what it is, also for a run that
// knows nothing of the one that pushed it. The manifest is an OCI one, which is read whatever a policy needs.
const configPlaceholder = "application/vnd.regsweep.placeholder.v1+json"

// PushPlaceholder pushes what an image of nothing needs that no other run has, and returns its digest: a run that deletes
// its own must not take another's tags along. Tags that are pointed at it go with it, which is the only way to remove a
// tag from distribution 2.x without the image that another tag may need. The image itself comes with the first of them, so
// that an interrupted run leaves none that nothing leads to. Where pushing is not allowed nothing is written.
func (r *Repository) PushPlaceholder(ctx context.Context) (oci.Digest, error) {
	config, err := json.Marshal(map[string]string{"run": rand.Text()})
	if err != nil {
		return "", err
	}
	d := digest.FromBytes(config)
	body, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": typeImage,
		"config": map[string]any{"mediaType": configPlaceholder, "digest": d, "size": len(config)},
		"layers": []any{},
	})
	if err != nil {
		return "", err
	}
	if err := r.upload(ctx, d, config); err != nil {
		return "", fmt.Errorf("push the placeholder's config: %w", err)
	}
	r.placeholder = body
	return digest.FromBytes(body), nil
}

// PointTag points a tag that points at d to the placeholder, which must have been pushed. It reports whether it did: a tag
// that points elsewhere is left alone. It finishes a request that is on its way.
func (r *Repository) PointTag(ctx context.Context, tag string, d oci.Digest) (gone bool, err error) {
	if !oci.ValidTag(tag) {
		return false, fmt.Errorf("point tag %q elsewhere: it is not a tag", tag)
	}
	_, err = r.client.Do(ctx, wire.Call{
		Method: http.MethodPut, URL: "/v2/" + r.name.Path + "/manifests/" + tag,
		Scopes: r.pushScopes(), Limit: wire.MaxErrorBody, ContentType: typeImage, Body: r.placeholder, Look: r.stillAt(tag, d, digest.FromBytes(r.placeholder)),
	})
	return changed(err)
}

// upload pushes a blob in two requests (OCI distribution-spec v1.1, "POST then PUT").
func (r *Repository) upload(ctx context.Context, d oci.Digest, content []byte) error {
	begun, err := r.client.Do(ctx, wire.Call{
		Method: http.MethodPost, URL: "/v2/" + r.name.Path + "/blobs/uploads/",
		Scopes: r.pushScopes(), Limit: wire.MaxErrorBody,
	})
	if err != nil {
		return err
	}
	location := begun.Header.Get("Location")
	to, err := begun.URL.Parse(location)
	if err != nil || location == "" || to.Host != begun.URL.Host { // the login must not go elsewhere
		return errors.New("the registry sends the upload elsewhere or nowhere")
	}
	query := to.Query()
	query.Set("digest", d.String())
	to.RawQuery = query.Encode()
	_, err = r.client.Do(ctx, wire.Call{
		Method: http.MethodPut, URL: to.RequestURI(),
		Scopes: r.pushScopes(), Limit: wire.MaxErrorBody, ContentType: "application/octet-stream", Body: content,
	})
	return err
}

func (r *Repository) pushScopes() []string {
	return []string{"repository:" + r.name.Path + ":pull,push,delete"}
}
