package vendors

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/regsweep/regsweep/internal/registry/registrytest"
)

func TestRoutes(t *testing.T) {
	t.Parallel()
	routes := newRoutes(t, "registry.example")
	reg := registrytest.New(t, registrytest.Options{Front: func(http.Handler) http.Handler {
		return routes.remembering(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, origin(r))
		}))
	}})
	routes.to(reg.Host())
	client := &http.Client{Transport: routes.Transport()}
	ask := func(url, authorization string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		resp, err := client.Do(req)
		if err != nil {
			return "failed"
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	for _, tc := range []struct{ url, authorization, want string }{
		{"https://registry.example/v2/", "", "https://registry.example"},
		{"https://registry.example/v2/", "Bearer a", "https://registry.example"},
		{"https://Registry.Example/v2/", "Bearer a", "https://registry.example"},
		{reg.URL() + "/v2/", "Basic b", reg.URL()},
		{"http://registry.example/plain", "", "failed"},
		{"https://registry.example:8443/port", "", "failed"},
		{"https://user:word@other.example/foreign%2Fpath?secret", "Bearer c", "failed"},
	} {
		if got := ask(tc.url, tc.authorization); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.url, got, tc.want)
		}
	}
	want := []string{"GET http://registry.example/plain", "GET https://registry.example:8443/port", "GET https://other.example/foreign%2Fpath"}
	if got := routes.Strays(); !slices.Equal(got, want) {
		t.Errorf("strays: got %q, want %q", got, want)
	}
	for host, want := range map[string]string{"registry.example": "Bearer a", reg.Host(): "Basic b", "other.example": "Bearer c"} {
		if got := strings.Join(routes.Sent()[host], "; "); got != want {
			t.Errorf("%s was sent %q, want %q", host, got, want)
		}
	}
}
