package vendors

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// asking sends plain requests to a fake, as a program that follows no redirect does.
type asking struct {
	t      *testing.T
	client *http.Client
	// base is the scheme and host of requests that are given as a path.
	base string
	// login is the Authorization of each request; "" sends none.
	login string
}

func newAsking(t *testing.T, transport http.RoundTripper, base, login string) asking {
	return asking{t: t, base: base, login: login, client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// answered is the answer to a request.
type answered struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

// do sends a request. Headers are "Key: value".
func (a asking) do(method, url, body string, headers ...string) answered {
	a.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = a.base + url
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	if a.login != "" {
		req.Header.Set("Authorization", a.login)
	}
	for _, h := range headers {
		key, value, _ := strings.Cut(h, ": ")
		req.Header.Set(key, value)
	}
	resp, err := a.client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answered{a.t, resp.StatusCode, resp.Header, string(text)}
}

func (a asking) get(url string) answered { a.t.Helper(); return a.do(http.MethodGet, url, "") }

func (a asking) delete(url string) answered { a.t.Helper(); return a.do(http.MethodDelete, url, "") }
func (a asking) as(login string) asking     { a.login = login; return a }
func (a answered) decode(into any) {
	a.t.Helper()
	same(a.t, "JSON", json.Unmarshal([]byte(a.Body), into), error(nil))
}

func (a answered) field(key string) (value any) {
	a.t.Helper()
	m := map[string]any{}
	a.decode(&m)
	return m[key]
}
func (a answered) is(status int, message string) { a.t.Helper(); a.wants("", status, message) }

// wants compares the status, and looks for a text in the body.
func (a answered) wants(name string, status int, text string) {
	a.t.Helper()
	if a.Status != status || !strings.Contains(a.Body, text) {
		a.t.Errorf("%s: got %d %s, want %d %s", name, a.Status, a.Body, status, text)
	}
}

func same[T comparable](t *testing.T, name string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

// ticker is a clock that a test moves. It is not safe for use while requests are answered.
type ticker struct{ at time.Time }

func newTicker() *ticker { return &ticker{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *ticker) Now() time.Time          { return c.at }
func (c *ticker) advance(d time.Duration) { c.at = c.at.Add(d) }
