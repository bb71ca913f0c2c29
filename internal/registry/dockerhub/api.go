package dockerhub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/regsweep/regsweep/internal/registry"
	"github.com/regsweep/regsweep/internal/registry/wire"
)

// loginPath is where the API takes a user name and a password or an access token ("Create access token" in the
// documents). The older /v2/users/login is deprecated, and what it hands out for an access token removes no tag
// (https://github.com/docker/hub-feedback/issues/2251).
const loginPath = "/v2/auth/token"

// api is the API of hub.docker.com, as one login reaches it.
type api struct {
	registry *wire.Client // knows the login
	host     string       // of the registry
	client   *wire.Client
	now      func() time.Time

	login sync.Mutex // one logs in
	asked bool       // for the docker login
	found registry.Login

	mu    sync.Mutex
	token string // "" asks without a login
}

func newAPI(client *wire.Client, host, apiHost string, o registry.Options) (*api, error) {
	o = o.WithDefaults()
	a := &api{registry: client, host: host, now: o.Now}
	if host == "docker.io" {
		a.host = "registry-1.docker.io" // the name under which docker's configuration is asked
	}
	var err error
	a.client, err = wire.NewAPI(apiHost, o, wire.API{Authorize: a.authorize, Explain: explainBody, Limited: a.limited})
	return a, err
}

// authorize adds the token that logIn has got.
func (a *api) authorize(req *http.Request, _ []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != "" && req.URL.Path != loginPath {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	return nil
}

// call sends a call with a token. A token that has expired is replaced once.
func (a *api) call(ctx context.Context, k wire.Call) (wire.Reply, error) {
	old := ""
	for {
		token, err := a.logIn(ctx, old)
		if err != nil {
			return wire.Reply{}, err
		}
		r, err := a.client.Do(ctx, k)
		if token == "" || old != "" || !errors.Is(err, registry.ErrUnauthorized) {
			return r, err
		}
		old = token
	}
}

// logIn returns a token other than the old one, "" where no login is known: public repositories are listed to everybody.
func (a *api) logIn(ctx context.Context, old string) (string, error) {
	a.login.Lock()
	defer a.login.Unlock()
	if !a.asked {
		found, err := a.registry.Login(ctx, a.host)
		if err != nil {
			return "", err
		}
		a.found, a.asked = found, true
	}
	if a.found.Password == "" || a.token != old {
		return a.token, nil
	}
	body, err := json.Marshal(map[string]string{"identifier": a.found.Username, "secret": string(a.found.Password)})
	if err != nil {
		return "", err
	}
	a.client.Hidden(string(a.found.Password))
	r, err := a.client.Do(ctx, wire.Call{Method: http.MethodPost, URL: loginPath, Query: true, ContentType: "application/json", Body: body, Limit: wire.MaxErrorBody})
	if err != nil {
		return "", explain("log in", err)
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if json.Unmarshal(r.Body, &answer) != nil || answer.Token == "" {
		return "", registry.Mark(fmt.Errorf("POST %s: the answer is not a token", wire.Redact(r.URL)), registry.ErrNoToken)
	}
	a.client.Hidden(answer.Token)
	a.registry.Hidden(answer.Token)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = answer.Token
	return a.token, nil
}

// limited reports whether an answer is about the limit of requests, and how long it says to wait
// ("Rate limiting" in the documents).
func (a *api) limited(status int, h http.Header, _ []byte) (time.Duration, bool) {
	if status != http.StatusTooManyRequests {
		return 0, false
	}
	if h.Get("Retry-After") != "" { // which is read anyway
		return 0, true
	}
	reset, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0, true
	}
	return max(0, time.Unix(reset, 0).Sub(a.now())), true
}

// explainBody reads an error of the API.
func explainBody(_ http.Header, body []byte) (code, message string) {
	var parsed struct {
		Message string `json:"message"`
		Detail  any    `json:"detail"`
	}
	if json.Unmarshal(body, &parsed) != nil {
		return "", ""
	}
	detail, _ := parsed.Detail.(string)
	if message = parsed.Message; message == "" {
		message = detail
	}
	if strings.Contains(message, "object not found") {
		code = "NOT_FOUND"
	}
	return code, message
}
