package bare

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Price is what all requests of one kind took, one for each tag of a repository.
type Price struct {
	Kind    string // such as "GET config"
	Elapsed time.Duration
}

// Prices asks one request of each kind for each tag of the first repository, one kind after the other. Where tags cannot be
// deleted, each is pushed once more, which is how they are pointed elsewhere there. Deletions come last, of tags before
// digests, and nothing is left.
func Prices(ctx context.Context, t Task) ([]Price, error) {
	var out []Price
	t.Repositories = t.Repositories[:1]
	err := t.each(ctx, t.Workers, func(ctx context.Context, l loop) error {
		tags, err := List(ctx, l.client, l.base)
		if err != nil {
			return err
		}
		digests := make([]string, len(tags))
		configs := make([]string, len(tags))
		manifests := make([]Request, len(tags))
		get := func(ctx context.Context, i int) error {
			header, body, err := Send(ctx, l.client, Request{Method: http.MethodGet, URL: l.base + "/manifests/" + tags[i], Accept: ManifestTypes})
			if err != nil {
				return err
			}
			var m struct{ Config struct{ Digest string } }
			err = json.Unmarshal(body, &m)
			digests[i], configs[i] = header.Get("Docker-Content-Digest"), m.Config.Digest
			manifests[i] = Request{Method: http.MethodPut, URL: l.base + "/manifests/" + tags[i], ContentType: header.Get("Content-Type"), Body: body}
			return err
		}
		ask := func(method string, url func(i int) string) func(context.Context, int) error {
			return func(ctx context.Context, i int) error {
				_, _, err := Send(ctx, l.client, Request{Method: method, URL: l.base + url(i), Accept: ManifestTypes})
				return err
			}
		}
		byTag := func(i int) string { return "/manifests/" + tags[i] }
		byDigest := func(i int) string { return "/manifests/" + digests[i] }
		type kind struct {
			name string
			ask  func(context.Context, int) error
		}
		kinds := []kind{
			{"HEAD manifest", ask(http.MethodHead, byTag)},
			{"GET manifest", get},
			{"GET config", ask(http.MethodGet, func(i int) string { return "/blobs/" + configs[i] })},
		}
		if t.DeletesTags {
			kinds = append(kinds, kind{"DELETE tag", ask(http.MethodDelete, byTag)})
		} else {
			kinds = append(kinds, kind{"PUT manifest", func(ctx context.Context, i int) error {
				_, _, err := Send(ctx, l.client, manifests[i])
				return err
			}})
		}
		kinds = append(kinds, kind{"DELETE digest", ask(http.MethodDelete, byDigest)})
		for _, k := range kinds {
			began := time.Now()
			if err := l.times(ctx, len(tags), k.ask); err != nil {
				return err
			}
			out = append(out, Price{k.name, time.Since(began)})
		}
		return nil
	})
	return out, err
}
