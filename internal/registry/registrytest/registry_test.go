package registrytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsweep/regsweep/internal/oci"
	"github.com/regsweep/regsweep/internal/registry/registrytest/fixture"
)

// client has connections of its own: httptest closes those of http.DefaultClient whenever any server of the process is
// closed, and breaks a request that has just been sent.
var client = &http.Client{Transport: &http.Transport{}}

// What the double answers as a registry is in the conformance tables. Here is what it does beyond
// that: faults, tokens and the log.

func get(t *testing.T, method, url string, header http.Header) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		fault   Fault
		method  string
		path    string
		want    string // "status header-or-body", or "broken"
		deleted bool
	}{
		{"retry after", Fault{Status: 429, Header: http.Header{"Retry-After": {"7"}}}, "GET", "tags/list", "429 7", false},
		{"answers only what matches", Fault{Method: "DELETE", Status: 500}, "GET", "tags/list", "200 ", false},
		{"pattern", Fault{Path: "*/tags/*", Status: 503}, "GET", "tags/list", "503 ", false},
		{"pattern of another", Fault{Path: "*/manifests/*", Status: 503}, "GET", "tags/list", "200 ", false},
		{"later", Fault{After: 1, Status: 503}, "GET", "tags/list", "200 ", false},
		{"break before", Fault{Break: true}, "DELETE", "manifests/$", "broken", false},
		{"break after", Fault{Break: true, Apply: true}, "DELETE", "manifests/$", "broken", true},
		{"error after", Fault{Status: 504, Apply: true}, "DELETE", "manifests/$", "504 ", true},
		{"foreign link", Fault{Edit: SetHeader("Link", "<http://other.invalid/>")}, "GET", "tags/list", "200 <http://other.invalid/>", false},
		{"no JSON", Fault{Edit: SetBody("<html>")}, "GET", "tags/list", "200 <html>", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			reg := New(t, Options{})
			d := reg.Pusher(t, "app").Image(fixture.Image{Tags: []string{"1"}})
			reg.AddFault(tc.fault)
			resp, body, err := get(t, tc.method, reg.URL()+"/v2/app/"+strings.Replace(tc.path, "$", d.String(), 1), nil)
			got := "broken"
			if err == nil {
				got = fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Link"), resp.Header.Get("Retry-After"))
				if strings.HasPrefix(body, "<") {
					got += body
				}
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if deleted := len(reg.Tags("app")) == 0; deleted != tc.deleted {
				t.Errorf("deleted: got %v, want %v", deleted, tc.deleted)
			}
		})
	}
}

func TestFaultIsUsedUp(t *testing.T) {
	t.Parallel()
	reg := New(t, Options{})
	reg.AddFault(Fault{Times: 2, Status: 503})
	for n, want := range []int{503, 503, 200} {
		if resp, _, err := get(t, "GET", reg.URL()+"/v2/", nil); err != nil || resp.StatusCode != want {
			t.Errorf("request %d: got %v, %v, want %d", n, resp, err, want)
		}
	}
}

func TestFaultHoldsUntilReleased(t *testing.T) {
	t.Parallel()
	reg := New(t, Options{})
	arrived, release := make(chan struct{}), make(chan struct{})
	reg.AddFault(Fault{Before: func() { close(arrived) }, Until: release})
	answered := make(chan int)
	go func() {
		resp, _, err := get(t, "GET", reg.URL()+"/v2/", nil)
		if err != nil {
			t.Error(err)
			close(answered)
			return
		}
		answered <- resp.StatusCode
	}()
	<-arrived
	select {
	case status := <-answered:
		t.Fatal("answered before it was released:", status)
	default:
	}
	close(release)
	if status := <-answered; status != 200 {
		t.Errorf("got %d, want 200", status)
	}
}

