package vendors

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
)

// visitor asks a fake by plain HTTP.
type visitor struct {
	t    testing.TB
	base string // "http://host"
	auth string // the Authorization, "" sends none
}

// reply is what a fake answered.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is the code of the first error in the body, "" when there is none.
func (r reply) code() string {
	var e struct{ Errors []struct{ Code string } }
	if json.Unmarshal([]byte(r.body), &e) != nil || len(e.Errors) == 0 {
		return ""
	}
	return e.Errors[0].Code
}

func (r reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// as asks with a login.
func (v visitor) as(user, password string) visitor {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	v.auth = r.Header.Get("Authorization")
	return v
}

// bearing asks with a token.
func (v visitor) bearing(token string) visitor {
	v.auth = "Bearer " + token
	return v
}

func (v visitor) get(path string) reply    { return v.do(http.MethodGet, path, "") }
func (v visitor) delete(path string) reply { return v.do(http.MethodDelete, path, "") }

// do asks and follows no redirect. A target with a scheme is taken as it is.
func (v visitor) do(method, target, body string) reply {
	v.t.Helper()
	if !strings.Contains(target, "://") {
		target = v.base + target
	}
	req, err := http.NewRequestWithContext(v.t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "+
		"application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json")
	if v.auth != "" {
		req.Header.Set("Authorization", v.auth)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(text)}
}

// token asks the token server for a token with the visitor's login.
func (v visitor) token(endpoint, service string, scopes ...string) (reply, visitor) {
	v.t.Helper()
	a := v.get(endpoint + "?" + url.Values{"service": {service}, "scope": scopes}.Encode())
	var body struct{ Token string }
	if a.status == http.StatusOK {
		a.into(v.t, &body)
	}
	return a, v.bearing(body.Token)
}

// alike fails the test unless both values print alike.
func alike(t testing.TB, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\ngot  %s\nwant %s", what, g, w)
	}
}

// tells fails the test unless a reply has a status and a code.
func (r reply) tells(t testing.TB, what string, status int, code string) {
	t.Helper()
	if r.status != status || r.code() != code {
		t.Errorf("%s: got %d %q, want %d %q; body %s", what, r.status, r.code(), status, code, r.body)
	}
}

// watch is a clock that a test moves.
type watch struct{ at time.Time }

func newWatch() *watch { return &watch{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (w *watch) now() time.Time          { return w.at }
func (w *watch) advance(d time.Duration) { w.at = w.at.Add(d) }

// next is the target of a reply's link, "" when it has none.
func (r reply) next(rel string) string {
	for part := range strings.SplitSeq(r.header.Get("Link"), ", ") {
		target, kind, _ := strings.Cut(part, ">; ")
		if kind == `rel="`+rel+`"` {
			return strings.TrimPrefix(target, "<")
		}
	}
	return ""
}

// sortedDigests are digests in the order in which a repository lists them.
func sortedDigests(ds ...oci.Digest) []oci.Digest {
	slices.Sort(ds)
	return ds
}
