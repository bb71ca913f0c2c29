package vendors

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// webClient sends plain requests to a fake, as a program that follows no redirect does.
type webClient struct {
	t      *testing.T
	client *http.Client
	// base is the scheme and host of requests that are given as a path.
	base string
	// login is the Authorization of each request; "" sends none.
	login string
}

func newWebClient(t *testing.T, transport http.RoundTripper, base, login string) webClient {
	return webClient{t: t, base: base, login: login, client: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
}

// webAnswer is the answer to a request.
type webAnswer struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

// do sends a request. Headers are "Key: value".
func (a webClient) do(method, url, body string, headers ...string) webAnswer {
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
	return webAnswer{a.t, resp.StatusCode, resp.Header, string(text)}
}

func (a webClient) get(url string) webAnswer { a.t.Helper(); return a.do(http.MethodGet, url, "") }

func (a webClient) delete(url string) webAnswer {
	a.t.Helper()
	return a.do(http.MethodDelete, url, "")
}
func (a webClient) as(login string) webClient { a.login = login; return a }
func (a webAnswer) decode(into any) {
	a.t.Helper()
	equal(a.t, "JSON", json.Unmarshal([]byte(a.Body), into), error(nil))
}

func (a webAnswer) field(key string) (value any) {
	a.t.Helper()
	m := map[string]any{}
	a.decode(&m)
	return m[key]
}
func (a webAnswer) is(status int, message string) { a.t.Helper(); a.wants("", status, message) }

// wants compares the status, and looks for a text in the body.
func (a webAnswer) wants(name string, status int, text string) {
	a.t.Helper()
	if a.Status != status || !strings.Contains(a.Body, text) {
		a.t.Errorf("%s: got %d %s, want %d %s", name, a.Status, a.Body, status, text)
	}
}

func equal[T comparable](t *testing.T, name string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", name, got, want)
	}
}

// stepClock is a clock that a test moves. It is not safe for use while requests are answered.
type stepClock struct{ at time.Time }

func newStepClock() *stepClock { return &stepClock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *stepClock) Now() time.Time          { return c.at }
func (c *stepClock) advance(d time.Duration) { c.at = c.at.Add(d) }