// A client that hangs up in the middle of a deletion leaves ghosts on 3.x and none on 2.8.
func TestHangingUpLeavesGhosts(t *testing.T) {
	t.Parallel()
	for version, want := range map[Version]int{V2: 0, V3: 1} {
		t.Run(string(version), func(t *testing.T) {
			t.Parallel()
			reg := New(t, Options{Version: version})
			d := reg.Pusher(t, "app").Image(fixture.Image{Tags: []string{"1"}})
			ctx, hangUp := context.WithCancel(t.Context())
			reg.AddFault(Fault{Before: hangUp, Until: make(chan struct{})})
			req, err := http.NewRequestWithContext(ctx, "DELETE", reg.URL()+"/v2/app/manifests/"+d.String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if resp, err := client.Do(req); err == nil {
				resp.Body.Close()
				t.Fatal("got an answer, want none")
			}
			reg.server.Close() // waits for the handler
			if got := len(reg.Tags("app")); got != want || len(reg.Manifests("app")) != 0 {
				t.Errorf("got %d tags and %d manifests, want %d and 0", got, len(reg.Manifests("app")), want)
			}
			if log := reg.Requests(); len(log) != 1 || !log[0].HungUp {
				t.Errorf("got log %+v, want one request that was hung up", log)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	reg := New(t, Options{Auth: TokenAuth, Username: "u", Password: "p", Deny: []string{"delete"}, TokenUses: 1})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})

	ask := func(user, scope string) string {
		t.Helper()
		h := http.Header{}
		req := http.Request{Header: h}
		req.SetBasicAuth(user, "p")
		_, body, err := get(t, "GET", reg.URL()+"/token?service=registrytest&scope="+scope, h)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Token string }
		_ = json.Unmarshal([]byte(body), &answer)
		return answer.Token
	}
	try := func(method, path, token string) string {
		t.Helper()
		h := http.Header{"Accept": {fixture.DockerManifest}}
		if token != "" {
			h.Set("Authorization", "Bearer "+token)
		}
		resp, _, err := get(t, method, reg.URL()+path, h)
		if err != nil {
			t.Fatal(err)
		}
		_, challenge, _ := strings.Cut(resp.Header.Get("WWW-Authenticate"), `service="registrytest"`)
		return fmt.Sprint(resp.StatusCode, challenge)
	}
	equal := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	manifest := "/v2/team/app/manifests/" + d.String()
	equal(try("GET", "/v2/", ""), "401")
	equal(try("GET", manifest, ""), `401,scope="repository:team/app:pull"`)
	equal(try("GET", "/v2/_catalog", ""), `401,scope="registry:catalog:*"`)
	equal(ask("intruder", "repository:team/app:pull"), "")
	token := ask("u", "repository:team/app:pull,delete")
	equal(try("GET", manifest, token), "200")
	equal(try("GET", manifest, token), `401,scope="repository:team/app:pull",error="invalid_token"`)
	token = ask("u", "repository:team/app:pull,delete")
	equal(try("DELETE", manifest, token), `401,scope="repository:team/app:delete",error="insufficient_scope"`)
	token = ask("u", "repository:team/app:pull")
	reg.ExpireTokens()
	equal(try("GET", manifest, token), `401,scope="repository:team/app:pull",error="invalid_token"`)
	equal(fmt.Sprint(reg.TokenRequests()[:2]), "[{intruder [repository:team/app:pull] false} {u [repository:team/app:pull,delete] true}]")
}

// A client that takes the order of 2.8 for one by name or by time has to fail against the double too.
func TestOrderOf2IsNone(t *testing.T) {
	t.Parallel()
	reg := New(t, Options{Version: V2})
	var names []string
	for n := range 12 {
		names = append(names, fmt.Sprint("b", n))
	}
	reg.Pusher(t, "app").Image(fixture.Image{Tags: names})
	list := func() []string {
		t.Helper()
		_, body, err := get(t, "GET", reg.URL()+"/v2/app/tags/list", nil)
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Tags []string }
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			t.Fatal(err)
		}
		return list.Tags
	}
	got := list()
	if len(got) != len(names) || slices.Equal(got, names) || slices.IsSorted(got) {
		t.Errorf("got %v, want all of %v in another order", got, names)
	}
	if again := list(); !slices.Equal(got, again) {
		t.Errorf("got %v, then %v", got, again)
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	reg := New(t, Options{Auth: BasicAuth, Username: "u", Password: "p"})
	for password, want := range map[string]int{"p": 200, "wrong": 401} {
		req := http.Request{Header: http.Header{}}
		req.SetBasicAuth("u", password)
		resp, _, err := get(t, "GET", reg.URL()+"/v2/", req.Header)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%s: got %v, %v, want %d", password, resp, err, want)
		}
	}
}

func TestLogCounts(t *testing.T) {
	t.Parallel()
	reg := New(t, Options{})
	d := reg.Pusher(t, "team/app").Image(fixture.Image{Tags: []string{"1"}})
	for _, call := range []string{"GET /v2/team/app/tags/list", "DELETE /v2/team/app/manifests/" + d.String(), "GET /v2/team/app/tags/list?n=5"} {
		method, path, _ := strings.Cut(call, " ")
		if _, _, err := get(t, method, reg.URL()+path, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		method, pattern string
		want            int
	}{
		{"", "", 3},
		{"GET", "", 2},
		{"DELETE", "*/manifests/*", 1},
		{"", "/v2/team/app/tags/list", 2},
		{"", "/v2/team/*", 3},
		{"", "*/list", 2},
		{"", "tags", 0},
		{"", "*a*a*g*", 2},
	} {
		if got := reg.Count(tc.method, tc.pattern); got != tc.want {
			t.Errorf("%s %s: got %d, want %d", tc.method, tc.pattern, got, tc.want)
		}
	}
	if last := reg.Requests()[2]; last.Query != "n=5" || last.Status != 200 {
		t.Errorf("got %+v, want n=5 and 200", last)
	}
	reg.ResetRequests()
	if got := reg.Count("", ""); got != 0 {
		t.Errorf("got %d after the reset, want 0", got)
	}
}

// The same fixture has the same digests in every run and on every machine.
func TestFixtureIsDeterministic(t *testing.T) {
	t.Parallel()
	push := func() []oci.Digest {
		p := New(t, Options{}).Pusher(t, "app")
		created := time.Date(2026, 5, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
		images := p.Images([]fixture.Image{
			{Tags: []string{"a"}, Created: created, Size: 100, Labels: map[string]string{"x": "1", "y": "2"}},
			{Seed: "arm", Platform: "linux/arm64", MediaType: fixture.OCIManifest},
		})
		index := p.Index(fixture.Index{Tags: []string{"multi"}, Children: append(images, p.Provenance(images[0]))})
		referrer, fallback := p.Referrer(index, "application/spdx+json")
		return append(images, index, referrer, fallback, p.Signature(index, ".sig"), p.Artifact("chart"))
	}
	a, b := push(), push()
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("got\n%v\nand\n%v", a, b)
	}
	seen := map[oci.Digest]bool{}
	for _, d := range a {
		if seen[d] {
			t.Errorf("%s occurs twice", d)
		}
		seen[d] = true
	}
}
