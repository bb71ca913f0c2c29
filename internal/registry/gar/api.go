package gar

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

const (
	apiHost = "artifactregistry.googleapis.com"
	// tokenUser is the user name of a docker login whose password is an access token, which the API takes too
	// (https://cloud.google.com/artifact-registry/docs/docker/authentication#token).
	tokenUser = "oauth2accesstoken"
	// maxLooks is how often an operation is looked at. Pauses double up to maxPause.
	maxLooks = 12
	maxPause = 10 * time.Second
)

// api is Google's API for one host of the registry.
type api struct {
	registry *wire.Client // knows the login
	host     string       // of the registry
	client   *wire.Client

	mu    sync.Mutex
	token string
}

// newAPI returns the API, nil for a host that does not tell its location: the login goes to Google for a host of Google
// alone.
func newAPI(client *wire.Client, host string, o registry.Options) (*api, error) {
	if location(host) == "" {
		return nil, nil
	}
	a := &api{registry: client, host: host}
	var err error
	a.client, err = wire.NewAPI(apiHost, o, wire.API{Authorize: a.authorize, Explain: explainBody, Limited: limited})
	return a, err
}

var packageHost = regexp.MustCompile(`^([a-z0-9-]+)-docker\.pkg\.dev$`)

// location returns the location that a host is in, "" when it does not tell. gcr.io and its siblings are repositories of
// Artifact Registry that have the host's name (https://cloud.google.com/artifact-registry/docs/transition/setup-gcr-repo).
func location(host string) string {
	host = strings.ToLower(host)
	if m := packageHost.FindStringSubmatch(host); m != nil {
		return m[1]
	}
	return map[string]string{"gcr.io": "us", "us.gcr.io": "us", "eu.gcr.io": "europe", "asia.gcr.io": "asia"}[host]
}

// version returns the name that the API has for a manifest, "" where that is not known.
func (a *api) version(path string, d oci.Digest) string {
	parts, host := strings.Split(path, "/"), strings.ToLower(a.host)
	if strings.Contains(parts[0], ".") { // a project of a domain, which the API writes in another way
		return ""
	}
	repository, image := host, parts[1:]
	if packageHost.MatchString(host) {
		if len(parts) < 3 {
			return ""
		}
		repository, image = parts[1], parts[2:]
	}
	if len(image) == 0 {
		return ""
	}
	return fmt.Sprintf("projects/%s/locations/%s/repositories/%s/packages/%s/versions/%s",
		parts[0], location(host), repository, url.PathEscape(strings.Join(image, "/")), d)
}

// authorize adds the access token that logIn has found.
func (a *api) authorize(req *http.Request, _ []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	req.Header.Set("Authorization", "Bearer "+a.token)
	return nil
}

// logIn reports whether the docker login is an access token. A service account's key is not an access token.
func (a *api) logIn(ctx context.Context) (bool, error) {
	found, err := a.registry.Login(ctx, a.host)
	if err != nil || found.Username != tokenUser || found.Password == "" {
		return false, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = string(found.Password)
	return true, nil
}

// limited reports whether an answer is about a quota.
func limited(status int, _ http.Header, _ []byte) (time.Duration, bool) {
	return 0, status == http.StatusTooManyRequests
}

// explainBody reads an error of the API (https://cloud.google.com/apis/design/errors).
func explainBody(_ http.Header, body []byte) (code, message string) {
	var parsed struct {
		Error struct {
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &parsed) != nil {
		return "", ""
	}
	return parsed.Error.Status, parsed.Error.Message
}

// operation is what the API does after its answer (https://google.aip.dev/151).
type operation struct {
	Name  string `json:"name"`
	Done  bool   `json:"done"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// force deletes a manifest by the API. held is why the registry has not.
func (r *repository) force(ctx context.Context, d oci.Digest, held error) (existed bool, err error) {
	name := ""
	if r.registry.api != nil {
		name = r.registry.api.version(r.path, d)
	}
	if name == "" {
		return false, registry.Advise(held, nil, hintUnseen)
	}
	can, err := r.registry.api.logIn(ctx)
	switch {
	case err != nil:
		return false, err
	case !can:
		return false, registry.Advise(held, nil, hintUnseen)
	}
	reply, err := r.registry.api.client.Do(ctx, wire.Call{Method: http.MethodDelete, URL: "/v1/" + name + "?force=true", Limit: wire.MaxErrorBody, KeepBody: true})
	switch {
	case errors.Is(err, registry.ErrNotFound): // which also stands for what the token may not see
		if missing, err := r.oci.Missing(ctx, []oci.Image{{Digest: d}}); err != nil || len(missing) == 0 {
			return false, held
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("delete what an index of Google's own holds: %w", advise(err))
	}
	return r.await(ctx, d, reply.Body, held)
}

// await waits until an operation is done, and then looks whether the manifest is gone.
func (r *repository) await(ctx context.Context, d oci.Digest, body []byte, held error) (existed bool, err error) {
	drain, done := registry.Drain(ctx)
	defer done()
	pause := r.registry.pause
	var op operation
	err = json.Unmarshal(body, &op)
	for n := 0; err == nil && !op.Done && n < maxLooks && isOperation(op.Name); n++ {
		if err = registry.Wait(drain, pause); err != nil {
			break
		}
		pause = min(2*pause, maxPause)
		var reply wire.Reply
		reply, err = r.registry.api.client.Do(drain, wire.Call{Method: http.MethodGet, URL: "/v1/" + op.Name, Limit: wire.MaxErrorBody})
		if err == nil {
			err = json.Unmarshal(reply.Body, &op)
		}
	}
	missing, look := r.oci.Missing(drain, []oci.Image{{Digest: d}})
	switch {
	case look == nil && len(missing) == 1:
		return true, nil
	case err == nil && op.Done && op.Error != nil && look == nil:
		return false, registry.Advise(fmt.Errorf("%w; Google's API: %s", held, op.Error.Message), registry.ErrInUse, hintUnseen)
	case err == nil:
		err = errors.New("the operation is not done yet")
	}
	return false, registry.Mark(fmt.Errorf("delete by Google's API: %w", err), registry.ErrUnsettled)
}

var operationName = regexp.MustCompile(`^projects/[^/?#]+/locations/[^/?#]+/operations/[^/?#]+$`)

// isOperation reports whether a text is the name of an operation: it becomes part of a URL.
func isOperation(name string) bool { return operationName.MatchString(name) }
